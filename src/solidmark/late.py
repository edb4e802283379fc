"""torch, imported when it is first used.

Importing it takes longer than a command may take to refuse its arguments, and most of what this
package says about a run is said without a tensor. So every module names it from here, at its top as
usual, and it is there as soon as something is computed.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch as torch
    from torch import Tensor as Tensor
    from torch.nn import functional as functional
else:

    class _Late:
        """A module of which nothing is imported before something of it is wanted."""

        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, name: str) -> Any:
            return getattr(importlib.import_module(self._name), name)

    class _IsTensor(type):
        """What is a tensor is asked of torch; without it nothing is one."""

        def __instancecheck__(cls, value: object) -> bool:
            return "torch" in sys.modules and isinstance(value, sys.modules["torch"].Tensor)

    torch = _Late("torch")
    functional = _Late("torch.nn.functional")

    class Tensor(metaclass=_IsTensor):
        """`torch.Tensor` for annotations and `isinstance`, which are read before it is there."""


__all__ = ["Tensor", "functional", "torch"]
