"""What was painted once in a test run is not painted again.

Hundreds of tests write a page, a figure takes longer than the rest of it, and most show what
another has shown. A figure is a function of the code that paints it and of what that code holds.
"""

import pickle
from collections.abc import Callable
from types import CodeType
from typing import Any

from solidmark.page import drawing


class Painted:
    """Takes the place of `painted` in `solidmark.page.drawing`."""

    def __init__(self) -> None:
        self.afresh = drawing.painted
        self._kept: dict[tuple[CodeType, bytes], tuple[str, bytes]] = {}

    def __call__(self, paint: Callable[[Any], None]) -> tuple[str, bytes]:
        try:
            held = [cell.cell_contents for cell in paint.__closure__ or ()]
            held += [paint.__module__, paint.__defaults__]
            key = paint.__code__, pickle.dumps(held)
        except (AttributeError, TypeError, pickle.PicklingError):  # What cannot be told apart.
            return self.afresh(paint)
        if key not in self._kept:
            self._kept[key] = self.afresh(paint)
        return self._kept[key]
