"""What was painted once in a test run is not painted again.

Hundreds of tests write a page, a figure takes longer than the rest of it, and most show what
another has shown. A figure is a function of the code that paints it and of what that code holds.
Laying it out takes longest, and asks for more than the code only of the texts in it.
"""

import pickle
from collections.abc import Callable
from types import CodeType
from typing import Any

from matplotlib.figure import Figure
from matplotlib.text import Text

from solidmark.page import drawing


class Painted:
    """Takes the place of `painted` in `solidmark.page.drawing`.

    A figure is painted into axes for all that it holds. Files are made of the first of those that
    are painted by the same code and say the same: the others differ in their numbers only.
    """

    def __init__(self) -> None:
        self.afresh = drawing.painted
        self._kept: dict[tuple[CodeType, bytes], tuple[str, bytes]] = {}
        self._laid_out: dict[tuple[CodeType, tuple[str, ...]], tuple[str, bytes]] = {}

    def exactly(self, paint: Callable[[Any], None]) -> tuple[str, bytes]:
        """Files are made for all that a figure holds, and once."""
        return self._once(paint, self.afresh)

    def __call__(self, paint: Callable[[Any], None]) -> tuple[str, bytes]:
        return self._once(paint, self._alike)

    def _once(
        self,
        paint: Callable[[Any], None],
        make: Callable[[Callable[[Any], None]], tuple[str, bytes]],
    ) -> tuple[str, bytes]:
        try:
            held = [cell.cell_contents for cell in paint.__closure__ or ()]
            held += [make.__name__, paint.__module__, paint.__defaults__]
            key = paint.__code__, pickle.dumps(held)
        except (AttributeError, TypeError, pickle.PicklingError):  # What cannot be told apart.
            return make(paint)
        if key not in self._kept:
            self._kept[key] = make(paint)
        return self._kept[key]

    def _alike(self, paint: Callable[[Any], None]) -> tuple[str, bytes]:
        figure = Figure()
        paint(figure.add_subplot())
        said = tuple(one.get_text() for one in figure.findobj(Text))
        key = paint.__code__, said
        if key not in self._laid_out:
            self._laid_out[key] = self.afresh(paint)
        return self._laid_out[key]
