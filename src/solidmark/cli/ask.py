"""The options of the readers, each with the name of its reader in front."""

from typing import Annotated

import typer

from solidmark.cli.options import one_of

PASTES = ("pixels", "latents")

BlendWeight = Annotated[
    float,
    typer.Option(help="Blend: weight of the linear reading beside the descent's, in [0, 1]."),
]
BlendSteps = Annotated[int, typer.Option(help="Blend: steps, 2.3 network calls each.")]
BlendT = Annotated[
    float | None,
    typer.Option(
        help="Blend: the time to ask at, in (0, 1); chosen without the keys when not given."
    ),
]
BlendFrameWeight = Annotated[
    float, typer.Option(help="Blend: weight of the frame's pixels beside the image's, in [0, 1].")
]
Candidates = Annotated[int, typer.Option(help="Energy: how many keys are tried, 3 or more.")]
EnergyT = Annotated[
    float | None,
    typer.Option(
        help="Energy: the time to ask at, in (0, 1); chosen without the keys when not given."
    ),
]
FrameWeight = Annotated[
    float, typer.Option(help="Energy: weight of the frame's pixels beside the image's, in [0, 1].")
]
GradientSteps = Annotated[int, typer.Option(help="Gradient: steps, 2.3 network calls each.")]
StepSize = Annotated[
    float, typer.Option(help="Gradient: length of the first step, in grey levels.")
]
GradientT = Annotated[
    float | None,
    typer.Option(
        help="Gradient: the time to ask at, in (0, 1); chosen without the keys when not given."
    ),
]
GradientWeight = Annotated[
    float,
    typer.Option(help="Gradient: weight of the frame's pixels beside the image's, in [0, 1]."),
]
LinearT = Annotated[
    float | None,
    typer.Option(
        help="Linear: the time to ask at, in (0, 1); chosen without the keys when not given."
    ),
]
LinearWeight = Annotated[
    float, typer.Option(help="Linear: weight of the frame's pixels beside the image's, in [0, 1].")
]
Steps = Annotated[int, typer.Option(help="Outpaint: sampling steps, 1 to 1000.")]
JumpLength = Annotated[int, typer.Option(help="Outpaint: steps that a RePaint jump goes back.")]
JumpCount = Annotated[
    int, typer.Option(help="Outpaint: RePaint's passes over each step; 1 = as published.")
]
Eta = Annotated[
    float, typer.Option(help="Outpaint: 1 = ancestral sampling (DDPM), 0 = deterministic (DDIM).")
]
Start = Annotated[float, typer.Option(help="Outpaint: the time sampling begins at, in (0, 1].")]
LatentSteps = Annotated[int, typer.Option(help="Latent-outpaint: sampling steps, 1 to 1000.")]
LatentGuidance = Annotated[
    float,
    typer.Option(help="Latent-outpaint: classifier-free guidance; 1 = none, above costs double."),
]
LatentEvery = Annotated[
    int, typer.Option(help="Latent-outpaint: steps from one pasting of pixels to the next.")
]
LatentPaste = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Latent-outpaint: what is pasted: pixels (decoded and encoded again, as published) or "
        "latents (cheap).",
        callback=one_of("way to paste", PASTES),
    ),
]
LatentEta = Annotated[
    float, typer.Option(help="Latent-outpaint: 1 = ancestral sampling, 0 = deterministic.")
]
ProbeT = Annotated[
    float | None,
    typer.Option(
        help="Probe: the time to ask at, in (0, 1); chosen without the keys when not given."
    ),
]
RecallDraws = Annotated[int, typer.Option(help="Recall: noises an image, a network call each.")]
RecallGuidance = Annotated[
    float, typer.Option(help="Recall: classifier-free guidance; 1 = none, above costs double.")
]
RecallT = Annotated[float, typer.Option(help="Recall: the time to ask at, in (0, 1).")]
