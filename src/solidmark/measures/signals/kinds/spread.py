"""The spread of the bottleneck: is the image held by a few strong features, or by many?

.. math:: s(x) = \\mathrm{std}_c \\; \\max_p \\; a_{c,p}(x_t), \\qquad
          x_t = \\alpha_t x + \\sigma_t \\epsilon

a are the activations in the narrowest part of the network, of C channels at P positions, while it
looks at the image with little noise on it. A network that stores an image answers with a few
spikes, one that composes it with a balanced pattern: high = memorized. No caption is needed.

As the authors' code has it: step 10 of 1000, the empty prompt, the largest value over all positions
and the standard deviation over the channels. Ours: the layer (they take activations of the first
blocks after the bottleneck, by model), the use on images of the training set (they tell generations
of memorized prompts from others), the mean over several noises. Whether its direction holds for a
model at hand is to be seen from held-out images.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float

from solidmark.data import Sample
from solidmark.diffusion import Condition, Model
from solidmark.errors import BadInput, MissingCapability
from solidmark.late import Tensor, torch
from solidmark.measures.signals.kinds.noised import noised
from solidmark.measures.signals.kinds.signal import SignalCard
from solidmark.mitigations.telling import bare
from solidmark.models.foreseen import Foreseen


@dataclass(frozen=True)
class Spread:
    """The spread of the activations in the middle of the network, at little noise.

    The model is told nothing where it can be, else the class that it was trained with.

    Arguments:
        t: The time, in (0, 1); 0.01 in the authors' code.
        draws: How many noises are averaged; 1 in the code.

    References:
        Zhang et al., 2026 ("Generalization of diffusion models arises with a balanced
        representation space"), and its code.
    """

    t: float = 0.01
    draws: int = 4

    def __post_init__(self) -> None:
        if not 0 < self.t < 1 or self.draws < 1:
            raise BadInput(
                "A spread takes a time between 0 and 1 and 1 or more draws, not "
                f"{self.t:g}, {self.draws}."
            )

    @property
    def card(self) -> SignalCard:
        return SignalCard.of("spread", self.draws)

    def require(self, model: Model, sample: Sample) -> None:
        adapter = bare(model)
        if not isinstance(adapter, Foreseen) or not adapter.is_network:
            middle_of(model)

    def measure(
        self, model: Model, samples: Sequence[Sample], generators: "Sequence[torch.Generator]"
    ) -> Float[Tensor, " B"]:
        nothing = _nothing(model, samples)
        total = torch.zeros(len(samples), dtype=torch.float64)
        for t, z_t, _ in noised(model, samples, generators, [self.t] * self.draws):
            with watched(middle_of(model)) as seen:
                model.denoise(z_t, t, nothing)
            total += torch.cat([spread_of(part) for part in seen])
        return total / self.draws


def middle_of(model: Model) -> "torch.nn.Module":
    """The layer whose input is looked at: the one that follows the last activation in the middle.

    Of a U-Net the second convolution of the last residual block between the way down and the way
    up, of a transformer the last layer of the feed-forward network of its middle block.

    Raises:
        MissingCapability: When the model has no network, or one of another kind.
    """
    adapter: Any = bare(model)
    network = getattr(adapter, "unet", None) or getattr(adapter, "network", None)
    if network is None:
        raise MissingCapability(
            "The model is a formula without a network, so there are no activations to look at. "
            "Leave the signal spread out."
        )
    layer = _layer(network)
    if layer is None:
        raise MissingCapability(
            f"A {type(network).__name__} of this configuration has no middle that can be looked "
            "at. Leave the signal spread out."
        )
    return layer


def spread_of(activations: Tensor) -> Float[Tensor, " B"]:
    """The standard deviation over the channels of their largest value over all positions.

    Arguments:
        activations: With shape (B, C, H, W), or (B, P, C) for P tokens.

    Example:
        >>> spread_of(torch.tensor([[[[1.0, 3.0]], [[0.0, 1.0]]]])).item()
        1.0
    """
    values = activations.detach().cpu().double()
    largest = values.flatten(2).amax(2) if values.dim() == 4 else values.amax(1)
    return largest.std(dim=1, correction=0)


@contextmanager
def watched(layer: "torch.nn.Module") -> Iterator[list[Tensor]]:
    """What goes into a layer while the network is called, a tensor a call."""
    seen: list[Tensor] = []
    hook = layer.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    try:
        yield seen
    finally:
        hook.remove()


def _layer(network: Any) -> "torch.nn.Module | None":
    middle = getattr(network, "mid_block", None)
    if middle is not None:
        layer: torch.nn.Module = middle.resnets[-1].conv2
        return layer
    blocks = getattr(network, "transformer_blocks", None)
    if not blocks:
        return None
    feed = getattr(blocks[len(blocks) // 2], "ff", None)
    parts = reversed(getattr(feed, "net", []))
    return next((part for part in parts if isinstance(part, torch.nn.Linear)), None)


def _nothing(model: Model, samples: Sequence[Sample]) -> Condition:
    """What says nothing of the images; what is known of them where the model must be told."""
    condition = model.condition(samples)
    try:
        return model.unconditional(condition)
    except MissingCapability:
        return condition
