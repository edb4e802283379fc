"""An embedder fitted to images of the user's own, for sets that no published network knows."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from solidmark.data import Dataset, identity_of
from solidmark.embed import Fit, Shape, fit, open_own, save_own, views
from solidmark.embed.own import CONFIG, WEIGHTS
from solidmark.errors import BadInput, BrokenImage
from solidmark.late import Tensor, torch
from solidmark.measures.nearest.sides import open_side
from solidmark.randomness import generator
from solidmark.runs import Figure, Processes, Run, check_device, figure_from, open_run, progress
from solidmark.scores import clopper_pearson
from solidmark.scores.written import percent
from solidmark.types import Image

LARGEST_SIDE = 64
"""No picture is given larger: what copies are known by is seen at this size."""

SMALLEST_SIDE = 16

LEAST, FEW = 8, 200
"""Fewer different pictures are no set to be fitted to, or are said to be few."""

ASKED = 512
"""At most so many pictures are searched among, to say what a fitted network is worth."""

LIMIT = 20_000
"""So many images are enough, and their squares fit into the memory."""


@dataclass(frozen=True)
class Fitting:
    """The whole configuration of `fit`.

    Arguments:
        data: The images: any data source, or a folder of `solidmark mark`, of which the training
            half is taken, without the frames.
        out: The folder to write.
        side: Of the squares that the network is given; that of the images, from 16 to 64, when not
            given.
        steps: How many batches it sees.
        batch_size: Pictures of a batch.
        dimensions: Of a vector.
        learning_rate: At its highest.
        window: Which values of deep pictures are black and white ("full", "used", "LOW:HIGH").
        limit: At most so many images, the first by their ids.
        seed: Of weights, batches and views.
        device: Where it runs.
    """

    data: str
    out: Path
    side: int | None = None
    steps: int = 250
    batch_size: int = 128
    dimensions: int = 64
    learning_rate: float = 2e-3
    window: str = "full"
    limit: int = LIMIT
    seed: int = 0
    device: str = "cpu"

    def open_data(self) -> Dataset:
        """The images, undecoded.

        Raises:
            BadInput: When there are too few of them.
        """
        data = open_side(self.data, window=self.window, limit=self.limit)
        if len(data) < LEAST:
            raise BadInput(
                f'"{self.data}" holds {len(data):,} images. An embedder of your own needs {LEAST}, '
                "and hundreds to be worth something."
            )
        return data

    def to_json(self) -> Mapping[str, Any]:
        """The configuration as it stands in the manifest."""
        plain = asdict(self)
        del plain["out"], plain["device"]
        return plain


def fit_own(fitting: Fitting) -> Run:
    """Fits an embedder, and says how well it finds changed copies of what it was fitted to.

    A fitting that was killed begins anew with the same call; it takes minutes.

    Arguments:
        fitting: Of what, and how.

    Returns:
        The run, with `config.json` and `model.safetensors` in its folder.

    Raises:
        NotFound: When there are no such images.
        BadInput: When there are too few different ones.
    """
    check_device(fitting.device)
    data = fitting.open_data()
    run = open_run(fitting.out, "fit", fitting.to_json(), {"data": identity_of(data)})
    processes = Processes.here()
    if run.finished or not processes.is_main:
        processes.wait()
        return run
    images, broken = _different(data)
    if len(images) < LEAST:
        run.abandon()
        raise BadInput(
            f'"{fitting.data}" holds {len(images):,} different images that can be read. An '
            f"embedder of your own needs {LEAST}."
        )
    shape = Shape(fitting.side or _side(images), dimensions=fitting.dimensions)
    squares = torch.cat([torch.from_numpy(shape.squares.bytes([one])) for one in images])
    squares = squares.permute(0, 3, 1, 2).contiguous()
    how = Fit(fitting.steps, fitting.batch_size, fitting.learning_rate, fitting.seed)
    losses: list[float] = []
    with progress("fitting", fitting.steps) as advance:

        def told(loss: float) -> None:
            losses.append(loss)
            advance(1, f"loss {loss:.3f}")

        weights = fit(squares, shape, how, fitting.device, told)
    save_own(fitting.out, weights, shape)
    found = _found(fitting, squares)
    run.finish(
        *(CONFIG, WEIGHTS),
        images=len(images),
        quarantined=broken,
        side=shape.side,
        loss=losses[-1],
        finds=found.to_json(),
    )
    processes.wait()
    return run


def fitted_lines(manifest: Mapping[str, Any]) -> list[str]:
    """What a fitted network is worth, in sentences.

    Arguments:
        manifest: Of its folder.
    """
    found = figure_from(manifest["finds"])
    lines = [
        f"Fitted to {manifest['images']:,} different images, seen at {manifest['side']} pixels. Of "
        f"{found.n:,} freshly changed ones it finds {percent(found.value or 0.0)} (chance "
        f"{percent(found.chance or 0.0)}), by changes that it was fitted with."
    ]
    if manifest["images"] < FEW:
        lines.append(f"That are few: below {FEW}, it may not know fresh images of their kind.")
    if manifest["quarantined"]:
        lines.append(f"Images that could not be read: {manifest['quarantined']:,}.")
    return lines


def _different(data: Dataset) -> tuple[list[Image], int]:
    """The images, each picture once, and how many could not be read."""
    seen: set[str] = set()
    images: list[Image] = []
    broken = 0
    for number in range(len(data)):
        try:
            sample = data[number]
        except BrokenImage:
            broken += 1
            continue
        if sample.content not in seen:
            seen.add(sample.content)
            images.append(sample.image)
    return images, broken


def _side(images: list[Image]) -> int:
    """The side of the smallest image, within what the network takes."""
    smallest = min(min(image.shape[-2:]) for image in images)
    return max(SMALLEST_SIDE, min(LARGEST_SIDE, smallest))


def _found(fitting: Fitting, squares: Tensor) -> Figure:
    """The share of fresh views whose original is the nearest of all that are asked."""
    embedder = open_own(str(fitting.out), fitting.device)
    some = squares[:ASKED].float() / 255
    drawn = generator(fitting.seed, "asked", purpose="views")
    changed = torch.cat([views(part, drawn) for part in some.split(64)])

    def rows(pictures: Tensor) -> Iterator[Tensor]:
        for part in pictures.split(64):
            yield embedder.embed([*part])

    alike = torch.cat([*rows(changed)]) @ torch.cat([*rows(some)]).T
    n = len(some)
    count = int((alike.argmax(dim=1) == torch.arange(n)).sum())
    low, high = clopper_pearson(count, n)
    return Figure(
        measure="own",
        split="fitted",
        statistic="found",
        n=n,
        count=count,
        value=count / n,
        unit="share",
        direction="high",
        chance=1 / n,
        ci_low=low,
        ci_high=high,
        note="Changed copies of the images that it was fitted to, with the changes that it was "
        "fitted with: the page of nearest says what it recognises of others.",
    )
