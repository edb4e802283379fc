"""The entropy of the cross attention: how evenly the picture looks at the words of its prompt.

.. math:: a_j = \\frac{1}{L H P} \\sum_{l, h, p} A^{l, h}_{p, j}, \\qquad
          E(c) = -\\sum_j a_j \\ln a_j

A are the attention probabilities from P places to the tokens of the prompt, in H heads and L
layers, at pure noise before the first step of sampling. An ordinary prompt leaves nearly all
attention on its start token (low entropy); one that was memorized moves it to its own words: high =
memorized.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float

from solidmark.data import Sample
from solidmark.diffusion import Model
from solidmark.errors import BadInput, MissingCapability
from solidmark.late import Tensor, torch
from solidmark.measures.signals.kinds.signal import SignalCard
from solidmark.mitigations.magnitude import first_noise
from solidmark.mitigations.telling import bare
from solidmark.models.foreseen import Foreseen

FIRST = 0.981
"""The first of 50 steps of DDIM, as in the authors' code."""

CROSS = "attn2"
"""How diffusers calls the layers that look at the words, in U-Nets and in transformers."""


@dataclass(frozen=True)
class AttentionEntropy:
    """The entropy of the mean attention to the tokens of a prompt, at the first step.

    Over all layers; the authors' cheap variant takes the fourth, their dear one the last steps of a
    whole drawing.

    Arguments:
        draws: How many noises are averaged.

    References:
        Ren et al., 2024 ("Unveiling and mitigating memorization in text-to-image diffusion models
        through cross attention"), and its code.
    """

    draws: int = 4

    def __post_init__(self) -> None:
        if self.draws < 1:
            raise BadInput(f"An entropy takes 1 or more draws, not {self.draws}.")

    @property
    def card(self) -> SignalCard:
        return SignalCard.of("attention-entropy", self.draws)

    def require(self, model: Model, sample: Sample) -> None:
        adapter = bare(model)
        if not isinstance(adapter, Foreseen):
            layers_of(model)
        elif not adapter.captioned:
            raise MissingCapability(_WORDLESS)

    def measure(
        self, model: Model, samples: Sequence[Sample], generators: "Sequence[torch.Generator]"
    ) -> Float[Tensor, " B"]:
        condition = model.condition(samples)
        layers = layers_of(model)
        total = torch.zeros(len(samples), dtype=torch.float64)
        for _ in range(self.draws):
            x = first_noise(model, samples, generators)
            with watched(layers) as seen:
                model.denoise(x, FIRST, condition)
            # Where the model was called in parts, each layer has one mean a part.
            parts = [torch.cat(found) for found in seen]
            total += entropy_of(torch.stack(parts).mean(0))
        return total / self.draws


_WORDLESS = (
    "The model has no layers that look at the words of a prompt and at nothing else. Leave the "
    "signal attention-entropy out."
)


def layers_of(model: Model) -> "list[torch.nn.Module]":
    """The layers that look from the picture at the words.

    Raises:
        MissingCapability: When there are none: the model is told no words, or its layers look at
            words and picture at once, as in Stable Diffusion 3 and Flux.
    """
    adapter: Any = bare(model)
    network = getattr(adapter, "unet", None) or getattr(adapter, "network", None)
    named = () if network is None else network.named_modules()
    found = [
        layer
        for name, layer in named
        if name.rsplit(".", 1)[-1] == CROSS and getattr(layer, "is_cross_attention", False)
    ]
    if not found:
        raise MissingCapability(_WORDLESS)
    return found


def entropy_of(attention: Float[Tensor, "B T"]) -> Float[Tensor, " B"]:
    """The entropy of shares that sum to 1, in nats.

    Example:
        >>> [round(float(e), 3) for e in entropy_of(torch.tensor([[0.25] * 4, [1.0, 0, 0, 0]]))]
        [1.386, 0.0]
    """
    shares = attention / attention.sum(dim=1, keepdim=True)
    return torch.special.entr(shares).sum(1)


@contextmanager
def watched(layers: "Sequence[torch.nn.Module]") -> Iterator[list[list[Tensor]]]:
    """How each layer looks at the tokens while the network is called, a list a layer.

    What goes into a layer is looked at, and its probabilities are made once more from that: the
    network itself goes its usual way.
    """
    seen: list[list[Tensor]] = [[] for _ in layers]
    hooks = []
    for layer, found in zip(layers, seen, strict=True):

        def look(module: Any, given: Any, named: Any, found: list[Tensor] = found) -> None:
            picture = given[0] if given else named["hidden_states"]
            words, mask = named["encoder_hidden_states"], named.get("attention_mask")
            found.append(_mean_attention(module, picture, words, mask))

        hooks.append(layer.register_forward_pre_hook(look, with_kwargs=True))
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _mean_attention(
    layer: Any, picture: Tensor, words: Tensor, mask: Tensor | None
) -> Float[Tensor, "B T"]:
    """The attention of a layer to each token, the mean over places and heads."""
    if layer.norm_cross:
        words = layer.norm_encoder_hidden_states(words)
    mask = layer.prepare_attention_mask(mask, words.shape[1], len(words))
    query = layer.head_to_batch_dim(layer.to_q(picture))
    key = layer.head_to_batch_dim(layer.to_k(words))
    scores = layer.get_attention_scores(query, key, mask).detach().cpu().double()
    return scores.mean(1).reshape(len(words), -1, scores.shape[2]).mean(1)
