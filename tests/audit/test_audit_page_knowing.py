"""What the page says where a model does not know the marked images, and what it shows."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from audit_folder import judge
from PIL import Image
from verdicts.knowing import KNOWN, knowing
from visiting import plain, section

from solidmark.errors import BadInput
from solidmark.reporting import write_report
from solidmark.scores.knowing import VIEWS, Knowing

UNKNOWN = knowing(pictures=-0.7)


@pytest.mark.parametrize("broken", [[], {}, "x", {"state": "known"}, {**KNOWN.to_json(), "x": 1}])
def test_what_is_no_part_of_solidmark_is_one_line(
    make_audit: Callable[..., Path], broken: object
) -> None:
    audit = make_audit(n=8, hostile=False)
    results = json.loads((audit / "results.json").read_text())
    (audit / "results.json").write_text(json.dumps({**results, "knowing": broken}))
    with pytest.raises(BadInput, match=r'part "knowing".* Score again\.'):
        write_report(audit)


def audit_with(audit: Path, found: Knowing) -> Path:
    results = json.loads((audit / "results.json").read_text())
    ids = tuple(row["id"] for row in _trained(audit))[:2]
    results["knowing"] = replace(found, beside=ids).to_json()
    (audit / "results.json").write_text(json.dumps(results))
    judge(audit)
    (audit / "pictures" / "knowing").mkdir(parents=True, exist_ok=True)
    for number in range(2):
        Image.new("L", (16, 16), 40 * number).save(audit / f"pictures/knowing/{number}.png")
    return audit


def _trained(audit: Path) -> list[dict]:
    import pyarrow.parquet as parquet

    rows = parquet.read_table(audit / "scores.parquet").to_pylist()
    return [row for row in rows if row["split"] == "trained"]


def test_the_section_shows_what_the_model_draws(make_audit: Callable[..., Path]) -> None:
    page = write_report(audit_with(make_audit(n=8, hostile=False), KNOWN)).read_text()
    found = section(page, "knowing")
    assert found.count("<img") == 4
    assert found.count("<tr>") == 1 + len(VIEWS)
    assert "680 network calls" in plain(found)
    assert '<details class="part">' in found, "it stands behind what was found"
    assert page.index('id="knowing"') > page.index('id="curves"')


def test_where_the_model_does_not_know_them_it_comes_first(make_audit: Callable[..., Path]) -> None:
    audit = audit_with(make_audit(n=8, hostile=False, strengths={"energy": 0.0}), UNKNOWN)
    page = write_report(audit).read_text()
    assert "does not know these pictures" in plain(section(page, "verdict"))
    assert '<details class="part">' not in section(page, "knowing")
    assert page.index('id="knowing"') < page.index('id="named"')


def test_a_page_without_pictures_has_none(make_audit: Callable[..., Path]) -> None:
    audit = audit_with(make_audit(n=8, hostile=False), KNOWN)
    assert "<img" not in section(write_report(audit, images=False).read_text(), "knowing")


def test_runs_of_before_have_no_such_section(make_audit: Callable[..., Path]) -> None:
    assert 'id="knowing"' not in write_report(make_audit(n=8, hostile=False)).read_text()
