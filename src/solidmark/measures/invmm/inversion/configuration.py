"""How an image is inverted, and the presets: the four variants of the authors, and a cheap one."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Literal, get_args

from solidmark.diffusion.model import GRADIENT_COST
from solidmark.errors import BadInput, UnknownName

Prompt = Literal["given", "inverted"]
"""Where the prompt comes from: the image's own caption or class, or the inversion itself."""

Checks = Literal["full", "cheap"]
"""How it is found out whether the image is reproduced: see `inversion.checking`."""

Times = Literal["independent", "stratified"]
"""How the times of a step's samples are drawn: each for itself, or one from each stretch."""

MOST_STEPS = 1000
"""Of a sampler, whose times are training steps: more would only repeat them."""

_CHOICES = {"prompt": Prompt, "checks": Checks, "times": Times}


@dataclass(frozen=True)
class Inversion:
    """The configuration of InvMM.

    Arguments:
        steps: Steps of descent at most.
        samples: Noise samples a step.
        rate: Adam's step size, for the noise and for the prompt.
        every: C, the steps between two checks.
        loss_window: Steps whose losses are averaged when the weight is adapted.
        improvement: xi; when the mean loss fell by less, the weight of the KL is halved.
        weight_step: delta, by which the weight grows at every step.
        threshold: beta, the similarity from which a sample shows the image; in the unit of the
            similarity that is used, so 0.5 is for SSCD only.
        checked: Samples of a check.
        sampling_steps: Network calls of the deterministic sampler of a check, per sample.
        guidances: Scales of guidance that a check tries; any of them suffices. 1 = none.
        clip: The largest norm that the gradient of an attempt may have; None = any, as in the
            authors' code.
        prompt: What the model is told.
        tau: The temperature of the soft Gumbel-softmax of an inverted prompt.
        checks: `full` as the authors check, `cheap` with a few-step screen and an early stop.
        screen_steps: `cheap`: network calls of the few-step sampler, per sample.
        margin: `cheap`: how far below the threshold a few-step sample must stay to be refused
            without the full sampler, in the unit of the similarity.
        times: How the times of a step are drawn. Either is unbiased; `stratified` varies less.

    Raises:
        BadInput: When a number is not in its range.
        UnknownName: When a word is not among its choices.

    References:
        InvMM (Ma et al., 2024) and its public code.
    """

    steps: int = 2000
    samples: int = 32
    rate: float = 0.1
    every: int = 50
    loss_window: int = 100
    improvement: float = 1e-3
    weight_step: float = 1e-4
    threshold: float = 0.5
    checked: int = 8
    sampling_steps: int = 200
    guidances: tuple[float, ...] = (1.0,)
    clip: float | None = None
    prompt: Prompt = "given"
    tau: float = 2.0
    checks: Checks = "cheap"
    screen_steps: int = 10
    margin: float = 0.1
    times: Times = "independent"

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in get_args(choices):
                raise UnknownName(name, getattr(self, name), get_args(choices))
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type is int and value < 1:
                raise BadInput(f"An inversion takes 1 or more {field.name}, not {value}.")
        for name in ("rate", "tau", "clip"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise BadInput(f"An inversion takes a {name} above 0, not {value}.")
        for name in ("improvement", "weight_step", "margin"):
            if not 0 <= getattr(self, name) < math.inf:
                raise BadInput(
                    f"An inversion takes a {name} of 0 or more, not {getattr(self, name)}."
                )
        for name in ("sampling_steps", "screen_steps"):
            value = getattr(self, name)
            if value > MOST_STEPS:
                raise BadInput(f"An inversion takes {MOST_STEPS} {name} or fewer, not {value}.")
        if not self.guidances:
            raise BadInput("A check of an inversion needs one guidance or more. 1 is none.")
        for guidance in self.guidances:
            if not 0 <= guidance < math.inf:
                raise BadInput(f"An inversion takes guidances of 0 or more, not {guidance}.")

    def most_calls(self, step: int = 0) -> float:
        """The most network calls that the next round of an attempt may take, with its check.

        Arguments:
            step: How many steps it has made.
        """
        steps = max(0, min(self.every, self.steps - step))
        drawn = self.sampling_steps + (self.screen_steps if self.checks == "cheap" else 0)
        # Guidance asks with the prompt and without.
        looks = sum(1 if guidance == 1 else 2 for guidance in self.guidances)
        return steps * self.samples * GRADIENT_COST + looks * self.checked * drawn


PRESETS: Mapping[str, Inversion] = MappingProxyType(
    {
        "ddpm": Inversion(checks="full"),
        "ldm": Inversion(samples=16, every=10, weight_step=5e-4, sampling_steps=50, checks="full"),
        "sd": Inversion(
            samples=16,
            weight_step=1e-3,
            sampling_steps=50,
            guidances=(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0),
            prompt="inverted",
            checks="full",
        ),
        "sd3": Inversion(
            samples=16, weight_step=1e-3, sampling_steps=50, prompt="inverted", checks="full"
        ),
        "quick": Inversion(
            samples=4, sampling_steps=50, screen_steps=10, checks="cheap", times="stratified"
        ),
    }
)
"""The authors' variants for DDPM on CIFAR-10, LDM on faces, Stable Diffusion 1.4 and 2.1, and 3.5
medium; and `quick`, which is ours: the same rule with far fewer network calls."""
