"""DiT: a transformer on latents that draws from classes."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float

from solidmark.data import Sample
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.models.classes import class_numbers
from solidmark.models.conditions import CLASS_SHIFT, CLASSES, Conditions, shifted
from solidmark.types import Latents


@dataclass(frozen=True)
class DiT:
    """How DiT is told what to draw.

    Arguments:
        classes: How many classes it knows. The number after the last means no class.

    References:
        Peebles and Xie, 2023.
    """

    classes: int

    @classmethod
    def of(cls, pipe: Any) -> "DiT":
        """The family of a `DiTPipeline`."""
        return cls(int(pipe.transformer.config.num_embeds_ada_norm))

    @property
    def name(self) -> str:
        return "DiT"

    def condition(self, samples: Sequence[Sample]) -> Conditions:
        for sample in samples:
            height, width = sample.image.shape[-2:]
            if height != width:
                raise BadInput(
                    f'DiT draws squares, but image "{sample.id}" has {height} x {width} pixels '
                    "with its mark. Mark at a square resolution."
                )
        return Conditions({CLASSES: class_numbers(samples, self.classes)})

    def unconditional(self, condition: Conditions) -> Conditions:
        none = torch.full_like(condition.tensors[CLASSES], self.classes)
        return Conditions({CLASSES: none})

    def predict(
        self, network: Any, z_t: Latents, time: Float[Tensor, " B"], condition: Conditions
    ) -> Latents:
        with ExitStack() as stack:
            for embedder in class_embedders(network):
                # In training mode it would drop classes at random, from no generator of ours.
                embedder.eval()
                stack.enter_context(shifted(embedder, condition.get(CLASS_SHIFT)))
            output = network(z_t, timestep=time, class_labels=condition.tensors[CLASSES]).sample
        # The variance that it learned stands in the second half of the channels.
        return output[:, : z_t.shape[1]]


def class_embedders(network: Any) -> list[Any]:
    """The modules that embed classes: each block of a `DiTTransformer2DModel` has its own."""
    bare = getattr(network, "module", network)  # A trainer on several devices wraps it.
    return [block.norm1.emb.class_embedder for block in bare.transformer_blocks]
