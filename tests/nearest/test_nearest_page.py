"""The page of a `nearest` run: whole, offline, escaped, every number of the run on it."""

import base64
import csv
import html
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from breaking import held, unfinish
from nearest_folder import Run, build_nearest
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
from solidmark.reporting import write_report
from solidmark.runs import find, open_results, tame
from solidmark.scores import percentile_blindness

Make = Callable[..., Path]
SECTIONS = (
    "verdict",
    "findings",
    "images",
    "pairs",
    "judged",
    "monochrome",
    "curves",
    "percentile",
    "control",
    "changed",
    "figures",
    "rows",
    "reading",
    "run",
)
MEASURES = ("l2", "modified-l2", "patched-l2", "sscd")
SMALL: dict[str, Any] = {
    "measures": ("l2", "sscd"),
    "n": 40,
    "training": 20,
    "held_out": 20,
    "copied": 4,
    "monochrome": 4,
}


def read(folder: Path, **how: Any) -> str:
    return write_report(folder, **how).read_text(encoding="utf-8")


def table(folder: Path, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = parquet.read_table(folder / f"{name}.parquet").to_pylist()
    return rows


def lists(page: str) -> list[str]:
    """The lists of cards of a gallery, with what stands above each."""
    return re.split(r"<h3>|<summary>", section(page, "pairs"))[1:]


def ids(text: str) -> list[str]:
    return re.findall(r'<bdi class="id">([^<]*)</bdi>', text)


@pytest.fixture
def make_nearest(tmp_path: Path) -> Make:
    """Makes the folder of a `nearest` run in a new place: `make_nearest(held_out=0)`."""
    made: list[Path] = []

    def make(**how: Any) -> Path:
        made.append(build_nearest(Run(tmp_path / f"nearest-{len(made)}", **how)))
        return made[-1]

    return make


@pytest.fixture(scope="module")
def whole_nearest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hostile `nearest` run with copies and all measures, made once and read only."""
    folder = build_nearest(Run(tmp_path_factory.mktemp("nearest") / "run", hostile=True))
    write_report(folder)
    return folder


@pytest.fixture(scope="module")
def page(whole_nearest: Path) -> str:
    return (whole_nearest / "report.html").read_text(encoding="utf-8")


def test_the_sections_stand_in_their_order(page: str) -> None:
    found = [a["id"] for a in Tree(page).of("section") if "id" in a]
    assert found == list(SECTIONS)


def test_hostile_text_makes_no_element_of_its_own(page: str) -> None:
    tree = Tree(page)
    assert len(tree.of("script")) == 2
    assert not [a for _, a in tree.elements if any(name.startswith("on") for name in a)]
    assert not [a for a in tree.of("img") if not (a["src"] or "").startswith("data:image/")]
    assert len(tree.of("title")) == len(tree.of("svg")) + 1
    assert tree.open == []
    assert not {"<", ">", "&"} & set(tree.scripts[0])
    assert "</script><script>window.hacked=1</script>.png training" in "".join(tree.text)


def test_nothing_outside_the_page_is_named_and_no_style_stands_in_it(page: str) -> None:
    tree = Tree(page)
    for _, attributes in tree.elements:
        assert "style" not in attributes
        for name, value in attributes.items():
            if name in ("href", "xlink:href", "src", "srcset", "action", "data"):
                assert (value or "").startswith(("#", "data:image/")), value
    policy = next(a["content"] for a in tree.of("meta") if "http-equiv" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_ids_of_elements_are_unique_and_references_resolve(page: str) -> None:
    ids = [a["id"] for _, a in Tree(page).elements if "id" in a]
    assert len(ids) == len(set(ids))
    named = re.findall(r'(?:xlink:href|href)="#([^"]+)"|url\(#([^)]+)\)', page)
    assert {one or other for one, other in named} <= set(ids)


@pytest.mark.usefixtures("painted_afresh")
def test_the_same_folder_gives_the_same_bytes(make_nearest: Make) -> None:
    folder = make_nearest(**SMALL)

    def everything() -> dict[str, bytes]:
        write_report(folder)
        paths = [folder / "report.html", *(folder / "figures").iterdir()]
        return {path.name: path.read_bytes() for path in paths}

    first = everything()
    assert {"l2-generated.svg", "sscd-trained.png"} <= set(first)
    assert everything() == first


def test_pairs_are_ranked_by_distance_for_every_measure(make_nearest: Make) -> None:
    folder = make_nearest(**SMALL | {"measures": MEASURES})
    rows = [row for row in table(folder, "scores") if row["status"] == "ok"]
    found = lists(read(folder, top=7))
    for measure, text, null in zip(MEASURES, found[::2], found[1::2], strict=True):
        own = [row for row in rows if row["measure"] == measure]
        own.sort(key=lambda row: (row["distance"], row["id"]))
        assert ids(text) == [row["id"] for row in own[:7]]
        nearest = re.findall(r"nearest <bdi>([^<]+)</bdi>", text)
        assert nearest == [row["nearest"] for row in own[:7]]
        assert f"the 7 closest of {len(own)}" in text
        assert (
            "similarity, high = close" if measure == "sscd" else "distance, low = close"
        ) in text
        # The ten closest of the null stand beside them, for comparison.
        assert len(ids(null)) == 10
        assert all(id.startswith("held_out") for id in ids(null))


def test_the_first_twelve_are_seen_and_the_others_go_on_from_there(make_nearest: Make) -> None:
    text = read(make_nearest(**SMALL | {"measures": ("l2",)}))
    seen, more, _ = lists(text)
    assert (len(ids(seen)), len(ids(more))) == (12, 25)
    ranks = re.findall(r'class="rank">(\d+)<', seen + more)
    assert ranks == [str(place) for place in range(1, 38)]


def test_the_pictures_are_those_of_the_run(make_nearest: Make) -> None:
    folder = make_nearest(**SMALL)
    index = json.loads((folder / "pictures" / "index.json").read_text())
    text = section(read(folder), "pairs")
    found = re.findall(
        r'src="data:image/png;base64,([^"]+)"[^>]*'
        r'alt="(generation|training image|held-out image) ([^"]+)"',
        text,
    )
    sides = {"generation": "generated", "training image": "training", "held-out image": "held_out"}
    assert len(found) == text.count("<img") > 40
    for uri, what, id in found[:20]:
        with Image.open(folder / index[sides[what]][id]) as file:
            expected = file.convert("L").tobytes()
        with Image.open(io.BytesIO(base64.b64decode(uri))) as shown:
            assert shown.convert("L").tobytes() == expected


def test_a_missing_picture_is_said_and_one_outside_is_not_followed(make_nearest: Make) -> None:
    folder = make_nearest(**SMALL)
    secret = folder.parent / "secret.png"
    Image.new("L", (8, 8), 77).save(secret)
    index = json.loads((folder / "pictures" / "index.json").read_text())
    index["generated"] = dict.fromkeys(index["generated"], "../secret.png")
    (folder / "pictures" / "index.json").write_text(json.dumps(index))
    text = read(folder)
    assert 'aria-label="generation generated/0000.png: cannot be shown"' in text
    assert base64.b64encode(secret.read_bytes()).decode() not in text
    (folder / "pictures" / "index.json").unlink()
    assert "<img" not in read(folder)


def test_without_images_there_is_no_picture_and_no_caption(make_nearest: Make) -> None:
    folder = make_nearest(**SMALL)
    assert "a caption of generated/0000.png" in read(folder)
    text = read(folder, images=False)
    assert "<img" not in text
    assert "data:" not in text
    assert "a caption of" not in text
    assert "cannot be shown" not in text
    assert "img-src &#39;none&#39;" in text
    assert "generated/0000.png" in text


def test_the_images_that_came_back_are_those_with_a_low_q(whole_nearest: Path, page: str) -> None:
    rows = [row for row in table(whole_nearest, "images") if row["split"] == "trained"]
    named = {row["id"] for row in rows if row["q_value"] is not None and row["q_value"] <= 0.05}
    text = section(page, "images")
    cut = {id if len(id) <= 120 else id[:119] + "…" for id in map(tame, named)}
    assert {html.unescape(id) for id in ids(text)} == cut
    assert len(ids(text)) == text.count('<span class="named">named</span>') == 24
    assert "24 are named (q at most 0.05)" in plain(text)
    assert set(ids(section(page, "verdict"))) <= set(ids(text))
    with open(whole_nearest / "named.csv", newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    trained = {line["id"] for line in lines if line["split"] == "trained"}
    assert {id.lstrip("'") for id in trained} == set(map(tame, named))


def test_where_nobody_is_named_the_closest_are_shown(make_nearest: Make) -> None:
    folder = make_nearest(copied=0, measures=("l2", "sscd"))
    page = read(folder)
    text = plain(section(page, "images"))
    assert "The closest training images" in text
    assert "The 6 most suspicious of 64 trained pictures. None is named." in text
    assert len(ids(section(page, "images"))) == 6
    assert "The closest pairs:" in section(page, "verdict")


def test_every_figure_is_on_the_page(make_nearest: Make) -> None:
    folder = make_nearest(fprs=(0.1, 0.02), measures=("patched-l2", "sscd"))
    page = read(folder)
    text = plain(section(page, "figures"))
    figures = [one for one in open_results(folder).figures if one.statistic != "augmented"]
    keys = {
        (
            *(one.measure, one.split in ("generated", "null", "generated_vs_null")),
            *(one.statistic, one.threshold, one.fpr, one.percentile),
        )
        for one in figures
    }
    assert section(page, "figures").count('<th scope="row">') == len(keys)
    for one in figures:
        if one.statistic == "eidetic":
            assert f"{one.count} of {one.n} (" in text
        elif one.statistic in ("mean", "closest", "percentile", "auc"):
            assert one.value is not None
            assert f" {one.value:.3f} " in text or abs(one.value) < 0.01
    for word in ("95 % interval", "chance", "n = 237, 3 failed", "low = close", "high = memorized"):
        assert word in text


def test_the_monochrome_study_counts_what_it_shows(make_nearest: Make) -> None:
    folder = make_nearest(copied=0, monochrome=60, plain_training=4, measures=MEASURES[:3])
    text = section(read(folder), "monochrome")
    assert "<details" not in text  # A distance is fooled, so it is not folded.
    framed = 0
    for measure, title in (("l2", "Plain l2"), ("patched-l2", "Patched l2")):
        (one,) = find(open_results(folder).figures, "low_content", measure=measure)
        assert f"{title}: {one.count} of 10 (" in text
        framed += one.count or 0
    assert text.count('<li class="shows">') >= framed >= 10


def test_copies_with_content_are_no_plain_pictures(page: str) -> None:
    text = section(page, "monochrome")
    assert "Patched l2: 0 of 10 (0 %) of low content" in plain(text)
    assert text.startswith('<section id="monochrome"')
    assert "<details" in text


def test_the_percentile_is_warned_of_exactly_where_it_is_blind(make_nearest: Make) -> None:
    folder = make_nearest(copied=4, times=1, monochrome=0, fprs=(0.02,), measures=("l2", "sscd"))
    text = section(read(folder), "percentile")
    results = json.loads((folder / "results.json").read_text())
    said = 0
    for measure, direction in (("l2", "low"), ("sscd", "high")):
        limit = next(
            row["value"]
            for row in results["rows"]
            if (row["measure"], row["statistic"], row["split"]) == (measure, "threshold", "null")
        )
        column = "distance" if direction == "low" else "similarity"
        values = [r[column] for r in table(folder, "scores") if r["measure"] == measure]
        numbers = np.array([np.nan if value is None else value for value in values])
        sentence = percentile_blindness(numbers, limit, 95, direction)
        assert (sentence is not None) == (f"{measure}-percentile-title" in text)
        if sentence is not None:
            assert sentence in plain(text)
            said += 1
    assert said
    many = section(read(make_nearest(measures=("l2",))), "percentile")
    assert "Here nothing is overlooked" in many
    assert "<svg" not in many


def test_changes_that_are_not_recognised_are_warned_of(page: str) -> None:
    text = section(page, "pairs")
    assert text.count('class="notice"') == 1
    assert (
        "Plain l2, Modified l2, Patched l2, SSCD cannot tell these copies from strangers on this "
        "set: mirrored. Generations that are such copies are missed too."
    ) in plain(text)
    assert "30 of 32 (94 %)" in plain(section(page, "changed"))


def test_distances_are_drawn_beside_chance(make_nearest: Make) -> None:
    folder = make_nearest(**SMALL | {"held_out": 60}, fprs=(0.1, 0.02))
    text = plain(section(read(folder), "curves"))
    assert "threshold at 10 %" in text
    assert "threshold at 2 %" in text
    assert "held-out to training (n = 60)" in text
    assert "held-out to generations (n = 60)" in text
    assert "generations (n = 37)" in text
    assert "training images (n = 20)" in text
    assert len(list((folder / "figures").glob("*-generated.svg"))) == 2
    assert len(list((folder / "figures").glob("*-trained.svg"))) == 2
    assert (folder / "figures" / "roc.svg").is_file()


def test_without_a_null_the_page_stands_and_judges_nothing(make_nearest: Make) -> None:
    text = read(make_nearest(**SMALL | {"held_out": 0}))
    assert "closeness cannot be judged on this set" in plain(section(text, "verdict"))
    assert "--held-out DATA gives them" in plain(section(text, "verdict"))
    assert "for comparison" not in text
    assert "None is named." in section(text, "images")
    assert "There is nothing to compare with" in section(text, "curves")
    assert '"sort":"distance"' in text


def test_training_images_can_stand_for_held_out_ones(make_nearest: Make) -> None:
    text = read(make_nearest(null="train", measures=("l2",)))
    assert "closer to a training image than training images come to one another" in plain(text)
    pairs = section(text, "pairs")
    assert "for comparison: the 10 training images that come closest to another one" in pairs
    assert "cannot be shown" not in pairs
    assert "held-out image" not in pairs
    assert "Training to training" in section(text, "figures")


def test_one_measure_and_no_question_about_training_images(make_nearest: Make) -> None:
    text = read(make_nearest(**SMALL | {"measures": ("sscd",), "per_image": False}))
    for name in ("images", "monochrome"):
        assert f'<section id="{name}"' not in text
        assert f'href="#{name}"' not in text
    assert "One by one" not in text


def test_only_failures_make_a_page(make_nearest: Make) -> None:
    how = {"n": 8, "copied": 0, "monochrome": 0, "failed": 8, "training": 12, "held_out": 12}
    text = read(make_nearest(**how))
    assert "Nothing scored" in text
    assert "cut &lt;off&gt; &amp; lost &lt;/script&gt;" in section(text, "run")
    assert "No generation could be scored." in plain(section(text, "pairs")) or "closest of" in text


def test_failed_and_excluded_rows_are_counted(make_nearest: Make) -> None:
    folder = make_nearest(**SMALL)
    rows = table(folder, "null")
    lost = {"status": "excluded", "note": 'It is the training image "x".'}
    rows = [row | lost if row["id"] == "held_out/0001.png" else row for row in rows]
    schema = parquet.read_schema(folder / "null.parquet")
    parquet.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "null.parquet")
    page = read(folder)
    text = plain(section(page, "run"))
    assert "Generations: Plain l2, SSCD cut <off> & lost </script> 3" in text
    assert 'Held-out to training: Plain l2, SSCD It is the training image "x". 1' in text
    assert "3 generations could not be scored" in plain(section(page, "verdict"))


def test_the_table_has_every_row(whole_nearest: Path, page: str) -> None:
    data = json.loads(Tree(page).scripts[0])
    names = ("scores", "null", "images")
    assert len(data["rows"]) == sum(len(table(whole_nearest, name)) for name in names)
    place = {column["name"]: i for i, column in enumerate(data["columns"])}
    low = sum(row[place["content"]] == "low" for row in data["rows"])
    every = [row for name in names for row in table(whole_nearest, name)]
    assert low == sum(row["low_content"] for row in every) > 0


def test_an_unfinished_or_broken_folder_is_refused(make_nearest: Make, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound, match=r"no manifest\.json"):
        read(tmp_path / "empty")
    folder = make_nearest(**SMALL)
    rows = parquet.read_table(folder / "scores.parquet")
    parquet.write_table(rows.drop_columns(["contrast"]), folder / "scores.parquet")
    with pytest.raises(BadInput, match='no column "contrast"'):
        read(folder)
    (folder / "scores.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(BadInput, match="not a readable table"):
        read(folder)
    (folder / "scores.parquet").unlink()
    with pytest.raises(NotFound, match=r"no scores\.parquet"):
        read(folder)
    kept = held(folder / "results.json")
    (folder / "results.json").write_text(json.dumps({**kept, "measures": None}))
    with pytest.raises(BadInput, match='"measures"'):
        read(folder)
    unfinish(folder)
    with pytest.raises(RunConflict, match="not finished"):
        read(folder)


def test_a_run_that_was_scored_before_verdicts_were_kept_is_scored_again(
    make_nearest: Make,
) -> None:
    folder = make_nearest(**SMALL)
    kept = held(folder / "results.json")
    del kept["verdict"]
    (folder / "results.json").write_text(json.dumps(kept))
    with pytest.raises(BadInput, match=r"older version.*solidmark score"):
        read(folder)


@pytest.mark.browser
def test_nothing_is_fetched_nothing_is_refused_and_nothing_hostile_runs(
    visit: Callable[..., Visit], whole_nearest: Path
) -> None:
    one = visit(whole_nearest / "report.html")
    unfold(one)
    expect_safe(one)
    assert one.page.evaluate("document.images.length") > 400


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_page_never_scrolls_sideways(
    visit: Callable[..., Visit], whole_nearest: Path, width: int
) -> None:
    one = visit(whole_nearest / "report.html", viewport={"width": width, "height": 800})
    unfold(one)
    expect_fitting(one, width)


@pytest.mark.browser
def test_a_picture_is_seen_at_once_and_lists_open_without_scripts(
    visit: Callable[..., Visit], whole_nearest: Path
) -> None:
    size = {"width": 1280, "height": 800}
    one = visit(whole_nearest / "report.html", java_script_enabled=False, viewport=size)
    top = one.page.locator("img").first.bounding_box()
    assert top is not None
    assert top["y"] < 600
    lists = one.page.locator("#pairs details")
    assert not lists.nth(2).locator(".card").first.is_visible()
    lists.nth(2).locator("summary").click()
    assert lists.nth(2).locator(".card").first.is_visible()


@pytest.mark.browser
def test_rows_are_sorted_and_filtered(visit: Callable[..., Visit], whole_nearest: Path) -> None:
    one = visit(whole_nearest / "report.html")
    unfold(one)
    count = one.page.locator("#count")
    assert count.inner_text() == "1,728 of 1,728 rows"
    one.page.locator("#choose-measure").select_option("l2")
    one.page.locator("#choose-split").select_option("generated")
    assert count.inner_text() == "240 of 1,728 rows"
    heads = one.page.locator("#head button").all_inner_texts()
    number = heads.index("Distance") + 1
    one.page.locator("#head button").nth(number - 1).click()
    values = [float(text) for text in one.column(number)]
    assert len(values) == 200
    assert values == sorted(values)
    assert values[0] < values[-1]
    one.page.locator("#choose-content").select_option("low")
    assert count.inner_text() == "20 of 1,728 rows"
    one.page.locator("#choose-content").select_option("")
    one.page.locator("#choose-status").select_option("failed")
    assert count.inner_text() == "3 of 1,728 rows"
    one.page.locator("#choose-status").select_option("")
    one.page.locator("#only-named").check()
    assert count.inner_text() == "97 of 1,728 rows"
    one.page.locator("#search").fill("0042")
    expect_rows(one, 1)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_in_light_and_dark(
    visit: Callable[..., Visit], whole_nearest: Path, scheme: str
) -> None:
    one = visit(whole_nearest / "report.html", color_scheme=scheme)
    unfold(one)
    assert expect_contrast(one, scheme) > 500


@pytest.mark.browser
def test_without_images_the_browser_shows_none(
    visit: Callable[..., Visit], make_nearest: Make
) -> None:
    folder = make_nearest(n=30, training=16, held_out=16, copied=3, monochrome=2, measures=("l2",))
    one = visit(write_report(folder, images=False))
    expect_without_pictures(one)
