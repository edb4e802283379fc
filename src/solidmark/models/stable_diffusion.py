"""Stable Diffusion 1 and 2: one CLIP encoder, a U-Net with cross-attention."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float, Int

from solidmark.data import Sample
from solidmark.errors import BadInput
from solidmark.late import Tensor
from solidmark.models.conditions import EMBEDS, Conditions
from solidmark.models.text import captions, encode_clip, parts_of, tokenize
from solidmark.types import Latents


@dataclass(frozen=True)
class StableDiffusion:
    """How Stable Diffusion 1 and 2 are told what to draw.

    Arguments:
        tokenizer: A `CLIPTokenizer`.
        text_encoder: A `CLIPTextModel`.

    References:
        Rombach et al., 2022.
    """

    tokenizer: Any
    text_encoder: Any

    @classmethod
    def of(cls, pipe: Any) -> "StableDiffusion":
        """The family of a `StableDiffusionPipeline`.

        Raises:
            BadInput: When its network is told more than captions.
        """
        require_plain(pipe, {})
        return cls(*parts_of(pipe, "tokenizer", "text_encoder"))

    @property
    def name(self) -> str:
        return "Stable Diffusion"

    def embed(self, texts: Sequence[str]) -> Conditions:
        """The last hidden state of the encoder, final norm included."""
        embeds, _ = encode_clip(self.tokenizer, self.text_encoder, texts)
        return Conditions({EMBEDS: embeds})

    def condition(self, samples: Sequence[Sample]) -> Conditions:
        return self.embed(captions(samples))

    def unconditional(self, condition: Conditions) -> Conditions:
        return condition.unlike(self.embed([""]))

    def ends(self, samples: Sequence[Sample]) -> Int[Tensor, " B"]:
        """The place of the token after the last word of each caption, counted from 0."""
        return tokenize(self.tokenizer, captions(samples)).attention_mask.sum(1) - 1

    def predict(
        self, network: Any, z_t: Latents, time: Float[Tensor, " B"], condition: Conditions
    ) -> Latents:
        return network(z_t, time, encoder_hidden_states=condition.tensors[EMBEDS]).sample


TOLD = (
    "time_cond_proj_dim",  # a guidance scale, in consistency models
    "encoder_hid_dim",  # embeddings of images
    "class_embed_type",  # the noise level of what is magnified
    "num_class_embeds",
    "addition_embed_type",  # sizes, in Stable Diffusion XL
)
"""Where the configuration of a `UNet2DConditionModel` says that it is told more than captions."""


def require_plain(pipe: Any, told: dict[str, Any]) -> None:
    """Checks that a U-Net is told nothing that a family would leave out.

    Arguments:
        told: What stands in its configuration for what the family does tell it.

    Raises:
        BadInput: When it is told something else, or is shown more than the noisy latents.
    """
    config = pipe.unet.config
    found = {name: config.get(name) for name in TOLD if config.get(name) != told.get(name)}
    if config.in_channels != pipe.vae.config.latent_channels:  # Inpainting, depth, magnification.
        found["in_channels"] = config.in_channels
    if found:
        name, value = next(iter(found.items()))
        raise BadInput(
            f"The U-Net of this {type(pipe).__name__} wants more than noisy latents and captions, "
            f'or less: "{name}" is {value} in its configuration. Open the model that it was made '
            "from, not one for inpainting, magnifying, or few steps."
        )
