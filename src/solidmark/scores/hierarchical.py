"""Conformal p-values where several pictures show one subject: a patient, a person, a place.

.. math::
    p(x) = \\frac{1 + \\sum_k \\frac{1}{m_k} \\#\\{j : d_{kj} \\le d\\}}{K + 1}

Pictures of one subject are alike, so m pictures of K held-out subjects are worth K, and each
subject weighs one however many pictures it has. Exchangeable are whole subjects with their
sizes, as a split that draws whole subjects makes them, and the pictures within one. Then a picture
of a subject that the model never saw has P(p <= a) <= a, exactly, whatever its pictures share.
Where every subject has one picture it is `conformal_p_values`.

A subject of n pictures has the smaller level of two, which of them is settled by sizes alone:
n times the smallest p of its pictures (Bonferroni); or its closest picture against the closest of n
pictures, drawn without replacement, of each of the K_n held-out subjects that have so many:

.. math::
    p_g = \\frac{1}{K_n + 1} \\Big(1 + \\sum_{k : m_k \\ge n}
          \\big(1 - \\tbinom{b_k}{n} / \\tbinom{m_k}{n}\\big)\\Big), \\qquad
    b_k = \\#\\{j : d_{kj} > \\min_i d_i\\}

Both take it that the number of pictures of a subject says nothing of how close each of them comes.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from solidmark.scores.columns import codes, groups
from solidmark.scores.conformal import conformal_p_values

Column: TypeAlias = Float[np.ndarray, " N"]
Whole: TypeAlias = Int[np.ndarray, " N"]

Named: TypeAlias = Sequence[str | None] | None
"""The group of each image by its name, None for one that has none; None where no image has."""


def subject_codes(named: Named) -> Whole | None:
    """The number of each image's subject; an image without a group is a subject of its own.

    Returns:
        None where no two images show one subject: then there is nothing to keep together.

    Example:
        >>> subject_codes(["b", None, "b"]).tolist(), subject_codes(["a", "b", None])
        ([0, 1, 0], None)
    """
    if named is None or all(one is None for one in named):
        return None
    found, different = codes(pa.array(["" if one is None else one for one in named], pa.string()))
    alone = np.array([one is None for one in named], dtype=bool)
    found = np.where(alone, len(different) + np.arange(len(found)), found)
    found = np.unique(found, return_inverse=True)[1].reshape(-1)
    return found if len(found) and found.max() + 1 < len(found) else None


def picture_p_values(value: Column, null: Float[np.ndarray, " M"], subject: Whole | None) -> Column:
    """The chance that a picture of a fresh subject comes at least as close.

    Arguments:
        value: The distances of N pictures, low = close; NaN for one that has none.
        null: Those of M held-out ones; NaN counts nowhere.
        subject: The number of each held-out one's subject; None where each is its own.

    Returns:
        The p-values, with shape (N), in [1 / (K + 1), 1], NaN where the distance is; low means
        memorized.

    Raises:
        BadInput: When no held-out image has a distance.

    References:
        Lee, Barber and Willett (2023), "Distribution-free inference with hierarchical data",
        for validity and for the weights; Dunn, Wasserman and Ramdas (2022).

    Example:
        >>> null, subject = np.array([0.1, 0.2, 0.3, 0.9]), np.array([0, 0, 0, 1])
        >>> picture_p_values(np.array([0.15, 0.5]), null, subject).round(3).tolist()
        [0.444, 0.667]
    """
    if subject is None or np.isnan(null).all():
        return conformal_p_values(value, null)
    known = ~np.isnan(null)
    fresh, which = null[known], np.unique(subject[known], return_inverse=True)[1].reshape(-1)
    sizes = np.bincount(which)
    order = np.argsort(fresh, kind="stable")
    weight = np.concatenate([[0.0], np.cumsum(1 / sizes[which[order]])])
    reached = weight[np.searchsorted(fresh[order], value, side="right")]
    # A sum of thirds may be a bit less than the whole that it is.
    p = np.minimum(1.0, (1 + np.round(reached, 9)) / (len(sizes) + 1))
    return np.where(np.isnan(value), np.nan, p)


def subject_p_values(
    value: Column, own: Whole | None, null: Float[np.ndarray, " M"], subject: Whole | None
) -> Column:
    """One p a subject, from all its pictures.

    Arguments:
        value: The distances of N pictures, each picture of a subject once, low = close; NaN for
            one that has none.
        own: The number of each one's subject, 0 ... G - 1; None where each is its own.
        null: The distances of M held-out pictures.
        subject: The numbers of their subjects.

    Returns:
        The p-values, with shape (G), NaN for a subject without a distance; low means memorized.

    Raises:
        BadInput: When no held-out image has a distance.
    """
    each = picture_p_values(value, null, subject)
    if own is None:
        return each
    count = int(own.max(initial=-1)) + 1
    scored = ~np.isnan(value)
    sizes = np.bincount(own[scored], minlength=count)
    smallest, closest = np.full(count, np.inf), np.full(count, np.inf)
    np.minimum.at(smallest, own[scored], each[scored])
    np.minimum.at(closest, own[scored], value[scored])
    p: Column = np.minimum(1.0, sizes * np.where(sizes > 0, smallest, 1.0))
    p[sizes == 0] = np.nan
    fresh = _subjects(null, subject)
    for size in np.unique(sizes[sizes > 1]).tolist():
        large = [one for one in fresh if len(one) >= size]
        if size * (len(large) + 1) > len(fresh) + 1:  # It reaches lower; no distance is asked.
            which = np.flatnonzero(sizes == size)
            p[which] = _matched(closest[which], size, large)
    return p


def _subjects(null: Float[np.ndarray, " M"], subject: Whole | None) -> list[Column]:
    """The distances of each held-out subject, rising."""
    known = ~np.isnan(null)
    fresh = null[known]
    if subject is None:
        return [fresh[n : n + 1] for n in range(len(fresh))]
    return [np.sort(fresh[places]) for _, places in groups(subject[known])]


def _matched(closest: Column, size: int, large: Sequence[Column]) -> Column:
    """The closest of `size` pictures against the closest of as many of each of these subjects."""
    reached = np.zeros(len(closest))
    for one in large:
        beyond = len(one) - np.searchsorted(one, closest, side="right")
        missed = np.ones(len(closest))
        for number in range(size):
            missed *= np.maximum(beyond - number, 0) / (len(one) - number)
        reached += 1 - missed
    return np.minimum(1.0, (1 + np.round(reached, 9)) / (len(large) + 1))
