"""How a number is written on the page: the same number, the same words, everywhere."""

from solidmark.scores.written import (
    at_least,
    at_most,
    p_number,
    p_value,
    percent,
    percents,
    plain,
    short,
)

__all__ = [
    "at_least",
    "at_most",
    "cut",
    "p_and_q",
    "p_number",
    "p_value",
    "percent",
    "percents",
    "plain",
    "short",
]


def p_and_q(p: float | None, q: float | None) -> list[tuple[str, str]]:
    """The p-value and the q-value of an image as facts of its card, where it has them.

    Example:
        >>> p_and_q(0.0103, None)
        [('p', '0.01')]
    """
    return [(name, p_number(value)) for name, value in (("p", p), ("q", q)) if value is not None]


def cut(text: str, length: int = 160) -> str:
    """A text that fits: long ones end in an ellipsis."""
    return text if len(text) <= length else text[: length - 1] + "…"
