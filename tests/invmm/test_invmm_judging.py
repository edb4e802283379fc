"""What restarts say together, the order of all images, and who is named, against scipy."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from solidmark.measures.invmm.judging import judge, score_of
from solidmark.measures.invmm.rows import result_rows
from solidmark.subjects import Whose


def row(
    id: str, split: str = "trained", status: str = "spent", repeat: int = 0, **more: Any
) -> dict[str, Any]:
    """A row of evidence."""
    plain = {"kl": math.inf, "best_similarity": 0.5, "network_calls": 100.0, "note": ""}
    plain |= {"triage_value": None, "copy_of": None}
    return {"split": split, "id": id, "status": status, "repeat": repeat, **plain, **more}


def reproduced(id: str, kl: float, split: str = "trained", **more: Any) -> dict[str, Any]:
    return row(id, split, "reproduced", kl=kl, best_similarity=0.99, **more)


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(-1, 1), st.floats(-1, 1))
def test_reproduced_ones_stand_before_all_others(
    kl: float, more: float, similarity: float, other: float
) -> None:
    low, high = sorted([kl, more])
    near, far = sorted([similarity, other], reverse=True)
    places = [score_of(low, far), score_of(high, far), score_of(math.inf, near)]
    places.append(score_of(math.inf, far))
    assert places == sorted(places)
    assert 0 <= places[0] <= places[1] <= 1 <= places[2] <= places[3] <= 2
    assert score_of(math.inf, None) == 2


@pytest.mark.parametrize(
    ("kls", "median", "low", "high", "status"),
    [
        ([0.3], 0.3, 0.3, 0.3, "reproduced"),
        ([0.3, 0.1, 0.2], 0.2, 0.1, 0.3, "reproduced"),
        ([0.3, math.inf, 0.2], 0.3, 0.2, math.inf, "reproduced"),
        ([0.3, math.inf], math.inf, 0.3, math.inf, "spent"),
        ([0.1, 0.2, math.inf, math.inf], math.inf, 0.1, math.inf, "spent"),
        ([math.inf], math.inf, math.inf, math.inf, "spent"),
    ],
)
def test_the_median_counts_what_was_not_reproduced_as_infinite(
    kls: list[float], median: float, low: float, high: float, status: str
) -> None:
    rows = [
        reproduced("a", kl, repeat=number) if math.isfinite(kl) else row("a", repeat=number)
        for number, kl in enumerate(kls)
    ]
    (found,) = judge(rows).rows
    assert (found["kl"], found["kl_low"], found["kl_high"]) == (median, low, high)
    assert found["status"] == status
    assert found["reproduced"] == sum(map(math.isfinite, kls))
    assert found["restarts"] == len(kls)
    assert found["network_calls"] == 100 * len(kls)


def test_restarts_that_failed_or_were_not_tried_are_no_evidence() -> None:
    rows = [reproduced("a", 0.2), row("a", status="failed", repeat=1, note="NaN.", kl=None)]
    rows += [row("a", status="not_tried", repeat=2, kl=None, best_similarity=None)]
    rows += [row("b", status="failed", kl=None, note="Torn."), row("c", status="not_tried")]
    a, b, c = judge(rows).rows
    assert (a["status"], a["kl"], a["restarts"], a["note"]) == ("reproduced", 0.2, 1, "NaN.")
    assert (b["status"], b["score"], b["note"]) == ("failed", None, "Torn.")
    assert (c["status"], c["score"], c["restarts"]) == ("not_tried", None, 0)


def test_p_values_are_ranks_among_the_held_out_and_copies_count_once() -> None:
    rows = [reproduced("a", 0.1), row("b", best_similarity=0.2)]
    rows += [reproduced(f"a{n}", 0.1, copy_of="a", network_calls=0.0) for n in range(4)]
    rows += [row(f"h{n}", "held_out", best_similarity=0.1 + 0.01 * n) for n in range(9)]
    rows += [row("h9", "held_out", "not_tried", kl=None), row("hx", "held_out", "failed", kl=None)]
    judged = judge(rows)
    found = {one["id"]: one for one in judged.rows}
    p = [found[id]["p_value"] for id in ("a", "b")]
    assert p == [0.1, 0.1]
    assert [found[id]["q_value"] for id in ("a", "b")] == pytest.approx(
        stats.false_discovery_control(p)
    )
    assert {found[f"a{n}"]["p_value"] for n in range(4)} == {0.1}
    assert found["a"]["copies"] == 5
    assert [one["id"] for one in judged.of("trained")] == ["a", "b"]
    assert all(found[id]["p_value"] is None for id in ("h0", "h9", "hx"))


def rows_of(evidence: list[dict[str, Any]], **options: Any) -> dict[tuple[str, str], Any]:
    asked = {"restarts": 1, "triage": "none", "fprs": (0.1,), "fdr": 0.05, "seed": 0} | options
    found = result_rows(judge(evidence), **asked)
    return {(one.split, one.statistic): one for one in found}


def many() -> list[dict[str, Any]]:
    """Thirty trained images, twelve of them reproduced, and twenty held-out ones, one of them."""
    draws = np.random.default_rng(0)
    rows = [reproduced(f"t{n:02}", 0.1 + 0.01 * n, triage_value=0.01 * n) for n in range(12)]
    rows += [
        row(f"t{n:02}", best_similarity=draws.uniform(0, 0.9), triage_value=0.01 * n)
        for n in range(12, 30)
    ]
    rows += [reproduced("h00", 0.5, "held_out")]
    rows += [
        row(f"h{n:02}", "held_out", best_similarity=draws.uniform(0, 0.9)) for n in range(1, 20)
    ]
    rows += [row("tx", status="failed", kl=None), row("ty", status="not_tried", kl=None)]
    return rows


def test_the_rows_against_scipy() -> None:
    found = rows_of(many(), triage="loss", restarts=3)
    share = found["trained", "reproduced"]
    assert (share.count, share.n, share.failed, share.chance) == (12, 30, 1, 1 / 20)
    exact = stats.binomtest(12, 30).proportion_ci(method="exact")
    assert (share.ci_low, share.ci_high) == pytest.approx((exact.low, exact.high))
    fisher = stats.fisher_exact([[12, 18], [1, 19]], alternative="greater").pvalue
    assert share.p_value == pytest.approx(fisher)
    assert found["trained", "spent"].value == 18
    assert found["trained", "failed"].value == found["trained", "not_tried"].value == 1
    assert found["trained", "kl"].value == pytest.approx(0.155)
    assert "75 %" in found["trained", "kl"].note
    assert found["trained", "network_calls"].value == 100
    assert found["all", "network_calls_total"].value == 5200
    judged = judge(many())
    own, other = judged.scores("trained"), judged.scores("held_out")
    own = own[~np.isnan(own)]
    area = stats.mannwhitneyu(own, other, alternative="less")
    curve = found["trained_vs_held_out", "auc"]
    assert curve.value == pytest.approx(1 - area.statistic / (30 * 20))
    assert curve.p_value == pytest.approx(area.pvalue)
    rate = found["trained_vs_held_out", "tpr_at_fpr"]
    assert rate.value == pytest.approx((own < np.sort(other)[2]).mean())
    agreed = found["trained", "rank_correlation"]
    values = [0.01 * n for n in range(30)]
    rho = stats.spearmanr(own, values)
    assert agreed.value == pytest.approx(rho.statistic)
    assert agreed.p_value == pytest.approx(rho.pvalue / 2)
    assert agreed.ci_low < agreed.value < agreed.ci_high
    assert agreed.by == "loss"


def test_the_order_is_compared_with_the_copies() -> None:
    rows = []
    for number, copies in enumerate((1, 2, 4, 8, 16)):
        rows.append(reproduced(f"t{number}", 1 / copies))
        rows += [
            reproduced(f"t{number}-{n}", 1 / copies, copy_of=f"t{number}")
            for n in range(copies - 1)
        ]
    found = rows_of(rows)["trained", "rank_correlation"]
    assert (found.value, found.n, found.by) == (pytest.approx(1), 5, "copies")


def test_without_held_out_images_there_is_no_p_value_and_a_line_says_so() -> None:
    found = rows_of([one for one in many() if one["split"] == "trained"], triage="loss")
    assert {split for split, _ in found} == {"trained", "all"}
    assert found["trained", "reproduced"].p_value is None
    assert "Without held-out images" in found["trained", "reproduced"].note
    assert "no p-value" not in (found["trained", "spent"].note or "")


def test_subjects_count_beside_images() -> None:
    """Two pictures of each: five held-out people show no rate below 1 in 6, four come back."""
    kls = {"trained": [0.1] * 4 + [5.0] * 4, "held_out": [1.0] * 10}
    rows = [
        reproduced(f"{n}", kl, split) for split, some in kls.items() for n, kl in enumerate(some)
    ]
    named = {
        split: {f"{n}": f"{split} {n // 2}" for n in range(len(some))}
        for split, some in kls.items()
    }
    judged = judge(rows, whose=Whose(named))
    found = [one for one in judged.rows if one["split"] == "trained"]
    assert [one["p_value"] for one in found] == pytest.approx([1 / 6] * 4 + [1.0] * 4)
    assert [one["group_p_value"] for one in found] == pytest.approx([1 / 6] * 4 + [1.0] * 4)
    assert [one["group_q_value"] for one in found] == pytest.approx([1 / 3] * 4 + [1.0] * 4)
    figures = result_rows(judged, 1, "none", (0.1,), 0.4, 0)
    (whole,) = [one for one in figures if one.statistic == "named_subjects"]
    assert (whole.count, whole.n) == (2, 4)
    (back,) = [one for one in figures if one.statistic == "reproduced" and one.split == "trained"]
    assert (back.count, back.n) == (8, 8)
    assert back.p_value == pytest.approx(stats.hypergeom.sf(3, 9, 4, 9))
