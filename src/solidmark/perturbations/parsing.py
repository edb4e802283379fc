"""Perturbations by what a command line calls them: `crop:0.8`, `blur:5`, `flip`."""

from solidmark.cards.spelled import parse_named
from solidmark.perturbations.blur import Blur
from solidmark.perturbations.crop import Crop
from solidmark.perturbations.flip import Flip
from solidmark.perturbations.jpeg import JPEG
from solidmark.perturbations.noise import Noise
from solidmark.perturbations.perturbation import Perturbation
from solidmark.perturbations.rotate import Rotate
from solidmark.perturbations.shift import Shift

PERTURBATIONS: dict[str, type[Perturbation]] = {
    kind.name: kind for kind in (Crop, Blur, Rotate, Flip, Shift, Noise, JPEG)
}


def parse(text: str) -> Perturbation:
    """A perturbation by its name and its strength, with a colon between them.

    Arguments:
        text: `name`, or `name:strength`.

    Raises:
        UnknownName: When there is no such perturbation.
        BadInput: When its strength cannot be.

    Example:
        >>> parse("crop:0.6")
        Crop(share=0.6)
    """
    return parse_named(text, PERTURBATIONS, "perturbation")
