"""An inverted prompt: a soft draw from the vocabulary at every position, and its gradient.

.. math::
    s = \\mathrm{softmax}((\\ell + g) / \\tau), \\quad g \\sim \\mathrm{Gumbel}(0, 1), \\qquad
    e = s E

:math:`\\ell` are the logits, one row a position, and E the table of token embeddings. One sample
is worked out at a time: of 75 positions and 49,408 tokens it takes 15 MB.

References:
    Jang et al., 2017 (Gumbel-softmax); InvMM (Ma et al., 2024), Section 4.
"""

from collections.abc import Iterator

from jaxtyping import Float

from solidmark.late import Tensor, torch

SEEDS = 2**62
"""The seeds of draws of words, and of checks: whole numbers below this."""


def soft_words(
    logits: Float[Tensor, "L V"], table: Float[Tensor, "V E"], seed: int, count: int, tau: float
) -> Float[Tensor, "S L E"]:
    """Soft prompts, each of a draw of its own.

    Arguments:
        seed: Of the draws, which are made on the device of the logits.
        tau: The temperature; high = all tokens alike.
    """
    return torch.stack([soft @ table for soft in _draws(logits, seed, count, tau)])


def logit_slopes(
    logits: Float[Tensor, "L V"],
    table: Float[Tensor, "V E"],
    seed: int,
    slopes: Float[Tensor, "S L E"],
    tau: float,
) -> Float[Tensor, "L V"]:
    """The gradient of the logits, given that of the soft prompts of the same draws.

    Arguments:
        logits: As `soft_words` had them.
    """
    total = torch.zeros_like(logits)
    draws = _draws(logits, seed, len(slopes), tau)
    for soft, slope in zip(draws, slopes, strict=True):
        weighed = slope @ table.T
        total += soft * (weighed - (weighed * soft).sum(1, keepdim=True)) / tau
    return total


def _draws(logits: Tensor, seed: int, count: int, tau: float) -> Iterator[Tensor]:
    generator = torch.Generator(logits.device).manual_seed(seed)
    for _ in range(count):
        gumbel = -torch.empty_like(logits).exponential_(generator=generator).log()
        yield torch.softmax((logits + gumbel) / tau, dim=1)
