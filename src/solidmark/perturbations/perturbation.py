"""What a perturbation is: a change of the picture that a model is asked about."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol, runtime_checkable

from solidmark.cards.perturbations import PERTURBATIONS
from solidmark.cards.spelled import Preset, Spelled, to_json
from solidmark.errors import BadInput
from solidmark.late import torch
from solidmark.types import Image

__all__ = ["Carded", "Perturbation", "require_room", "spelled", "to_json"]


@runtime_checkable
class Perturbation(Protocol):
    """Changes a picture; size, channels and the range [0, 1] stay."""

    name: ClassVar[str]
    strength: ClassVar[str]
    presets: ClassVar[Mapping[str, Preset]]

    def least(self, side: int) -> int:
        """How many pixels the shorter side must have.

        Arguments:
            side: How many it has.
        """
        ...

    def perturb(self, image: Image, generator: "torch.Generator") -> Image:
        """Another picture; what is given stays as it is.

        Arguments:
            image: The picture.
            generator: That of the image and of the repeat.
        """
        ...


class Carded:
    """What all of them share: one definition, a strength within the range of the card, any size.

    Raises:
        BadInput: When the strength is not in the range.
    """

    name: ClassVar[str]
    presets: ClassVar[Mapping[str, Preset]] = {}

    def __post_init__(self) -> None:
        for option in PERTURBATIONS[self.name].options:
            value = getattr(self, option.name)
            if option.range is not None and not option.range.holds(value):
                raise BadInput(
                    f"The {option.name} of {self.name} must be {option.range.words}, not {value:g}."
                )

    def least(self, side: int) -> int:
        return 1


def require_room(perturbations: Sequence[Perturbation], height: int, width: int) -> None:
    """Checks that pictures are large enough for what is to be done with them.

    Raises:
        BadInput: When they are too small.
    """
    side = min(height, width)
    for one in perturbations:
        if side < (least := one.least(side)):
            raise BadInput(
                f'"{spelled(one)}" needs pictures of at least {least} x {least} pixels, these have '
                f"{height} x {width} inside their frames. Use a smaller number."
            )


def spelled(perturbation: Spelled) -> str:
    """As a command line names it: `crop:0.8`."""
    if not perturbation.strength:
        return perturbation.name
    return f"{perturbation.name}:{getattr(perturbation, perturbation.strength):g}"
