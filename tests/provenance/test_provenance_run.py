"""The command from pictures to the verdict: controls, copies, groups, prompts, the gate."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageFilter

from solidmark.data import open_data, to_picture
from solidmark.errors import BadInput
from solidmark.measures.provenance import Provenance, ask_provenance, score_provenance
from solidmark.reporting import renew_pages, write_report
from solidmark.runs import Results, find, first, open_results

CHEAP: dict[str, Any] = {"signals": ("loss", "sima"), "times": 2, "mode": "L"}
EACH = 24
Judged = Callable[..., Results]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders of handwritten digits, all different."""
    here = tmp_path_factory.mktemp("pictures")
    digits = open_data("digits", resolution=8, limit=20 * EACH)
    for turn, name in enumerate(("suspect", "control")):
        (here / name).mkdir()
        for number in range(EACH):
            picture = to_picture(digits[20 * number + 7 * turn].image)
            picture.save(here / name / f"{number:02d}.png")
    return here


@pytest.fixture
def judged(pictures: Path, tmp_path: Path) -> Judged:
    """Runs the whole of it on a copy of the folders that may be changed first."""
    shutil.copytree(pictures, tmp_path / "here")

    def judged(model: str = "memorizer", **options: Any) -> Results:
        here = tmp_path / "here"
        asked = Provenance(
            model,
            str(here / "suspect"),
            tmp_path / "out",
            held_out=str(here / "control"),
            **CHEAP | options,
        )
        ask_provenance(asked)
        score_provenance(tmp_path / "out")
        return open_results(tmp_path / "out")

    return judged


def rows_of(results: Results) -> list[dict[str, Any]]:
    return pq.read_table(results.folder / "scores.parquet").to_pylist()


def test_what_a_model_knows_by_heart_was_used(judged: Judged) -> None:
    found = judged()
    assert (found.judged.state, found.judged.finding) == ("hint", "used")
    whole = find(found.figures, "auc", measure="provenance")[0]
    assert (whole.value, whole.p_value, whole.n) == (1.0, 0.001, 2 * EACH)
    assert whole.network_calls_per_image == 3
    enough, used = first(found.figures, "enough"), first(found.figures, "used")
    assert enough is not None
    assert used is not None
    assert enough.value == 8
    assert 0.5 < (used.value or 0) < 1
    rows = rows_of(found)
    assert {row["status"] for row in rows} == {"ok"}
    score = {side: [r["score"] for r in rows if r["split"] == side] for side in ("suspect",)}
    assert min(score["suspect"]) > max(r["score"] for r in rows if r["split"] == "held_out")


def test_what_a_model_knows_on_average_leaves_no_trace(judged: Judged) -> None:
    """It was made of the suspect images, and knows none of them."""
    found = judged("average")
    assert found.judged.state in ("not-seen", "cannot-be-judged")
    enough = first(found.figures, "enough")
    assert enough is not None
    assert enough.by == "area"
    sees = first(found.figures, "smallest_share")
    assert sees is not None
    # 24 a side: a little more than half would be needed.
    assert found.judged.finding == "weak"
    assert 0.5 < (sees.value or 0) < 0.6
    assert any("beyond every held-out image" in one for one in found.judged.details)


def test_copies_count_once_and_what_is_on_both_sides_not_at_all(
    judged: Judged, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    for number in range(5):
        shutil.copy(here / "suspect" / "03.png", here / "suspect" / f"copy-{number}.png")
    shutil.copy(here / "suspect" / "04.png", here / "control" / "stolen.png")
    large = Image.open(here / "control" / "05.png").resize((8, 8))
    large.point(lambda v: min(255, v + 1)).save(here / "control" / "near.png")
    found = judged()
    rows = {(row["split"], row["id"]): row for row in rows_of(found)}
    copies = [row for row in rows.values() if row["status"] == "copy"]
    assert {row["id"] for row in copies} == {*(f"copy-{n}.png" for n in range(5)), "near.png"}
    assert rows["suspect", "copy-0.png"]["counts_with"] == "03.png"
    for one in (("suspect", "04.png"), ("held_out", "stolen.png")):
        assert rows[one]["status"] == "on_both_sides"
        assert rows[one]["score"] is None
    whole = find(found.figures, "auc", measure="provenance")[0]
    assert (whole.number("suspect"), whole.number("held_out")) == (EACH - 1, EACH)
    assert (whole.number("copies"), whole.number("on_both_sides")) == (6, 2)
    said = " ".join(found.judged.details)
    assert "6 images came with another one" in said
    assert "2 images are on both sides" in said


def test_images_of_one_person_have_one_vote(judged: Judged, tmp_path: Path) -> None:
    for side in ("suspect", "control"):
        folder = tmp_path / "here" / side
        lines = [
            {"file_name": f"{n:02d}.png", "group": f"{side} person {n // 2}"} for n in range(EACH)
        ]
        (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    found = judged()
    whole = find(found.figures, "auc", measure="provenance")[0]
    assert (whole.n, whole.number("copies")) == (EACH, EACH)
    units = (tmp_path / "out" / "units.parquet").read_bytes()
    assert b"person" not in units


def test_where_pictures_alone_tell_the_sides_apart_nothing_is_judged(
    judged: Judged, tmp_path: Path
) -> None:
    for path in (tmp_path / "here" / "control").iterdir():
        Image.open(path).filter(ImageFilter.GaussianBlur(1)).save(path)
    found = judged()
    assert (found.judged.state, found.judged.finding) == ("cannot-be-judged", "other_kind")
    assert found.judged.headline == "Cannot be judged: the held-out images are of another kind."
    score_provenance(tmp_path / "out", trust_control=True)
    trusted = open_results(tmp_path / "out").judged
    assert trusted.state != "not-seen"
    assert trusted.details[0].startswith("Warning: the held-out images are of another kind")
    score_provenance(tmp_path / "out")
    assert open_results(tmp_path / "out").judged == trusted
    write_report(tmp_path / "out")


def test_an_area_within_that_of_the_pictures_is_no_evidence() -> None:
    from solidmark.runs import Figure
    from solidmark.verdicts.provenance import judge_provenance

    facts = {"suspect": 40, "held_out": 40, "copies": 0, "on_both_sides": 0}
    facts |= {"blind_auc": 0.6, "blind_ci_low": 0.5, "blind_ci_high": 0.7}
    same = {"measure": "provenance", "statistic": "auc", "split": "suspect_vs_held_out"}
    for area, state in ((0.69, "no_more_than_blind"), (0.71, "used")):
        whole = Figure(**same, value=area, p_value=0.002, facts=facts)
        assert judge_provenance([whole], None).finding == state


def test_too_few_are_said_to_be_too_few(judged: Judged) -> None:
    found = judged(limit=7)
    assert found.judged.finding == "too_few"
    assert "7 suspect pictures and 7 held-out ones are too few" in found.judged.headline
    write_report(found.folder)


def test_a_broken_picture_counts_nowhere(judged: Judged, tmp_path: Path) -> None:
    (tmp_path / "here" / "suspect" / "05.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing more")
    found = judged()
    status = {row["id"]: row["status"] for row in rows_of(found) if row["split"] == "suspect"}
    assert status.pop("05.png") == "failed"
    assert set(status.values()) == {"ok"}
    assert found.failed == 1
    assert "1 image could not be scored." in found.judged.details


def test_the_same_again_ends_in_the_same_bytes(judged: Judged, tmp_path: Path) -> None:
    first_page = write_report(judged().folder)
    kept = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir() if path.is_file()}
    judged()
    score_provenance(tmp_path / "out")
    renew_pages(tmp_path / "out")
    assert first_page.is_file()
    for name, before in kept.items():
        assert (tmp_path / "out" / name).read_bytes() == before, name


def test_a_marked_folder_is_sent_to_the_audit(pictures: Path, tmp_path: Path) -> None:
    import solidmark

    marked = solidmark.mark(pictures / "suspect", tmp_path / "marked", limit=8, seed=1)
    with pytest.raises(BadInput, match='Run "solidmark audit memorizer'):
        solidmark.provenance("memorizer", marked, tmp_path / "out", held_out=pictures / "control")
    assert not (tmp_path / "out").exists()


def test_prompts_of_one_caption_have_one_vote(tmp_path: Path) -> None:
    """The units of signals of prompts, from what the model was told."""
    from solidmark.measures.provenance.asking import _units
    from solidmark.subjects import open_subjects

    rng = np.random.default_rng(0)
    for side in ("suspect", "control"):
        (tmp_path / side).mkdir()
        for number in range(4):
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / side / f"{number}.png")
    sides = str(tmp_path / "suspect"), str(tmp_path / "control")
    told = {("trained", "0.png"): "a cat", ("trained", "1.png"): "a cat"}
    told |= {("held_out", "2.png"): "a dog"}
    rows = _units(open_subjects(*sides), told)
    units = {(row["split"], row["id"]): row["unit"] for row in rows}
    assert units["trained", "0.png"] == units["trained", "1.png"]
    assert len(set(units.values())) == len(units) - 1
