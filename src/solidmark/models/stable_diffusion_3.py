"""Stable Diffusion 3 and 3.5: a transformer on rectified flow, two CLIP encoders and T5."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float

from solidmark.data import Sample
from solidmark.errors import BadInput
from solidmark.late import Tensor, functional, torch
from solidmark.models.conditions import EMBEDS, POOLED, Conditions
from solidmark.models.text import captions, encode_clip, encode_t5, parts_of
from solidmark.models.vae import factor_of
from solidmark.types import Latents


@dataclass(frozen=True)
class StableDiffusion3:
    """How Stable Diffusion 3 and 3.5 are told what to draw.

    Arguments:
        tokenizers: One `CLIPTokenizer` a CLIP encoder.
        text_encoders: Two `CLIPTextModelWithProjection`.
        t5: A `T5TokenizerFast` and a `T5EncoderModel`, or None: the model can do without.
        width: The length of a token embedding.
        longest: The longest side that the network has positions for, in pixels.
        tokens: How many tokens of T5; 256 in the pipeline.

    References:
        Esser et al., 2024, Section 4 and Appendix B.2.
    """

    tokenizers: tuple[Any, ...]
    text_encoders: tuple[Any, ...]
    t5: tuple[Any, ...] | None
    width: int
    longest: int
    tokens: int = 256

    @classmethod
    def of(cls, pipe: Any) -> "StableDiffusion3":
        """The family of a `StableDiffusion3Pipeline`.

        Raises:
            BadInput: When it was saved without its CLIP encoders.
        """
        config = pipe.transformer.config
        t5 = ("tokenizer_3", "text_encoder_3")
        return cls(
            parts_of(pipe, "tokenizer", "tokenizer_2"),
            parts_of(pipe, "text_encoder", "text_encoder_2"),
            None if pipe.text_encoder_3 is None else parts_of(pipe, *t5),
            config.joint_attention_dim,
            config.pos_embed_max_size * config.patch_size * factor_of(pipe.vae),
        )

    @property
    def name(self) -> str:
        return "Stable Diffusion 3"

    def embed(self, texts: Sequence[str]) -> Conditions:
        """The CLIP embeddings side by side, filled up with zeros, and those of T5 after them."""
        length = self.tokenizers[0].model_max_length
        found = [
            encode_clip(tokenizer, encoder, texts, penultimate=True, length=length)
            for tokenizer, encoder in zip(self.tokenizers, self.text_encoders, strict=True)
        ]
        clip = torch.cat([embeds for embeds, _ in found], -1)
        clip = functional.pad(clip, (0, self.width - clip.shape[-1]))
        if self.t5 is None:
            t5 = clip.new_zeros(len(texts), self.tokens, self.width)
        else:
            tokenizer, encoder = self.t5
            t5, _ = encode_t5(tokenizer, encoder, texts, self.tokens)
        pooled = torch.cat([pooled for _, pooled in found], -1)
        return Conditions({EMBEDS: torch.cat([clip, t5], 1), POOLED: pooled})

    def condition(self, samples: Sequence[Sample]) -> Conditions:
        for sample in samples:
            if max(sample.image.shape[-2:]) > self.longest:
                raise BadInput(
                    f"The model has positions for {self.longest} pixels along a side, image "
                    f'"{sample.id}" has {" x ".join(map(str, sample.image.shape[-2:]))} with its '
                    "mark. Mark at a smaller resolution."
                )
        return self.embed(captions(samples))

    def unconditional(self, condition: Conditions) -> Conditions:
        return condition.unlike(self.embed([""]))

    def predict(
        self, network: Any, z_t: Latents, time: Float[Tensor, " B"], condition: Conditions
    ) -> Latents:
        return network(
            hidden_states=z_t,
            timestep=time,
            encoder_hidden_states=condition.tensors[EMBEDS],
            pooled_projections=condition.tensors[POOLED],
        ).sample
