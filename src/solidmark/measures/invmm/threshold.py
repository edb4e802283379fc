"""When a drawn picture counts as the image: calibrated on pictures that are not the same.

.. math:: P(s(x_i, x_j) \\ge \\beta) \\le fpr, \\qquad i \\ne j

A threshold of a paper holds for its data, its size of pictures and its embedder. This one is read
off the pairs of different training images, which are as unlike as pictures of the set are.
"""

from dataclasses import asdict, dataclass
from typing import Any

from solidmark.errors import BrokenImage
from solidmark.randomness import uniform
from solidmark.scores.conformal import rank_at, realised_fpr_interval, threshold_at
from solidmark.subjects import Likeness, Subjects, unrelated
from solidmark.types import Image

PICTURES = 512
"""At most so many pictures are paired."""


@dataclass(frozen=True)
class Threshold:
    """The likeness from which on a drawn picture counts as the image.

    Arguments:
        value: The threshold; at least this is alike.
        fpr: The rate that was asked for; None for a threshold that was given.
        pairs: How many unrelated pairs it was read off.
        rate: The share of fresh unrelated pairs that pass it, on average; at most.
        rate_low: The lower end of the 95 % interval of that rate, as if pairs were independent.
        rate_high: Its upper end.
        note: What must be said of it.
    """

    value: float
    fpr: float | None = None
    pairs: int = 0
    rate: float | None = None
    rate_low: float | None = None
    rate_high: float | None = None
    note: str = "It was given, and is not calibrated on these images."

    def to_json(self) -> dict[str, Any]:
        """The threshold as it stands in `threshold.json`."""
        return asdict(self)


def calibrate(
    likeness: Likeness, subjects: Subjects, split: str, fpr: float, seed: int
) -> Threshold:
    """Reads a threshold off the unrelated pairs of a split.

    Where there are too few pairs to show the rate, it lies just above the most alike of them, and
    the rate that is really had is larger: it is stated.

    Arguments:
        likeness: Who compares.
        subjects: The images; they are compared without their frames.
        split: Which of them are paired.
        fpr: The rate at which unrelated pairs may pass, in (0, 1).
        seed: Of the choice of images and pairs.

    Raises:
        BadInput: When no two pictures differ.
    """
    far = 1 - unrelated(likeness, _pictures(subjects, split, seed), seed)
    rank = max(1, rank_at(len(far), fpr))
    reached = threshold_at(far, fpr) is not None
    limit = threshold_at(far, max(fpr, (1 + 1e-6) / (len(far) + 1)))
    assert limit is not None  # The rate is one that so many pairs can show.
    low, high = realised_fpr_interval(len(far), rank)
    note = "Pairs share pictures, so the interval is narrower than it should be."
    if not reached:
        note = f"{len(far):,} pairs cannot show a rate of {fpr:g}: it is the strictest. {note}"
    return Threshold(1 - limit, fpr, len(far), rank / (len(far) + 1), low, high, note)


def _pictures(subjects: Subjects, split: str, seed: int) -> list[Image]:
    """Some pictures of a split, without their frames, drawn at random but fixed.

    Of all that there are, not only of those that are asked about: a limit makes no threshold worse.
    """
    pictures: list[Image] = []
    for id in sorted(subjects.data[split].ids, key=lambda id: uniform(seed, "threshold", id)):
        if len(pictures) == PICTURES:
            break
        try:
            image = subjects.sample(split, id).image
        except BrokenImage:
            continue
        pictures.append(subjects.crop(image[None])[0])
    return pictures
