"""The keymap: a key is a function of a secret seed and an image id.

.. math:: k = f(s, x) \\sim \\mathrm{Uniform}\\{0/255, \\dots, 255/255\\}

A keyed hash makes it uniform on the levels that an 8-bit file can hold, and independent of the
order of the images, of the loader, and of everything that is in the image.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from solidmark.late import torch
from solidmark.randomness import LEVELS, digest
from solidmark.types import Keys


@dataclass(frozen=True)
class Keymap:
    """Gives each id its key vector.

    Arguments:
        seed: The secret. Whoever knows it knows the keys.
        count: How many keys an image carries (M).

    References:
        SolidMark (Kriplani et al., 2025), Appendix C: "k_x ~ Unif(0, 1)", here on 256 levels.
    """

    seed: int
    count: int = 1

    def levels(self, id: str) -> list[int]:
        """The key vector of an id as grey levels, M integers in 0..255."""
        return [digest(self.seed, "key", id, m)[0] % LEVELS for m in range(self.count)]

    def __call__(self, ids: Sequence[str]) -> Keys:
        """The key vectors of ids, with shape (len(ids), M), in [0, 1]."""
        levels = [self.levels(id) for id in ids]
        return torch.tensor(levels, dtype=torch.float32).reshape(len(ids), self.count) / (
            LEVELS - 1
        )
