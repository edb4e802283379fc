"""The options of an inversion; what is not given is the preset's."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated

from solidmark.cards.option import ABOVE_ZERO, NOT_NEGATIVE, between
from solidmark.cli.asked import Asked
from solidmark.cli.options import Whole
from solidmark.cli.told import Choice, option

if TYPE_CHECKING:
    from solidmark.measures.invmm.inversion import Inversion

PRESETS = ("quick", "ddpm", "ldm", "sd", "sd3")
PROMPTS = ("given", "inverted")
CHECKS = ("full", "cheap")
TIMES = ("independent", "stratified")

Preset = Annotated[
    str,
    option(
        "What the following options are when they are not given: quick (ours, for fewer network "
        "calls), or the authors' ddpm, ldm, sd, sd3.",
        Choice("preset", PRESETS),
    ),
]
Positive = Annotated[float | None, ABOVE_ZERO]
NotNegative = Annotated[float | None, NOT_NEGATIVE]
Sampling = Annotated[int | None, between(1, 1000)]


@dataclass(frozen=True)
class Inverted:
    """The options of an inversion.

    Arguments:
        steps: Steps of descent at most.
        samples: Noise samples a step.
        rate: Adam's step size.
        every: Steps from one check to the next (C).
        loss_window: Steps whose losses are averaged when the weight of the KL is adapted.
        improvement: The weight is halved when the loss fell by less than this (xi).
        weight_step: What the weight grows by at each step (delta).
        checked: Pictures drawn at a check, all of which must show the image.
        sampling_steps: Steps of the sampler that draws them.
        guidance: Scale of classifier-free guidance at a check, any of which will do; may be given
            again. [default: the preset's]
        clip: The largest norm of a gradient; none by default.
        prompt: given (the image's own caption or class: what an auditor usually asks) or inverted
            (looked for beside the noise, as the authors do with text-to-image models, and the
            presets sd and sd3 with them).
        tau: Of an inverted prompt: temperature of its words.
        checks: full (as published) or cheap (a few-step sampler first, the full one to confirm).
        screen_steps: Of cheap checks: steps of the first sampler.
        margin: Of cheap checks: how far below the threshold the first sampler may stay.
        times: How times are drawn: independent (as published) or stratified (evenly).
    """

    preset: Preset = "quick"
    steps: Whole = None
    samples: Whole = None
    rate: Positive = None
    every: Whole = None
    loss_window: Whole = None
    improvement: NotNegative = None
    weight_step: NotNegative = None
    checked: Whole = None
    sampling_steps: Sampling = None
    guidance: Annotated[list[float], "--guidance", "NUMBER", NOT_NEGATIVE] = field(
        default_factory=list
    )
    clip: Positive = None
    prompt: Annotated[str | None, Choice("prompt", PROMPTS)] = None
    tau: Positive = None
    checks: Annotated[str | None, Choice("check", CHECKS)] = None
    screen_steps: Sampling = None
    margin: NotNegative = None
    times: Annotated[str | None, Choice("way to draw times", TIMES)] = None


def inversion_of(asked: Asked) -> "Inversion":
    """The inversion that a command line asks for."""
    from solidmark.measures.invmm.inversion import PRESETS as INVERSIONS

    given = vars(asked.fill(Inverted)).copy()
    preset, guidances = given.pop("preset"), given.pop("guidance")
    given["guidances"] = tuple(guidances) or None
    return replace(
        INVERSIONS[preset], **{name: value for name, value in given.items() if value is not None}
    )
