"""What a search for duplicates is asked: the whole configuration."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from solidmark.cards.asked import Deduplicated
from solidmark.cards.option import check
from solidmark.data import Dataset, Mode, Resolution
from solidmark.embed import open_embedder
from solidmark.errors import BadInput
from solidmark.measures.nearest.distances import ByEmbedder, Distance, open_distances
from solidmark.measures.nearest.sides import open_side
from solidmark.neighbours import PIXEL_DISTANCES


@dataclass(frozen=True)
class Deduplication(Deduplicated):
    """The whole configuration of `duplicates`.

    Arguments:
        data: The images: any data source, or a folder of `solidmark mark`, of which the training
            half is taken, without the frames.
        out: The folder to write.
        distances: `l2`, `modified-l2`, `patched-l2`: how close each image comes to its nearest
            other one. They group nothing.
        resolution: The side in pixels that all images are scaled to.
        mode: "RGB" or "L".
        window: Which values of deep pictures are black and white ("full", "used", "LOW:HIGH").
        seed: Of the bootstrap.
        memory: The most bytes that a search holds, beside Python and its libraries.
        cache: Where vectors are kept from run to run; None = the user's cache folder.
        device: Where embedders and matrix products run.
    """

    data: str
    out: Path
    distances: tuple[str, ...] = ()
    resolution: Resolution | None = None
    mode: Mode | None = None
    window: str = "full"
    seed: int = 0
    memory: int = 2**30
    cache: Path | None = None
    device: str = "cpu"

    def __post_init__(self) -> None:
        check(self)
        for word in self.distances:
            if word not in PIXEL_DISTANCES:
                raise BadInput(
                    f'--distance is one of {", ".join(PIXEL_DISTANCES)}, not "{word}". An embedder '
                    "is named with --embedder."
                )

    def open_data(self) -> Dataset:
        """The images, undecoded."""
        return open_side(
            self.data,
            resolution=self.resolution,
            mode=self.mode,
            limit=self.limit,
            window=self.window,
        )

    def open_distances(self) -> tuple[tuple[Distance, ...], ByEmbedder | None]:
        """The pixel distances, and the embedder where there is one."""
        found = open_distances(self.distances) if self.distances else ()
        if self.embedder is None:
            return found, None
        return found, ByEmbedder(open_embedder(self.embedder, device=self.device))

    def to_json(self) -> Mapping[str, Any]:
        """The configuration as it stands in the manifest."""
        plain = asdict(self)
        for name in ("out", "memory", "cache", "device"):  # They change no number.
            del plain[name]
        return plain
