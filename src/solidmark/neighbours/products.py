"""Squared distances by matrix products, and what they err by at most.

A row is written so that one product gives the whole squared distance of a part:

.. math:: (-2 q_p, |q_p|^2, 1)^\\top (x_p, 1, |x_p|^2) = |q_p - x_p|^2
"""

from collections.abc import Iterator
from contextlib import contextmanager

from jaxtyping import Float

from solidmark.late import Tensor, torch

Rows = Float[Tensor, "N P W"]
Augmented = Float[Tensor, "N P V"]

_UNIT = 2.0**-24
"""The unit roundoff of float32."""

_STRETCH = 2048
"""Values whose products are added up at once: errors grow with it, and wide rows are many of it."""


def as_queries(rows: Rows) -> Augmented:
    """The left side: (-2 q, |q|^2, 1)."""
    norm = _norms(rows)
    return torch.cat([-2 * rows, norm, torch.ones_like(norm)], dim=2)


def as_base(rows: Rows) -> Augmented:
    """The right side: (x, 1, |x|^2)."""
    norm = _norms(rows)
    return torch.cat([rows, torch.ones_like(norm), norm], dim=2)


def squared_distances(
    queries: Augmented, base: Augmented, out: Float[Tensor, "3 Q N"]
) -> Float[Tensor, "Q N"]:
    """The largest squared distance of any part, for all pairs.

    Arguments:
        out: Room for the result, for one part and for one stretch of it.
    """
    largest, part, stretch = out
    for p in range(queries.shape[1]):
        sums = part if p else largest
        torch.mm(queries[:, p, :_STRETCH], base[:, p, :_STRETCH].T, out=sums)
        for first in range(_STRETCH, queries.shape[2], _STRETCH):
            some = slice(first, first + _STRETCH)
            sums += torch.mm(queries[:, p, some], base[:, p, some].T, out=stretch)
        if p:
            torch.maximum(largest, part, out=largest)
    return largest


def largest_error(queries: Augmented, longest: float, whole: bool) -> Float[Tensor, " Q"]:
    """What the products of a query are away from the true squared distances, at most.

    Every partial sum is at most :math:`S = (|q| + |x|)^2`, in whatever order a library adds. Whole
    numbers are exact up to 2^24; otherwise a term that is rounded at most n times brings the error
    to at most :math:`\\gamma_n S, \\gamma_n = n u / (1 - n u)`. That is as often as a stretch is
    long, and once for each stretch. The norms are sums of float64, and add few.

    Arguments:
        longest: The largest |x| of a part of any row of the base.
        whole: Whether all values are whole numbers.

    References:
        Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1.
    """
    norm = queries[:, :, -2].amax(dim=1).double().sqrt()
    largest = (norm + longest) ** 2
    width = queries.shape[2]
    rounded = (min(width, _STRETCH) + -(-width // _STRETCH) + 4) * _UNIT
    error = rounded / (1 - rounded) * largest
    return torch.where(largest < 2**24, 0.0, error) if whole else error


@contextmanager
def full_precision() -> Iterator[None]:
    """Within it products are of float32, whatever a program has set: TF32 errs by far more."""
    if hasattr(torch.backends, "fp32_precision"):  # Since torch 2.9.
        kinds = torch.backends.cuda.matmul, torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
        before = [kind.fp32_precision for kind in kinds]
        try:
            for kind in kinds:
                kind.fp32_precision = "ieee"
            yield
        finally:
            for kind, precision in zip(kinds, before, strict=True):
                kind.fp32_precision = precision
        return
    legacy = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("highest")
        yield
    finally:
        torch.set_float32_matmul_precision(legacy)


def _norms(rows: Rows) -> Float[Tensor, "N P 1"]:
    return rows.square().sum(dim=2, keepdim=True, dtype=torch.float64).to(rows.dtype)
