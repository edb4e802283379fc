"""What a `nearest` run compares, and how: the whole configuration."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solidmark.cards.asked import Compared, Hashed, Sought
from solidmark.errors import BadInput
from solidmark.measures.nearest.distances import Distance, open_distances
from solidmark.measures.nearest.searched import Searched
from solidmark.measures.nearest.sides import Sides, open_sides
from solidmark.neighbours import PIXEL_DISTANCES


@dataclass(frozen=True)
class Comparison(Compared, Hashed, Sought, Searched):
    """The whole configuration of a `nearest` run.

    Arguments:
        generated: What the model drew: an image folder, or any data source.
        training: What it was trained on: the same, or a folder of `solidmark mark`.
        out: The folder to write.
        distances: `l2`, `modified-l2`, `patched-l2`, or the word of an embedder; each once.
        held_out: Images of the same kind that the model never saw.
        fprs: The false-positive rates at which thresholds are calibrated on the null.
        fdr: The false-discovery rate at which images are named.
        n: How many neighbours modified and patched l2 are rescaled by.
        alpha: What their mean distance is multiplied with.
        tiles: g of the g x g tiles of patched l2.
        features: Statistics of the field to add: `authpct`, `ct`, `mifid`.
        seed: Of the bootstrap and of augmented copies.
        trust_control: Whether images are named although the held-out ones are of another kind.
    """

    generated: str
    training: str
    out: Path
    distances: tuple[str, ...] = tuple(PIXEL_DISTANCES)
    held_out: str | None = None
    fprs: tuple[float, ...] = (0.01,)
    fdr: float = 0.05
    n: int = 50
    alpha: float = 0.5
    tiles: int = 4
    features: tuple[str, ...] = ()
    seed: int = 0
    trust_control: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.null == "train" and self.held_out is not None:
            raise BadInput("--held-out names images that --null train does not use. Leave one out.")
        for name, rates in (("--fpr", self.fprs), ("--fdr", (self.fdr,))):
            for rate in rates:
                if not 0 < rate < 1:
                    raise BadInput(f"{name} must be above 0 and below 1, not {rate:g}.")

    def open_sides(self) -> Sides:
        """The images, undecoded."""
        return open_sides(
            self.generated,
            self.training,
            self.held_out,
            resolution=self.resolution,
            mode=self.mode,
            window=self.window,
            limit=self.limit,
            hash_ids=self.hash_ids,
        )

    def open_distances(self) -> tuple[Distance, ...]:
        """The distances, with what they need."""
        return open_distances(
            self.distances, n=self.n, alpha=self.alpha, tiles=self.tiles, device=self.device
        )

    def to_json(self) -> dict[str, Any]:
        """The configuration as it stands in the manifest."""
        plain = super().to_json()
        del plain["trust_control"]  # Nothing is searched anew.
        return plain
