"""All distances among a few rows of a matrix, at once."""

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from solidmark.late import torch
from solidmark.measures.nearest.distances import Distance
from solidmark.neighbours import Matrix, Neighbours

_COLUMNS = 2**22
"""Values that are held in float64 at once: 32 MB."""


def pairwise(
    matrix: Matrix, rows: Int[NDArray[np.int64], " n"], device: str = "cpu"
) -> Float[NDArray[np.float64], "n n"]:
    """The mean squared difference of the part that has the largest, for all pairs.

    .. math:: D(a, b) = \\max_p \\frac1w (|a_p|^2 + |b_p|^2 - 2 a_p^\\top b_p)

    In float64 the sums of bytes are whole numbers and exact, whatever the order they are added in.

    Returns:
        The D of `search`, with shape (n, n), zero on the diagonal.
    """
    stored = matrix.stored(rows)
    width = matrix.width // matrix.parts
    device = "cpu" if device == "mps" else device  # It has no float64.
    columns = max(1, _COLUMNS // max(1, len(rows)))
    largest = torch.zeros(len(rows), len(rows), dtype=torch.float64, device=device)
    for part in range(0, matrix.width, width):
        product = torch.zeros_like(largest)
        for first in range(part, part + width, columns):
            some = stored[:, first : min(first + columns, part + width)]
            values = torch.from_numpy(np.ascontiguousarray(some)).to(device, torch.float64)
            product.addmm_(values, values.T)
        norms = product.diagonal()
        squared = norms[:, None] + norms[None, :] - 2 * product
        torch.maximum(largest, squared, out=largest)
    # Products of features may differ in the last bit from one side of the diagonal to the other.
    even = ((largest + largest.T) / 2).clamp_(min=0).fill_diagonal_(0)
    found: NDArray[np.float64] = even.cpu().numpy()
    return found / (width * matrix.scale)


def distances_among(
    distance: Distance, matrix: Matrix, rows: Int[NDArray[np.int64], " n"], device: str = "cpu"
) -> Float[NDArray[np.float64], "n n"]:
    """The distance of every pair, not rescaled.

    Returns:
        Low = close; symmetric, with shape (n, n).
    """
    squared = pairwise(matrix, rows, device)
    numbers = np.broadcast_to(rows, squared.shape)
    return distance.each(Neighbours(numbers, squared))
