"""GNI: noise on the embedding of the caption, or of the class.

.. math:: \\tilde c = c + \\lambda \\xi, \\quad \\xi \\sim N(0, I)
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from solidmark.data import Sample
from solidmark.diffusion import Model
from solidmark.errors import BadInput
from solidmark.late import torch
from solidmark.mitigations.mitigation import Preset
from solidmark.mitigations.telling import class_width
from solidmark.models import Conditions
from solidmark.models.conditions import CLASS_SHIFT, EMBEDS, POOLED
from solidmark.randomness import normal


@dataclass(frozen=True)
class GaussianNoise:
    """Gaussian noise at inference.

    It is drawn once an image and stays the same over all times of sampling. Token embeddings
    get it, padding included, and pooled ones; a class-conditional network without captions gets it
    on the embedding of the class. What leads away under guidance gets none, where the published
    code adds noise of its own there too.

    Arguments:
        lam: :math:`\\lambda`, in the unit of the embeddings (CLIP's have a standard deviation
            of about 1), 0.1 in the paper. 0 changes nothing.

    References:
        Somepalli et al., 2023; SolidMark (Kriplani et al., 2025), Appendices H and I.
    """

    name: ClassVar[str] = "gni"
    strength: ClassVar[str] = "lam"
    presets: ClassVar[Mapping[str, Preset]] = {}
    takes_classes: ClassVar[bool] = True
    lam: float = 0.1

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lam) and self.lam >= 0):
            raise BadInput(f"gni takes a strength of 0 or more, not {self.lam}.")

    def reembed(
        self,
        model: Model,
        condition: Conditions,
        samples: Sequence[Sample],
        generators: "Sequence[torch.Generator]",
    ) -> Conditions:
        """The condition with noise on it."""
        if self.lam == 0:
            return condition
        texts = [name for name in (EMBEDS, POOLED) if condition.get(name) is not None]
        if not texts:
            noise = self.lam * normal(generators, (class_width(model),))
            before = condition.get(CLASS_SHIFT)
            return condition.changed(
                **{CLASS_SHIFT: noise if before is None else before + noise.to(before)}
            )
        noisy = {}
        for name in texts:
            clean = condition.tensors[name]
            noisy[name] = clean + self.lam * normal(generators, clean.shape[1:]).to(clean)
        return condition.changed(**noisy)
