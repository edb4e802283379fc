"""Does the model know the marked images at all? Only then does it mean anything to see no memory.

A network that was never trained, was trained on another folder, or saw cut-outs, has memorized no
frame, and no reader finds one. Two things must be seen before that is called a result: the model
tells the frames as they are marked from frames whose cells lie elsewhere, and it takes the noise
off the pictures in them better than their average does. Each gain must lie above a twentieth of the
error, by a one-sided t-test over the images at 5 %; both must, so the rule as a whole calls a model
known that lies at the bound of one of them at most once in twenty.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from solidmark.late import stats
from solidmark.scores.groups import writable

MARGIN = math.log(1.05)
"""A gain that counts: a twentieth of the error. Models that never saw a frame of several greys lie
within .03 of none, since the edges between cells are easier in one place than in another."""

APART = math.log(1.5)
"""So much better must another view be known than the marked images, to be what was trained on:
half of the error more. Networks that have hardly learned anything differ by less, since smooth
pictures are easier for all."""

FLAT = 0.5
"""Frames are drawn when the cells are flatter than this, as a share of what they are elsewhere."""

SMOOTH = 0.5
"""Pictures are drawn, and not noise, when neighbours are as alike as this share of what they are
in marked images."""

LEVEL = 0.05
"""Of the tests."""

LEAST = 4
"""Images below which nothing is said: a standard deviation of fewer is none."""

State = Literal["known", "unknown", "too_few"]
Reason = Literal["untrained", "folder", "crops", "flips"]

VIEWS = ("frames", "pictures", "marked", "cropped", "unmarked", "mirrored")
"""What a gain can be of, as in `Evidence`."""

_LISTS = ("noise", "pictures", "beside")
"""The fields that are lists in JSON, of the evidence and of what is made of it."""


@dataclass(frozen=True)
class Gain:
    """The mean of a gain over images.

    Arguments:
        value: The mean logarithm of a ratio of two squared errors; 0 = no gain, high = known.
        ci_low: The lower end of its 95 % interval.
        ci_high: The upper end.
        p_value: One-sided, of a gain of a twentieth of the error or less.
    """

    value: float
    ci_low: float
    ci_high: float
    p_value: float

    @property
    def seen(self) -> bool:
        """Whether it lies above a twentieth of the error."""
        return self.p_value < LEVEL

    @property
    def saved(self) -> float:
        """The share of the larger error that is saved; below 0 when the error is larger."""
        return -math.expm1(-self.value)


@dataclass(frozen=True)
class Drawn:
    """What a model draws: frames, by how flat their cells are, and pictures, by how alike
    neighbours are. Flatness is a standard deviation in grey levels.

    Arguments:
        images: How many were drawn.
        spread: Within the cells of what the model draws.
        turned: Within cells that lie elsewhere; None where the frame has none to be moved.
        marked: Within the cells of marked images.
        unmarked: Within the same cells of pictures without a frame.
        alike: The correlation of neighbouring cells of the latents of the drawings, less their
            mean.
        alike_marked: The same of marked images.
    """

    images: int
    spread: float
    turned: float | None
    marked: float
    unmarked: float
    alike: float
    alike_marked: float

    @property
    def frames(self) -> bool:
        """Whether the model draws frames; never where there is nothing to compare them with."""
        return self.turned is not None and self.spread < FLAT * self.turned

    @property
    def pictures(self) -> bool:
        """Whether the model draws anything but noise."""
        return self.alike >= SMOOTH * self.alike_marked


@dataclass(frozen=True)
class Evidence:
    """What `observe` keeps: the gains of each image, without any key.

    Arguments:
        asked: How many images the model was asked about.
        gains: The gains of the images whose answers were finite, by `VIEWS`; `frames` may be
            missing.
        drawn: The spreads of the drawings.
        times: When the model was asked.
        noise: The noise of each time, as a multiple of the variance of the latents.
        network_calls: Of all of it.
        pictures: Where the drawings lie, below the audit folder.
        beside: The ids of the marked images that they are shown with.
    """

    asked: int
    gains: Mapping[str, Sequence[float]]
    drawn: Drawn
    times: tuple[float, ...]
    noise: tuple[float, ...]
    network_calls: float
    pictures: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As it stands in `knowing.json`."""
        lists = {name: list(getattr(self, name)) for name in _LISTS}
        return {**asdict(self), **lists, "times": list(self.times)}

    @staticmethod
    def from_json(plain: Mapping[str, Any]) -> "Evidence":
        """From what `to_json` gave."""
        tuples = {name: tuple(plain[name]) for name in ("times", *_LISTS)}
        return Evidence(**{**plain, **tuples, "drawn": Drawn(**plain["drawn"])})


@dataclass(frozen=True)
class Knowing:
    """Whether a model knows marked images, and if not, why most likely.

    Arguments:
        state: `known`, `unknown`, or `too_few` images to tell.
        reason: Of `unknown`: `untrained`, another `folder` or no frames, `crops`, `flips`.
        mirrored_too: Whether images in a mirror are not shown to be known any less.
        images: How many images could be compared.
        failed: Images at which the model gave numbers that are not finite.
        gains: By `VIEWS`; `frames` may be missing, and none is there of too few images.
        drawn: How flat the drawn frames are.
        noise: As in `Evidence`.
        network_calls: The same.
        pictures: The same.
        beside: The same.
    """

    state: State
    reason: Reason | None
    mirrored_too: bool
    images: int
    failed: int
    gains: Mapping[str, Gain]
    drawn: Drawn
    noise: tuple[float, ...]
    network_calls: float
    pictures: tuple[str, ...]
    beside: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As it stands in `results.json`."""
        return {**asdict(self), **{name: list(getattr(self, name)) for name in _LISTS}}

    @staticmethod
    def from_json(plain: Mapping[str, Any]) -> "Knowing":
        """From what `to_json` gave."""
        tuples = {name: tuple(plain[name]) for name in _LISTS}
        means = {name: Gain(**gain) for name, gain in plain["gains"].items()}
        return Knowing(**{**plain, **tuples, "gains": means, "drawn": Drawn(**plain["drawn"])})


def gain(values: Float[np.ndarray, " N"]) -> Gain:
    """The mean of the gains of N images, with its test.

    Arguments:
        values: The gain of each image, two or more.

    References:
        Student (1908).
    """
    count, mean = len(values), float(values.mean())
    error = float(values.std(ddof=1)) / math.sqrt(count)
    half = float(stats.t.ppf(0.975, count - 1)) * error
    if error == 0:
        p = 1.0 if mean <= MARGIN else 0.0
    else:
        p = float(stats.t.sf((mean - MARGIN) / error, count - 1))
    return Gain(mean, mean - half, mean + half, writable(p))


def judge_knowing(evidence: Evidence) -> Knowing:
    """Says whether a model knows the images that it is asked about.

    Arguments:
        evidence: What `observe` kept.
    """
    count = len(evidence.gains["marked"])
    enough = count >= LEAST
    means = {
        name: gain(np.asarray(values, dtype=np.float64))
        for name, values in evidence.gains.items()
        if enough
    }
    known = enough and means["pictures"].seen and ("frames" not in means or means["frames"].seen)
    state: State = "too_few" if not enough else "known" if known else "unknown"
    # Many answers that are no numbers are those of a broken network, however few are left.
    if not enough and evidence.asked >= LEAST:
        state = "unknown"
    return Knowing(
        state=state,
        reason=_reason(means, evidence.drawn) if state == "unknown" else None,
        mirrored_too=enough and not _less_in_a_mirror(evidence),
        images=count,
        failed=evidence.asked - count,
        gains=means,
        drawn=evidence.drawn,
        noise=evidence.noise,
        network_calls=evidence.network_calls,
        pictures=evidence.pictures,
        beside=evidence.beside,
    )


def _less_in_a_mirror(evidence: Evidence) -> bool:
    """Whether the stored images are known better than their mirror images."""
    return gain(-np.asarray(evidence.gains["mirrored"], dtype=np.float64)).seen


def _reason(means: Mapping[str, Gain], drawn: Drawn) -> Reason:
    """The likely reason why a model does not know marked images: what it knows instead."""
    if not means:
        return "untrained"
    if means["mirrored"].seen:
        return "flips"
    frames = "frames" in means and means["frames"].seen
    # Who knows the frames is not untrained, so that less is enough to tell cut-outs.
    bound = means["marked"].value + (MARGIN if frames else APART)
    cropped, unmarked = means["cropped"], means["unmarked"]
    # A picture without its frame is a cut-out too, and one place of many that are drawn from.
    if cropped.seen and cropped.value > max(bound, unmarked.value / 2):
        return "crops"
    if unmarked.seen and unmarked.value > bound:
        return "folder"
    # Frames round other pictures, or other pictures with or without a frame.
    others = drawn.frames or (drawn.pictures and means["pictures"].ci_high < 0)
    return "folder" if others else "untrained"
