"""What another processor, or another batch, may change in a number, and a way to try it.

A processor adds up a sum in the order that its registers suggest and takes exp and sin from
tables of its own, and a library picks other code for another batch. So the same network gives
numbers that differ by rounding. A test that compares such numbers says by how much, where nothing
has blown the rounding up yet: in units of the noise, not after a division by alpha.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

ULP = torch.finfo(torch.float32).eps
"""The step from 1 to the next number of single precision, 2^-23."""

NETWORK = 64 * ULP
"""How far two roundings of what a network says lie apart; that is noise, of size 1.

A layer adds up n < 700 products in tiny networks. Each sum rounds by half an ulp at most, and
in the lanes of a register some n / 8 sums follow one another: sqrt(700 / 8) / 2, about 5 ulp,
counted from the size of the result. Norms keep the size, so 30 layers in a row add up as squares
do, to sqrt(30) * 5 / sqrt(3), about 16 ulp, and the largest of a thousand values is 4 such
deviations: 64. Seen: 10 on AVX512, 28 under `OtherProcessor`.
"""

DESCENT = 1e-2
"""How far two roundings of a descent by Adam that came to its end lie apart, against their size.

Adam divides a slope by its own size. Where a slope is nothing but rounding it still makes a step,
so no bound follows from that of a call. Seen in the KL of images that were reproduced, after 20
to 30 steps: 5e-4 and 7e-4 on three processors, 8e-4 under `OtherProcessor`, at 1 to 32 ulp alike. A
descent that did not end at its image ends anywhere: there a KL moves by its whole size.
"""

TRAINED = {"atol": 1e-5, "rtol": 1e-3}
"""How far the weights of two short trainings lie apart, with an epsilon of Adam that is large.

A slope of size g is rounded by NETWORK * g, so a step moves by no more than the rate times twice
that: 2e-3 * 10 steps * 2 * 8e-6 = 3e-7, and 30 times as much for the slopes of sums that nearly
cancel. Without a large epsilon a slope that vanishes makes a whole step of its rounding.
"""

LEVEL = 1 / 255 + ULP
"""A value next to the border between two grey levels falls on either side of it."""


def answer(alpha: float, sigma: float, encoded: bool = False) -> dict[str, float]:
    """The bounds of `torch.testing.assert_close` for an estimate of z_0.

    It is (z_t - sigma * noise) / alpha: what the network rounds is blown up by sigma / alpha, and
    the rest rounds by a few ulp of itself. What an autoencoder rounded in z_t before is blown up by
    1 / alpha.
    """
    times = max(sigma / alpha, 1.0) + (1 / alpha if encoded else 0.0)
    return {"atol": NETWORK * times, "rtol": 8 * ULP}


class OtherProcessor(TorchDispatchMode):
    """Rounds otherwise, and otherwise for every shape: a processor, and a batch, that is not here.

    Each value is moved by up to `ulps` units in the last place. Sums and products take them from
    the size of what was added up, functions from their own result; whole numbers stay, as exp(0)
    is 1 everywhere. The same call gives the same bits.

    Arguments:
        ulps: How many.
    """

    def __init__(self, ulps: float = 2.0) -> None:
        super().__init__()
        self.ulps = ulps

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        options = dict(kwargs or {})
        found = func(*args, **options)
        size = SIZES.get(func.overloadpacket.__name__)
        if size is not None:
            first = found[0] if isinstance(found, tuple | list) else found
            if isinstance(first, Tensor) and first.is_floating_point() and first.numel():
                moves = _moves(str(func), first.shape, first.dtype) * (first != first.round())
                ulp = torch.finfo(first.dtype).eps
                first.add_(moves * size(func, first, args, options), alpha=self.ulps * ulp)
        return found


def _of_rows(func: Any, found: Tensor, args: tuple[Any, ...], options: dict[str, Any]) -> Tensor:
    """The typical size of each row."""
    if found.ndim < 2:
        return found.abs()
    return found.square().mean(tuple(range(1, found.ndim)), keepdim=True).sqrt()


def _of_terms(func: Any, found: Tensor, args: tuple[Any, ...], options: dict[str, Any]) -> Tensor:
    """The sum without cancellation."""
    return func(args[0].abs(), *args[1:], **options)  # type: ignore[no-any-return]


def _of_itself(func: Any, found: Tensor, args: tuple[Any, ...], options: dict[str, Any]) -> Tensor:
    return found / 2


SIZES: dict[str, Callable[..., Tensor]] = {
    **dict.fromkeys(
        (
            *("convolution", "convolution_backward", "mm", "addmm", "bmm", "baddbmm"),
            *("native_group_norm", "native_group_norm_backward"),
            *("native_layer_norm", "native_layer_norm_backward"),
            *("linalg_vector_norm", "logsumexp"),
            "_scaled_dot_product_flash_attention_for_cpu",
            "_scaled_dot_product_flash_attention_for_cpu_backward",
        ),
        _of_rows,
    ),
    **dict.fromkeys(("sum", "mean"), _of_terms),
    **dict.fromkeys(
        (
            *("silu", "silu_backward", "gelu", "exp", "log", "sigmoid", "tanh"),
            *("sqrt", "rsqrt", "sin", "cos", "_softmax", "_softmax_backward_data"),
        ),
        _of_itself,
    ),
}
"""What an operation rounds from, by its name."""


@lru_cache(maxsize=4096)
def _moves(name: str, shape: torch.Size, dtype: torch.dtype) -> Tensor:
    """Numbers in [-1, 1] that belong to an operation and a shape."""
    seed = hashlib.blake2b(f"{name} {tuple(shape)}".encode(), digest_size=7).digest()
    draws = torch.Generator().manual_seed(int.from_bytes(seed))
    return torch.rand(shape, generator=draws, dtype=torch.float64).mul_(2).sub_(1).to(dtype)
