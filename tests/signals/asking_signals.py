"""Asking a signal of a few captioned pictures, and a pipeline of diffusers by hand."""

from typing import Any

import numpy as np
import tiny
import torch

from solidmark.data import Sample
from solidmark.measures.signals.kinds import Signal
from solidmark.randomness import generator


def told(count: int, side: int = 32) -> list[Sample]:
    """Smooth pictures with captions and classes."""
    samples = []
    for number in range(count):
        noise = torch.rand(3, 4, 4, generator=torch.Generator().manual_seed(number))
        image = torch.nn.functional.interpolate(noise[None], (side, side), mode="bilinear")[0]
        caption = f"a red {tiny.WORDS[number]}"
        samples.append(Sample(f"{number}", image, f"{number}", caption, class_index=number))
    return samples


def noises(samples: list[Sample], seed: int = 0) -> list[torch.Generator]:
    return [generator(seed, sample.id) for sample in samples]


def values(signal: Signal, model: Any, samples: list[Sample]) -> np.ndarray:
    return signal.measure(model, samples, noises(samples)).numpy()


def drawn(samples: list[Sample], shape: tuple[int, ...], draws: int) -> list[torch.Tensor]:
    """The noises that a signal draws, one after the other."""
    generators = noises(samples)
    return [
        torch.stack([torch.randn(shape, generator=own) for own in generators]) for _ in range(draws)
    ]


def embedded(pipe: Any, texts: list[str]) -> torch.Tensor:
    length = pipe.tokenizer.model_max_length
    tokens = pipe.tokenizer(
        texts, padding="max_length", max_length=length, truncation=True, return_tensors="pt"
    )
    with torch.no_grad():
        found: torch.Tensor = pipe.text_encoder(tokens.input_ids)[0]
    return found


def predicted(pipe: Any, z: torch.Tensor, step: int, embeds: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        noise: torch.Tensor = pipe.unet(z, step, encoder_hidden_states=embeds).sample
    return noise
