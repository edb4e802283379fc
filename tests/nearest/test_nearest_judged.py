"""What people say of pairs: kept as it was said, counted once a pair, shown and asked blind."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from nearest_folder import Run, build_nearest
from visiting import Tree, Visit, expect_fitting, expect_safe, plain, section, unfold

from solidmark.errors import BadInput, EmptyTable, NotFound, RunConflict, UnknownName
from solidmark.measures.nearest import checked, judge, read_judgements, score_nearest
from solidmark.measures.nearest.judging import distances_of, open_judgements
from solidmark.measures.nearest.tables import NEIGHBOURS, write_table
from solidmark.reporting import write_report
from solidmark.runs import find, open_results, read_manifest
from solidmark.scores import clopper_pearson, roc
from solidmark.scores.judged import gather_judged, judged_area, judged_share

SMALL: dict[str, Any] = {
    "measures": ("l2", "sscd"),
    "n": 40,
    "training": 26,
    "held_out": 26,
    "copied": 4,
    "monochrome": 4,
}


@pytest.fixture
def near(tmp_path: Path) -> Path:
    """A run of which the first sixteen generations are copies, with text made to break a page."""
    return build_nearest(Run(tmp_path / "near", hostile=True, **SMALL))


def pairs_of(folder: Path, split: str = "generated") -> list[tuple[str, str]]:
    """The pairs that the first measure found, the closest first."""
    known = {pair: own for (side, pair), own in distances_of(folder).items() if side == split}
    return sorted((p for p in known if "l2" in known[p]), key=lambda pair: known[pair]["l2"])


def rows_of(pairs: list[tuple[str, str]], verdict: str, **more: str) -> list[dict[str, str]]:
    return [{"generation": g, "image": t, "verdict": verdict, **more} for g, t in pairs]


def recorded(folder: Path, rows: list[dict[str, str]]) -> Any:
    added = judge(folder, checked(rows))
    score_nearest(folder)
    return added


def test_copies_are_counted_beside_the_control_and_every_distance_agrees(near: Path) -> None:
    pairs, control = pairs_of(near), pairs_of(near, "null")
    said = rows_of(pairs[:10], "copy") + rows_of(pairs[-10:], "not")
    recorded(near, said + rows_of(control[:5], "not", split="null"))
    figures = open_results(near).figures
    ours, theirs = find(figures, "judged")
    assert (ours.count, ours.n, ours.value, ours.chance) == (10, 20, 0.5, 0.0)
    assert (theirs.split, theirs.count, theirs.n) == ("null", 0, 5)
    assert ours.interval is not None
    assert ours.interval[0] < 0.5 < ours.interval[1]
    for one in find(figures, "judged_auc"):
        assert (one.value, (one.n or 0) + one.failed, one.chance) == (1.0, 20, 0.5)
    assert "judged" not in open_results(near).judged.headline


def test_the_interval_counts_training_images_and_not_pairs() -> None:
    said = [("generated", (f"g{n}", f"t{n // 4}"), "copy" if n < 8 else "not") for n in range(16)]
    one = judged_share(gather_judged(said), "generated")
    assert (one.count, one.n) == (8, 16)
    assert one.interval == pytest.approx(clopper_pearson(2, 4))


def test_the_area_is_that_of_distances_by_training_image() -> None:
    said = [("generated", (f"g{n}", f"t{n}"), "copy" if n % 2 else "not") for n in range(12)]
    distances = {pair: float((7 * n) % 12) for n, (_, pair, _) in enumerate(said)}
    one = judged_area(gather_judged(said), distances, "l2", seed=3)
    import numpy as np

    sides = [np.array([distances[p] for _, p, v in said if v == word]) for word in ("copy", "not")]
    names = [[p[1] for _, p, v in said if v == word] for word in ("copy", "not")]
    expected = roc(*sides, *names, fprs=(), seed=3).auc
    assert (one.value, one.ci_low, one.ci_high, one.p_value) == (
        *(expected.value, expected.ci_low, expected.ci_high, expected.p_value),
    )
    assert judged_area(gather_judged(said[1:2]), distances, "l2").value is None


def test_nothing_is_overwritten_and_disagreement_counts_nowhere(near: Path) -> None:
    pairs = pairs_of(near)
    first = rows_of(pairs[:4], "copy", who="a")
    assert recorded(near, first).added == 4
    assert recorded(near, first).before == 4
    recorded(near, rows_of(pairs[:1], "not", who="b") + rows_of(pairs[1:3], "unsure", who="b"))
    recorded(near, rows_of(pairs[4:5], "unsure", who="b"))
    assert len(open_judgements(near)) == 8
    (one, *_) = find(open_results(near).figures, "judged")
    assert (one.count, one.n, one.failed) == (3, 3, 2)
    assert (one.facts["disputed"], one.facts["unsure"]) == (1, 1)
    with open(near / "judged.csv", newline="", encoding="utf-8") as file:
        lines = [*csv.DictReader(file)]
    assert [line["judged"] for line in lines] == ["disputed", "copy", "copy", "copy", "unsure"]
    assert [line["not"] for line in lines] == ["1", "0", "0", "0", "0"]
    assert float(lines[0]["l2"]) <= float(lines[1]["l2"])


def test_further_neighbours_are_known_and_pairs_of_the_other_direction_have_no_distance(
    near: Path,
) -> None:
    row = {"measure": "l2", "id": "generated/0001.png", "rank": 2, "neighbour": "training/0025.png"}
    row |= {"distance": 0.4, "similarity": None}
    write_table(near / "neighbours.parquet", [pa.Table.from_pylist([row], NEIGHBOURS)], NEIGHBOURS)
    known = distances_of(near)
    assert known["generated", ("generated/0001.png", "training/0025.png")] == {"l2": 0.4}
    turned = [pair for (split, pair), own in known.items() if split == "generated" and not own]
    assert turned
    recorded(near, rows_of(turned[:1], "copy"))
    (one, *_) = find(open_results(near).figures, "judged_auc")
    assert (one.n, one.failed, one.value) == (0, 1, None)


def test_pairs_that_the_run_does_not_know_are_kept_named_and_not_counted(near: Path) -> None:
    pairs = pairs_of(near)
    added = recorded(near, rows_of([pairs[0], ("nobody", "nothing")], "copy"))
    assert added.unknown == (("nobody", "nothing"),)
    assert '"nobody" and "nothing"' in added.lines[1]
    assert open_judgements(near)["status"].to_pylist() == ["ok", "unknown"]
    (one, *_) = find(open_results(near).figures, "judged")
    assert one.n == 1


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("generation,image,verdict\n", EmptyTable, "no judgement"),
        ("generation,image\na,b\n", BadInput, 'line 2 has no "verdict"'),
        ("generation,image,verdict\na,b,copi\n", UnknownName, 'Did you mean "copy"'),
        ("generation,image,verdict,split\na,b,copy,trained\n", UnknownName, "line 2"),
        ("generation,image,verdict\na,b,copy\n,b,copy\n", BadInput, 'line 3 has no "generation"'),
    ],
)
def test_a_file_that_cannot_be_used_says_where(
    tmp_path: Path, text: str, error: type[Exception], said: str
) -> None:
    (tmp_path / "said.csv").write_text(text)
    with pytest.raises(error, match=said):
        read_judgements(tmp_path / "said.csv")
    with pytest.raises(NotFound):
        read_judgements(tmp_path / "none.csv")


def test_a_run_that_is_not_whole_is_not_judged(near: Path) -> None:
    manifest = read_manifest(near)
    (near / "manifest.json").write_text(json.dumps(manifest | {"finished": False}))
    with pytest.raises(RunConflict):
        judge(near, checked(rows_of([("a", "b")], "copy")))


def test_the_page_shows_what_was_judged(near: Path) -> None:
    before = section(write_report(near).read_text(), "judged")
    assert "<table" not in before
    pairs = pairs_of(near)
    recorded(near, rows_of(pairs[:3], "copy") + rows_of(pairs[3:5], "not"))
    page = write_report(near).read_text()
    text = plain(section(page, "judged"))
    assert "3 of 5 judged pairs are called copies" in text
    assert "Agrees: Plain l2" in text
    assert "3 of 5 (60 %)" in text
    assert "judged copy" in plain(section(page, "pairs"))
    columns = json.loads(Tree(page).scripts[0])["columns"]
    assert "Judged" in [column["label"] for column in columns]
    hidden = write_report(near, images=False).read_text()
    assert "<button" not in section(hidden, "judged")
    assert "3 of 5 judged pairs" in plain(section(hidden, "judged"))


@pytest.mark.browser
def test_pairs_are_judged_blind_by_keys_and_taken_home_as_csv(
    near: Path, visit: Callable[..., Visit], tmp_path: Path
) -> None:
    one = visit(write_report(near), accept_downloads=True)
    unfold(one)
    expect_safe(one)
    page = one.page
    assert page.locator("#pair").is_hidden()
    page.locator("#who").fill("cnu")  # Letters in a field judge nothing.
    assert "judged" not in page.locator("#said").inner_text()
    page.locator("#begin").click()
    shown = page.locator("#pair")
    assert page.locator("#both img").count() == 2
    seen = re.sub(r'src="[^"]*"', "", shown.inner_html())
    for told in ("generated/", "training/", "generation", "distance", "held"):
        assert told not in seen
    keys = ["c", "n", "u", "b", "n"]
    for key in keys:
        page.keyboard.press(key)
    count = int(page.locator("#said").inner_text().split()[2])
    for _ in range(count - 3):
        page.keyboard.press("n")
    assert shown.is_hidden()
    assert page.locator("#said").inner_text().startswith(f"{count} of {count} pairs judged.")
    with page.expect_download() as download:
        page.locator("#keep").click()
    download.value.save_as(tmp_path / "said.csv")
    expect_safe(one)
    rows = read_judgements(tmp_path / "said.csv")
    assert [row["verdict"] for row in rows[:3]] == ["copy", "not", "not"]
    assert {row["who"] for row in rows} == {"cnu"}
    assert {row["split"] for row in rows} == {"generated", "null"}
    assert len({(row["split"], row["generation"], row["image"]) for row in rows}) == count
    added = judge(near, rows)
    assert (added.added, added.unknown) == (count, ())  # Whatever stands in the names.


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 1280])
def test_the_pair_fits_and_comes_in_another_order_each_time(
    near: Path, visit: Callable[..., Visit], width: int
) -> None:
    orders = []
    for _ in range(2):
        one = visit(write_report(near), viewport={"width": width, "height": 800})
        one.page.locator("#begin").click()
        expect_fitting(one, width, boxes="#pair")
        seen = []
        for _ in range(6):
            sources = one.page.locator("#both img").evaluate_all("some => some.map(i => i.src)")
            seen.append(tuple(sorted(sources)))
            one.page.locator("[data-verdict=unsure]").click()
        orders.append(seen)
    assert orders[0] != orders[1]
