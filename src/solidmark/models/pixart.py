"""PixArt-alpha and PixArt-Sigma: a transformer on latents with cross-attention to T5."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float

from solidmark.data import Sample
from solidmark.late import Tensor, torch
from solidmark.models.conditions import EMBEDS, Conditions
from solidmark.models.text import captions, encode_t5, parts_of
from solidmark.types import Latents

MASK = "mask"
"""Which tokens are words and not padding, with shape (B, L)."""

RESOLUTION = "resolution"
"""Height and width, in pixels, with shape (B, 2)."""

ASPECT_RATIO = "aspect_ratio"
"""Height by width, with shape (B, 1)."""


@dataclass(frozen=True)
class PixArt:
    """How PixArt is told what to draw.

    Arguments:
        tokenizer: A `T5Tokenizer`.
        text_encoder: A `T5EncoderModel`.
        tokens: How many tokens; 120 in PixArt-alpha, 300 in PixArt-Sigma.
        sized: Whether the network is told the size of the image.

    References:
        Chen et al., 2023; Chen et al., 2024.
    """

    tokenizer: Any
    text_encoder: Any
    tokens: int
    sized: bool

    @classmethod
    def of(cls, pipe: Any) -> "PixArt":
        """The family of a `PixArtAlphaPipeline` or `PixArtSigmaPipeline`.

        Raises:
            BadInput: When it was saved without its text encoder.
        """
        tokens = 300 if "Sigma" in type(pipe).__name__ else 120
        sized = bool(pipe.transformer.use_additional_conditions)
        tokenizer, encoder = parts_of(pipe, "tokenizer", "text_encoder")
        return cls(tokenizer, encoder, tokens, sized)

    @property
    def name(self) -> str:
        return "PixArt"

    def embed(self, texts: Sequence[str]) -> Conditions:
        """The tokens of T5, in small letters, and which of them are words."""
        plain = [text.lower().strip() for text in texts]
        found = encode_t5(self.tokenizer, self.text_encoder, plain, self.tokens, masked=True)
        return Conditions(dict(zip((EMBEDS, MASK), found, strict=True)))

    def condition(self, samples: Sequence[Sample]) -> Conditions:
        """Captions, and the marked size where the network is told one."""
        condition = self.embed(captions(samples))
        if not self.sized:
            return condition
        sizes = torch.tensor([sample.image.shape[-2:] for sample in samples])
        ratios = sizes[:, :1] / sizes[:, 1:]
        return condition.changed(**{RESOLUTION: sizes, ASPECT_RATIO: ratios})

    def unconditional(self, condition: Conditions) -> Conditions:
        return condition.unlike(self.embed([""]))

    def predict(
        self, network: Any, z_t: Latents, time: Float[Tensor, " B"], condition: Conditions
    ) -> Latents:
        output = network(
            z_t,
            encoder_hidden_states=condition.tensors[EMBEDS],
            encoder_attention_mask=condition.tensors[MASK],
            timestep=time,
            added_cond_kwargs={name: condition.get(name) for name in (RESOLUTION, ASPECT_RATIO)},
        ).sample
        # The variance that it learned stands in the second half of the channels.
        return output[:, : z_t.shape[1]]
