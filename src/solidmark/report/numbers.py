"""How a number is written on the page: the same number, the same words, everywhere."""

import math


def percent(share: float) -> str:
    """A share in percent, with two digits that mean something.

    Example:
        >>> percent(0.703), percent(0.0975), percent(0.9987), percent(0.0)
        ('70 %', '9.8 %', '99.9 %', '0 %')
    """
    return f"{_hundredths(share)} %"


def percents(low: float, high: float) -> str:
    """An interval of shares in percent.

    Example:
        >>> percents(0.58, 0.81)
        '58 to 81 %'
    """
    return f"{_hundredths(low)} to {_hundredths(high)} %"


def at_least(share: float) -> str:
    """A lower bound in percent, rounded down, since a bound must not be rounded up.

    Example:
        >>> at_least(0.5388)
        '53 %'
    """
    if share < 0.1:
        return f"{math.floor(share * 1000) / 10:g} %"
    return f"{math.floor(share * 100)} %"


def p_value(p: float) -> str:
    """A p-value with its relation.

    Example:
        >>> p_value(1.2e-30), p_value(0.3249), p_value(0.0)
        ('p = 1e-30', 'p = 0.32', 'p < 1e-300')
    """
    return "p < 1e-300" if p < 1e-300 else f"p = {short(p)}"


def short(value: float) -> str:
    """Two significant digits; powers of ten below 1e-4.

    Example:
        >>> short(3.04e-7), short(0.01999), short(1.0), short(12.34)
        ('3e-7', '0.02', '1', '12')
    """
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "not a number"
    if abs(value) < 1e-4:
        return f"{value:.0e}".replace("e-0", "e-")
    digits = max(0, 1 - math.floor(math.log10(abs(value))))
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def plain(value: float, digits: int = 2) -> str:
    """A number with fixed digits, a true minus sign and no negative zero.

    Example:
        >>> plain(-0.514), plain(-0.001)
        ('−0.51', '0.00')
    """
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−")


def p_and_q(p: float | None, q: float | None) -> list[tuple[str, str]]:
    """The p-value and the q-value of an image as facts of its card, where it has them.

    Example:
        >>> p_and_q(0.0103, None)
        [('p', '0.01')]
    """
    return [(name, short(value)) for name, value in (("p", p), ("q", q)) if value is not None]


def cut(text: str, length: int = 160) -> str:
    """A text that fits: long ones end in an ellipsis."""
    return text if len(text) <= length else text[: length - 1] + "…"


def _hundredths(share: float) -> str:
    value = 100 * share
    if value <= 0 or value >= 100:
        return f"{value:.0f}" if value else "0"
    if value > 99:
        return f"{min(value, 99.9):.1f}"
    return f"{value:.0f}" if value >= 9.95 else short(value)
