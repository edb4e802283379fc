"""What a search for cliques is asked: the whole configuration."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from solidmark.cards.asked import Extracted
from solidmark.cards.option import check
from solidmark.data import Mode, Resolution
from solidmark.embed import open_embedder
from solidmark.errors import BadInput
from solidmark.measures.copies.prompts import Prompted, open_prompted
from solidmark.measures.nearest.distances import ByEmbedder, ByPixels, Distance
from solidmark.neighbours import PixelDistance

THRESHOLD = 0.15
"""Of patched l2 with 4 x 4 tiles: Stable Diffusion at 512 px (Carlini et al., 2023)."""


@dataclass(frozen=True)
class Extraction(Extracted):
    """The whole configuration of `cliques`.

    Arguments:
        generated: Several generations of each prompt: an image folder, or any data source.
        out: The folder to write.
        tiles: g of the g x g tiles of patched l2.
        resolution: The side in pixels that all images are scaled to.
        mode: "RGB" or "L".
        window: Which values of deep pictures are black and white ("full", "used", "LOW:HIGH").
        seed: Of the draws.
        cache: Where vectors are kept from run to run; None = the user's cache folder.
        device: Where embedders and matrix products run.
    """

    generated: str
    out: Path
    tiles: int = 4
    resolution: Resolution | None = None
    mode: Mode | None = None
    window: str = "full"
    seed: int = 0
    cache: Path | None = None
    device: str = "cpu"

    def __post_init__(self) -> None:
        check(self)
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
        return ByEmbedder(open_embedder(self.distance, device=self.device))

    def to_json(self) -> Mapping[str, Any]:
        """The configuration as it stands in the manifest."""
        plain = asdict(self)
        for name in ("out", "cache", "device"):  # They change no number.
            del plain[name]
        return plain
