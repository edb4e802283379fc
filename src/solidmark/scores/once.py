"""A picture counts once, however often it is there or asked about, and so does a subject.

A picture that is there sixteen times is one picture: counted as sixteen, a lucky one would look
like sixteen discoveries. Its copies get its p and q.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from solidmark.scores.discovery import q_values
from solidmark.scores.hierarchical import (
    Named,
    picture_p_values,
    subject_codes,
    subject_p_values,
)

Column = Float[np.ndarray, " N"]


def one_p(
    together: Float[np.ndarray, " N"] | float,
    smallest: Float[np.ndarray, " N"] | float,
    count: Int[np.ndarray, " N"] | int,
) -> Column:
    """One p-value of what was asked several times: twice the smaller of two.

    As several tests, the luckiest would stand in the list of names. One of the two is that of all
    together, which sees what each of them leans to; the other the smallest of them times their
    number (Bonferroni), which sees what one of them shows alone. It holds however they depend on
    one another.

    Arguments:
        together: That of all together.
        smallest: The smallest of all; where there is one alone, it stands as it is.
        count: How many there are.

    Example:
        >>> float(one_p(0.2, 0.01, 2)), float(one_p(0.2, 0.3, 1))
        (0.04, 0.3)
    """
    found = np.minimum(1.0, 2 * np.minimum(together, count * np.asarray(smallest)))
    return np.where(np.asarray(count) > 1, found, smallest)


def p_and_q_once(
    value: Column,
    null: Float[np.ndarray, " M"],
    first: Sequence[int | None],
    fresh_groups: Named = None,
) -> tuple[Column, Column]:
    """Conformal p-values, and the q-values of all that count.

    Arguments:
        value: Of N images, low = memorized; NaN for one that has none.
        null: Of M pictures that the model never saw, each once; NaN counts nowhere.
        first: For each image the number of the first of the same picture; None if it is that
            itself.
        fresh_groups: The groups of the M; a subject of several pictures weighs one.

    Returns:
        The p- and the q-values, with shape (N); NaN where there is none, or no null at all.

    References:
        Bates et al., 2023 ("Testing for outliers with conformal p-values"); Benjamini and
        Hochberg, 1995.

    Example:
        >>> p, q = p_and_q_once(np.array([0.1, 0.1, 0.9]), np.array([0.5] * 3), [None, 0, None])
        >>> p.tolist(), q.tolist()
        ([0.25, 0.25, 1.0], [0.5, 0.5, 1.0])
    """
    p, q = np.full(len(value), np.nan), np.full(len(value), np.nan)
    own = np.array([one is None for one in first], dtype=bool) & ~np.isnan(value)
    if np.isnan(null).all() or not own.any():
        return p, q
    p[own] = picture_p_values(value[own], null, subject_codes(fresh_groups))
    q[own] = q_values(p[own])
    for number, place in enumerate(first):
        if place is not None:
            p[number], q[number] = p[place], q[place]
    return p, q


def subjects_once(
    value: Column,
    null: Float[np.ndarray, " M"],
    first: Sequence[int | None],
    groups: Named,
    fresh_groups: Named,
) -> tuple[Column, Column]:
    """The p- and the q-value of each image's subject: all pictures of a group together, each once.

    Arguments:
        value: As of `p_and_q_once`.
        null: As there.
        first: As there.
        groups: The groups of the N.
        fresh_groups: Those of the M.

    Returns:
        As there, the same for all images of a subject; the q-values are over subjects.

    Example:
        >>> value, null = np.array([0.1, 0.4, 0.9]), np.full(9, 0.5)
        >>> p, q = subjects_once(value, null, [None] * 3, ["a", "a", "b"], None)
        >>> p.tolist(), q.tolist()
        ([0.2, 0.2, 1.0], [0.4, 0.4, 1.0])
    """
    p, q = np.full(len(value), np.nan), np.full(len(value), np.nan)
    own = np.array([one is None for one in first], dtype=bool) & ~np.isnan(value)
    if np.isnan(null).all() or not own.any():
        return p, q
    codes = subject_codes(groups)
    subject = np.arange(len(value)) if codes is None else codes
    different, rows = np.unique(subject[own], return_inverse=True)
    found = subject_p_values(value[own], rows.reshape(-1), null, subject_codes(fresh_groups))
    whole_p, whole_q = np.full((2, int(subject.max()) + 1), np.nan)
    whole_p[different], whole_q[different] = found, q_values(found)
    scored = ~np.isnan(value)
    p[scored], q[scored] = whole_p[subject[scored]], whole_q[subject[scored]]
    for number, place in enumerate(first):  # A subject whose only picture is another one's too.
        if place is not None and np.isnan(p[number]):
            p[number], q[number] = p[place], q[place]
    return p, q
