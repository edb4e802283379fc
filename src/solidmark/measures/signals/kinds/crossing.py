"""How the places of a picture look at the words of its prompt, layer by layer."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from jaxtyping import Float

from solidmark.diffusion import Model
from solidmark.errors import MissingCapability
from solidmark.late import Tensor, torch
from solidmark.mitigations.telling import bare

CROSS = "attn2"
"""How diffusers calls the layers that look at the words, in U-Nets and in transformers."""

WORDLESS = (
    "The model has no layers that look at the words of a prompt and at nothing else. Leave the "
    "signal {} out."
)


def layers_of(model: Model, signal: str) -> "dict[str, torch.nn.Module]":
    """The layers that look from the picture at the words, by their names in the network.

    Arguments:
        model: The model.
        signal: Who asks, for the error.

    Raises:
        MissingCapability: When there are none: the model is told no words, or its layers look at
            words and picture at once, as in Stable Diffusion 3 and Flux.
    """
    adapter: Any = bare(model)
    network = getattr(adapter, "unet", None) or getattr(adapter, "network", None)
    named = () if network is None else network.named_modules()
    found = {
        name: layer
        for name, layer in named
        if name.rsplit(".", 1)[-1] == CROSS and getattr(layer, "is_cross_attention", False)
    }
    if not found:
        raise MissingCapability(WORDLESS.format(signal))
    return found


@contextmanager
def watched(
    layers: "Mapping[str, torch.nn.Module]",
    what: Callable[[Float[Tensor, "B P T"]], Tensor],
) -> Iterator[list[list[Tensor]]]:
    """How each layer looks at the tokens while the network is called, a list a layer.

    What goes into a layer is looked at, and its probabilities are made once more from that: the
    network itself goes its usual way. Where the model is called in parts, a list has one entry a
    part.

    Arguments:
        layers: As `layers_of` gives them.
        what: What is kept of the attention from P places to T tokens, the mean over heads.
    """
    seen: list[list[Tensor]] = [[] for _ in layers]
    hooks = []
    for layer, found in zip(layers.values(), seen, strict=True):

        def look(module: Any, given: Any, named: Any, found: list[Tensor] = found) -> None:
            picture = given[0] if given else named["hidden_states"]
            words, mask = named["encoder_hidden_states"], named.get("attention_mask")
            found.append(what(_attention(module, picture, words, mask)))

        hooks.append(layer.register_forward_pre_hook(look, with_kwargs=True))
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _attention(
    layer: Any, picture: Tensor, words: Tensor, mask: Tensor | None
) -> Float[Tensor, "B P T"]:
    """The attention of the places of a layer to each token, the mean over heads."""
    if layer.norm_cross:
        words = layer.norm_encoder_hidden_states(words)
    mask = layer.prepare_attention_mask(mask, words.shape[1], len(words))
    query = layer.head_to_batch_dim(layer.to_q(picture))
    key = layer.head_to_batch_dim(layer.to_k(words))
    scores = layer.get_attention_scores(query, key, mask).detach().cpu().double()
    return scores.reshape(len(words), -1, *scores.shape[1:]).mean(1)
