"""`solidmark intent MODEL TRAINING OUT`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from solidmark.cards.embedders import NAMED
from solidmark.cli.answering import FailOn, answer
from solidmark.cli.generate import sampled
from solidmark.cli.judging import judged
from solidmark.cli.opening import AUTO, BatchSize, Model, opened, opening_of, require_model
from solidmark.cli.options import (
    Out,
    TrustControl,
    a_share,
    at_least,
    below_one,
    ended,
    require_free,
    save_config,
    show_plan,
)
from solidmark.cli.searching import sized
from solidmark.cli.sharing import shares
from solidmark.errors import BadInput

if TYPE_CHECKING:
    from solidmark.intent import Intent

TYPES = {
    "unintended": "neither named nor brought by an entity",
    "implicit": "not named, but brought by an entity of the prompt",
    "explicit": "named by the prompt",
}
"""The types of memorization, in the order of a report, and what they mean."""

TextThreshold = Annotated[
    float,
    typer.Option(
        help="With --text-encoder: the cosine from which two texts mean the same, in [-1, 1]."
    ),
]
Threshold = Annotated[
    str,
    typer.Option(
        metavar="auto|NUMBER",
        help="The likeness from which a generation is a copy of a training picture; auto is "
        "calibrated on different training pictures.",
    ),
]
Fpr = Annotated[
    float,
    typer.Option(
        help="The share of pairs of different training pictures that auto lets through.",
        callback=below_one,
    ),
]
SetFpr = Annotated[
    float,
    typer.Option(
        help="The share of training pictures outside a class or phrase that pass for showing it.",
        callback=below_one,
    ),
]
Frequent = Annotated[
    float,
    typer.Option(
        help="The least share of a prompt's generations that counts as frequent.",
        callback=a_share,
    ),
]
ExpectedFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="What you expect, .csv or .jsonl with feature (or image) and expected (yes, no): it "
        "has the last word on what is intended, and the report is split by it.",
    ),
]


@shares(sampled, sized, opened, ended)
def intent(
    context: typer.Context,
    model: Model,
    training: Annotated[
        str,
        typer.Argument(
            metavar="TRAINING",
            help="What it was trained on: a folder of solidmark mark, or any captioned data that "
            "solidmark mark takes.",
        ),
    ],
    out: Out,
    prompts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Prompts, one a line; or .jsonl with text, and if you like id and entities. The "
            "captions of the training images when not given.",
        ),
    ] = None,
    caption: Annotated[
        list[str],
        typer.Option(metavar="TEXT", help="A prompt, instead of a file; may be given again."),
    ] = [],
    per_prompt: Annotated[
        int, typer.Option(help="Generations of each text.", callback=at_least(1))
    ] = 16,
    limit: Annotated[
        int | None,
        typer.Option(help="At most so many prompts, drawn at random.", callback=at_least(1)),
    ] = None,
    feature_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Features that you know by name, JSON or .jsonl: feature, its images (ids) or "
            "caption_contains, and the names that ask for it.",
        ),
    ] = None,
    expected: ExpectedFile = None,
    unrelated: Annotated[
        int,
        typer.Option(
            help="Further captions that are drawn to see what comes anyhow.", callback=at_least(0)
        ),
    ] = 16,
    unrelated_prompts: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A file of prompts to take them from instead."),
    ] = None,
    similarity: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=f"What says how alike two pictures look: l2, patched-l2, or an embedder: {NAMED}.",
        ),
    ] = "l2",
    threshold: Threshold = "auto",
    fpr: Fpr = 1e-3,
    set_fpr: SetFpr = 0.05,
    frequent: Frequent = 0.25,
    fdr: Annotated[
        float,
        typer.Option(help="False-discovery rate of each kind of tests.", callback=below_one),
    ] = 0.05,
    text_encoder: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER|ID",
            help="A sentence encoder: then a prompt names a feature by what its words mean, not "
            "by exact words alone.",
        ),
    ] = None,
    text_threshold: TextThreshold = 0.6,
    trust_control: TrustControl = False,
    images: Annotated[bool, typer.Option(help="Show pictures and prompts on the page.")] = True,
    batch_size: BatchSize = AUTO,
    fail_on: FailOn = [],
    **asked: Any,
) -> None:
    """Tell intended from unintended memorization of prompts.

    Draws each prompt many times, with and without its entities, and says of what comes often:
    explicit (named), implicit (brought by something in the prompt) or unintended. Writes
    OUT/findings.parquet, results.json and report.html.

    Example: solidmark intent model/ marked/ intent/ --limit 32 --steps 25
    """
    wanted = _intent(context.params)
    if asked["dry_run"]:
        return _show_plan(context, wanted)
    from solidmark.intent import intent as ask
    from solidmark.pages import write_report
    from solidmark.runs import Processes, read_results

    ask(wanted)
    if not Processes.here().is_main:
        return None
    results = read_results(wanted.out)
    page = write_report(wanted.out, images=images)
    save_config(context, wanted.out)
    verdict = judged(wanted.out)
    return answer(
        results,
        asked["json"],
        verdict.headline,
        *summary(results),
        f"The page: {page}",
        verdict=verdict,
        fail_on=fail_on,
    )


def threshold_of(text: str | None) -> float | None:
    """The threshold that was asked for; None = calibrated.

    Raises:
        BadInput: When it is neither a number nor `auto`.
    """
    if text is None or text == "auto":
        return None
    try:
        return float(text)
    except ValueError:
        raise BadInput(f'--threshold takes a number or auto, not "{text}".') from None


def summary(results: Mapping[str, Any]) -> list[str]:
    """The counts by type, in a line each."""
    rows = {
        row["statistic"]: row
        for row in results["rows"]
        if row["split"] == "all" and row["kind"] == "all"
    }
    lines = [
        f"{name.capitalize()} ({meaning}): {rows[name]['count']:,} finding(s), of "
        f"{rows[name]['prompts']:,} of {rows[name]['prompts_n']:,} prompts."
        for name, meaning in TYPES.items()
    ]
    if results.get("withheld"):
        lines.append(
            f"Withheld: {results['withheld']:,} finding(s) of classes and phrases, since the "
            "pictures under the unrelated prompts are of another kind."
        )
    if results["failed"]:
        lines.append(
            f"Not usable: {results['failed']:,} of {results['generations']:,} generations."
        )
    if results["quarantined"]:
        lines.append(f"Training images that cannot be read: {len(results['quarantined']):,}.")
    return lines


def _intent(asked: dict[str, Any]) -> "Intent":
    threshold = threshold_of(asked["threshold"])
    out = Path(asked["out"])  # Older typers leave it as text.
    require_free(out, "intent")
    require_model(asked["model"])
    from solidmark.intent import Intent, Rules

    same = (
        *("model", "training", "per_prompt", "limit", "unrelated", "similarity", "text_encoder"),
        *("text_threshold", "steps", "eta", "guidance", "resolution", "mode", "window"),
        *("batch_size", "seed", "trust_control"),
    )
    names = ("prompts", "expected", "unrelated_prompts")
    files: dict[str, Any] = {n: None if asked[n] is None else Path(asked[n]) for n in names}
    return Intent(
        **{name: asked[name] for name in same},
        **files,
        out=out,
        captions=tuple(asked["caption"]),
        features=None if asked["feature_file"] is None else Path(asked["feature_file"]),
        rules=Rules(threshold, asked["fpr"], asked["set_fpr"], asked["frequent"], asked["fdr"]),
        opening=opening_of(asked),
    )


def _show_plan(context: typer.Context, asked: "Intent") -> None:
    from solidmark.intent import plan

    found = plan(asked)
    roles = [prompt.role for prompt in found.prompts]
    generations = len(found.task.units)
    show_plan(
        context,
        prompts=roles.count("prompt"),
        unrelated_prompts=roles.count("unrelated"),
        texts=len(found.task.texts),
        generations=generations,
        network_calls=generations * asked.steps * (1 if asked.guidance == 1 else 2),
        training_images=len(found.training.ids),
        device_found=asked.opening.device,
    )
