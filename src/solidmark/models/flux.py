"""Flux: a transformer on rectified flow that sees 2 x 2 cells at a time, T5 and one CLIP encoder.

The network of Flux dev is distilled from guided sampling and is told the scale of the guidance. At
scale 1 it stands for what was predicted without guidance, :math:`E[z_0 | z_t, c]`: that is what a
model is asked for here, and what it is fine-tuned with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float

from solidmark.data import Sample
from solidmark.errors import MissingCapability
from solidmark.late import Tensor, functional, torch
from solidmark.models.conditions import EMBEDS, POOLED, Conditions
from solidmark.models.text import captions, encode_clip, encode_t5, parts_of
from solidmark.types import Latents

DISTILLED = (
    "Flux is distilled from guided sampling and was not trained without captions, so guidance has "
    "nothing to lead away from. Ask with a guidance of 1."
)


@dataclass(frozen=True)
class Flux:
    """How Flux is told what to draw.

    Arguments:
        tokenizer: A `CLIPTokenizer`.
        text_encoder: A `CLIPTextModel`, for the pooled embedding.
        t5_tokenizer: A `T5TokenizerFast`.
        t5_encoder: A `T5EncoderModel`, for the token embeddings.
        guidance: The scale that the network is told; None where it takes none (schnell).
        tokens: How many tokens of T5; 512 in the pipeline.

    References:
        Black Forest Labs, 2024; Meng et al., 2023 (distilled guidance).
    """

    tokenizer: Any
    text_encoder: Any
    t5_tokenizer: Any
    t5_encoder: Any
    guidance: float | None
    tokens: int = 512

    @classmethod
    def of(cls, pipe: Any) -> "Flux":
        """The family of a `FluxPipeline`.

        Raises:
            BadInput: When it was saved without its text encoders.
        """
        tokenizer, clip, t5_tokenizer, t5 = parts_of(
            pipe, "tokenizer", "text_encoder", "tokenizer_2", "text_encoder_2"
        )
        guidance = 1.0 if pipe.transformer.config.guidance_embeds else None
        return cls(tokenizer, clip, t5_tokenizer, t5, guidance)

    @property
    def name(self) -> str:
        return "Flux"

    def embed(self, texts: Sequence[str]) -> Conditions:
        """The tokens of T5, and what CLIP pools."""
        embeds, _ = encode_t5(self.t5_tokenizer, self.t5_encoder, texts, self.tokens)
        _, pooled = encode_clip(self.tokenizer, self.text_encoder, texts)
        return Conditions({EMBEDS: embeds, POOLED: pooled})

    def condition(self, samples: Sequence[Sample]) -> Conditions:
        return self.embed(captions(samples))

    def unconditional(self, condition: Conditions) -> Conditions:
        raise MissingCapability(DISTILLED)

    def predict(
        self, network: Any, z_t: Latents, time: Float[Tensor, " B"], condition: Conditions
    ) -> Latents:
        height, width = (side // 2 for side in z_t.shape[-2:])
        embeds = condition.tensors[EMBEDS]
        places = torch.cartesian_prod(torch.arange(height), torch.arange(width)).to(z_t.device)
        output = network(
            hidden_states=functional.pixel_unshuffle(z_t, 2).flatten(2).mT,
            timestep=time / 1000,
            guidance=None if self.guidance is None else torch.full_like(time, self.guidance),
            pooled_projections=condition.tensors[POOLED],
            encoder_hidden_states=embeds,
            txt_ids=places.new_zeros(embeds.shape[1], 3),
            img_ids=torch.cat([torch.zeros_like(places[:, :1]), places], 1),
        ).sample
        return functional.pixel_shuffle(output.mT.unflatten(2, (height, width)), 2)
