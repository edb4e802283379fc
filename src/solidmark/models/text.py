"""Captions, and the CLIP and T5 encoders that turn them into embeddings."""

from collections.abc import Sequence
from typing import Any

from solidmark.data import Sample
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch

MOST_TOKENS = 100_000
"""The longest text encoders of any pipeline take some hundreds."""


def captions(samples: Sequence[Sample]) -> list[str]:
    """The captions of a batch.

    Raises:
        BadInput: When an image has none.
    """
    found = []
    for sample in samples:
        if sample.caption is None:
            raise no_caption(sample.id)
        found.append(sample.caption)
    return found


def no_caption(id: str) -> BadInput:
    """What is said of an image without a caption."""
    return BadInput(
        f'The model draws from captions, but image "{id}" has none. Mark the data with its '
        'captions ("--caption-column", or a metadata.jsonl with "text"), or give all such images '
        'one prompt with "--caption".'
    )


def parts_of(pipe: Any, *names: str) -> tuple[Any, ...]:
    """Parts of a pipeline that a family cannot do without.

    Raises:
        BadInput: When one is missing: pipelines can be saved without their text encoders.
    """
    for name in names:
        if getattr(pipe, name) is None:
            raise BadInput(
                f'The {type(pipe).__name__} has no "{name}", so it cannot be told captions. '
                "Save it with its text encoders and tokenizers."
            )
    return tuple(getattr(pipe, name) for name in names)


def tokenize(tokenizer: Any, texts: Sequence[str], length: int | None = None) -> Any:
    """Token numbers and mask, padded and cut to one length, as the pipelines of diffusers do.

    Arguments:
        tokenizer: Of transformers.
        texts: Captions.
        length: How many tokens; those of the tokenizer when None.

    Raises:
        BadInput: When the tokenizer says a number that cannot be: it pads to it at once.
    """
    return tokenizer(
        list(texts),
        padding="max_length",
        max_length=length or _longest(tokenizer),
        truncation=True,
        return_tensors="pt",
    )


def _longest(tokenizer: Any) -> int:
    """How many tokens a tokenizer gives, where it says a number that can be."""
    length = tokenizer.model_max_length
    if not 0 < length <= MOST_TOKENS:
        raise BadInput(
            f"The tokenizer says captions of {length:.6g} tokens (model_max_length). Write the "
            "number that the text encoder takes into its tokenizer_config.json, such as 77."
        )
    return int(length)


def encode_clip(
    tokenizer: Any,
    encoder: Any,
    texts: Sequence[str],
    *,
    penultimate: bool = False,
    length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """The embeddings of a CLIP text encoder.

    Arguments:
        penultimate: Take the layer before the last, without the last norm.
        length: How many tokens; those of the tokenizer when None.

    Returns:
        Token embeddings, with shape (B, L, D), and pooled ones, with shape (B, P); projected where
        the encoder has a projection.
    """
    ids = tokenize(tokenizer, texts, length).input_ids.to(encoder.device)
    with torch.no_grad():
        return ask_clip(encoder, ids, penultimate)


def ask_clip(encoder: Any, ids: Tensor, penultimate: bool) -> tuple[Tensor, Tensor]:
    """What a CLIP text encoder makes of token numbers, with shape (B, L); as `encode_clip` says."""
    found = encoder(ids, output_hidden_states=penultimate)
    pooled = found.text_embeds if hasattr(found, "text_embeds") else found.pooler_output
    return found.hidden_states[-2] if penultimate else found.last_hidden_state, pooled


def encode_t5(
    tokenizer: Any, encoder: Any, texts: Sequence[str], length: int, *, masked: bool = False
) -> tuple[Tensor, Tensor]:
    """The embeddings of a T5 encoder.

    Arguments:
        masked: Hide the padding from the encoder. PixArt does, Stable Diffusion 3 and Flux do not.

    Returns:
        Token embeddings, with shape (B, L, D), and the mask of tokens, with shape (B, L).
    """
    tokens = tokenize(tokenizer, texts, length)
    mask = tokens.attention_mask.to(encoder.device)
    ids = tokens.input_ids.to(encoder.device)
    with torch.no_grad():
        return encoder(ids, attention_mask=mask if masked else None)[0], mask
