"""What the page says where a model does not know the marked images, and what it shows."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from verdicts.knowing import KNOWN

from solidmark.errors import BadInput
from solidmark.report.folder import open_audit
from solidmark.report.knowing import knowing_in, knowing_section
from solidmark.report.rendering import HERE
from solidmark.scores.knowing import VIEWS, Knowing


@pytest.mark.parametrize("broken", [[], {}, "x", {"state": "known"}, {**KNOWN.to_json(), "x": 1}])
def test_what_is_no_part_of_solidmark_is_one_line(broken: object) -> None:
    with pytest.raises(BadInput, match=r'part "knowing".* Score again\.'):
        knowing_in({"knowing": broken})


def audit_with(audit: Path, found: Knowing) -> Path:
    results = json.loads((audit / "results.json").read_text())
    ids = tuple(row["id"] for row in _trained(audit))[:2]
    results["knowing"] = replace(found, beside=ids).to_json()
    (audit / "results.json").write_text(json.dumps(results))
    (audit / "pictures" / "knowing").mkdir(parents=True, exist_ok=True)
    for number in range(2):
        Image.new("L", (16, 16), 40 * number).save(audit / f"pictures/knowing/{number}.png")
    return audit


def _trained(audit: Path) -> list[dict]:
    import pyarrow.parquet as parquet

    rows = parquet.read_table(audit / "scores.parquet").to_pylist()
    return [row for row in rows if row["split"] == "trained"]


def render(section: object) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["tight"] = str
    text = '{% from "knowing.html" import knowing_of %}{{ knowing_of(section) }}'
    return environment.from_string(text).render(section=section)


def test_the_section_shows_what_the_model_draws(make_audit: Callable[..., Path]) -> None:
    audit = open_audit(audit_with(make_audit(n=8, hostile=False), KNOWN))
    section = knowing_section(audit, images=True)
    assert section is not None
    assert len(section.drawings) == 2
    assert all(pair.drawn and pair.drawn.uri for pair in section.drawings)
    assert all(pair.marked and pair.marked.uri for pair in section.drawings)
    page = render(section)
    assert page.count("<img") == 4
    assert page.count("<tr>") == 1 + len(VIEWS)
    assert "680 network calls" in page
    ids = re.findall(r'id="([^"]+)"', page)
    assert ids == ["knowing", "knowing-title"]


def test_a_page_without_pictures_has_none(make_audit: Callable[..., Path]) -> None:
    audit = open_audit(audit_with(make_audit(n=8, hostile=False), KNOWN))
    section = knowing_section(audit, images=False)
    assert "<img" not in render(section)


def test_runs_of_before_have_no_such_section(make_audit: Callable[..., Path]) -> None:
    audit = open_audit(make_audit(n=8, hostile=False))
    assert knowing_section(audit, images=True) is None
    assert render(None).strip() == ""
