"""What an audit of many images costs on this machine, from a few calls of the model itself."""

import io
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from textwrap import wrap
from typing import Any

from solidmark.data import Records, Sample, to_picture
from solidmark.diffusion import Model, moments
from solidmark.errors import BadInput, BrokenImage, SolidmarkError
from solidmark.late import torch
from solidmark.marks import Frame
from solidmark.runs import progress
from solidmark.types import MarkedImages

AT_ONCE = 8
"""So many images are asked about at a time; larger batches are no slower an image."""

CALLS = 3
"""So many calls are timed, after one that is not: the first one sets things up."""

SECONDS = 20.0
"""No further call is made once they have taken so long."""

TIME = 0.5
"""Where an image is half noise; a network takes as long at any time."""

ROW, KEY = 400, 50
"""Bytes on the disk of an image and of each of its keys, in keys, ledger, evidence and scores
together; measured, benchmarks/million.md."""


@dataclass(frozen=True)
class Effort:
    """What it costs to ask a model for the keys of all images, once by one reader.

    Arguments:
        images: How many there are, held-out ones too.
        network_calls: Of all of them; a call with a gradient counts 2.3.
        device: Where the calls were timed.
        seconds_per_call: Of one image; None where the model could not be asked.
        hours: Of all calls.
        picture_bytes: Of all marked images on the disk.
        row_bytes: Of all that is kept of them beside their pictures.
        why: Why the model could not be asked.
    """

    images: int
    network_calls: int
    device: str
    seconds_per_call: float | None
    hours: float | None
    picture_bytes: int
    row_bytes: int
    why: str = ""

    @property
    def facts(self) -> dict[str, Any]:
        """As it stands in the answer."""
        return asdict(self)


def effort_of(
    model: Model, data: Records, frame: Frame, images: int, calls: float, device: str
) -> Effort:
    """Measures a model with a few images in neutral frames.

    Arguments:
        model: The model.
        data: Some of the images that are to be marked, all of one size.
        frame: What is painted round them.
        images: How many images there will be.
        calls: Network calls of all of them.
        device: Where the model is.

    Returns:
        The cost; without a time where the model cannot be asked about these images.
    """
    samples, batch = _in_frames(data, frame)
    seconds, why = None, ""
    try:
        seconds = _timed(model, samples, batch, device)
    except SolidmarkError as error:
        why = str(error)
    return Effort(
        images,
        round(calls),
        device,
        seconds,
        None if seconds is None else seconds * calls / 3600,
        round(sum(map(_png_bytes, batch)) / len(batch) * images),
        images * (ROW + KEY * frame.pattern.count),
        why,
    )


def effort_lines(found: Effort) -> Iterator[str]:
    """The same in words."""
    pictures, rows = (_size(count) for count in (found.picture_bytes, found.row_bytes))
    yield f"Effort for {found.images:,} images by one reader, once:"
    if found.seconds_per_call is None or found.hours is None:
        yield f"  {found.network_calls:,.0f} network calls; how long one takes is not known:"
        yield from (f"  {line}" for line in wrap(found.why, 96))
    else:
        yield f"  {found.network_calls:,.0f} network calls of {_time(found.seconds_per_call)} each"
        yield f"  ({found.device}, {AT_ONCE} images at a time): about {_time(3600 * found.hours)}."
    yield f"  {pictures} of marked images on the disk, {rows} of keys, answers and scores."


def _in_frames(data: Records, frame: Frame) -> tuple[list[Sample], MarkedImages]:
    """Some images, and as they are in frames of mid-grey; all that can be read are the first."""
    samples = []
    for number in range(len(data)):
        try:
            one = data[number]
        except BrokenImage:
            continue
        # What a model is told does not change how long it takes.
        samples.append(replace(one, caption=one.caption or "a", class_index=one.class_index or 0))
        if len(samples) == AT_ONCE:
            break
    if not samples:
        raise BadInput("None of the images of --data can be read. Name others.")
    images = torch.stack([sample.image for sample in samples])
    keys = torch.full((len(images), frame.pattern.count), 0.5)
    return samples, frame.pattern.apply(images, keys)


def _timed(model: Model, samples: Sequence[Sample], batch: MarkedImages, device: str) -> float:
    """The seconds of one network call for one image."""
    if model.channels == 1:
        batch = batch.mean(1, keepdim=True)
    z_0 = model.encode(batch)
    condition = model.condition(samples)
    alpha, sigma = moments(model.schedule, TIME)
    noise = torch.randn(z_0.shape, generator=torch.Generator().manual_seed(0))
    z_t = alpha * z_0 + sigma * noise.to(z_0)
    spent, made = 0.0, 0
    with progress("timing the model", CALLS + 1) as advance, torch.no_grad():
        _seconds(lambda: model.denoise(z_t, TIME, condition), device)
        advance()
        while made < CALLS and spent < SECONDS:
            spent += _seconds(lambda: model.denoise(z_t, TIME, condition), device)
            made += 1
            advance()
    return spent / made / len(batch)


def _seconds(work: Callable[[], object], device: str) -> float:
    start = time.perf_counter()
    work()
    if device.startswith("cuda"):  # Its work is only begun when the call returns.
        torch.cuda.synchronize()
    return time.perf_counter() - start


def _png_bytes(image: Any) -> int:
    file = io.BytesIO()
    to_picture(image).save(file, "PNG")
    return len(file.getvalue())


def _time(seconds: float) -> str:
    for most, unit, word in ((1, 1e-3, "ms"), (90, 1, "s"), (5400, 60, "minutes")):
        if seconds < most:
            return f"{seconds / unit:.3g} {word}"
    return f"{seconds / 3600:,.3g} hours"


def _size(count: int) -> str:
    for unit, word in ((1e12, "TB"), (1e9, "GB")):
        if count >= unit:
            return f"{count / unit:.3g} {word}"
    return f"{count / 1e6:.3g} MB"
