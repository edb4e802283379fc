"""torch, and what of scipy is slow, imported when it is first used.

Importing them takes longer than a command may take to refuse its arguments, and most of what this
package says about a run is said without a tensor. So every module names them from here, at its top
as usual, and they are there as soon as something is computed.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch as torch
    from scipy import fft as fft
    from scipy import interpolate as interpolate
    from scipy import optimize as optimize
    from scipy import special as special
    from scipy import stats as stats
    from torch import Tensor as Tensor
    from torch.nn import functional as functional
else:

    class _Late:
        """A module of which nothing is imported before something of it is wanted."""

        _module: Any = None

        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, name: str) -> Any:
            if self._module is None:
                self._module = importlib.import_module(self._name)
            return getattr(self._module, name)

    class _IsTensor(type):
        """What is a tensor is asked of torch; without it nothing is one."""

        def __instancecheck__(cls, value: object) -> bool:
            return "torch" in sys.modules and isinstance(value, sys.modules["torch"].Tensor)

    torch = _Late("torch")
    functional = _Late("torch.nn.functional")
    fft, interpolate = _Late("scipy.fft"), _Late("scipy.interpolate")
    optimize, special = _Late("scipy.optimize"), _Late("scipy.special")
    stats = _Late("scipy.stats")

    class Tensor(metaclass=_IsTensor):
        """`torch.Tensor` for annotations and `isinstance`, which are read before it is there."""


__all__ = [
    "Tensor",
    "fft",
    "functional",
    "interpolate",
    "optimize",
    "special",
    "stats",
    "torch",
]
