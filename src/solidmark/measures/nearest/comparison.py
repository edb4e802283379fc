"""What a `nearest` run compares, and how: the whole configuration."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from solidmark.cards.asked import Compared
from solidmark.cards.option import check
from solidmark.data import Mode, Resolution
from solidmark.errors import BadInput
from solidmark.measures.nearest.distances import Distance, open_distances
from solidmark.measures.nearest.sides import Sides, open_sides
from solidmark.neighbours import PIXEL_DISTANCES


@dataclass(frozen=True)
class Comparison(Compared):
    """The whole configuration of a `nearest` run.

    Arguments:
        generated: What the model drew: an image folder, or any data source.
        training: What it was trained on: the same, or a folder of `solidmark mark`.
        out: The folder to write.
        distances: `l2`, `modified-l2`, `patched-l2`, or the word of an embedder; each once.
        held_out: Images of the same kind that the model never saw.
        fprs: The false-positive rates at which thresholds are calibrated on the null.
        fdr: The false-discovery rate at which images are named.
        resolution: The side in pixels that all images are scaled to.
        mode: "RGB" or "L".
        window: Which values of deep pictures are black and white ("full", "used", "LOW:HIGH").
        n: How many neighbours modified and patched l2 are rescaled by.
        alpha: What their mean distance is multiplied with.
        tiles: g of the g x g tiles of patched l2.
        features: Statistics of the field to add: `authpct`, `ct`, `mifid`.
        seed: Of the bootstrap and of augmented copies.
        memory: The most bytes that a search holds, beside Python and its libraries.
        cache: Where vectors are kept from run to run; None = the user's cache folder.
        device: Where embedders and matrix products run.
        trust_control: Whether images are named although the held-out ones are of another kind.
    """

    generated: str
    training: str
    out: Path
    distances: tuple[str, ...] = tuple(PIXEL_DISTANCES)
    held_out: str | None = None
    fprs: tuple[float, ...] = (0.01,)
    fdr: float = 0.05
    resolution: Resolution | None = None
    mode: Mode | None = None
    window: str = "full"
    n: int = 50
    alpha: float = 0.5
    tiles: int = 4
    features: tuple[str, ...] = ()
    seed: int = 0
    memory: int = 2**30
    cache: Path | None = None
    device: str = "cpu"
    trust_control: bool = False

    def __post_init__(self) -> None:
        check(self)
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
        )

    def open_distances(self) -> tuple[Distance, ...]:
        """The distances, with what they need."""
        return open_distances(
            self.distances, n=self.n, alpha=self.alpha, tiles=self.tiles, device=self.device
        )

    def to_json(self) -> Mapping[str, Any]:
        """The configuration as it stands in the manifest."""
        plain = asdict(self)
        for name in (
            "out",
            "memory",
            "cache",
            "device",
            "trust_control",
        ):  # Nothing is searched anew.
            del plain[name]
        return plain
