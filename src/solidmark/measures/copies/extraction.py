"""What a search for cliques is asked: the whole configuration."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from solidmark.data import Mode, Resolution
from solidmark.embed import open_embedder
from solidmark.errors import BadInput
from solidmark.measures.copies.prompts import Prompted, open_prompted
from solidmark.measures.nearest.distances import ByEmbedder, ByPixels, Distance
from solidmark.neighbours import PixelDistance

THRESHOLD = 0.15
"""Of patched l2 with 4 x 4 tiles: Stable Diffusion at 512 px (Carlini et al., 2023)."""

LEAST = 10
"""The members of a suspicious clique, of 500 generations (Carlini et al., 2023)."""


@dataclass(frozen=True)
class Extraction:
    """The whole configuration of `cliques`.

    Arguments:
        generated: Several generations of each prompt: an image folder, or any data source.
        out: The folder to write.
        distance: `patched-l2` or `l2`, neither rescaled, or the word of an embedder.
        threshold: Two generations are close within this distance (embedders: 1 - similarity).
            None takes that of the paper, which holds for patched l2 only.
        calibrate: Whether the threshold is set on generations of different prompts instead.
        fpr: The share of pairs of different prompts that a calibrated threshold lets through.
        least: The members of a suspicious clique.
        repeats: How many draws of generations of different prompts say what chance gives.
        tiles: g of the g x g tiles of patched l2.
        prompt_column: Which column of the metadata says whose prompt an image is of.
        resolution: The side in pixels that all images are scaled to.
        mode: "RGB" or "L".
        window: Which values of deep pictures are black and white ("full", "used", "LOW:HIGH").
        limit: At most so many prompts, the first by their ids.
        seed: Of the draws.
        cache: Where vectors are kept from run to run; None = the user's cache folder.
        device: Where embedders and matrix products run.
    """

    generated: str
    out: Path
    distance: str = "patched-l2"
    threshold: float | None = None
    calibrate: bool = False
    fpr: float = 1e-4
    least: int = LEAST
    repeats: int = 99
    tiles: int = 4
    prompt_column: str | None = None
    resolution: Resolution | None = None
    mode: Mode | None = None
    window: str = "full"
    limit: int | None = None
    seed: int = 0
    cache: Path | None = None
    device: str = "cpu"

    def __post_init__(self) -> None:
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
        if self.threshold is not None and not 0 < self.threshold < float("inf"):
            raise BadInput(f"--threshold must be above 0, not {self.threshold:g}.")
        if not 0 < self.fpr < 1:
            raise BadInput(f"--fpr must be above 0 and below 1, not {self.fpr:g}.")
        for name, value, most in (("least", self.least, 2), ("repeats", self.repeats, 0)):
            if value < most:
                raise BadInput(f"--{name} must be {most} or more, not {value}.")

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
