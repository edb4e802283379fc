"""The grey round trip: what an autoencoder makes of a frame, before any model is asked.

.. math:: r(k) = \\mathrm{mean}_x \\, \\mathrm{read}(\\mathcal{D}(\\mathcal{E}(x_k))), \\qquad
          \\hat k = r^{-1}(\\mathrm{read}(\\hat x))

A latent model never sees a grey, only its latents, and can give back no other grey than its decoder
does. The curve r says how a key comes out, and its inverse corrects what is read of a decoded
picture; what the inverse leaves is an error that no reader of decoded pictures can be without.
Nothing of it depends on a key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from solidmark.diffusion import Model
from solidmark.late import Tensor, torch
from solidmark.readers.reader import Query
from solidmark.types import Keys

LEVELS = 9

ALL = 2**20
"""Pixels of the reference images that are all sent round, 64 of 128 x 128: it takes seconds."""
ENOUGH = 16
"""Larger pictures, so many. The curve is wrong by a spread over the root of their number, which
adds 1/16 to the variance that the autoencoder leaves a reading anyway: 3 % to its error. With one
grey a frame; several are several measurements."""

EQUAL = 1e-9
"""Mean greys nearer to one another than this are one."""


@dataclass(frozen=True)
class RoundTrip:
    """How keys come out of an autoencoder.

    Arguments:
        keys: The greys painted, in [0, 1], ascending.
        means: The mean grey that comes out of each.
        spreads: Its standard deviation over images and keys of a frame.
        errors: The mean distance, in [0, 1], that is left between each and its corrected reading.
    """

    keys: tuple[float, ...]
    means: tuple[float, ...]
    spreads: tuple[float, ...]
    errors: tuple[float, ...]

    @property
    def bias(self) -> float:
        """The mean distance of what comes out on average from what was painted."""
        pairs = zip(self.keys, self.means, strict=True)
        return sum(abs(mean - key) for key, mean in pairs) / len(self.keys)

    @property
    def spread(self) -> float:
        """The root of the mean variance of what comes out of one grey."""
        return (sum(s * s for s in self.spreads) / len(self.spreads)) ** 0.5

    @property
    def floor(self) -> float:
        """The reading floor: the error of a reader of decoded pictures that knows every latent.

        The mean distance of painted and corrected greys. It counts what the spread does not: a
        decoder that takes the contrast out of greys makes the same spread mean more.
        """
        return sum(self.errors) / len(self.errors)

    def correct(self, keys: Keys) -> Keys:
        """The greys that would have come out as these, in [0, 1]."""
        return correct(keys, self.keys, self.means)

    def to_json(self) -> dict[str, Any]:
        """As it stands in the calibration."""
        return {name: list(values) for name, values in asdict(self).items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "RoundTrip":
        """The round trip of a calibration."""
        return cls(*(tuple(values[name]) for name in ("keys", "means", "spreads", "errors")))


def correct(found: Keys, keys: Sequence[float], means: Sequence[float]) -> Keys:
    """Inverts a measured curve, with straight lines between its points.

    Where the curve falls, no inverse is right: the non-decreasing curve nearest to it in squares is
    inverted instead, and a stretch where that is flat comes back as the middle of its keys. Beyond
    the ends it gives the end.
    """
    # Stretches of [level, keys pooled, where it starts]; neighbours that fall are pooled.
    stretches: list[list[float]] = []
    for start, mean in enumerate(means):
        stretches.append([mean, 1, start])
        while len(stretches) > 1 and stretches[-2][0] > stretches[-1][0] - EQUAL:
            level, count, _ = stretches.pop()
            last = stretches[-1]
            last[0] = (last[0] * last[1] + level * count) / (last[1] + count)
            last[1] += count
    middles = [(keys[int(s)] + keys[int(s + n) - 1]) / 2 for _, n, s in stretches]
    inverse = np.interp(found.double().numpy(), [level for level, _, _ in stretches], middles)
    return torch.from_numpy(inverse).to(found.dtype)


def sent_round(images: int, size: Sequence[int]) -> int:
    """How many reference images are sent through the autoencoder.

    Arguments:
        images: How many there are.
        size: Their height and width with the frame, in pixels.
    """
    return min(images, max(ENOUGH, ALL // (size[0] * size[1])))


def round_trip_passes(images: int, size: Sequence[int]) -> int:
    """How many images `measure_round_trip` puts through an autoencoder, there and back."""
    return 2 * LEVELS * sent_round(images, size)


def measure_round_trip(model: Model, query: Query, levels: int = LEVELS) -> RoundTrip:
    """Paints greys round images, and sends them through the autoencoder and back.

    Every key of a frame takes every level once, beside other levels. Of many large images some are
    taken, `sent_round` says how many.

    Arguments:
        model: Its `encode` and `decode` are used, no network call is made.
        query: Reference images.
        levels: How many greys, equally spaced in [0, 1].
    """
    grid = torch.linspace(0, 1, levels)
    count = query.pattern.count
    images = len(query.images)
    some = sent_round(images, query.pattern.marked_size(*query.images.shape[-2:]))
    # Over all of them, since references are in the order of their names.
    query = query.of([number * images // some for number in range(some)])
    found: list[list[Tensor]] = [[] for _ in range(levels)]
    for turn in range(levels):
        # Neighbours differ by two levels, so that what a block takes from the next one is seen.
        places = (2 * torch.arange(count) + turn) % levels
        keys = grid[places].expand(len(query.images), count)
        with torch.no_grad():
            seen = model.decode(model.encode(query.frame(keys))).clamp(0, 1).cpu()
        read = query.pattern.read(seen)
        for m, place in enumerate(places.tolist()):
            found[place].append(read[:, m])
    by_level = [torch.cat(values).double() for values in found]
    painted, means = grid.tolist(), [float(values.mean()) for values in by_level]
    return RoundTrip(
        tuple(painted),
        tuple(means),
        tuple(float(values.std(correction=0)) for values in by_level),
        tuple(
            float((correct(values[:, None], painted, means) - key).abs().mean())
            for key, values in zip(painted, by_level, strict=True)
        ),
    )
