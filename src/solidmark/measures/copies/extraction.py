"""What a search for cliques is asked: the whole configuration."""

from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from solidmark.cards.asked import Extracted
from solidmark.errors import BadInput
from solidmark.measures.copies.prompts import Prompted, open_prompted
from solidmark.measures.nearest.distances import ByEmbedder, ByPixels, Distance
from solidmark.measures.nearest.searched import Searched
from solidmark.neighbours import PixelDistance

THRESHOLD = 0.15
"""Of patched l2 with 4 x 4 tiles: Stable Diffusion at 512 px (Carlini et al., 2023)."""


@dataclass(frozen=True)
class Extraction(Extracted, Searched):
    """The whole configuration of `cliques`.

    Arguments:
        generated: Several generations of each prompt: an image folder, or any data source.
        out: The folder to write.
        tiles: g of the g x g tiles of patched l2.
        seed: Of the draws.
    """

    generated: str
    out: Path
    _: KW_ONLY
    tiles: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.distance == "modified-l2":
            raise BadInput(
                "modified-l2 is rescaled by the training images, and there are none here. Use l2 "
                "or patched-l2."
            )
        if self.calibrate and self.threshold is not None:
            raise BadInput("--calibrate finds a threshold. Leave --threshold or --calibrate out.")
        if not self.calibrate and self.threshold is None and self.distance != "patched-l2":
            raise BadInput(
                f'No threshold is known for "{self.distance}". Give --threshold, or --calibrate '
                "with generations of several prompts."
            )

    def open_generated(self) -> Prompted:
        """The generations by prompt, undecoded."""
        return open_prompted(
            self.generated,
            self.prompt_column,
            resolution=self.resolution,
            mode=self.mode,
            window=self.window,
            limit=self.limit,
        )

    def open_distance(self) -> Distance:
        """The distance, not rescaled.

        Raises:
            UnknownName: When there is no such distance.
        """
        if self.distance == "l2":
            return ByPixels(PixelDistance("l2"))
        if self.distance == "patched-l2":
            return ByPixels(PixelDistance("patched-l2", self.tiles))
        return ByEmbedder.named(self.distance, self.device)
