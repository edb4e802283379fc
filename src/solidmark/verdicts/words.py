"""Parts of sentences that verdicts share."""

from collections.abc import Mapping, Sequence


def listed(names: Sequence[str]) -> str:
    """Names in a sentence.

    Example:
        >>> listed(["a"]), listed(["a", "b", "c"])
        ('a', 'a, b and c')
    """
    *some, last = names
    return f"{', '.join(some)} and {last}" if some else last


def lower(text: str) -> str:
    """A sentence as a part of another one."""
    return text[:1].lower() + text[1:]


def expect_wrong(count: int, expected: float, fdr: float) -> str:
    """How many of the named rows to expect wrong, in words.

    Arguments:
        count: How many are named, 1 or more.
        expected: How many of them are wrong on average, at most.

    Example:
        >>> expect_wrong(64, 3.2, 0.05)
        'expect at most about 3 of these 64 to be wrong'
        >>> expect_wrong(6, 0.3, 0.05)
        'expect fewer than 1 of these 6 to be wrong'
        >>> expect_wrong(1, 0.05, 0.05)
        'at most about 1 in 20 such names is wrong'
    """
    if count == 1:
        return f"at most about 1 in {round(1 / fdr):,} such names is wrong"
    if expected < 1:
        return f"expect fewer than 1 of these {count:,} to be wrong"
    return f"expect at most about {round(expected):,} of these {count:,} to be wrong"


def because(reason: str) -> str:
    """The most common reason why images failed, to follow that they did; empty where none is known.

    Example:
        >>> because("it is broken")
        ' The most common reason: "it is broken".'
    """
    return f' The most common reason: "{reason}".' if reason else ""


def counted_once(copies: Mapping[str, int]) -> str:
    """How many images of each split count with another one; empty where none do.

    Example:
        >>> counted_once({"trained": 2, "held_out": 0})
        '2 trained images have the same pixels as another one: each picture counts once.'
    """
    found = [f"{count:,} {split.replace('_', '-')}" for split, count in copies.items() if count]
    if not found:
        return ""
    one = sum(copies.values()) == 1
    return (
        f"{' and '.join(found)} image{' has' if one else 's have'} the same pixels as another one: "
        "each picture counts once."
    )
