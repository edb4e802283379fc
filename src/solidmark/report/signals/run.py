"""The folder of a `signals` run, read whole: what its page is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from solidmark.errors import BadInput, NotFound
from solidmark.report.pairs.run import NearestRun
from solidmark.report.pairs.words import Measure
from solidmark.report.signals.words import ORDER, measure
from solidmark.runs import read_json, read_manifest

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
    results = _results(folder)
    scores = _table(folder)
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
        pictures=_pictures(folder),
    )


def statistics_of(signals: SignalsRun) -> set[str]:
    """The statistics that stand on the page."""
    rows: Sequence[Mapping[str, Any]] = signals.run.results["rows"]
    used = {str(row.get("statistic")) for row in rows}
    return used | ({"spearman"} if signals.agreement else set())


def _results(folder: Path) -> dict[str, Any]:
    path = folder / "results.json"
    if not path.is_file():
        raise NotFound(f'"{folder}" has no results.json. "solidmark score {folder}" makes it.')
    results = read_json(path)
    known = isinstance(results, dict) and isinstance(results.get("rows"), list)
    if not known or not isinstance(results.get("measures"), dict) or not results["measures"]:
        raise BadInput(
            f'"{path}" has no "rows" or no "measures". "solidmark score {folder}" makes it again.'
        )
    return dict(results)


def _table(folder: Path) -> Any:
    import pyarrow
    import pyarrow.parquet as parquet

    path = folder / "scores.parquet"
    if not path.is_file():
        raise NotFound(f'"{folder}" has no scores.parquet. "solidmark score {folder}" makes it.')
    try:
        known = parquet.read_schema(path).names
        if missing := [column for column in _COLUMNS if column not in known]:
            raise BadInput(
                f'"{path}" has no column "{missing[0]}". "solidmark score {folder}" makes it again.'
            )
        return parquet.read_table(path, columns=list(_COLUMNS))
    except (OSError, pyarrow.ArrowException) as error:
        raise BadInput(f'"{path}" is not a readable table ({error}). Make it again.') from error


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


def _pictures(folder: Path) -> dict[str, dict[str, dict[str, str]]]:
    path = folder / "pictures" / "index.json"
    if not path.is_file():
        return {}
    index = read_json(path)
    if not isinstance(index, dict) or not all(isinstance(own, dict) for own in index.values()):
        raise BadInput(f'"{path}" is not a file of solidmark. Run "solidmark signals" again.')
    return index
