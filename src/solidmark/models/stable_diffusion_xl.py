"""Stable Diffusion XL: two CLIP encoders, and a U-Net that is told the size of the image."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float

from solidmark.data import Sample
from solidmark.late import Tensor, torch
from solidmark.models.conditions import EMBEDS, POOLED, Conditions
from solidmark.models.stable_diffusion import require_plain
from solidmark.models.text import captions, encode_clip, parts_of
from solidmark.types import Latents

TIME_IDS = "time_ids"
"""Original size, corner of the crop and final size, in pixels, with shape (B, 6)."""


@dataclass(frozen=True)
class StableDiffusionXL:
    """How Stable Diffusion XL is told what to draw.

    Arguments:
        tokenizers: One `CLIPTokenizer` an encoder.
        text_encoders: A `CLIPTextModel` and a `CLIPTextModelWithProjection`, or the latter alone.
        empty_is_zero: Whether no caption means zeros; else it means the empty caption.

    References:
        Podell et al., 2023, Sections 2.1-2.2.
    """

    tokenizers: tuple[Any, ...]
    text_encoders: tuple[Any, ...]
    empty_is_zero: bool = True

    @classmethod
    def of(cls, pipe: Any) -> "StableDiffusionXL":
        """The family of a `StableDiffusionXLPipeline`.

        Raises:
            BadInput: When its network is told more than captions and sizes.
        """
        require_plain(pipe, {"addition_embed_type": "text_time"})
        numbers = ("_2",) if pipe.text_encoder is None else ("", "_2")
        return cls(
            parts_of(pipe, *(f"tokenizer{number}" for number in numbers)),
            parts_of(pipe, *(f"text_encoder{number}" for number in numbers)),
            bool(pipe.config.force_zeros_for_empty_prompt),
        )

    @property
    def name(self) -> str:
        return "Stable Diffusion XL"

    def embed(self, texts: Sequence[str]) -> Conditions:
        """The penultimate layers of the encoders side by side, and what the second pools."""
        encoders = zip(self.tokenizers, self.text_encoders, strict=True)
        found = [encode_clip(*encoder, texts, penultimate=True) for encoder in encoders]
        embeds = torch.cat([embeds for embeds, _ in found], -1)
        return Conditions({EMBEDS: embeds, POOLED: found[-1][1]})

    def condition(self, samples: Sequence[Sample]) -> Conditions:
        """Captions, and the marked size as that of an image that was neither cut nor scaled."""
        sizes = [tuple(sample.image.shape[-2:]) for sample in samples]
        ids = torch.tensor([(*size, 0, 0, *size) for size in sizes])
        return self.embed(captions(samples)).changed(**{TIME_IDS: ids})

    def unconditional(self, condition: Conditions) -> Conditions:
        if not self.empty_is_zero:
            return condition.unlike(self.embed([""]))
        zeros = {name: torch.zeros_like(condition.tensors[name]) for name in (EMBEDS, POOLED)}
        return condition.changed(**zeros)

    def predict(
        self, network: Any, z_t: Latents, time: Float[Tensor, " B"], condition: Conditions
    ) -> Latents:
        told = {"text_embeds": condition.tensors[POOLED], "time_ids": condition.tensors[TIME_IDS]}
        embeds = condition.tensors[EMBEDS]
        return network(z_t, time, encoder_hidden_states=embeds, added_cond_kwargs=told).sample
