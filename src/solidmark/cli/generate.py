"""`solidmark generate MODEL OUT`."""

from typing import Annotated

from solidmark.cards.asked import Generated, Hashed, a_resolution
from solidmark.cli import closing
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.following import after_drawing
from solidmark.cli.opening import Handed, Model, Opened, Told
from solidmark.cli.options import Out


@command(
    *(Generated, Hashed, Told, Opened, Handed),
    matter=("number", "data", "caption", "marked", "crop", "steps"),
)
def generate(
    asked: Asked,
    model: Model,
    out: Out,
    resolution: Annotated[str | None, "PIXELS", a_resolution] = None,
) -> None:
    """Draw images from a model into an image folder.

    OUT/images and OUT/metadata.jsonl are an ordinary image folder. Image 17 is the same with any
    number of processes, and but for rounding at any batch size.

    Example: solidmark generate model/ generated/ --marked marked/ --crop -n 50 --steps 20

    Arguments:
        resolution: Side of the images in pixels, or HEIGHTxWIDTH; what the model was built for when
            not given.
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
    closing.then(*after_drawing(out, generation.marked))
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
