"""Copies that an embedder answers a hair differently for are at distance 0, and tie."""

import numpy as np
import torch

from solidmark.embed import Function
from solidmark.measures.nearest.distances import ByEmbedder
from solidmark.neighbours import Neighbours
from solidmark.scores import conformal_p_values

DIMENSIONS = 64


def embedder() -> Function:
    def flat(images: object) -> torch.Tensor:
        return torch.stack([image.flatten() for image in images])  # type: ignore[attr-defined]

    return Function("flat", flat, dimensions=DIMENSIONS, version="1")


def compared(rows: torch.Tensor, others: torch.Tensor) -> Neighbours:
    """Row by row, in float64, as a search gives it."""
    squared = (rows.double() - others.double()).square().mean(1).numpy()[:, None]
    return Neighbours(np.zeros(squared.shape, dtype=np.int64), squared)


def test_what_a_batch_changes_is_no_distance() -> None:
    draw = torch.Generator().manual_seed(0)
    images = torch.rand(200, 1, 8, 8, generator=draw)
    by = ByEmbedder(embedder())
    rows = by.embedder.embed([*images])
    again = rows * (1 + 1e-5 * torch.randn(rows.shape, generator=draw))
    assert (compared(rows, again).squared > 0).all(), "another batch, other last digits"
    copies = by.report(compared(rows, again))
    assert (copies.distance == 0).all()
    assert copies.similarity is not None
    assert (copies.similarity == 1).all()
    changed = by.embedder.embed([*(images + 1 / 255 * (torch.arange(64) == 7).view(8, 8))])
    one_pixel = by.report(compared(rows, changed)).distance
    assert (one_pixel > 0).all(), "one pixel that is one grey lighter is no copy"
    held_out = by.report(compared(rows[:99], again[:99])).distance
    assert (conformal_p_values(copies.distance, held_out) == 1).all(), "copies on both sides tie"
