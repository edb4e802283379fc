"""The options of an inversion; what is not given is the preset's."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from solidmark.cli.options import at_least, one_of, within
from solidmark.errors import BadInput

if TYPE_CHECKING:
    from solidmark.inversion import Inversion

PRESETS = ("quick", "ddpm", "ldm", "sd", "sd3")
PROMPTS = ("given", "inverted")
CHECKS = ("full", "cheap")
TIMES = ("independent", "stratified")
FIELDS = (
    *("steps", "samples", "rate", "every", "loss_window", "improvement", "weight_step", "checked"),
    *("sampling_steps", "clip", "prompt", "tau", "checks", "screen_steps", "margin", "times"),
)
"""The options that are fields of an inversion of the same name."""

_above_zero = within("above 0", lambda number: 0 < number < float("inf"))
_not_below_zero = within("0 or more", lambda number: 0 <= number < float("inf"))
_sampler_steps = within("1 to 1000", lambda number: 1 <= number <= 1000)

Preset = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="What the following options are when they are not given: quick (ours, for fewer "
        "network calls), or the authors' ddpm, ldm, sd, sd3.",
        callback=one_of("preset", PRESETS),
    ),
]
Steps = Annotated[int | None, typer.Option(help="Steps of descent at most.", callback=at_least(1))]
Samples = Annotated[int | None, typer.Option(help="Noise samples a step.", callback=at_least(1))]
Rate = Annotated[float | None, typer.Option(help="Adam's step size.", callback=_above_zero)]
Every = Annotated[
    int | None, typer.Option(help="Steps from one check to the next (C).", callback=at_least(1))
]
LossWindow = Annotated[
    int | None,
    typer.Option(
        help="Steps whose losses are averaged when the weight of the KL is adapted.",
        callback=at_least(1),
    ),
]
Improvement = Annotated[
    float | None,
    typer.Option(
        help="The weight is halved when the loss fell by less than this (xi).",
        callback=_not_below_zero,
    ),
]
WeightStep = Annotated[
    float | None,
    typer.Option(help="What the weight grows by at each step (delta).", callback=_not_below_zero),
]
Checked = Annotated[
    int | None,
    typer.Option(
        help="Pictures drawn at a check, all of which must show the image.", callback=at_least(1)
    ),
]
SamplingSteps = Annotated[
    int | None,
    typer.Option(help="Steps of the sampler that draws them.", callback=_sampler_steps),
]
Guidances = Annotated[
    list[float],
    typer.Option(
        "--guidance",
        metavar="NUMBER",
        help="Scale of classifier-free guidance at a check, any of which will do; may be given "
        "again.  [default: the preset's]",
        callback=_not_below_zero,
    ),
]
Clip = Annotated[
    float | None,
    typer.Option(help="The largest norm of a gradient; none by default.", callback=_above_zero),
]
PromptOf = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="given (the image's own caption or class: what an auditor usually asks) or inverted "
        "(looked for beside the noise, as the authors do with text-to-image models, and the "
        "presets sd and sd3 with them).",
        callback=one_of("prompt", PROMPTS),
    ),
]
Tau = Annotated[
    float | None,
    typer.Option(help="Of an inverted prompt: temperature of its words.", callback=_above_zero),
]
ChecksBy = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="full (as published) or cheap (a few-step sampler first, the full one to confirm).",
        callback=one_of("check", CHECKS),
    ),
]
ScreenSteps = Annotated[
    int | None,
    typer.Option(help="Of cheap checks: steps of the first sampler.", callback=_sampler_steps),
]
Margin = Annotated[
    float | None,
    typer.Option(
        help="Of cheap checks: how far below the threshold the first sampler may stay.",
        callback=_not_below_zero,
    ),
]
TimesOf = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="How times are drawn: independent (as published) or stratified (evenly).",
        callback=one_of("way to draw times", TIMES),
    ),
]


def inverted(
    preset: Preset = "quick",
    steps: Steps = None,
    samples: Samples = None,
    rate: Rate = None,
    every: Every = None,
    loss_window: LossWindow = None,
    improvement: Improvement = None,
    weight_step: WeightStep = None,
    checked: Checked = None,
    sampling_steps: SamplingSteps = None,
    guidance: Guidances = [],
    clip: Clip = None,
    prompt: PromptOf = None,
    tau: Tau = None,
    checks: ChecksBy = None,
    screen_steps: ScreenSteps = None,
    margin: Margin = None,
    times: TimesOf = None,
) -> None:
    """The options of an inversion."""


def similarity_threshold(value: Any) -> float | None:
    """A similarity, or `auto` (None): calibrated on unrelated pairs."""
    if value is None or str(value) == "auto":
        return None
    try:
        number = float(str(value))
    except ValueError:
        number = float("nan")
    if not -1 <= number <= 1:
        raise BadInput(f'--threshold takes a similarity in [-1, 1] or auto, not "{value}".')
    return number


def inversion_of(asked: dict[str, Any]) -> "Inversion":
    """The inversion that a command line asks for.

    Arguments:
        asked: Its values by the names of the parameters.
    """
    from dataclasses import replace

    from solidmark.inversion import PRESETS as INVERSIONS

    given = {name: asked[name] for name in FIELDS if asked.get(name) is not None}
    if asked["guidance"]:
        given["guidances"] = tuple(asked["guidance"])
    return replace(INVERSIONS[asked["preset"]], **given)
