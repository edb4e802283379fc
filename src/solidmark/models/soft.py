"""Text encoders told soft words: token embeddings that need not be any token of the vocabulary.

Soft words fill a caption: start token, soft words, end token, as a caption has that is just as long
as the encoder takes. What the encoder answers is differentiable in them, unlike what `encode_clip`
and `encode_t5` give.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jaxtyping import Float

from solidmark.late import Tensor, torch
from solidmark.models.text import ask_clip


def vocabulary(tokenizer: Any, encoder: Any) -> Float[Tensor, "V E"]:
    """The embedding of every token, in float32.

    Arguments:
        tokenizer: Of the encoder. T5's table has rows past its last token: they are left out.
        encoder: A CLIP text encoder, or a `T5EncoderModel`.
    """
    return encoder.get_input_embeddings().weight.detach()[: len(tokenizer)].float()


def encode_soft_clip(
    tokenizer: Any, encoder: Any, soft: Float[Tensor, "B L E"], *, penultimate: bool = False
) -> tuple[Tensor, Tensor]:
    """The embeddings of a CLIP text encoder for soft words.

    CLIP pools at the first end token, and the empty caption, where soft words are put in the place
    of its padding, has one right behind the start. So the encoder is told of another token there:
    it pools at the last position, the only end token, as for any caption that fills it.

    Arguments:
        soft: In any type, on any device; L is two less than the tokens of the encoder.
        penultimate: Take the layer before the last, without the last norm.

    Returns:
        Token embeddings, with shape (B, L + 2, D), and pooled ones, with shape (B, P).
    """
    start, end = tokenizer.bos_token_id, tokenizer.eos_token_id
    ids = torch.full((len(soft), soft.shape[1] + 2), start, device=encoder.device)
    ids[:, -1] = end
    with _put_between(encoder.get_input_embeddings(), soft):
        return ask_clip(encoder, ids, penultimate)


def encode_soft_t5(
    tokenizer: Any, encoder: Any, soft: Float[Tensor, "B L E"]
) -> tuple[Tensor, Tensor]:
    """The embeddings of a T5 encoder for soft words. T5 has no start token.

    Arguments:
        soft: In any type, on any device; L is one less than the tokens of the encoder.

    Returns:
        Token embeddings, with shape (B, L + 1, D), and the mask of tokens, with shape (B, L + 1):
        ones, since there is no padding.
    """
    table = encoder.get_input_embeddings().weight
    end = table[tokenizer.eos_token_id].expand(len(soft), 1, -1)
    told = torch.cat([soft.to(table), end], 1)
    mask = torch.ones(told.shape[:2], dtype=torch.long, device=told.device)
    return encoder(inputs_embeds=told, attention_mask=mask)[0], mask


@contextmanager
def _put_between(embedding: Any, soft: Tensor) -> Iterator[None]:
    """Keeps the first and the last row that a module embeds, and puts soft words between them."""

    def put(module: Any, told: Any, rows: Tensor) -> Tensor:
        return torch.cat([rows[:, :1], soft.to(rows), rows[:, -1:]], 1)

    hook = embedding.register_forward_hook(put)
    try:
        yield
    finally:
        hook.remove()
