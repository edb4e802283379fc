"""Whether weights are numbers that a network can have learned.

Networks that hold others answer all the same, and what they answer looks like "not memorized".
"""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from solidmark.errors import BadInput
from solidmark.late import Tensor, torch

LARGEST = 65504.0
"""The largest number of half precision: no network that was ever passed on in it has a larger
weight."""
FEW = 16
"""Matrices of fewer numbers may happen to hold one number only."""


def check_numbers(network: "torch.nn.Module", where: Path | str, cure: str = "") -> None:
    """Checks the weights of a network, and what is kept beside them.

    Arguments:
        network: A network, or a program that was loaded.
        where: Its folder or file, for the message.
        cure: What to do; to take another copy or to save it again when not given.

    Raises:
        BadInput: When one is not finite or huge, or all numbers of a matrix are the same.
    """
    weights = dict(network.named_parameters())
    beside = {name: held for name, held in network.state_dict().items() if name not in weights}
    check_tensors(weights.items(), where, cure)
    check_tensors(beside.items(), where, cure, size=False, variety=False)


def check_tensors(
    tensors: Iterable[tuple[str, Any]],
    where: Path | str,
    cure: str = "",
    *,
    size: bool = True,
    variety: bool = True,
) -> None:
    """Checks weights by their names.

    A matrix of zeros alone is no fault: many layers begin so. All of them are.

    Arguments:
        tensors: Names and tensors; whole numbers are left out.
        size: Whether huge ones are a fault; not so for running means.
        variety: Whether matrices of one number are; the two of a LoRA may be.

    Raises:
        BadInput: When one is not finite or huge, or all numbers of a matrix are the same.
    """
    matrices = varied = 0
    for name, tensor in tensors:
        if not isinstance(tensor, Tensor) or not tensor.is_floating_point() or not tensor.numel():
            continue
        low, high = (float(end) for end in tensor.detach().aminmax())
        # A NaN is both the lowest and the highest.
        if not (-math.inf < low and high < math.inf):
            raise _bad(where, f'are not finite: "{name}" holds NaN or infinity', cure)
        most = max(-low, high)
        if size and most > LARGEST:
            said = f'"{name}" goes up to {most:.3g}, where {LARGEST:g} is the most'
            raise _bad(where, f"are huge: {said}", cure)
        if tensor.dim() > 1:
            if variety and low == high != 0 and tensor.numel() >= FEW:
                raise _bad(where, f'are constant: "{name}" holds {low:g} everywhere', cure)
            matrices += 1
            varied += low < high
    if variety and matrices and not varied:
        raise _bad(where, "are constant (one number a matrix), so nothing was learned", cure)


def _bad(where: Path | str, what: str, cure: str) -> BadInput:
    done = cure or "Its training diverged, or the copy is damaged: take another one."
    return BadInput(f'The weights of "{where}" {what}. {done}')
