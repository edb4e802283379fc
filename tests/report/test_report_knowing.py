"""What the page says where a model does not know the marked images, and what it shows."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from solidmark.errors import BadInput
from solidmark.report.folder import open_audit
from solidmark.report.knowing import (
    CURES,
    HEADLINES,
    knowing_section,
    mirror_note,
    unknown,
)
from solidmark.report.rendering import HERE
from solidmark.scores.knowing import VIEWS, Drawn, Evidence, Knowing, judge_knowing

DRAWN = Drawn(2, spread=0.2, turned=0.21, marked=0.001, unmarked=0.1, alike=0.0, alike_marked=0.5)


def knowing(**means: float) -> Knowing:
    values = {view: [means.get(view, 0.0) + 0.01 * (-1) ** i for i in range(32)] for view in VIEWS}
    pictures = ("pictures/knowing/0.png", "pictures/knowing/1.png")
    kept = Evidence(32, values, DRAWN, (0.1,), (1.0,), 680.0, pictures, ("a", "b"))
    return judge_knowing(kept)


KNOWN = knowing(frames=1.0, pictures=0.7, marked=0.8, mirrored=-0.5)


@pytest.mark.parametrize(
    ("reason", "means"),
    [
        ("untrained", {"pictures": -0.7}),
        ("folder", {"unmarked": 1.0}),
        ("crops", {"cropped": 1.0, "unmarked": 0.5}),
        ("flips", {"mirrored": 1.0}),
    ],
)
def test_each_reason_has_its_sentence_and_its_cure(reason: str, means: dict[str, float]) -> None:
    found = unknown({"knowing": knowing(**means).to_json()})
    assert found is not None
    assert found.reason == reason
    assert found.headline == HEADLINES[found.reason]
    assert found.headline.startswith("Cannot be judged: ")
    assert found.details[-1] == CURES[found.reason]


def test_it_says_what_was_measured() -> None:
    found = unknown({"knowing": knowing(pictures=-0.7, frames=0.3).to_json()})
    assert found is not None
    said = " ".join(found.details)
    assert "32 trained images" in said
    assert "101 % more error" in said  # exp(.7) - 1
    assert "26 % less error" in said  # 1 - exp(-.3)
    assert "vary by 0.200 within a cell of the frame, and by 0.210 in cells" in said


def test_who_knows_is_not_spoken_of() -> None:
    assert unknown({"knowing": KNOWN.to_json()}) is None


def test_without_the_question_nothing_can_be_judged() -> None:
    """Evidence of before it was asked must not be green."""
    for results in ({}, {"knowing": None}):
        found = unknown(results)
        assert found is not None
        assert found.reason is None
        assert found.headline.startswith("Cannot be judged")
        assert mirror_note(results) == ""


def test_a_green_verdict_says_that_mirror_images_are_known() -> None:
    both = {"knowing": knowing(frames=1.0, pictures=1.0).to_json()}
    assert unknown(both) is None
    assert "in a mirror" not in mirror_note(both)
    assert mirror_note(both).startswith("Mirror images of these pictures are known as well")


@pytest.mark.parametrize("broken", [[], {}, "x", {"state": "known"}, {**KNOWN.to_json(), "x": 1}])
def test_what_is_no_part_of_solidmark_is_one_line(broken: object) -> None:
    with pytest.raises(BadInput, match=r'part "knowing".* Score again\.'):
        unknown({"knowing": broken})


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
