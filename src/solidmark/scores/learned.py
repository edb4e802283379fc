"""A reading that is learned: how a model shows a key, from the keys of other images.

.. math::
    u_i = c \\, m_i + x_i^T v, \\qquad
    (c, v) = \\arg\\min \\sum_{j < i} (\\kappa_j - c \\, m_j - \\tilde x_j^T v)^2 + \\lambda |v|^2,
    \\qquad \\kappa = k - \\tfrac12

m is the plain reading, less 1/2, x are the features that the reader kept for each key, and x~ is
what m does not say of them. The sum is over the keys of the images in the folds before
(`folds.py`). Where little can be learned, lambda (by generalised cross-validation) leaves m alone.

A share rho^2 of the variance of a key is explained, so r = u / rho has the spread of a key and is
Gaussian round rho kappa with variance (1 - rho^2) var(k). What a p-value ranks is the likelihood of
a whole frame under that law, but for what all frames share:

.. math:: T(k) = \\sum_s \\rho \\kappa_s^2 - 2 r_s \\kappa_s

the squared distance where much is known, and the product of reading and key where little is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from solidmark.scores.null import LEVELS

_PENALTIES = 10.0 ** np.arange(-4, 4)
"""lambda, a key; features have a variance of about 1."""

_KEYS_A_FEATURE = 10
"""Fewer keys than that tell nothing: weights that fit them fit no others."""

_ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Learned:
    """What is read of N images.

    Arguments:
        reading: r, with shape (N, M), about as spread as keys are; 0 in the middle.
        rho: How far reading and key agree, a correlation, with shape (N), in [0, 1]; 0 where
            nothing was learned.
    """

    reading: Float[np.ndarray, "N M"] = field(repr=False)
    rho: Float[np.ndarray, " N"] = field(repr=False)


@dataclass(frozen=True)
class Weights:
    """How a reading is made: `plain` of the plain one, and `features` of the features."""

    plain: float
    features: Float[np.ndarray, " F"] = field(repr=False)
    rho: float


def unlearned(count: int) -> Weights:
    """The plain reading, as long as nothing was learned of `count` features."""
    return Weights(1.0, np.zeros(count), 0.0)


@dataclass(frozen=True)
class Told:
    """What some images have told: sums of products of their readings, features and keys.

    Arguments:
        keys: How many keys.
        square: The sum of the squares of the keys.
        products: Of plain reading and features with each other, with shape (1 + F, 1 + F).
        fits: Of plain reading and features with the keys, with shape (1 + F).
    """

    keys: int
    square: float
    products: Float[np.ndarray, "G G"] = field(repr=False)
    fits: Float[np.ndarray, " G"] = field(repr=False)

    def __add__(self, other: "Told") -> "Told":
        return Told(
            self.keys + other.keys,
            self.square + other.square,
            self.products + other.products,
            self.fits + other.fits,
        )

    def weights(self) -> Weights:
        """What is learned of it."""
        count = len(self.fits) - 1
        size = float(self.products[0, 0])
        if self.keys < _KEYS_A_FEATURE * (1 + count) or size <= 0:
            return unlearned(count)
        plain = float(self.fits[0]) / size
        lean = self.products[0, 1:] / size
        rest = self.products[1:, 1:] - size * np.outer(lean, lean)
        scale, axes = np.linalg.eigh(rest)
        kept = scale > 1e-9 * max(float(scale[-1]), 1e-300) * count
        scale, axes = scale[kept], axes[:, kept]
        fits = axes.T @ (self.fits[1:] - plain * size * lean)
        shrunk = scale / (scale + _PENALTIES[:, None] * self.keys)
        explained = plain**2 * size + (fits**2 / scale * (1 - (1 - shrunk) ** 2)).sum(axis=1)
        freedom = 1 + shrunk.sum(axis=1)
        error = (self.square - explained) / (1 - freedom / (self.keys + 1.0)) ** 2
        best = int(np.argmin(error))
        share = 1 - float(error[best]) / self.square if self.square > 0 else 0.0
        # A plain reading that leans away from the keys, or no better than none: nothing is known.
        if plain <= 0 or share <= 0:
            return unlearned(count)
        weights = axes @ (shrunk[best] / scale * fits)
        return Weights(plain - float(lean @ weights), weights, float(np.sqrt(min(share, 1.0))))


def told_by(
    plain: Float[np.ndarray, "N M"],
    features: Float[np.ndarray, "N M F"],
    key: Float[np.ndarray, "N M"],
) -> Told:
    """What the keys of some images tell.

    Arguments:
        plain: The plain readings, in [0, 1].
        features: What the reader kept of each key.
        key: The keys, in [0, 1].
    """
    count = 1 + features.shape[2]
    found = Told(0, 0.0, np.zeros((count, count)), np.zeros(count))
    for some in _parts(len(key)):
        values, keys = _beside(plain[some], features[some]), (key[some] - 0.5).ravel()
        square = float(keys @ keys)
        found += Told(len(keys), square, values.T @ values, values.T @ keys)
    return found


def read_with(
    weights: Weights, plain: Float[np.ndarray, "N M"], features: Float[np.ndarray, "N M F"]
) -> Learned:
    """What is read of some images.

    Arguments:
        weights: What was learned from the keys of others.
        plain: The plain readings, in [0, 1].
        features: What the reader kept of each key.
    """
    every = np.append(weights.plain, weights.features)
    parts = [_beside(plain[some], features[some]) @ every for some in _parts(len(plain))]
    reading = np.concatenate([np.empty(0), *parts]).reshape(plain.shape)
    rho = weights.rho
    # With weights that explain a share rho^2 of the variance, the spread is rho times that of keys.
    reading = reading / rho if rho else reading
    return Learned(reading, np.full(len(plain), rho))


def learn_in_order(
    plain: Float[np.ndarray, "N M"],
    features: Float[np.ndarray, "N M F"],
    key: Float[np.ndarray, "N M"],
    fold: Int[np.ndarray, " N"],
) -> Learned:
    """Reads the images of each fold with what the folds before it have told.

    Arguments:
        plain: The plain readings, in [0, 1].
        features: What the reader kept of each key, about 1 in variance.
        key: The keys, in [0, 1]; those of images of no fold are not looked at.
        fold: The fold of each image (`Folds.of_image`); -1 for those that nothing is learned from,
            which are read with what all folds have told.

    Example:
        >>> random = np.random.default_rng(0)
        >>> key = random.integers(256, size=(200, 4)) / 255
        >>> features = (key - 0.5)[..., None] + random.normal(0, 0.3, (200, 4, 8))
        >>> plain = np.clip(0.5 + features[..., 0], 0, 1)
        >>> found = learn_in_order(plain, features, key, np.arange(200) // 100)
        >>> [round(float(np.corrcoef(found.reading[i : i + 100].ravel(), key[i : i + 100].ravel())
        ...     [0, 1]), 1) for i in (0, 100)]
        [0.7, 0.9]
    """
    reading, rho = np.empty(plain.shape), np.empty(len(plain))
    weights = unlearned(features.shape[2])
    told: Told | None = None
    for number in [*np.unique(fold[fold >= 0]).tolist(), -1]:
        rows = np.flatnonzero(fold == number)
        found = read_with(weights, plain[rows], features[rows])
        reading[rows], rho[rows] = found.reading, found.rho
        if number >= 0:
            more = told_by(plain[rows], features[rows], key[rows])
            told = more if told is None else told + more
            weights = told.weights()
    return Learned(reading, rho)


def likelihood_costs(
    reading: Float[np.ndarray, "N M"], rho: Float[np.ndarray, " N"]
) -> Float[np.ndarray, "N M L"]:
    """How unlikely each level of each key is, given what was read.

    Arguments:
        reading: r, 0 in the middle, as spread as keys are.
        rho: How far readings and keys agree, in [0, 1].

    Returns:
        The costs, with shape (N, M, 256), squares of grey levels; low means memorized.

    References:
        Neyman and Pearson (1933): of all tests the ratio of the likelihoods is the sharpest.
    """
    kappa = np.arange(LEVELS) / (LEVELS - 1) - 0.5
    return rho[:, None, None] * kappa**2 - 2 * reading[..., None] * kappa


def _beside(
    plain: Float[np.ndarray, "n M"], features: Float[np.ndarray, "n M F"]
) -> Float[np.ndarray, "K G"]:
    """A row a key: its plain reading, less 1/2, and its features."""
    values = np.concatenate([plain[..., None] - 0.5, features], axis=2, dtype=np.float64)
    return values.reshape(-1, values.shape[2])


def _parts(count: int) -> Iterator[slice]:
    return (slice(start, start + _ROWS_AT_ONCE) for start in range(0, count, _ROWS_AT_ONCE))
