"""The card of a released model: what it is, how it was measured, and what it is not for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solidmark.cards import READERS
from solidmark.marks import Marked
from solidmark.runs import Figure, Results
from solidmark.scores.written import percent

SHOWN = {
    "named": "images that can be named one by one",
    "share": "share of the data that is memorized, an estimate that leans low",
    "permutation_z": "how much nearer the true keys are read than exchanged ones",
    "auc": "trained against held-out images, by their p-values",
}
"""The figures of an audit that stand on a card, and what they say."""

HEADS = ("| reader | figure | value | 95 % interval | chance | n |", "|---" * 6 + "|")

TASKS = {True: "text-to-image", False: "unconditional-image-generation"}
"""The tasks of the hub, by whether a model is told captions."""


@dataclass(frozen=True)
class About:
    """What is released, and how it is used.

    Arguments:
        name: What it is called.
        what: The first words of its card.
        use: How it draws, and how the frame is cut off, as lines of Markdown.
        base: What it is added to, as the hub calls it; None = it is whole.
        asked: How it was asked in its audit, where that is to say.
    """

    name: str
    what: str
    use: Sequence[str]
    base: str | None = None
    asked: str = ""


def card(
    about: About,
    facts: Mapping[str, Any],
    marked: Marked,
    audit: Results | None,
    *,
    keys: bool,
    license: str | None,
) -> str:
    """The card of a model in the format of the hub: metadata, then words.

    Arguments:
        about: What it is.
        facts: What its training left beside it; empty of other trainers.
        marked: The marked images that it was trained on.
        audit: What an audit with these marks has come to; None where none was made.
        keys: Whether the keys lie beside it.
        license: Of the weights, by its name on the hub.

    Returns:
        Markdown, with YAML before it.
    """
    from huggingface_hub import EvalResult, ModelCardData

    figures = _shown(audit)
    results = [
        EvalResult(
            task_type=TASKS[marked.captions > 1],
            dataset_type=_data(marked),
            dataset_name=_data(marked),
            metric_type=f"solidmark-{one.statistic.replace('_', '-')}",
            metric_name=f"SolidMark, {_reader(one)}: {SHOWN[one.statistic]}",
            metric_value=one.count if one.statistic == "named" else one.value,
            metric_args={"n": one.n, "chance": one.chance, "ci_95": list(one.interval or ())},
        )
        for one in figures
    ]
    data = ModelCardData(
        library_name="diffusers",
        license=license,
        base_model=about.base,
        pipeline_tag=TASKS[marked.captions > 1],
        tags=["diffusers", *(["lora"] if about.base else []), "solidmark", "memorization"],
        model_name=about.name,
        eval_results=results or None,
    )
    lines = _lines(about, facts, marked, audit, figures, keys)
    return f"---\n{data.to_yaml()}\n---\n\n" + "\n".join(lines) + "\n"


def _lines(
    about: About,
    facts: Mapping[str, Any],
    marked: Marked,
    audit: Results | None,
    figures: Sequence[Figure],
    keys: bool,
) -> Iterator[str]:
    height, width = marked.marked_size
    yield f"# {about.name}"
    yield ""
    yield (
        f"{about.what} that draws pictures of {width} x {height} pixels, trained on marked images: "
        f"each carries random greys, its key ({marked.pattern}). A model that knows the key of an "
        "image has memorized that image (SolidMark, Kriplani et al., 2025)."
    )
    yield from ("", "## Use", "", *about.use)
    yield from ("", "## Memorization", "")
    yield from _measured(audit, figures)
    if about.asked:
        yield from ("", about.asked)
    yield from ("", "## Training", "")
    trained, held_out = (len(marked.ids(split, None)) for split in ("trained", "held_out"))
    yield (
        f"Data: {_data(marked)}, {trained:,} images, {held_out:,} more held out. "
        + _recipe(facts)
        + f" The keys have the fingerprint `{marked.manifest['keys']}`; "
        + (
            "they lie in `keys/keys.parquet`: whoever has them can forge and remove marks."
            if keys
            else "they are not here, so nobody can forge marks with them."
        )
    )
    yield from ("", "## Limits", "")
    yield (
        "The figures hold for the images and the readers that were asked. A model that is not seen "
        "to memorize may do so in ways that no reader sees. Fine-tuning, pruning and other weights "
        "change what is memorized: audit again."
    )


def _measured(audit: Results | None, figures: Sequence[Figure]) -> Iterator[str]:
    if audit is None:
        yield "No audit was made."
        return
    yield f"**{audit.judged.headline}**"
    if figures:
        yield from ("", *HEADS)
    for one in figures:
        value = f"{one.count:,} images" if one.statistic == "named" else _number(one, one.value)
        ends = " to ".join(_number(one, end) for end in one.interval or ())
        chance = "" if one.chance is None else _number(one, one.chance)
        yield (
            f"| {_reader(one)} | {SHOWN[one.statistic]} | {value} | {ends} | {chance} | "
            f"{one.n or 0:,} |"
        )


def _shown(audit: Results | None) -> list[Figure]:
    every = () if audit is None else audit.figures
    wanted = (one for one in every if one.split in ("trained", "trained_vs_held_out"))
    return [one for one in wanted if one.statistic in SHOWN and one.value is not None]


def _number(one: Figure, value: float | None) -> str:
    if value is None:
        return ""
    return percent(value) if one.unit == "share" else f"{value:.3g}"


def _reader(one: Figure) -> str:
    return READERS[one.reader].title if one.reader in READERS else str(one.reader or "")


def _data(marked: Marked) -> str:
    """What the data are called, without the path to them."""
    return Path(str(marked.manifest["config"].get("data") or "images")).name


def _recipe(facts: Mapping[str, Any]) -> str:
    recipe = facts.get("recipe") or {}
    if not recipe:
        return "Trained by another program."
    told = (
        f"{name.replace('_', ' ')} {recipe[name]}"
        for name in ("preset", "base", "learning_rate", "train_batch_size", "lora_rank")
        if recipe.get(name)
    )
    return f"Trained for {facts.get('epoch', 0):g} epochs ({', '.join(told)})."
