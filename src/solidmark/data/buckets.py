"""Finding the pairs of images worth a closer look, without comparing all with all.

Images of one perceptual hash form a bucket. Pairs of near hashes are found by looking up their
bands; images of two near buckets are paired when their mean grey levels are alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_BITS = 7
"""Hashes of 64 bits are near when at most so many bits differ."""

MOST_GREY = 6.0
"""Pictures are near when the root mean square of their difference is below this, of 255."""

PAIRS_AT_ONCE = 500_000
_BANDS = 4
_BITS = 16
_ONES = np.array([value.bit_count() for value in range(256)], dtype=np.uint8)

Numbers = NDArray[np.int64]
Hashes = NDArray[np.uint64]


def near_hashes(hashes: Hashes) -> tuple[Numbers, Numbers]:
    """All pairs of hashes at most 7 bits apart, each hash with itself included.

    Seven wrong bits in four bands of 16 leave a band with at most one: each band is looked up,
    and its 16 neighbours.

    Returns:
        Two arrays of indices, the first at most the second, each pair once.
    """
    found = [np.arange(len(hashes)) * (len(hashes) + 1)]
    for band in range(_BANDS):
        words = ((hashes >> np.uint64(_BITS * band)) & np.uint64(2**_BITS - 1)).astype(np.int64)
        order = np.argsort(words, kind="stable")
        ranked = words[order]
        for flip in (0, *(1 << bit for bit in range(_BITS))):
            low = np.searchsorted(ranked, words ^ flip)
            counts = np.searchsorted(ranked, words ^ flip, side="right") - low
            for start, stop in _portions(counts):
                one, two = _expanded(np.arange(start, stop), low[start:stop], counts[start:stop])
                two = order[two]
                near = (one < two) & (_bits(hashes[one] ^ hashes[two]) <= MOST_BITS)
                found.append(one[near] * len(hashes) + two[near])
    codes = np.unique(np.concatenate(found))
    return codes // len(hashes), codes % len(hashes)


@dataclass(frozen=True)
class Buckets:
    """Images by bucket, within a bucket by mean grey level.

    The difference of two means never exceeds the root mean square of the difference, so pairing
    like means only loses nothing, and keeps a crowded bucket (white pages) from being compared
    all with all.

    Arguments:
        bucket: The bucket of each image, numbered from 0 without gaps.
        mean: The mean grey level of each image, in [0, 255].
        order: The images sorted by `place`.
        place: Bucket and mean in one number, sorted.
        starts: Where each bucket begins in `order`, and the end.
    """

    bucket: Numbers
    mean: NDArray[np.float64]
    order: Numbers
    place: NDArray[np.float64]
    starts: Numbers

    @classmethod
    def of(cls, bucket: Numbers, mean: NDArray[np.float64]) -> "Buckets":
        place = bucket * 1024.0 + mean  # Means are below 256: buckets stay apart.
        order = np.argsort(place, kind="stable")
        starts = np.searchsorted(bucket[order], np.arange(bucket.max() + 2))
        return cls(bucket, mean, order, place[order], starts)

    def portions(self, one: Numbers, two: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
        """Each image of the buckets `one` with the bucket of `two` that it must be compared with.

        Returns:
            Images and buckets, in portions of about half a million pairs.
        """
        sizes = np.diff(self.starts)
        crowd = (one != two) | (sizes[one] > 1)
        one, two = one[crowd], two[crowd]
        pair, member = _expanded(np.arange(len(one)), self.starts[one], sizes[one])
        images, others = self.order[member], two[pair]
        for start, stop in _portions(self._window(images, others)[1]):
            yield images[start:stop], others[start:stop]

    def pairs(self, images: Numbers, others: Numbers, root: Numbers) -> tuple[Numbers, Numbers]:
        """The pairs of images with like means that are not in one group yet.

        Arguments:
            images: Images.
            others: A bucket for each.
            root: The group of every image.
        """
        grouped = root[self.order]
        lowest = np.minimum.reduceat(grouped, self.starts[:-1])[others]
        highest = np.maximum.reduceat(grouped, self.starts[:-1])[others]
        undecided = (lowest != root[images]) | (highest != root[images])
        images, others = images[undecided], others[undecided]
        one, place = _expanded(images, *self._window(images, others))
        two = self.order[place]
        apart = root[one] != root[two]
        return one[apart], two[apart]

    def _window(self, images: Numbers, others: Numbers) -> tuple[Numbers, Numbers]:
        """Where the like means of a bucket begin, and how many there are."""
        centre = others * 1024.0 + self.mean[images]
        low = np.searchsorted(self.place, centre - MOST_GREY)
        return low, np.searchsorted(self.place, centre + MOST_GREY, side="right") - low


def _expanded(items: Numbers, low: Numbers, counts: Numbers) -> tuple[Numbers, Numbers]:
    """Each item as often as its count, beside the numbers low, low + 1, ..."""
    before = np.cumsum(counts) - counts
    within = np.arange(counts.sum()) - np.repeat(before, counts)
    return np.repeat(items, counts), np.repeat(low, counts) + within


def _portions(counts: Numbers) -> Iterator[tuple[int, int]]:
    """Cuts a list into pieces of about `PAIRS_AT_ONCE` in total."""
    if not counts.any():
        return
    ends = np.cumsum(counts)
    cuts = np.searchsorted(ends, np.arange(0, ends[-1], PAIRS_AT_ONCE), side="right")
    for start, stop in zip(cuts, [*cuts[1:], len(counts)], strict=True):
        yield int(start), int(stop)


def _bits(values: Hashes) -> Numbers:
    """How many bits of each are set."""
    return _ONES[values.view(np.uint8).reshape(-1, 8)].sum(axis=1, dtype=np.int64)
