"""What a prompt can be made of: soft words, for those who look for a caption by its gradient.

A soft word is a mixture of the vocabulary, :math:`\\pi E`, with :math:`\\pi` a row of weights and
:math:`E` the table of token embeddings. Which encoders hear it:

- one CLIP encoder (Stable Diffusion 1 and 2): that one;
- two CLIP encoders (Stable Diffusion XL): both. They share a vocabulary, so their tables stand side
  by side, and the same weights mix both;
- CLIP encoders and T5 (Stable Diffusion 3, Flux): the first CLIP encoder. The others are told the
  image's own caption, which it must have;
- T5 alone (PixArt): that one.

References:
    InvMM (2024): the prompt is inverted as a mixture of embeddings at positions 1 to 75, in Stable
    Diffusion 3.5 that of the first CLIP encoder only. XL, Flux and PixArt are ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from jaxtyping import Float, Int

from solidmark.data import Sample
from solidmark.diffusion import Model
from solidmark.errors import BadInput, MissingCapability
from solidmark.late import Tensor, torch
from solidmark.models.conditions import EMBEDS, POOLED, Conditions
from solidmark.models.flux import Flux
from solidmark.models.latent import Family
from solidmark.models.pixart import MASK, PixArt
from solidmark.models.soft import encode_soft_clip, encode_soft_t5, vocabulary
from solidmark.models.stable_diffusion import StableDiffusion
from solidmark.models.stable_diffusion_3 import StableDiffusion3
from solidmark.models.stable_diffusion_xl import StableDiffusionXL


class PromptSpace(Protocol):
    """The soft prompts of a model."""

    @property
    def table(self) -> Float[Tensor, "V E"]:
        """The embedding of every token, in float32, on the device of the denoiser."""
        ...

    @property
    def length(self) -> int:
        """How many soft words a prompt has: 75 for CLIP, whose start and end token stay."""
        ...

    def tell(self, soft: Float[Tensor, "B L E"], samples: Sequence[Sample]) -> Conditions:
        """What the network is told, in place of captions; differentiable in `soft`.

        Arguments:
            soft: Mixtures of rows of `table`, one prompt a row, `length` soft words each.
            samples: One a row, for what is told beside the prompt: sizes, and the captions of the
                encoders that are not told soft words.

        Raises:
            BadInput: When there are more or fewer soft words, or a caption is missing that an
                encoder is told.
        """
        ...

    def decode(self, tokens: Int[Tensor, " L"]) -> str:
        """The words of some tokens, such as the likeliest ones; special tokens are left out."""
        ...


def prompt_space(model: Model) -> PromptSpace:
    """The soft prompts of a model.

    Arguments:
        model: A model that draws from captions. What meters or mitigates it is passed by: nobody
            wrote these words, so there is nothing to reword.

    Raises:
        MissingCapability: When it has no text encoder that can be told soft words.
    """
    inner: Any = model
    while hasattr(inner, "model"):
        inner = inner.model
    match family := getattr(inner, "family", None):
        case StableDiffusion(tokenizer=tokenizer, text_encoder=encoder):
            return _clip(inner, [(tokenizer, encoder)], (EMBEDS,))
        case StableDiffusionXL(tokenizers=tokenizers, text_encoders=encoders):
            pairs = list(zip(tokenizers, encoders, strict=True))
            return _clip(inner, pairs, (EMBEDS, POOLED), penultimate=True)
        case StableDiffusion3(tokenizers=(tokenizer, *_), text_encoders=(encoder, *_)):
            pairs = [(tokenizer, encoder)]
            return _clip(inner, pairs, (EMBEDS, POOLED), penultimate=True, captioned=True)
        case Flux(tokenizer=tokenizer, text_encoder=encoder):
            return _clip(inner, [(tokenizer, encoder)], (POOLED,), captioned=True)
        case PixArt(tokenizer=tokenizer, text_encoder=encoder):
            return T5Prompts(family, vocabulary(tokenizer, encoder).to(inner.network.device))
        case _:
            name = getattr(family, "name", type(inner).__name__)
            raise MissingCapability(
                f"The prompt of a {name} cannot be inverted: it has no text encoder that can be "
                'told soft words. Invert the noise alone ("--prompt given").'
            )


@dataclass(frozen=True)
class ClipPrompts:
    """Soft prompts of a family with CLIP encoders.

    Arguments:
        family: Says what is told beside the prompt.
        encoders: Tokenizer and encoder, one or several of one vocabulary.
        table: Their tables side by side.
        names: The conditions that their answers go to.
        penultimate: Whether the layer before the last is taken.
        captioned: Whether there are other encoders, which are told the image's own caption.
    """

    family: Family
    encoders: Sequence[tuple[Any, Any]]
    table: Float[Tensor, "V E"]
    names: tuple[str, ...]
    penultimate: bool = False
    captioned: bool = False

    @property
    def length(self) -> int:
        return int(self.encoders[0][0].model_max_length) - 2  # Start and end token stay.

    def tell(self, soft: Float[Tensor, "B L E"], samples: Sequence[Sample]) -> Conditions:
        _check(self, soft, samples)
        widths = [encoder.get_input_embeddings().embedding_dim for _, encoder in self.encoders]
        found = [
            encode_soft_clip(*pair, part, penultimate=self.penultimate)
            for pair, part in zip(self.encoders, soft.split(widths, -1), strict=True)
        ]
        # As the families do: token embeddings side by side, and what the last encoder pools.
        answers = {EMBEDS: torch.cat([embeds for embeds, _ in found], -1), POOLED: found[-1][1]}
        told = _beside(self.family, samples, self.captioned)
        return told.changed(
            **{name: _written_over(told.tensors[name], answers[name]) for name in self.names}
        )

    def decode(self, tokens: Int[Tensor, " L"]) -> str:
        return _words(self.encoders[0][0], tokens)


@dataclass(frozen=True)
class T5Prompts:
    """Soft prompts of PixArt.

    Arguments:
        table: The table of its encoder.
    """

    family: PixArt
    table: Float[Tensor, "V E"]

    @property
    def length(self) -> int:
        return self.family.tokens - 1  # The end token stays.

    def tell(self, soft: Float[Tensor, "B L E"], samples: Sequence[Sample]) -> Conditions:
        _check(self, soft, samples)
        embeds, mask = encode_soft_t5(self.family.tokenizer, self.family.text_encoder, soft)
        return _beside(self.family, samples, False).changed(**{EMBEDS: embeds, MASK: mask})

    def decode(self, tokens: Int[Tensor, " L"]) -> str:
        return _words(self.family.tokenizer, tokens)


def _clip(
    model: Any, encoders: Sequence[tuple[Any, Any]], names: tuple[str, ...], **options: bool
) -> ClipPrompts:
    """The space of one or several CLIP encoders.

    Raises:
        MissingCapability: When they have different vocabularies, so that weights of tokens mean
            something else to each.
    """
    if any(pair[0].get_vocab() != encoders[0][0].get_vocab() for pair in encoders[1:]):
        raise MissingCapability(
            f"The prompt of this {model.family.name} cannot be inverted: its text encoders have "
            'different vocabularies. Invert the noise alone ("--prompt given").'
        )
    table = torch.cat([vocabulary(*pair) for pair in encoders], -1).to(model.network.device)
    return ClipPrompts(model.family, encoders, table, names, **options)


def _check(space: PromptSpace, soft: Tensor, samples: Sequence[Sample]) -> None:
    """Checks the shape of soft prompts."""
    expected = (len(samples), space.length, space.table.shape[1])
    if soft.shape != expected:
        raise BadInput(
            f"Soft prompts of these {len(samples)} images must have the shape {expected}, found "
            f"{tuple(soft.shape)}. Mix rows of the table, {space.length} a prompt."
        )


def _beside(family: Family, samples: Sequence[Sample], captioned: bool) -> Conditions:
    """What is told beside a soft prompt; the captions of a batch are embedded once each.

    Many rows are one image under many draws of noise, and some encoders are larger than all else.
    """
    if not captioned:
        samples = [replace(sample, caption="") for sample in samples]
    alike = [(sample.caption, sample.image.shape) for sample in samples]
    firsts = list(dict.fromkeys(alike))
    told = family.condition([samples[alike.index(first)] for first in firsts])
    return told[torch.tensor([firsts.index(one) for one in alike])]


def _written_over(given: Tensor, answer: Tensor) -> Tensor:
    """The same tensor, with the answer of soft words in its first rows and columns."""
    changed = given.to(answer.device, copy=True)
    changed[tuple(slice(side) for side in answer.shape)] = answer.to(given)
    return changed


def _words(tokenizer: Any, tokens: Tensor) -> str:
    """Text that can stand in a table: single tokens may be bytes that no text has."""
    text = str(tokenizer.decode(tokens.tolist(), skip_special_tokens=True)).strip()
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
