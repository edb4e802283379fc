"""The page of an `inpaint` run: what it says is what the run found, and nothing hostile runs."""

import base64
import csv
import html
import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
import pytest
from breaking import tear, unfinish
from inpainted_folder import EDGE, SIDE, build_inpainted, mark_digits
from markupsafe import escape
from PIL import Image
from visiting import (
    Tree,
    Visit,
    expect_contrast,
    expect_fitting,
    expect_rows,
    expect_safe,
    expect_without_pictures,
    plain,
    section,
    unfold,
)

from solidmark.errors import BadInput, NotFound, RunConflict
from solidmark.marks import open_marked
from solidmark.reporting import write_report
from solidmark.runs import open_results, read_manifest, tame
from solidmark.scores.bound import smallest_copied_share

MEASURES = ("inpainting", "inpainting-lowest", "inpainting-mean")
SECTIONS = [
    *("verdict", "findings", "images", "curves", "control"),
    *("figures", "rows", "reading", "run"),
]


def rows_of(folder: Path, **which: object) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = parquet.read_table(folder / "scores.parquet").to_pylist()
    return [row for row in rows if which.items() <= row.items()]


def aggregates(folder: Path, **which: object) -> list[dict[str, Any]]:
    rows = json.loads((folder / "results.json").read_text())["rows"]
    return [row for row in rows if which.items() <= row.items()]


def pictures(card: str) -> list[np.ndarray]:
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', card)
    return [np.array(Image.open(io.BytesIO(base64.b64decode(data)))) for data in found]


@pytest.fixture(scope="module")
def whole_inpainted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hostile run of a model that knows its images by heart, made once and read only."""
    here = tmp_path_factory.mktemp("inpainted")
    marked = mark_digits(here / "marked", count=80, repeated=6, hostile=True)
    folder = build_inpainted(here / "run", marked, draws=16, steps=12, lowest=2)
    write_report(folder)
    return folder


@pytest.fixture(scope="module")
def page(whole_inpainted: Path) -> str:
    return (whole_inpainted / "report.html").read_text(encoding="utf-8")


@pytest.fixture
def copied(whole_inpainted: Path, tmp_path: Path) -> Path:
    """The run and its marked folder, to be broken."""
    shutil.copytree(whole_inpainted.parent / "marked", tmp_path / "marked")
    folder = Path(shutil.copytree(whole_inpainted, tmp_path / "run"))
    manifest = read_manifest(folder)
    manifest["config"]["marked"] = "marked"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_a_model_that_knows_its_images_is_said_to(whole_inpainted: Path, page: str) -> None:
    found = open_results(whole_inpainted).judged
    assert found.finding == "close"
    assert [one.name for one in found.findings] == list(MEASURES)
    (named,) = aggregates(whole_inpainted, measure="inpainting", statistic="named")
    (area,) = aggregates(whole_inpainted, measure="inpainting", statistic="auc")
    assert named["count"] > 30
    said = plain(section(page, "verdict"))
    assert (
        f"Best draw: {named['count']} of {named['n']} trained images are inpainted better" in said
    )
    assert f"in {100 * area['value']:.0f} % of all pairs" in said or area["value"] > 0.99
    assert "the same pixels as another one: each picture counts once." in said


def test_a_model_that_knows_nothing_is_at_chance_with_a_bound(tmp_path: Path) -> None:
    # Small pictures and many of them: of few it would know more than how they look on average.
    marked = mark_digits(tmp_path / "marked", count=200, side=4)
    folder = build_inpainted(tmp_path / "run", marked, "gaussian", draws=3, steps=10, lowest=2)
    found = open_results(folder).judged
    assert [one.outcome for one in found.findings] == ["nothing"] * 3
    tests = 3 * 4  # Two calibrated counts, the list of names and the area, of each measure.
    share = smallest_copied_share(100, 100, 5, 0.01 / tests)
    assert share is not None
    assert "0.00083" in found.rule
    text = plain(section(write_report(folder).read_text(), "verdict"))
    assert "Images that are drawn closer than chance allows would have been seen" in text
    assert f"at least {100 * share:.0f} % of the trained images" in text
    assert "None is named." in plain(section(write_report(folder).read_text(), "images"))


def test_without_held_out_images_nothing_is_judged(tmp_path: Path) -> None:
    marked = mark_digits(tmp_path / "marked", count=12, held_out=0)
    folder = build_inpainted(tmp_path / "run", marked, splits=("trained",))
    page = write_report(folder).read_text()
    assert "so nothing can be judged" in plain(section(page, "verdict"))
    assert "For comparison" not in page
    assert "There is nothing to compare with" in section(page, "curves")
    assert '"sort":"distance"' in page
    near = [row["id"] for row in sorted(rows_of(folder, measure="inpainting"), key=by_distance)]
    assert re.findall(r'<bdi class="id">(.*?)</bdi>', section(page, "images")) == near


def by_distance(row: dict[str, Any]) -> tuple[float, str]:
    return row["distance"], row["id"]


@pytest.mark.parametrize(("draws", "left"), [(1, 1), (3, 2), (4, 3)])
def test_what_is_the_same_is_said_once(draws: int, left: int, tmp_path: Path) -> None:
    marked = mark_digits(tmp_path / "marked", count=12)
    folder = build_inpainted(tmp_path / "run", marked, draws=draws, lowest=3, steps=2)
    assert len(open_results(folder).judged.findings) == left
    page = write_report(folder).read_text()
    assert page.count('class="plot-title"') == left + 1  # All share the detections.
    said = {1: "the best draw, the lowest and all are the same.", 2: "the 3 lowest draws are all."}
    assert said.get(left, "drew it 4 times.") in section(page, "images")


def test_the_sections_stand_in_their_order_and_every_link_leads_somewhere(page: str) -> None:
    tree = Tree(page)
    assert [a["id"] for a in tree.of("section") if "id" in a] == SECTIONS
    ids = [a["id"] for _, a in tree.elements if "id" in a]
    assert len(ids) == len(set(ids))
    links = {a["href"] for a in tree.of("a")}
    assert links <= {f"#{id}" for id in ids}
    assert not tree.open


def test_hostile_names_are_text(whole_inpainted: Path, page: str) -> None:
    assert "window.hacked=1</script>" not in page
    assert "<img src=x" not in page
    marked = open_marked(whole_inpainted.parent / "marked")
    hostile = [id for id in marked.ids("trained") if "<" in id and " again " not in id]
    assert hostile
    shown = section(page, "images")
    assert all(str(escape(id)) in shown for id in hostile if len(id) < 120)


def test_the_gallery_shows_the_truth_and_the_best_drawing(whole_inpainted: Path, page: str) -> None:
    marked = open_marked(whole_inpainted.parent / "marked")
    cards = re.findall(r'<li class="card">.*?</li>', section(page, "images"), re.DOTALL)
    trained, held_out = cards[:-10], cards[-10:]
    distinct = [row for row in rows_of(whole_inpainted, measure="inpainting") if not row["copy_of"]]
    assert len(trained) == len([row for row in distinct if row["split"] == "trained"])
    evidence = parquet.read_table(whole_inpainted / "evidence.parquet").to_pylist()
    best = {(row["split"], row["id"]): row["picture"] for row in evidence}
    lucky = sorted((row for row in distinct if row["split"] == "held_out"), key=by_distance)[:10]
    inside = slice(EDGE, EDGE + SIDE)
    for card, row in zip(held_out, lucky, strict=True):
        truth, drawn = pictures(card)
        expected = marked.sample(row["id"]).image[0, inside, inside].numpy()
        np.testing.assert_array_equal(truth, np.round(255 * expected))
        kept = np.array(Image.open(whole_inpainted / best["held_out", row["id"]]))
        np.testing.assert_array_equal(drawn, kept[inside, inside])
        assert html.escape(row["id"][:119]) in html.unescape(card) or row["id"] in plain(card)
        # The left half, and the right one is as it was.
        np.testing.assert_array_equal(truth[:, SIDE // 2 :], drawn[:, SIDE // 2 :])
        assert f'<rect x="0" y="0" width="{SIDE // 2}" height="{SIDE}"/>' in card
    assert f'viewBox="0 0 {SIDE} {SIDE}"' in trained[0]
    assert '<span class="named">named</span>' in trained[0]
    assert sum("3 times in the data" in card for card in trained) > 0
    assert sum("3 times in the data" in card for card in cards) <= 6
    assert trained[0].count("<dt>p</dt>") == trained[0].count("<dt>q</dt>") == 3
    assert "<dt>p</dt>" not in held_out[0]
    numbers = [int(n) for card in trained for n in re.findall(r'class="rank">(\d+)', card)]
    assert numbers == list(range(1, len(trained) + 1))


def test_those_that_the_most_measures_name_stand_first(whole_inpainted: Path, page: str) -> None:
    cards = re.findall(r'<li class="card">.*?</li>', section(page, "images"), re.DOTALL)[:-10]
    names = [card.count('class="fact-inline">named<') for card in cards]
    assert names == sorted(names, reverse=True)
    assert names[0] > names[-1]


def test_top_says_how_many_are_shown(copied: Path) -> None:
    text = section(write_report(copied, top=3).read_text(), "images")
    assert len(re.findall(r'<li class="card">', text)) == 3 + 10
    assert re.search(r"3 of \d+ trained pictures.* \d+ are named", plain(text))


def test_every_aggregate_is_in_the_tables(whole_inpainted: Path, page: str) -> None:
    figures = section(page, "figures")
    for measure in MEASURES:
        (area,) = aggregates(whole_inpainted, measure=measure, statistic="auc")
        assert f"<b>{area['value']:.3f}</b>" in figures
        lines = {
            (row["statistic"], row.get("threshold"), row.get("fpr"), row.get("percentile"))
            for row in aggregates(whole_inpainted, measure=measure)
        }
        assert figures.count('<th scope="row">') == 3 * len(lines)
    assert "chance 0.500" in figures


def test_the_table_has_every_row(whole_inpainted: Path, page: str) -> None:
    data = json.loads(Tree(page).scripts[0])
    place = {column["name"]: i for i, column in enumerate(data["columns"])}
    every = rows_of(whole_inpainted)
    assert len(data["rows"]) == data["total"] == len(every)
    found = {(r[place["measure"]], r[place["split"]], r[place["id"]]): r for r in data["rows"]}
    for row in every:
        shown = found[row["measure"], row["split"], tame(row["id"])]
        assert (shown[place["copy_of"]] or "") == tame(row["copy_of"] or "")
        assert shown[place["distance"]] == pytest.approx(row["distance"], rel=1e-5)


def test_the_named_ones_are_a_list_to_act_on(whole_inpainted: Path) -> None:
    text = (whole_inpainted / "named.csv").read_text(encoding="utf-8")
    found = list(csv.DictReader(io.StringIO(text, newline="")))
    named = [row for row in rows_of(whole_inpainted, split="trained") if row["q_value"] <= 0.05]
    assert len(found) == len(named) > 30
    assert sum(bool(row["copy_of"]) for row in found) == sum(bool(row["copy_of"]) for row in named)
    folder = whole_inpainted.parent / "marked"
    assert all((folder / row["file_name"]).is_file() for row in found)


@pytest.mark.usefixtures("painted_afresh")
def test_the_same_folder_gives_the_same_bytes(whole_inpainted: Path) -> None:
    kept = ["report.html", "named.csv", *(f"figures/{name}-trained.svg" for name in MEASURES)]
    write_report(whole_inpainted)
    before = [(whole_inpainted / name).read_bytes() for name in kept]
    write_report(whole_inpainted)
    assert [(whole_inpainted / name).read_bytes() for name in kept] == before


def test_a_page_without_pictures_has_no_captions_either(copied: Path) -> None:
    page = write_report(copied, images=False).read_text()
    assert "<img" not in page
    assert "a caption of" not in page
    assert "dashed frame" not in page
    assert "img-src 'none'" in html.unescape(page)
    assert "digit 0" in page


def test_a_marked_folder_that_is_gone_or_another_one_cannot_be_shown(copied: Path) -> None:
    marked = copied.parent / "marked"
    shutil.rmtree(marked)
    page = write_report(copied).read_text()
    assert 'The marked folder "marked" is no longer there.' in html.unescape(page)
    cards = re.findall(r'<li class="card">.*?</li>', page, re.DOTALL)
    assert all(len(pictures(card)) == 1 and "cannot be shown" in card for card in cards)
    mark_digits(marked, count=20)
    page = html.unescape(write_report(copied).read_text())
    assert 'The marked folder "marked" holds other keys than this run.' in page


def test_a_run_that_does_not_say_where_the_half_is_shows_whole_images(copied: Path) -> None:
    manifest = read_manifest(copied)
    del manifest["picture"], manifest["hidden"]
    (copied / "manifest.json").write_text(json.dumps(manifest))
    page = write_report(copied).read_text()
    card = re.findall(r'<li class="card">.*?</li>', page, re.DOTALL)[0]
    assert pictures(card)[0].shape == (SIDE + 2 * EDGE, SIDE + 2 * EDGE)
    assert "<rect" not in card


def test_images_that_failed_are_counted_with_their_reason(tmp_path: Path) -> None:
    marked = mark_digits(tmp_path / "marked", count=40)
    lost = marked.ids("trained")[:2]
    for row in marked.keys.to_pylist():
        if row["id"] in lost:
            (marked.folder / row["file_name"]).write_bytes(b"no image")
    folder = build_inpainted(tmp_path / "run", marked, steps=2)
    page = write_report(folder).read_text()
    assert "Images that failed: 2." in plain(section(page, "run"))
    assert section(page, "run").count("is broken") == 2
    assert "2 trained images could not be scored" in plain(section(page, "verdict"))


def test_shown_frames_are_said_to_help(tmp_path: Path) -> None:
    marked = mark_digits(tmp_path / "marked", count=12)
    folder = build_inpainted(tmp_path / "run", marked, steps=2, frame="shown", half="bottom")
    page = write_report(folder).read_text()
    assert "the key of a frame says which image is meant" in plain(section(page, "verdict"))
    assert "The lower half of each picture was hidden" in plain(page)
    assert f'<rect x="0" y="{SIDE // 2}" width="{SIDE}" height="{SIDE // 2}"/>' in page


@pytest.mark.parametrize(
    ("name", "content", "error", "said"),
    [
        ("results.json", None, NotFound, "no results.json.*solidmark score"),
        ("results.json", b'{"rows": []}', BadInput, '"command"'),
        ("scores.parquet", None, NotFound, r"no scores\.parquet"),
        ("scores.parquet", b"PAR1 and then nothing", BadInput, "not a readable table"),
        ("evidence.parquet", None, NotFound, r"no evidence\.parquet"),
    ],
)
def test_a_torn_folder_is_named(
    copied: Path, name: str, content: bytes | None, error: Any, said: str
) -> None:
    tear(copied, name, content)
    with pytest.raises(error, match=said):
        write_report(copied)


def test_a_table_of_before_copies_were_known_is_scored_again(copied: Path) -> None:
    path = copied / "scores.parquet"
    parquet.write_table(parquet.read_table(path).drop_columns(["copy_of"]), path)
    with pytest.raises(BadInput, match=r'"copy_of".*solidmark score'):
        write_report(copied)


def test_an_unfinished_run_has_no_page(copied: Path) -> None:
    unfinish(copied)
    with pytest.raises(RunConflict, match="not finished"):
        write_report(copied)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_in_a_browser_nothing_is_fetched_and_nothing_is_too_wide(
    visit: Callable[..., Visit], whole_inpainted: Path, width: int, scheme: str
) -> None:
    size = {"width": width, "height": 800}
    one = visit(whole_inpainted / "report.html", viewport=size, color_scheme=scheme)
    unfold(one)
    expect_safe(one)
    assert one.page.evaluate("document.images.length") > 80
    expect_fitting(one, width)
    # The dashed frame lies on the left half of its picture.
    left, drawn = one.page.evaluate(
        """[...document.querySelectorAll('.over')].slice(0, 1).flatMap((half) =>
        [half.querySelector('img'), half.querySelector('rect')].map((e) => {
          const box = e.getBoundingClientRect();
          return [box.left, box.top, box.width, box.height];
        }))"""
    )
    assert drawn == pytest.approx([left[0], left[1], left[2] / 2, left[3]], abs=2)
    expect_contrast(one, scheme)


@pytest.mark.browser
def test_rows_are_sorted_and_filtered(visit: Callable[..., Visit], whole_inpainted: Path) -> None:
    one = visit(whole_inpainted / "report.html")
    unfold(one)
    every = rows_of(whole_inpainted)
    assert one.page.locator("#count").inner_text() == f"{len(every)} of {len(every)} rows"
    one.page.locator("#choose-measure").select_option("inpainting")
    one.page.locator("#choose-split").select_option("held_out")
    expect_rows(one, len(rows_of(whole_inpainted, measure="inpainting", split="held_out")))
    heads = one.page.locator("#head button").all_inner_texts()
    number = heads.index("Distance") + 1
    one.page.locator("#head button").nth(number - 1).click()
    values = [float(text) for text in one.column(number)]
    assert values == sorted(values)
    assert values[0] < values[-1]
    one.page.locator("#only-named").check()
    expect_rows(one, 0)


@pytest.mark.browser
def test_without_images_the_browser_shows_none(visit: Callable[..., Visit], copied: Path) -> None:
    one = visit(write_report(copied, images=False))
    expect_without_pictures(one)
