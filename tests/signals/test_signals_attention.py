"""Signals of how a picture looks at its words, against processors that keep what they use."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from asking_signals import drawn, embedded, predicted, told, values
from diffusers import DDIMScheduler
from diffusers.models.attention_processor import Attention, AttnProcessor

from solidmark.errors import MissingCapability
from solidmark.measures.signals.kinds import AttentionEntropy, BrightEnding, Magnitude
from solidmark.measures.signals.kinds.bright_ending import bright_norm
from solidmark.measures.signals.kinds.crossing import layers_of
from solidmark.models import open_model


@contextmanager
def keeping(unet: Any, images: int) -> Iterator[list[tuple[str, torch.Tensor]]]:
    """The probabilities with which the layers go on that look at words: (B, heads, P, T)."""
    kept: list[tuple[str, torch.Tensor]] = []

    class Keeping(AttnProcessor):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def __call__(self, attn: Attention, *given: Any, **named: Any) -> torch.Tensor:
            usual = attn.get_attention_scores

            def keep(*args: Any) -> torch.Tensor:
                scores: torch.Tensor = usual(*args)
                kept.append((self.name, scores.reshape(images, -1, *scores.shape[1:])))
                return scores

            attn.get_attention_scores = keep
            try:
                answer: torch.Tensor = super().__call__(attn, *given, **named)
            finally:
                attn.get_attention_scores = usual
            return answer

    usual = dict(unet.attn_processors)
    unet.set_attn_processor(
        {name: Keeping(name) if ".attn2." in name else AttnProcessor() for name in usual}
    )
    yield kept
    unet.set_attn_processor(usual)


def test_the_entropy_is_that_of_the_attention_that_the_network_uses(
    diffusion: tuple[Any, Any],
) -> None:
    model, pipe = diffusion
    samples = told(3)
    found = values(AttentionEntropy(1), model, samples)
    (noise,) = drawn(samples, (4, 8, 8), 1)
    with keeping(pipe.unet, 3) as kept:
        predicted(pipe, noise, 981, embedded(pipe, [str(s.caption) for s in samples]))
    shares = torch.stack([scores.mean((1, 2)) for _, scores in kept]).mean(0)
    expected = -(shares * shares.log()).sum(1)
    assert len(kept) > 1
    assert found == pytest.approx(expected.numpy(), rel=1e-4)
    # Where nothing tells the words apart, all of them are looked at alike.
    for layer in layers_of(model, "").values():
        layer.to_q.weight.data.zero_()
        assert not layer._forward_pre_hooks
    length = pipe.tokenizer.model_max_length
    assert values(AttentionEntropy(1), model, samples) == pytest.approx([np.log(length)] * 3)


def test_the_bright_ending_weighs_the_first_step_by_the_look_at_the_last(
    diffusion: tuple[Any, Any],
) -> None:
    model, pipe = diffusion
    samples = [*told(2), *told(3)[2:]]
    words = [str(sample.caption) for sample in samples]
    prompts, nothing = embedded(pipe, words), embedded(pipe, [""] * 3)
    config = pipe.scheduler.config
    scheduler = DDIMScheduler.from_config(config, timestep_spacing="trailing", steps_offset=0)
    scheduler.set_timesteps(10)
    (z,) = drawn(samples, (4, 8, 8), 1)
    first = None
    for step in scheduler.timesteps:
        with keeping(pipe.unet, 3) as kept:
            seen = predicted(pipe, z, step, prompts)
        blind = predicted(pipe, z, step, nothing)
        first = seen - blind if first is None else first
        z = scheduler.step(blind + 7.5 * (seen - blind), step, z).prev_sample
    maps = [scores.mean(1) for name, scores in kept if name.startswith("down_blocks.0.")]
    assert 0 < len(maps) < len(kept)
    ends = [pipe.tokenizer(text).input_ids.index(pipe.tokenizer.eos_token_id) for text in words]
    mask = torch.stack([torch.stack(maps).mean(0)[row, :, end] for row, end in enumerate(ends)])
    assert first is not None
    weighed = (first * mask.reshape(3, 1, 8, 8)).flatten(1).norm(dim=1) / mask.mean(1)
    found = values(BrightEnding(1, 10), model, samples)
    assert found == pytest.approx(weighed.numpy(), rel=1e-3)
    # Where the ending is as bright everywhere, it is the magnitude.
    for layer in layers_of(model, "").values():
        layer.to_q.weight.data.zero_()
    expected = values(Magnitude(1), model, samples)
    assert values(BrightEnding(1, 3), model, samples) == pytest.approx(expected, rel=1e-5)


def test_a_place_that_is_bright_counts_as_the_whole_picture() -> None:
    moved = torch.zeros(1, 2, 2, 2)
    moved[:, :, 0, 1] = 1.0
    bright = torch.tensor([[0.0, 0.5, 0.0, 0.0]])
    assert bright_norm(moved, bright).item() == pytest.approx(4 * 2**0.5)
    assert bright_norm(moved, 1 - 2 * bright).item() == 0
    even = bright_norm(moved, torch.full((1, 4), 0.3))
    assert even.item() == pytest.approx(moved.norm().item())


@pytest.mark.parametrize("family", [tiny.stable_diffusion_xl, tiny.pixart])
def test_a_model_without_a_look_of_full_size_is_not_asked(
    family: Callable[[Path], Path], tmp_path: Path
) -> None:
    with pytest.raises(MissingCapability, match="size of its latents"):
        BrightEnding().require(open_model(str(family(tmp_path / "model"))), told(1)[0])
