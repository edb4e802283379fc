"""`solidmark generate MODEL OUT`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from solidmark.cli import closing
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.following import after_drawing
from solidmark.cli.opening import Model, Opened, Told
from solidmark.cli.options import Out, Whole, a_resolution
from solidmark.cli.told import option

SamplingSteps = Annotated[int, option("Sampling steps, 1 to 1000.")]
SamplingGuidance = Annotated[
    float,
    option(
        "Classifier-free guidance; 1 = none, what the model itself has learned. Others cost "
        "double; text-to-image models are mostly used with 3 to 8."
    ),
]


@dataclass(frozen=True)
class Sampled:
    """How images are drawn.

    Arguments:
        eta: 0 = deterministic sampling (DDIM), 1 = ancestral (DDPM).
    """

    steps: SamplingSteps = 50
    eta: float = 0.0
    guidance: SamplingGuidance = 1.0


@command(Sampled, Told, Opened, matter=("number", "data", "caption", "marked", "crop", "steps"))
def generate(
    asked: Asked,
    model: Model,
    out: Out,
    number: Annotated[Whole, "--number", "-n"] = None,
    data: Annotated[str | None, "DATA"] = None,
    caption: Annotated[str | None, "TEXT"] = None,
    caption_column: Annotated[str | None, "NAME"] = None,
    label_column: Annotated[str | None, "NAME"] = None,
    class_folders: Annotated[bool | None, "--class-folders/--no-class-folders"] = None,
    per_prompt: Whole = None,
    limit: Whole = None,
    resolution: Annotated[str | None, "PIXELS", a_resolution] = None,
    marked: Annotated[Path | None, "FOLDER"] = None,
    crop: Annotated[bool, "--crop"] = False,
) -> None:
    """Draw images from a model into an image folder.

    OUT/images and OUT/metadata.jsonl are an ordinary image folder. Image 17 is the same with any
    number of processes, and but for rounding at any batch size.

    Example: solidmark generate model/ generated/ --marked marked/ --crop -n 50 --steps 20

    Arguments:
        number: How many images; 5000 when not given, or --per-prompt of every prompt.
        data: Data set whose captions or classes are drawn, of any kind that solidmark mark takes.
        caption: One prompt for all; beside --data, that of its images without a caption.
        caption_column: Of --data: column of the caption, else text or caption.
        label_column: Of --data: column of the class, else class or label.
        class_folders: Of --data: the folders inside are the classes, or are not; as for solidmark
            mark.
        per_prompt: So many images of each prompt; when not given, the prompts take turns.
        limit: At most so many prompts, the first by their ids.
        resolution: Side of the images in pixels, or HEIGHTxWIDTH; what the model was built for when
            not given.
        marked: Folder of solidmark mark that the model was trained on: gives the size, and without
            --data and --caption the captions or classes of its training images.
        crop: Cut the frames off; --marked says what they are.
    """
    from solidmark.generating import Generation
    from solidmark.generating import generate as draw
    from solidmark.runs import Processes

    generation = asked.fill(Generation)
    if asked.dry_run:
        source = generation.open_marked()
        opened = generation.open_model(source)
        size = generation.size(opened, source)
        prompts = generation.prompts(opened, source)
        return asked.plan(
            images=len(prompts),
            prompts=len(set(prompts)),
            size=[opened.channels if source is None else source.channels, *size],
            network_calls=len(prompts) * generation.steps * (1 if generation.guidance == 1 else 2),
        )
    manifest = draw(generation).manifest
    if not Processes.here().is_main:
        return None
    asked.save()
    closing.then(*after_drawing(out, marked))
    names = ("images", "failed", "size", "network_calls_per_image", "memory")
    facts = {name: manifest[name] for name in names}
    images, failed, calls = facts["images"], facts["failed"], facts["network_calls_per_image"]
    lines = [f"{images:,} image(s) in {out / 'images'}, {calls:g} network calls each."]
    if failed:
        named = ", ".join(list(failed)[:5]) + (", ..." if len(failed) > 5 else "")
        lines.append(
            f"Not finite, and not written: {len(failed):,} of {images + len(failed):,} ({named}). "
            "--precision fp32 may help."
        )
    return asked.answer({"folder": str(out), **facts}, *lines)
