"""The folder of a `signals` run, read whole: what its page is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from solidmark.report.opening import open_pictures, open_results, open_table
from solidmark.report.pairs.run import NearestRun
from solidmark.report.pairs.words import Measure
from solidmark.report.signals.words import ORDER, measure
from solidmark.runs import read_manifest

SPLITS = {"trained": "Trained", "held_out": "Held-out"}

TABLED = ("named", "eidetic", "threshold", "mean", "auc", "tpr_at_fpr")
"""The statistics that stand on the page; `results.json` has the others too."""

_COLUMNS = (
    *("signal", "split", "id", "value", "contrast", "p_value", "q_value"),
    *("status", "note", "copy_of", "prompt"),
)


@dataclass(frozen=True)
class SignalsRun:
    """All files of the folder of a `signals` run.

    Arguments:
        run: Its tables and aggregates, as the pages of distances read them: the splits are
            `trained` and `held_out`, and a value of which high means memorized is a similarity.
        measures: The signals, in the order of the page.
        agreement: The rank correlations, as rows.
        left_out: The signals that the model could not be asked for, and why.
        pictures: By split and id: where the picture lies, the caption, the class.
    """

    run: NearestRun
    measures: tuple[Measure, ...]
    agreement: tuple[Mapping[str, Any], ...]
    left_out: Mapping[str, str]
    pictures: Mapping[str, Mapping[str, Mapping[str, str]]] = field(repr=False)

    @property
    def config(self) -> Mapping[str, Any]:
        return self.run.config

    def of_prompts(self, name: str) -> bool:
        """Whether a signal has a value for each prompt, and not for each image."""
        return bool(self.run.results["measures"][name].get("per") == "prompt")

    def states(self, name: str, split: str, status: str) -> int:
        """How many rows of a signal and split have a status."""
        table = self.run.tables.get((name, split))
        return 0 if table is None else table["status"].to_pylist().count(status)

    def copies(self, name: str, split: str) -> int:
        """How many rows share the value of another one, and count with it."""
        table = self.run.tables.get((name, split))
        if table is None:
            return 0
        pairs = zip(table["status"].to_pylist(), table["copy_of"].to_pylist(), strict=True)
        return sum(state == "ok" and first is not None for state, first in pairs)


def open_signals_run(folder: Path) -> SignalsRun:
    """Reads the folder of a `signals` run.

    Raises:
        NotFound: When a file is missing.
        RunConflict: When it is not finished, or was made by another command.
        BadInput: When a file cannot be read.
    """
    manifest = read_manifest(folder, "signals")
    scored = f'"solidmark score {folder}" makes it again.'
    results = open_results(folder, scored, ("rows", "measures"))
    scores = open_table(folder, "scores.parquet", scored, _COLUMNS)
    names = sorted(results["measures"], key=lambda name: (*ORDER, name).index(name))
    measures = tuple(measure(name, results["measures"][name]) for name in names)
    tables = {
        (one.name, split): _part(scores, one, results["measures"][one.name], split)
        for one in measures
        for split in SPLITS
    }
    shown = {
        **results,
        "measures": {one.name: one.card for one in measures},
        "rows": [row for row in results["rows"] if row.get("statistic") in TABLED],
    }
    agreement = [row for row in results["rows"] if row.get("statistic") == "spearman"]
    found = {name: table for name, table in tables.items() if len(table)}
    return SignalsRun(
        run=NearestRun(folder, shown, manifest, found, {}),
        measures=measures,
        agreement=tuple(agreement),
        left_out=results.get("left_out") or {},
        pictures=open_pictures(folder, 'Run "solidmark signals" again.'),
    )


def statistics_of(signals: SignalsRun) -> set[str]:
    """The statistics that stand on the page."""
    rows: Sequence[Mapping[str, Any]] = signals.run.results["rows"]
    used = {str(row.get("statistic")) for row in rows}
    return used | ({"spearman"} if signals.agreement else set())


def _part(table: Any, one: Measure, card: Mapping[str, Any], split: str) -> Any:
    """The rows of one signal and split, the most suspicious first, those without a value last."""
    import pyarrow
    import pyarrow.compute as pc

    asked = pc.and_(pc.equal(table["signal"], one.name), pc.equal(table["split"], split))
    part = table.filter(asked)
    distance = pc.subtract(1.0, part["value"]) if one.is_similarity else part["value"]
    part = part.append_column("distance", distance).append_column("measure", part["signal"])
    if card.get("per") == "prompt":  # A prompt has no contrast.
        place = part.schema.get_field_index("contrast")
        part = part.set_column(
            place, "contrast", pyarrow.nulls(len(part), part.schema.field(place).type)
        )
    return part.sort_by([("distance", "ascending"), ("id", "ascending")])
