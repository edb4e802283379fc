"""What a search for duplicates is asked: the whole configuration."""

from dataclasses import dataclass
from pathlib import Path

from solidmark.cards.asked import Deduplicated, Hashed, Sought
from solidmark.data import Dataset
from solidmark.errors import BadInput
from solidmark.measures.nearest.distances import ByEmbedder, Distance, open_distances
from solidmark.measures.nearest.searched import Searched
from solidmark.measures.nearest.sides import open_side
from solidmark.neighbours import PIXEL_DISTANCES


@dataclass(frozen=True)
class Deduplication(Deduplicated, Hashed, Sought, Searched):
    """The whole configuration of `duplicates`.

    Arguments:
        data: The images: any data source, or a folder of `solidmark mark`, of which the training
            half is taken, without the frames.
        out: The folder to write.
        distances: `l2`, `modified-l2`, `patched-l2`: how close each image comes to its nearest
            other one. They group nothing.
        seed: Of the bootstrap.
    """

    data: str
    out: Path
    distances: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
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
            hash_ids=self.hash_ids,
            window=self.window,
        )

    def open_distances(self) -> tuple[tuple[Distance, ...], ByEmbedder | None]:
        """The pixel distances, and the embedder where there is one."""
        found = open_distances(self.distances) if self.distances else ()
        if self.embedder is None:
            return found, None
        return found, ByEmbedder.named(self.embedder, self.device)
