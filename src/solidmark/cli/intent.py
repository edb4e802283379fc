"""`solidmark intent MODEL TRAINING OUT`."""

from pathlib import Path
from typing import Annotated

from solidmark.cards.option import at_least
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.generate import Sampled
from solidmark.cli.opening import Model, Opened, Told
from solidmark.cli.options import (
    BelowOne,
    FailOn,
    Out,
    Pictures,
    Positive,
    Share,
    TrustControl,
    Whole,
)
from solidmark.cli.searching import Likeness, Sized

File = Annotated[Path | None, "FILE"]


@command(
    *(Sampled, Told, Sized, Opened),
    matter=("prompts", "caption", "per_prompt", "expected", "similarity", "steps"),
)
def intent(
    asked: Asked,
    model: Model,
    training: Annotated[str, "TRAINING"],
    out: Out,
    prompts: File = None,
    caption: Annotated[list[str], "TEXT"] = [],
    per_prompt: Positive = 16,
    limit: Whole = None,
    feature_file: File = None,
    expected: File = None,
    unrelated: Annotated[int, at_least(0)] = 16,
    unrelated_prompts: File = None,
    similarity: Annotated[str, "NAME"] = "l2",
    threshold: Likeness = "auto",
    fpr: BelowOne = 1e-3,
    set_fpr: BelowOne = 0.05,
    frequent: Share = 0.25,
    fdr: BelowOne = 0.05,
    text_encoder: Annotated[str | None, "FOLDER|ID"] = None,
    text_threshold: float = 0.6,
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
        prompts: Prompts, one a line; or .jsonl with text, and if you like id and entities. The
            captions of the training images when not given.
        caption: A prompt, instead of a file; may be given again.
        per_prompt: Generations of each text.
        limit: At most so many prompts, drawn at random.
        feature_file: Features that you know by name, JSON or .jsonl: feature, its images (ids) or
            caption_contains, and the names that ask for it.
        expected: What you expect, .csv or .jsonl with feature (or image) and expected (yes, no): it
            has the last word on what is intended, and the report is split by it.
        unrelated: Further captions that are drawn to see what comes anyhow.
        unrelated_prompts: A file of prompts to take them from instead.
        similarity: What says how alike two pictures look: l2, patched-l2, or an embedder:
            {embedders}.
        threshold: The likeness from which a generation is a copy of a training picture; auto is
            calibrated on different training pictures.
        fpr: The share of pairs of different training pictures that auto lets through.
        set_fpr: The share of training pictures outside a class or phrase that pass for showing it.
        frequent: The least share of a prompt's generations that counts as frequent.
        fdr: False-discovery rate of each kind of tests.
        text_encoder: A sentence encoder: then a prompt names a feature by what its words mean, not
            by exact words alone.
        text_threshold: With --text-encoder: the cosine from which two texts mean the same, in
            [-1, 1].
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
