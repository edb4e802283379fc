"""What a run may spend: network calls, which reach the same images everywhere, or time."""

import math
import re
from dataclasses import dataclass

from solidmark.errors import BadInput

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Budget:
    """How much may be spent on inverting, by all processes together.

    No round is begun that could take more calls than are left. Time is looked at after every
    round, so that a run goes over it by one round at most.

    Arguments:
        calls: Network calls, those of the triage included; None = no limit. A call with a gradient
            is charged as 2.3.
        seconds: Seconds of work, those of earlier starts included; None = no limit.
    """

    calls: float | None = None
    seconds: float | None = None

    @classmethod
    def parse(cls, text: str) -> "Budget":
        """Reads a budget as it is typed: `20000` network calls, `30m`, `2h`.

        Raises:
            BadInput: When it is neither.

        Example:
            >>> Budget.parse("20000"), Budget.parse("1.5h")
            (Budget(calls=20000.0, seconds=None), Budget(calls=None, seconds=5400.0))
        """
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip().lower())
        number = float(found[1]) if found else 0.0
        if found is None or not 0 < number < 1e15:
            raise BadInput(
                f'--budget takes network calls, like 20000, or a time, like 30m, not "{text}".'
            )
        if not found[2]:
            return cls(calls=number)
        return cls(seconds=number * _SECONDS[found[2]])

    def share(self, count: int) -> "Budget":
        """What each of several processes may spend; they work for the same time."""
        return Budget(None if self.calls is None else self.calls / count, self.seconds)

    def less(self, calls: float) -> "Budget":
        """What is left of it after so many network calls; never less than none."""
        return self if self.calls is None else Budget(max(0.0, self.calls - calls), self.seconds)

    def require(self, most: float, count: int) -> None:
        """Checks that it holds something at all.

        Arguments:
            most: The most network calls of the smallest piece of work, a round of one image.
            count: How many processes share the budget.

        Raises:
            BadInput: When it does not.
        """
        if self.calls is not None and self.share(count).calls < most:  # type: ignore[operator]
            each = f", in each of {count} processes" if count > 1 else ""
            raise BadInput(
                f"A budget of {self.calls:,.0f} network calls is not enough for one round of one "
                f"image, which takes up to {most:,.0f}{each}. Give {math.ceil(most * count):,} or "
                "more, or a smaller --every, --samples or --checked."
            )

    def used(self, calls: float, seconds: float) -> float:
        """Which share of it so much is; 0 where there is no limit, 1 or more when it is spent."""
        pairs = ((calls, self.calls), (seconds, self.seconds))
        shares = (spent / most if most else 1.0 for spent, most in pairs if most is not None)
        return max(shares, default=0.0)

    def __str__(self) -> str:
        if self.calls is not None:
            return f"{self.calls:,.0f} network calls"
        return "no limit" if self.seconds is None else f"{self.seconds / 60:,.3g} minutes"
