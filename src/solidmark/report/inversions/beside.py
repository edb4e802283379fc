"""InvMM beside the cheap signals of the same images: how well each tells trained from held-out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solidmark.report.inversions.facts import InversionFacts
from solidmark.report.inversions.run import MEASURE, InversionsRun
from solidmark.report.numbers import p_value, percent, percents, plain
from solidmark.report.tables import Cell
from solidmark.runs import read_json

FOLDER = "signals"
"""The folder of a run of signals, in that of the `invmm` run."""

TITLES = {
    MEASURE: "InvMM",
    "magnitude": "Magnitude",
    "image-magnitude": "Magnitude at the image",
    "magnitude-path": "Magnitude along a path",
    "loss": "Loss",
    "spread": "Spread",
}
"""What measures are called."""


@dataclass(frozen=True)
class Measured:
    """How well one measure tells trained images from held-out ones.

    Arguments:
        title: The measure.
        n: How many images of both kinds, and how many failed.
        area: The area under its curve, with interval and p.
        detections: By rate of false alarms, in words: the share caught.
        calls: The network calls of an image.
    """

    title: str
    n: str
    area: Cell
    detections: tuple[tuple[str, Cell], ...]
    calls: str


@dataclass(frozen=True)
class Comparison:
    """InvMM beside the other measures.

    Arguments:
        measures: All of them, the largest area first.
        agreement: How the order of InvMM goes with that of others, as sentences.
        left_out: Why the signals in the folder are not shown; empty where they are, or are none.
    """

    measures: tuple[Measured, ...]
    agreement: tuple[str, ...]
    left_out: str


def comparison(run: InversionsRun) -> Comparison:
    """Puts InvMM beside whatever else the folder knows of the same model and images."""
    signals, left_out = _signals(run)
    rows = [*run.results["rows"], *signals]
    calls = _calls(run.folder / FOLDER) if signals else {}
    mean = InversionFacts(run).calls
    if mean is not None:
        calls[MEASURE] = mean
    found = []
    for area in rows:
        if area.get("statistic") == "auc":
            name = str(area.get("measure"))
            own = [row for row in rows if row.get("measure") == name]
            found.append((area.get("value"), _measured(name, area, own, calls.get(name))))
    found.sort(key=lambda one: -1.0 if one[0] is None else one[0], reverse=True)
    return Comparison(tuple(one for _, one in found), tuple(_agreement(run)), left_out)


def _measured(
    name: str, area: Mapping[str, Any], own: Sequence[Mapping[str, Any]], calls: float | None
) -> Measured:
    caught = {
        percent(row["fpr"]): _share(row)
        for row in own
        if row.get("statistic") == "tpr_at_fpr" and row.get("fpr")
    }
    failed = f", {area['failed']:,} failed" if area.get("failed") else ""
    return Measured(
        title=TITLES.get(name, name),
        n=f"{area.get('n') or 0:,}{failed}",
        area=_area(area),
        detections=tuple(caught.items()),
        calls="–" if calls is None else f"{calls:,.0f}" if calls >= 10 else f"{calls:.2g}",
    )


def _signals(run: InversionsRun) -> tuple[list[dict[str, Any]], str]:
    """The aggregates of the signals in the folder, unless they are of something else."""
    folder = run.folder / FOLDER
    if not (folder / "results.json").is_file():
        return [], ""
    found = read_json(folder / "results.json")
    rows = found.get("rows") if isinstance(found, dict) else None
    if not isinstance(rows, list):
        return [], f"{FOLDER}/results.json cannot be read, and is left out."
    theirs, ours = found.get("fingerprints") or {}, run.manifest.get("fingerprints") or {}
    if any(theirs[name] != ours[name] for name in theirs.keys() & ours.keys()):
        return [], f"The run in {FOLDER}/ is of another model or of other images: it is left out."
    return [row for row in rows if isinstance(row, dict)], ""


def _calls(folder: Path) -> dict[str, float]:
    """The network calls of an image, by signal; images that share a prompt share its calls."""
    import pyarrow
    import pyarrow.parquet as parquet

    try:
        table = parquet.read_table(folder / "signals.parquet", columns=["signal", "network_calls"])
    except (OSError, pyarrow.ArrowException):
        return {}
    means = table.group_by("signal").aggregate([("network_calls", "mean")]).to_pylist()
    return {
        row["signal"]: float(row["network_calls_mean"])
        for row in means
        if row["network_calls_mean"] is not None
    }


def _agreement(run: InversionsRun) -> list[str]:
    """How the order of the trained images goes with what else is known of them."""
    said = []
    for row in run.results["rows"]:
        if row.get("measure") != MEASURE or row.get("statistic") != "rank_correlation":
            continue
        if row.get("value") is None:
            continue
        low, high, p = row.get("ci_low"), row.get("ci_high"), row.get("p_value")
        facts = [f"n = {row.get('n') or 0:,}", "chance 0"]
        if low is not None and high is not None:
            facts.append(f"95 % interval {plain(low)} to {plain(high)}")
        if p is not None:
            facts.append(p_value(p))
        note = str(row.get("note") or row.get("by") or "")
        said.append(f"Rank correlation {plain(row['value'])} ({'; '.join(facts)}). {note}")
    return said


def _area(row: Mapping[str, Any]) -> Cell:
    if row.get("value") is None:
        return Cell("–", (str(row.get("note") or "not known"),))
    said = []
    if row.get("ci_low") is not None and row.get("ci_high") is not None:
        said.append(f"95 % interval {plain(row['ci_low'])} to {plain(row['ci_high'])}")
    if row.get("p_value") is not None:
        said.append(p_value(row["p_value"]))
    return Cell(plain(row["value"], 3), tuple(said))


def _share(row: Mapping[str, Any]) -> Cell:
    if row.get("value") is None:
        return Cell("–", ("too few held-out images",))
    low, high = row.get("ci_low"), row.get("ci_high")
    said = () if low is None or high is None else (f"95 % interval {percents(low, high)}",)
    return Cell(percent(row["value"]), said)
