"""Scoring by another statistic: the scores change, and the results say what was asked."""

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from breaking import held

from solidmark.errors import BadInput, UnknownName
from solidmark.marks import Marked, Segments
from solidmark.measures.audit import Question, observe, score
from solidmark.readers import Energy, Probe


def test_each_statistic_finds_the_memorizer_and_stands_in_the_results(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(32, side=12, digits=True, pattern=Segments(2, 4))
    out = tmp_path / "audit"
    observe(Question("memorizer", marked.folder, out, (Energy(), Probe()), ceiling=False))
    for statistic in ("l1", "fisher", "energy"):
        results = score(out, statistic=statistic, correction="by")  # type: ignore[arg-type]
        assert results["config"]["statistic"] == statistic
        assert results["config"]["correction"] == "by"
        assert held(out / "results.json") == results
        rows, named = (
            {(r["reader"], r["split"]): r for r in results["rows"] if r["statistic"] == name}
            for name in ("permutation_z", "named")
        )
        assert rows["energy", "trained"]["p_value"] <= 1e-3, statistic
        assert named["energy", "trained"]["p_value"] < 0.01, statistic
        assert rows["energy", "held_out"]["p_value"] > 1e-3, statistic
        fell_back = "keeps no energies" in (named["probe", "trained"]["note"] or "")
        assert fell_back == (statistic == "energy")
        scores = pq.read_table(out / "scores.parquet").to_pylist()
        used = {(row["reader"], row["statistic"]) for row in scores}
        assert used == {("energy", statistic), ("probe", "l1" if fell_back else statistic)}
    with pytest.raises(UnknownName, match="statistic"):
        score(out, statistic="energies")  # type: ignore[arg-type]


def test_energies_of_readers_that_keep_none(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked, out = make_marked(8), tmp_path / "audit"
    observe(Question("gaussian", marked.folder, out, (Probe(),), ceiling=False))
    with pytest.raises(BadInput, match="found: probe"):
        score(out, statistic="energy")
    assert not (out / "results.json").exists()
