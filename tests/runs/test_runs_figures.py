"""Figures and verdicts: what is written is what is read, and what is none is said."""

import json

import numpy as np
import pytest

from solidmark.errors import BadInput, UnknownName
from solidmark.runs import Figure, Finding, Verdict, figure_from, find, verdict_from

ROW = Figure(
    measure="loss",
    statistic="tpr_at_fpr",
    split="trained_vs_held_out",
    value=np.float64(0.25),
    unit="share",
    n=np.int64(64),
    direction="high",
    chance=0.01,
    ci_low=0.1,
    ci_high=0.4,
    fpr=0.01,
    other="held_out",
    facts={"blind_auc": np.float32(0.5), "kind": "near"},
)


def test_a_figure_is_read_as_it_was_written() -> None:
    written = json.loads(json.dumps(ROW.to_json()))
    assert figure_from(written) == ROW
    assert written["with"] == "held_out"
    assert "other" not in written
    assert written["blind_auc"] == 0.5
    assert "count" not in written
    assert written["p_value"] is None  # What every row has stands there, known or not.


@pytest.mark.parametrize(
    ("field", "value"), [("measure", None), ("split", 3), ("value", "0.5"), ("ci_low", [1])]
)
def test_a_row_that_is_none_is_said(field: str, value: object) -> None:
    with pytest.raises(BadInput, match=field):
        figure_from({**ROW.to_json(), field: value})


def test_figures_are_found_by_what_is_named() -> None:
    other = figure_from({**ROW.to_json(), "measure": "spread"})
    assert find([ROW, other], "tpr_at_fpr", measure="spread") == [other]
    assert find([ROW, other], "tpr_at_fpr") == [ROW, other]
    assert find([ROW, other], "auc") == []


def test_a_verdict_is_read_as_it_was_written() -> None:
    inner = Verdict("not-seen", "Nothing.", "Nothing beyond chance")
    part = Finding("energy", "Energy", "Asks.", "memorized", "Memorized", "It has.", ("Why.",))
    said = Verdict(
        "memorized",
        "It has.",
        "Memorized",
        ("Why.", "More."),
        "memorized",
        "The rule.",
        (part,),
        ("energy",),
        {"invmm": inner},
    )
    assert verdict_from(json.loads(json.dumps(said.to_json()))) == said
    assert said.is_any(["not-seen"])
    assert not inner.is_any(["memorized"])


@pytest.mark.parametrize("spoilt", [None, [], {}, {"state": "sure"}])
def test_a_verdict_that_is_none_is_said(spoilt: object) -> None:
    with pytest.raises(BadInput, match="no verdict"):
        verdict_from(spoilt)
    with pytest.raises(UnknownName, match="state of a verdict"):
        Verdict("green", "All is well.")


def test_only_not_seen_is_green() -> None:
    green = [state for state in ("memorized", "hint", "not-seen", "failed", "cannot-be-judged")]
    assert [s for s in green if Verdict(s, "").tone == "not_seen"] == ["not-seen"]
