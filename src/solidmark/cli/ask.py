"""The options of the readers, each with the name of its reader in front."""

from typing import Annotated, Any

import typer

from solidmark.cli.options import one_of

PASTES = ("pixels", "latents")


def _time(reader: str) -> Any:
    return typer.Option(
        help=f"{reader}: the time to ask at, in (0, 1); chosen without the keys when not given."
    )


def _frame_weight(reader: str) -> Any:
    return typer.Option(
        help=f"{reader}: weight of the frame's pixels beside the image's, in [0, 1]."
    )


BlendWeight = Annotated[
    float,
    typer.Option(help="Blend: weight of the linear reading beside the descent's, in [0, 1]."),
]
BlendSteps = Annotated[int, typer.Option(help="Blend: steps, 2.3 network calls each.")]
BlendT = Annotated[float | None, _time("Blend")]
BlendFrameWeight = Annotated[float, _frame_weight("Blend")]
Candidates = Annotated[int, typer.Option(help="Energy: how many keys are tried, 3 or more.")]
EnergyT = Annotated[float | None, _time("Energy")]
FrameWeight = Annotated[float, _frame_weight("Energy")]
GradientSteps = Annotated[int, typer.Option(help="Gradient: steps, 2.3 network calls each.")]
StepSize = Annotated[
    float, typer.Option(help="Gradient: length of the first step, in grey levels.")
]
GradientT = Annotated[float | None, _time("Gradient")]
GradientWeight = Annotated[float, _frame_weight("Gradient")]
LinearT = Annotated[float | None, _time("Linear")]
LinearWeight = Annotated[float, _frame_weight("Linear")]
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
ProbeT = Annotated[float | None, _time("Probe")]
RecallDraws = Annotated[int, typer.Option(help="Recall: noises an image, a network call each.")]
RecallGuidance = Annotated[
    float, typer.Option(help="Recall: classifier-free guidance; 1 = none, above costs double.")
]
RecallT = Annotated[float, typer.Option(help="Recall: the time to ask at, in (0, 1).")]


def reading(
    blend_linear_weight: BlendWeight = 0.2,
    blend_steps: BlendSteps = 4,
    blend_t: BlendT = None,
    blend_frame_weight: BlendFrameWeight = 0.1,
    energy_candidates: Candidates = 9,
    energy_t: EnergyT = None,
    energy_frame_weight: FrameWeight = 0.1,
    gradient_steps: GradientSteps = 4,
    gradient_step_size: StepSize = 0.3,
    gradient_t: GradientT = None,
    gradient_frame_weight: GradientWeight = 0.1,
    latent_outpaint_steps: LatentSteps = 100,
    latent_outpaint_guidance: LatentGuidance = 3.0,
    latent_outpaint_every: LatentEvery = 10,
    latent_outpaint_paste: LatentPaste = "pixels",
    latent_outpaint_eta: LatentEta = 0.0,
    linear_t: LinearT = None,
    linear_frame_weight: LinearWeight = 0.1,
    outpaint_steps: Steps = 250,
    outpaint_jump_length: JumpLength = 10,
    outpaint_jump_count: JumpCount = 1,
    outpaint_eta: Eta = 1.0,
    outpaint_start: Start = 1.0,
    probe_t: ProbeT = None,
    recall_draws: RecallDraws = 4,
    recall_guidance: RecallGuidance = 1.0,
    recall_t: RecallT = 0.999,
) -> None:
    """The options of all readers."""
