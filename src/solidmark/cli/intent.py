"""`solidmark intent MODEL TRAINING OUT`."""

from pathlib import Path
from typing import Annotated

from solidmark.cards.asked import Hashed, Prompted, Ruled, Sized
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.opening import Model, Opened, Told
from solidmark.cli.options import (
    FailOn,
    Out,
    Pictures,
    TrustControl,
)
from solidmark.cli.searching import Likeness


@command(
    *(Prompted, Ruled, Told, Sized, Hashed, Opened),
    matter=("prompts", "caption", "per_prompt", "expected", "similarity", "steps"),
)
def intent(
    asked: Asked,
    model: Model,
    training: Annotated[str, "TRAINING"],
    out: Out,
    caption: Annotated[list[str], "TEXT"] = [],
    feature_file: Annotated[Path | None, "FILE"] = None,
    threshold: Likeness = "auto",
    trust_control: TrustControl = False,
    images: Pictures = True,
    fail_on: FailOn = [],
) -> None:
    """Tell intended from unintended memorization of prompts.

    Draws each prompt many times, with and without its entities, and says of what comes often:
    explicit (named), implicit (brought by something in the prompt) or unintended. Writes
    OUT/findings.parquet, results.json and report.html.

    Example: solidmark intent model/ marked/ intent/ --limit 32 --steps 25

    Arguments:
        training: What it was trained on: a folder of solidmark mark, or any captioned data that
            solidmark mark takes.
        caption: A prompt, instead of a file; may be given again.
        feature_file: Features that you know by name, JSON or .jsonl: feature, its images (ids) or
            caption_contains, and the names that ask for it.
        threshold: The likeness from which a generation is a copy of a training picture; auto is
            calibrated on different training pictures.
    """
    from solidmark.measures.intent import Intent, Rules, foresee
    from solidmark.measures.intent import intent as ask

    rules = asked.fill(Rules)
    wanted = asked.fill(Intent, caption=None, features=feature_file, rules=rules)
    if asked.dry_run:
        found = foresee(wanted)
        roles = [prompt.role for prompt in found.prompts]
        return asked.plan(
            prompts=roles.count("prompt"),
            unrelated_prompts=roles.count("unrelated"),
            texts=found.texts,
            generations=found.generations,
            network_calls=found.generations * wanted.steps * (1 if wanted.guidance == 1 else 2),
            training_images=found.images,
        )
    ask(wanted)
    return asked.page(with_details=True)
