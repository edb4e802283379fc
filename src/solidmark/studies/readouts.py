"""What is read out of audits and other runs, for every study alike."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from solidmark.runs import Figure, open_results, read_table
from solidmark.studies.study import Made, Readout

TITLES = {"trained": "trained", "held_out": "held-out", "generated": "generated"}


def figure(folder: Path, **asked: Any) -> Figure | None:
    """The first figure of a run whose fields are as asked; None where there is none."""
    for one in open_results(folder).figures:
        if all(getattr(one, name) == value for name, value in asked.items()):
            return one
    return None


def read_figure(made: Made, *, stage: str, asked: dict[str, Any]) -> Figure | None:
    """A figure of a stage; None where the arm has no such stage."""
    return figure(made[stage], **asked) if stage in made else None


def reading(stage: str, **asked: Any) -> Callable[[Made], Figure | None]:
    """Reads the figure of a stage whose fields are as asked."""
    return partial(read_figure, stage=stage, asked=asked)


def within(delta: float, stage: str = "audit", split: str = "trained", **asked: Any) -> Readout:
    """The share of images whose key is read within delta (SolidMark, Definition 2)."""
    title = f"{TITLES[split].capitalize()} within {delta:g}"
    about = f"{TITLES[split]} images whose key is read to within {delta:g} of the truth"
    read = reading(stage, statistic="eidetic", split=split, delta=delta, **asked)
    return Readout(title, "share", "high", read, about)


def rank_z(stage: str = "audit", split: str = "trained", **asked: Any) -> Readout:
    """How much nearer the true keys are than those of other images: the permutation test."""
    read = reading(stage, statistic="permutation_z", split=split, **asked)
    about = "true keys against permuted ones, in standard deviations of chance; chance is 0"
    return Readout(f"z, {TITLES[split]}", "standard deviations", "high", read, about)


def named(stage: str = "audit", split: str = "trained", **asked: Any) -> Readout:
    """The share of images that are named at a false-discovery rate of 5 %."""

    def read(made: Made) -> Figure | None:
        one = read_figure(made, stage=stage, asked={"statistic": "named", "split": split, **asked})
        if one is None or not one.n:
            return None
        return share("named", one.count or 0, one.n, 0.0, one.failed)

    about = f"{TITLES[split]} images that are named, at a false-discovery rate of 5 %"
    return Readout(f"{TITLES[split].capitalize()} named", "share", "high", read, about)


def detected(stage: str = "audit", rate: float = 0.01, split: str = "trained") -> Readout:
    """The share of images with a p-value at or below a rate, which is the false-positive rate."""

    def read(made: Made) -> Figure | None:
        if stage not in made:
            return None
        every = rows_of(made[stage], "id", "split", "p_value", "status")
        rows = [r for r in every if r["split"] == split and r["id"].startswith(made.of)]
        values = [r["p_value"] for r in rows if r["p_value"] is not None]
        if not values:
            return None
        hits = sum(value <= rate for value in values)
        failed = sum(r["status"] != "ok" for r in rows)
        return share("detected", hits, len(values), rate, failed)

    about = f"{TITLES[split]} images with p at most {rate:g}, which as many of 100 % have by luck"
    return Readout(f"{TITLES[split].capitalize()}, p ≤ {rate:g}", "share", "high", read, about)


def share(
    statistic: str, count: int, n: int, chance: float | None, failed: int = 0
) -> Figure | None:
    """So many of n images; None of none."""
    if not n:
        return None
    one = Figure(measure="", statistic=statistic, split="", value=count / n, n=n, failed=failed)
    return replace(one, count=count, chance=chance)


def area(measure: str, known: Sequence[float], unseen: Sequence[float], seed: int) -> Figure | None:
    """How well values tell trained from held-out images, low = memorized; None without a side."""
    import numpy as np

    from solidmark.scores import roc

    if not known or not unseen:
        return None
    found = roc(np.array(known), np.array(unseen), fprs=(), seed=seed).auc
    return Figure(
        measure=measure,
        statistic="auc",
        split="trained_vs_held_out",
        value=found.value,
        n=len(known),
        chance=0.5,
        ci_low=found.ci_low,
        ci_high=found.ci_high,
    )


def any_key_hit(delta: float, split: str = "trained", above: bool = False) -> Readout:
    """The share of images of which any key is read to within delta in any try.

    Arguments:
        above: Whether what chance has is taken off, as a part of what it leaves.
    """

    def read(made: Made) -> Figure | None:
        import numpy as np

        from solidmark.scores import any_key

        if "published" not in made:
            return None
        columns = ("id", "split", "group", "key_group", "key_read", "distance", "status")
        every = [r for r in rows_of(made["published"], *columns) if r["split"] == split]
        own = [r for r in every if r["id"].startswith(made.of)]
        rows = [r for r in own if r["status"] == "ok"]
        if not rows:
            return None
        (found,) = any_key(
            np.array([r["distance"] for r in rows]),
            np.array([r["key_read"] for r in rows]),
            [r["key_group"] for r in rows],
            [r["group"] for r in rows],
            [delta],
        )
        hit = share("any_key", found.count, found.n, found.chance, len(own) - len(rows))
        return beyond(hit) if above and hit is not None else hit

    title = f"{'Any' if split == 'trained' else 'Held-out, any'} key within {delta:g}"
    about = "images of which any copy's key is hit by any try of the published reader"
    if above:
        title, about = (
            f"{title}, above chance",
            f"{about}, above chance as a part of what it leaves",
        )
        return Readout(title, "part of the rest", "high", read, about)
    # It rises with the number of keys and tries, whatever is known: no finding by itself.
    return Readout(title, "share", None, read, about)


def beyond(hit: Figure) -> Figure:
    """How far a share lies above its chance, as a part of what chance leaves; its own is 0."""
    from scipy import stats

    chance, n = float(hit.chance or 0), int(hit.n or 1)
    left = max(1 - chance, 0.5 / n)  # Where chance has all, half an image is all that is left.
    ends = stats.binomtest(hit.count or 0, n).proportion_ci(0.95, "exact")
    value, low, high = (
        (float(one) - chance) / left for one in (hit.value or 0, ends.low, ends.high)
    )
    return replace(hit, value=value, count=None, chance=0.0, ci_low=low, ci_high=high)


def rows_of(folder: Path, *columns: str, file: str = "scores.parquet") -> list[dict[str, Any]]:
    """Rows of a table of a run, as far as these columns go."""
    table = read_table(folder / file, columns, "Run the study again.")
    rows: list[dict[str, Any]] = table.select(list(columns)).to_pylist()
    return rows
