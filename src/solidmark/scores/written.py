"""How p-values, areas and shares are written down: the same on pages and in the terminal."""

import math


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


def p_number(p: float) -> str:
    """A p-value by itself, as in a table: never 0, which no test gives.

    Example:
        >>> p_number(0.0), p_number(3.04e-7), p_number(0.3249)
        ('< 1e-300', '3e-7', '0.32')
    """
    return "< 1e-300" if p < 1e-300 else short(p)


def p_value(p: float) -> str:
    """A p-value with its relation.

    Example:
        >>> p_value(1.2e-30), p_value(0.3249), p_value(0.0)
        ('p = 1e-30', 'p = 0.32', 'p < 1e-300')
    """
    number = p_number(p)
    return f"p {number}" if number.startswith("<") else f"p = {number}"


def area(value: float) -> str:
    """An area under a curve, which is 1 or 0 only where all pairs are in order.

    Example:
        >>> area(0.7312), area(0.9987), area(1.0)
        ('0.73', '0.99', '1')
    """
    return f"{value:.0f}" if value in (0, 1) else f"{min(max(value, 0.01), 0.99):.2f}"


def percent(share: float) -> str:
    """A share in percent, with two digits that mean something.

    Example:
        >>> percent(0.703), percent(0.0975), percent(0.9987), percent(0.0)
        ('70 %', '9.8 %', '99.9 %', '0 %')
    """
    return f"{_hundredths(share)} %"


def percents(low: float, high: float) -> str:
    """An interval of shares in percent, its ends rounded outwards: it must not shrink.

    Example:
        >>> percents(0.58, 0.81), percents(0.9688, 1.0), percents(0.0, 0.99951)
        ('58 to 81 %', '96 to 100 %', '0 to 99.96 %')
    """
    return f"{_down(low)} to {_up(high)} %"


def at_least(share: float) -> str:
    """A lower bound in percent, rounded down, since a bound must not be rounded up.

    Example:
        >>> at_least(0.5388), at_least(0.29), at_least(0.9993), at_least(0.0)
        ('53 %', '29 %', '99.9 %', '0 %')
    """
    return f"{_down(share)} %"


def at_most(share: float) -> str:
    """An upper bound in percent, or the least that would be enough: rounded up.

    Example:
        >>> at_most(0.5312), at_most(0.00123), at_most(0.05)
        ('54 %', '0.13 %', '5 %')
    """
    return f"{_up(share)} %"


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


def plural(count: int, one: str, several: str | None = None) -> str:
    """A count and its noun.

    Example:
        >>> plural(1, "image"), plural(1200, "image"), plural(2, "copy", "copies")
        ('1 image', '1,200 images', '2 copies')
    """
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def number(value: float | None) -> str:
    """A distance, a similarity or a share, to three digits; a dash where there is none."""
    if value is None:
        return "–"
    text = short(value) if 0 < abs(value) < 0.01 else f"{value:.3f}".rstrip("0").rstrip(".")
    return text.replace("-", "−")


def _hundredths(share: float) -> str:
    value = 100 * share
    if value <= 0 or value >= 100:
        return f"{value:.0f}" if value else "0"
    if value > 99:
        return f"{min(value, 99.9):.1f}"
    return f"{value:.0f}" if value >= 9.95 else short(value)


def _down(share: float) -> str:
    """In hundredths, with the digits of `_hundredths`, rounded down."""
    value = 100 * share
    if value <= 0:
        return "0"
    digits = 1 if value > 99 else min(4, max(0, 1 - math.floor(math.log10(value))))
    # 100 x 0.29 is 28.999999999999996.
    return _stripped(math.floor(value * 10**digits + 1e-9) / 10**digits, digits)


def _up(share: float) -> str:
    """The same, rounded up; to 100 only what is all."""
    value = 100 * share
    if value <= 0:
        return "0"
    value = max(value, 1e-10)
    digits = max(0, 1 - math.floor(math.log10(value)))
    if 99 < value < 100:
        digits = max(1, -math.floor(math.log10(100 - value)))
    return _stripped(math.ceil(value * 10**digits - 1e-9) / 10**digits, digits)


def _stripped(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
