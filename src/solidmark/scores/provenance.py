"""Was a set of images used for training? One test over the set, from several signals of each image.

.. math:: \\hat w = \\arg\\min_{w \\ge 0} |y - X w|^2 + \\lambda |w - w_0|^2

weighs the signals, each turned so that high means trained on, X their normal scores and y who is
suspect. The weights begin alike (:math:`w_0`) and are learned as images allow it; none falls below
zero, so that a set that looks *less* trained on is no detection. An image is scored by weights that
were learned from other folds, and the area of these scores (AUC) is compared with those of
permuted labels, with everything fitted again: exact where suspect and held-out images are
exchangeable, as they are when none was used and both are of one kind. Scores of one set depend on
one another through the weights, which tests for independent ones (Welch's) do not know.

How large a share was used is asked of each signal as it is, whose thresholds nobody learned.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from solidmark.errors import EmptyTable
from solidmark.late import optimize, stats
from solidmark.scores.groups import Estimate
from solidmark.scores.kinds import areas_of, normal_scores
from solidmark.scores.level import ALPHA, POWER
from solidmark.scores.roc import roc

PERMUTATIONS = 999
"""Refits to permuted labels; the smallest p-value is 1 / 1,000."""

FOLDS = 5
REPEATS = 4
"""Partitions into folds whose scores are averaged: one alone adds noise of its own."""

PRIOR = 100.0
"""As many images speak for equal weights, lambda. Fewer than that teach little."""

EVEN = 0.05
"""The equal weight: that of a signal by which both sides lie a fifth of its spread apart."""

LEAST = 8
"""Fewer images a side cannot reach the level of a verdict with any power."""

DRAWS = 40
REFITS = 199
"""Random choices of so many images, and the permutations of each: p is 1 / 200 at best."""

CONFIDENCE = 0.975
"""Of the lower end of a share: one end of a 95 % interval."""

_TIE = 1e-9
"""Areas so near are equal: products of matrices are rounded to about 1e-13."""

Rows = Float[np.ndarray, "N K"]
Flags = Bool[np.ndarray, " N"]


@dataclass(frozen=True)
class Traced:
    """What a set of suspect images gives away beside held-out ones.

    Arguments:
        auc: The area of the scores, with the 95 % interval of a bootstrap of the images (the
            weights as they are), and the p-value of the permutations.
        score: Of each image, by weights of other folds; high = trained on.
        weights: Of each signal, mean over the folds; not negative.
    """

    auc: Estimate
    score: Float[np.ndarray, " N"] = field(repr=False)
    weights: Float[np.ndarray, " K"]


def trace_of(
    rows: Rows,
    suspect: Flags,
    *,
    seed: int = 0,
    permutations: int = PERMUTATIONS,
    repeats: int = REPEATS,
) -> Traced:
    """Tests whether suspect images look more trained on than held-out ones.

    Each row must be an image (or a group of copies, or a subject) of its own.

    Arguments:
        rows: The signals of each image, with shape (N, K), high = trained on; not NaN.
        suspect: Which rows are suspect; the others were certainly not trained on.
        seed: Of folds, permutations and bootstrap.
        permutations: How often the labels are permuted.
        repeats: How many partitions into folds.

    Returns:
        The area of the scores with its p-value, the scores, the weights.

    Raises:
        EmptyTable: When a side has fewer than `LEAST` rows.

    References:
        Dubinski et al. (2025), "CDI: Copyrighted Data Identification in Diffusion Models".

    Example:
        >>> rng = np.random.default_rng(0)
        >>> rows = rng.normal(size=(80, 3)) + 1.0 * (np.arange(80) < 40)[:, None]
        >>> found = trace_of(rows, np.arange(80) < 40)
        >>> found.auc.value > 0.8, found.auc.p_value
        (True, 0.001)
    """
    n, m = int(suspect.sum()), int((~suspect).sum())
    if min(n, m) < LEAST:
        raise EmptyTable(f"{n} and {m} images are too few: {LEAST} a side are needed.")
    rng = np.random.default_rng(seed)
    labels = np.stack([suspect, *(rng.permutation(suspect) for _ in range(permutations))], axis=1)
    scores, weights = _cross_fitted(rows, labels, rng, repeats)
    found = areas_of(scores, labels)
    p_value = float((found >= found[0] - _TIE).mean())
    score = scores[:, 0].copy()
    # The bootstrap of `roc` counts low scores as those of its first side.
    own = roc(-score[suspect], -score[~suspect], fprs=(), seed=seed).auc
    return Traced(Estimate(own.value, own.ci_low, own.ci_high, p_value), score, weights)


def enough(rows: Rows, suspect: Flags, *, seed: int = 0, level: float = ALPHA) -> int | None:
    """The smallest number of images a side of which most choices would have been detected.

    Random choices of so many images of each side are tested as a whole set is; `POWER` of them must
    have a p-value of at most `level`. Choices of nearly all images are nearly the same choice, so
    where only these are enough the number is a guess.

    Arguments:
        rows: As of `trace_of`.
        suspect: The same.
        seed: Of the choices.
        level: Of the test.

    Returns:
        The number, among some 1.3 times apart; None where all that there are do not do.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> rows = rng.normal(size=(200, 2)) + 2.0 * (np.arange(200) < 100)[:, None]
        >>> enough(rows, np.arange(200) < 100) <= 20
        True
    """
    sides = np.flatnonzero(suspect), np.flatnonzero(~suspect)
    most = min(map(len, sides))
    if most < LEAST:
        return None
    steps = max(2, round(np.log(most / LEAST) / np.log(1.3)) + 1)
    sizes = np.unique(np.geomspace(LEAST, most, steps).round().astype(int)).tolist()

    def does(size: int) -> bool:
        rng = np.random.default_rng([seed, size])
        seen = 0
        for draw in range(DRAWS):
            chosen = np.concatenate([rng.choice(side, size, replace=False) for side in sides])
            part = rows[chosen], suspect[chosen]
            seed_of = int(rng.integers(2**31)) + draw
            p = _p_of(*part, seed_of)
            seen += p <= level
        return seen >= POWER * DRAWS

    low, high = -1, len(sizes)  # Power rises with the size.
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if does(sizes[middle]) else (middle, high)
    return sizes[high] if high < len(sizes) else None


def least_used(rows: Rows, suspect: Flags, confidence: float = CONFIDENCE) -> float:
    """The least share of the suspect images that was trained on, at a confidence.

    .. math:: \\pi \\ge \\max_t \\frac{\\hat S_P(t) - \\epsilon_n - \\hat S_U(t) - \\epsilon_m}
        {1 - \\hat S_U(t) - \\epsilon_m}, \\qquad \\epsilon_n = \\sqrt{\\ln(1 / \\delta) / 2n}

    with S(t) the share of images whose signal is at least t. Images that were not used are as the
    held-out ones are, so more of the suspect ones beyond t than :math:`S_U(t)` must have been used.
    Both bounds hold for all t at once, and :math:`\\delta` is shared by both sides and all signals.

    There is no upper end: images may have been used and leave no trace.

    Arguments:
        rows: As of `trace_of`.
        suspect: The same.
        confidence: How often the bound lies below the share.

    Returns:
        The bound, in [0, 1).

    References:
        Massart (1990) for the constant of Dvoretzky, Kiefer and Wolfowitz.

    Example:
        >>> rows = np.arange(400.0)[:, None]
        >>> round(least_used(rows, np.arange(400) >= 200), 2)  # all beyond every held-out one
        0.88
    """
    delta = (1 - confidence) / (2 * rows.shape[1])
    near = [np.sqrt(np.log(1 / delta) / (2 * side.sum())) for side in (suspect, ~suspect)]
    best = 0.0
    for column in rows.T:
        own, other = np.sort(column[suspect]), np.sort(column[~suspect])
        beyond = [1 - np.searchsorted(side, own, side="left") / len(side) for side in (own, other)]
        null = beyond[1] + near[1]
        usable = null < 1
        if usable.any():
            bounds = (beyond[0] - near[0] - null)[usable] / (1 - null)[usable]
            best = max(best, float(bounds.max()))
    return best


def needed(area: float, level: float = ALPHA) -> int | None:
    """How many images a side show an area, `POWER` of the time, if it is the true one.

    .. math:: A - 1/2 = (z_\\alpha + z_\\beta) / \\sqrt{6 n}

    Arguments:
        area: The area, in [0, 1].
        level: Of the test.

    Returns:
        The number, `LEAST` or more; None where the area is a half or less.

    Example:
        >>> needed(0.6), needed(0.5)
        (168, None)
    """
    if area <= 0.5:
        return None
    reach = float(stats.norm.isf(level) + stats.norm.ppf(POWER))
    return max(LEAST, int(np.ceil(reach**2 / (6 * (area - 0.5) ** 2))))


def smallest_share(n: int, m: int, level: float = ALPHA) -> float | None:
    """The smallest share of suspect images that would be seen, were they beyond every held-out one.

    .. math:: s / 2 = (z_\\alpha + z_\\beta) \\sqrt{(n + m + 1) / 12 n m}

    since such a share raises the area by s / 2. Images that leave a fainter trace are missed.

    Arguments:
        n: How many suspect images.
        m: How many held-out ones.
        level: Of the test.

    Returns:
        The share, in (0, 1]; None when not even all of them would be seen `POWER` of the time.

    Example:
        >>> smallest_share(100, 100), smallest_share(8, 8)
        (0.259..., 0.942...)
    """
    spread = np.sqrt((n + m + 1) / (12 * n * m))
    share = float(2 * (stats.norm.isf(level) + stats.norm.ppf(POWER)) * spread)
    return share if share <= 1 else None


def _p_of(rows: Rows, suspect: Flags, seed: int) -> float:
    rng = np.random.default_rng(seed)
    labels = np.stack([suspect, *(rng.permutation(suspect) for _ in range(REFITS))], axis=1)
    found = areas_of(_cross_fitted(rows, labels, rng, 1)[0], labels)
    return float((found >= found[0] - _TIE).mean())


def _cross_fitted(
    rows: Rows, labels: Bool[np.ndarray, "N B"], rng: np.random.Generator, repeats: int
) -> tuple[Float[np.ndarray, "N B"], Float[np.ndarray, " K"]]:
    """The scores by each column of labels, and the mean weights by the first.

    Folds and normal scores hang on no label, so every permutation is treated alike.
    """
    varies = rows.max(axis=0) > rows.min(axis=0)
    x = np.zeros(rows.shape)
    if varies.any():
        x[:, varies] = normal_scores(rows[:, varies])
    y = labels - labels[:, 0].mean()
    scores, weights = np.zeros(labels.shape), np.zeros(rows.shape[1])
    for _ in range(repeats):
        for fold in np.array_split(rng.permutation(len(x)), FOLDS):
            others = np.ones(len(x), dtype=bool)
            others[fold] = False
            w = weigh(x[others], y[others])
            scores[fold] += x[fold] @ w / repeats
            weights += w[:, 0] / (FOLDS * repeats)
    return scores, weights


def weigh(
    x: Rows, y: Float[np.ndarray, "N B"], prior: float = PRIOR, even: float = EVEN
) -> Float[np.ndarray, "K B"]:
    """The weights of the signals, by each column of labels: ridge towards `even`, none below zero.

    Arguments:
        x: Normal scores, with shape (N, K).
        y: Centred labels, with shape (N, B).
        prior: How many images the equal weights are worth.
        even: The equal weight.
    """
    ones = np.eye(x.shape[1])
    gram = x.T @ x + prior * ones
    target = x.T @ y + prior * even
    found: Float[np.ndarray, "K B"] = np.linalg.solve(gram, target)
    # As |R w - r|^2 with R'R the Gram matrix: of the size of K, however many images there are.
    root = np.linalg.cholesky(gram).T
    right = np.linalg.solve(root.T, target)
    for column in np.flatnonzero((found < 0).any(axis=0)):
        found[:, column] = optimize.nnls(root, right[:, column])[0]
    return found
