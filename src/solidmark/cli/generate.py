"""`solidmark generate MODEL OUT`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from solidmark.cli import closing
from solidmark.cli.answering import answer
from solidmark.cli.following import after_drawing
from solidmark.cli.opening import Model, mitigations_of, opened, opening_of, require_model, told
from solidmark.cli.options import (
    Out,
    a_resolution,
    at_least,
    ended,
    require_free,
    require_marked,
    save_config,
    show_plan,
)
from solidmark.cli.sharing import shares

if TYPE_CHECKING:
    from solidmark.generating import Generation

SamplingSteps = Annotated[int, typer.Option(help="Sampling steps, 1 to 1000.")]
SamplingGuidance = Annotated[
    float,
    typer.Option(
        help="Classifier-free guidance; 1 = none, what the model itself has learned. Others cost "
        "double; text-to-image models are mostly used with 3 to 8."
    ),
]
Images = Annotated[
    int | None,
    typer.Option(
        "--number",
        "-n",
        help="How many images; 5000 when not given, or --per-prompt of every prompt.",
        callback=at_least(1),
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        metavar="DATA",
        help="Data set whose captions or classes are drawn, of any kind that solidmark mark takes.",
    ),
]
OnePrompt = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="One prompt for all; beside --data, that of its images without a caption.",
    ),
]
CaptionColumn = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Of --data: column of the caption, else text or caption."),
]
LabelColumn = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Of --data: column of the class, else class or label."),
]
ClassFolders = Annotated[
    bool | None,
    typer.Option(
        "--class-folders/--no-class-folders",
        help="Of --data: the folders inside are the classes, or are not; as for solidmark mark.",
    ),
]
PerPrompt = Annotated[
    int | None,
    typer.Option(
        help="So many images of each prompt; when not given, the prompts take turns.",
        callback=at_least(1),
    ),
]
PromptLimit = Annotated[
    int | None,
    typer.Option(help="At most so many prompts, the first by their ids.", callback=at_least(1)),
]
SamplingEta = Annotated[
    float, typer.Option(help="0 = deterministic sampling (DDIM), 1 = ancestral (DDPM).")
]
Resolution = Annotated[
    str | None,
    typer.Option(
        metavar="PIXELS",
        help="Side of the images in pixels, or HEIGHTxWIDTH; what the model was built for when not "
        "given.",
        callback=a_resolution,
    ),
]
TrainedOn = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Folder of solidmark mark that the model was trained on: gives the size, and without "
        "--data and --caption the captions or classes of its training images.",
    ),
]
Crop = Annotated[
    bool, typer.Option("--crop", help="Cut the frames off; --marked says what they are.")
]


def sampled(
    steps: SamplingSteps = 50,
    eta: SamplingEta = 0.0,
    guidance: SamplingGuidance = 1.0,
) -> None:
    """How images are drawn."""


@shares(sampled, told, opened, ended)
def generate(
    context: typer.Context,
    model: Model,
    out: Out,
    number: Images = None,
    data: Data = None,
    caption: OnePrompt = None,
    caption_column: CaptionColumn = None,
    label_column: LabelColumn = None,
    class_folders: ClassFolders = None,
    per_prompt: PerPrompt = None,
    limit: PromptLimit = None,
    resolution: Resolution = None,
    marked: TrainedOn = None,
    crop: Crop = False,
    **asked: Any,
) -> None:
    """Draw images from a model into an image folder.

    OUT/images and OUT/metadata.jsonl are an ordinary image folder. Image 17 is the same with any
    number of processes, and but for rounding at any batch size.

    Example: solidmark generate model/ generated/ --marked marked/ --crop -n 50 --steps 20
    """
    generation = _generation(context.params)
    if asked["dry_run"]:
        return _show_plan(context, generation)
    from solidmark.generating import generate as draw
    from solidmark.runs import Processes

    manifest = draw(generation).manifest
    if not Processes.here().is_main:
        return None
    save_config(context, generation.out)
    closing.then(*after_drawing(generation.out, generation.marked))
    facts = ("images", "failed", "size", "network_calls_per_image", "memory")
    result = {"folder": str(generation.out), **{name: manifest[name] for name in facts}}
    return answer(result, asked["json"], *_summary(result))


def _generation(asked: dict[str, Any]) -> "Generation":
    marked = None if asked["marked"] is None else Path(asked["marked"])
    out = Path(asked["out"])  # Older typers leave it as text.
    if marked is not None:
        require_marked(marked)
    require_free(out, "generate")
    require_model(asked["model"])
    from solidmark.generating import Generation

    same = (
        *("model", "number", "data", "caption", "caption_column", "label_column", "class_folders"),
        *("per_prompt", "limit", "steps", "eta", "guidance", "resolution", "crop", "batch_size"),
        "seed",
    )
    return Generation(
        **{name: asked[name] for name in same},
        out=out,
        marked=marked,
        opening=opening_of(asked),
        mitigations=mitigations_of(asked),
    )


def _show_plan(context: typer.Context, generation: "Generation") -> None:
    marked = generation.open_marked()
    model = generation.open_model(marked)
    size = generation.size(model, marked)
    prompts = generation.prompts(model, marked)
    calls = generation.steps * (1 if generation.guidance == 1 else 2)
    show_plan(
        context,
        images=len(prompts),
        prompts=len(set(prompts)),
        size=[model.channels, *size],
        network_calls=len(prompts) * calls,
        device_found=generation.opening.device,
    )


def _summary(result: dict[str, Any]) -> list[str]:
    images, failed = result["images"], result["failed"]
    calls = f"{result['network_calls_per_image']:g} network calls"
    lines = [f"{images:,} image(s) in {Path(result['folder']) / 'images'}, {calls} each."]
    if failed:
        named = ", ".join(list(failed)[:5]) + (", ..." if len(failed) > 5 else "")
        lines.append(
            f"Not finite, and not written: {len(failed):,} of {images + len(failed):,} ({named}). "
            "--precision fp32 may help."
        )
    return lines
