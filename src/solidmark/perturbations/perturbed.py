"""The pictures of a marked folder as a model is asked about them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from solidmark.data import Sample
from solidmark.late import torch
from solidmark.marks import Marked
from solidmark.perturbations.perturbation import Perturbation
from solidmark.randomness import generator

NEUTRAL = 0.5
"""The grey of a frame that says nothing."""


@dataclass(frozen=True)
class Perturbed:
    """The images of a marked folder, their pictures changed, in neutral frames.

    The mark is cut off first (greyed out, where it lies inside the picture), so no key is in what
    is changed. What is drawn for an image and a repeat is a function of the seed, its id and the
    repeat alone: all readers are asked about the same picture, in whatever batch.

    Arguments:
        marked: The folder.
        perturbations: What is done, in this order; where it is nothing, images are as they lie.
        seed: Of all that is drawn.
    """

    marked: Marked
    perturbations: Sequence[Perturbation] = ()
    seed: int = 0

    def sample(self, id: str, repeat: int = 0) -> Sample:
        """An image as a model is asked about it.

        Raises:
            WrongKeys: When the file does not show what was marked, or not its key.
            BrokenImage: When the file is damaged.
        """
        found, pattern = self.marked.sample(id), self.marked.pattern
        if not self.perturbations:
            return found
        neutral = torch.full((1, pattern.count), NEUTRAL)
        blank = pattern.apply(pattern.crop(found.image[None]), neutral)
        picture, draws = pattern.crop(blank)[0], generator(self.seed, id, repeat, "perturb")
        for one in self.perturbations:
            picture = one.perturb(picture, draws)
        return replace(found, image=pattern.apply(picture[None], neutral)[0])
