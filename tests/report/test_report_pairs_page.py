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
import pyarrow.parquet as parquet
import pytest
from PIL import Image
from visiting import Tree, plain, section

from solidmark.errors import BadInput, NotFound
from solidmark.pages import write_report
from solidmark.report import write_nearest_report
from solidmark.runs import tame
from solidmark.scores import percentile_blindness

Make = Callable[..., Path]
SECTIONS = (
    "verdict",
    "control",
    "returned",
    "pairs",
    "monochrome",
    "distances",
    "percentile",
    "figures",
    "changed",
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


def test_the_same_folder_gives_the_same_bytes(make_nearest: Make) -> None:
    folder = make_nearest(**SMALL)

    def everything() -> dict[str, bytes]:
        write_nearest_report(folder)
        paths = [folder / "report.html", folder / "named.csv", *(folder / "figures").iterdir()]
        return {path.name: path.read_bytes() for path in paths}

    first = everything()
    assert {"l2-generated.svg", "sscd-trained.png", "named.csv"} <= set(first)
    assert everything() == first


def test_pairs_are_ranked_by_distance_for_every_measure(make_nearest: Make) -> None:
    folder = make_nearest(**SMALL | {"measures": MEASURES})
    rows = [row for row in table(folder, "scores") if row["status"] == "ok"]
    lists = section(read(folder, top=7), "pairs").split("<details")[1:]
    for measure, text in zip(MEASURES, lists, strict=True):
        own = sorted(
            (row for row in rows if row["measure"] == measure),
            key=lambda row: (row["distance"], row["id"]),
        )
        shown = re.findall(r'<bdi class="id">(generated[^<]+)</bdi>', text)
        assert shown == [row["id"] for row in own[:7]]
        nearest = re.findall(r"nearest: <bdi>([^<]+)</bdi>", text)
        assert nearest[:7] == [row["nearest"] for row in own[:7]]
        scale = "similarity, high = close" if measure == "sscd" else "distance, low = close"
        assert scale in text
        # The ten closest of the null stand below, for comparison.
        assert len(re.findall(r'<bdi class="id">(held_out[^<]+)</bdi>', text)) == 10


def test_the_pictures_are_those_of_the_run(make_nearest: Make) -> None:
    folder = make_nearest(**SMALL)
    index = json.loads((folder / "pictures" / "index.json").read_text())
    found = re.findall(
        r'alt="(generation|training image|held-out image) ([^"]+)"', section(read(folder), "pairs")
    )
    uris = re.findall(r'src="data:image/png;base64,([^"]+)"', section(read(folder), "pairs"))
    sides = {"generation": "generated", "training image": "training", "held-out image": "held_out"}
    assert len(found) == len(uris) > 40
    for (what, id), uri in zip(found[:20], uris, strict=False):
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
    assert text.count('aria-label="generation generated/0000.png: cannot be shown"') >= 2
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
    text = section(page, "returned")
    shown = re.findall(r'<bdi class="id">([^<]*)</bdi>', text)
    cut = {id if len(id) <= 120 else id[:119] + "…" for id in map(tame, named)}
    assert {html.unescape(id) for id in shown} == cut
    assert len(shown) == 24
    assert text.count("named: q at most 0.05") == 24
    with open(whole_nearest / "named.csv", newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    trained = {line["id"] for line in lines if line["split"] == "trained"}
    assert {id.lstrip("'") for id in trained} == set(map(tame, named))
    drawn = [line for line in lines if line["split"] == "generated"]
    every = [r for r in table(whole_nearest, "scores") if (r["q_value"] or 1) <= 0.05]
    assert len(drawn) == len(every) > 0
    assert all(float(line["q_value"]) <= 0.05 for line in lines)


def test_where_nobody_is_named_it_says_what_naming_takes(make_nearest: Make) -> None:
    text = plain(section(read(make_nearest(copied=0, measures=("l2", "sscd"))), "returned"))
    assert "none of 64 training images; with 64 held-out images that takes at least 20" in text
    assert "The 6 closest by Plain l2, none of them named" in text


def test_every_aggregate_is_on_the_page(make_nearest: Make) -> None:
    folder = make_nearest(fprs=(0.1, 0.02), measures=("patched-l2", "sscd"))
    page = read(folder)
    text = plain(section(page, "figures"))
    rows = json.loads((folder / "results.json").read_text())["rows"]
    lines = re.findall(r'<th scope="row">', section(page, "figures"))
    keys = {
        (
            row["measure"],
            row["split"] in ("generated", "null", "generated_vs_null"),
            *(row.get(name) for name in ("statistic", "threshold", "fpr", "percentile")),
        )
        for row in rows
        if row["statistic"] != "augmented"
    }
    assert len(lines) == len(keys)
    for row in rows:
        if row["statistic"] == "eidetic":
            assert f"{row['count']} of {row['n']} (" in text
        elif row["statistic"] in ("mean", "closest", "percentile", "auc"):
            value = row["value"]
            assert f" {value:.3f} " in text or abs(value) < 0.01
    for word in ("95 % interval", "chance", "n = 237, 3 failed", "low = close", "high = memorized"):
        assert word in text


def test_the_monochrome_study_counts_what_it_shows(make_nearest: Make) -> None:
    folder = make_nearest(copied=0, monochrome=60, plain_training=4, measures=MEASURES[:3])
    text = section(read(folder), "monochrome")
    rows = [row for row in table(folder, "scores") if row["status"] == "ok"]
    for measure, title in (("l2", "Plain l2"), ("patched-l2", "Patched l2")):
        own = sorted(
            (row for row in rows if row["measure"] == measure),
            key=lambda row: (row["distance"], row["id"]),
        )[:10]
        low = int(sum(np.array([row["contrast"] for row in own]) < 0.1))
        assert f"{title}: {low} of 10 of low content" in text
    assert text.count('<li class="low">') == len(re.findall("· low", text)) >= 10
    assert "mostly point at pictures of nearly one colour" in plain(text)


def test_copies_with_content_are_no_plain_pictures(page: str) -> None:
    text = plain(section(page, "monochrome"))
    assert "Patched l2: 0 of 10 of low content" in text
    assert "do not crowd the strongest hits" in text


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
    text = section(page, "changed")
    assert text.count('class="notice"') == 1
    assert "Patched l2 and SSCD cannot tell these copies from strangers on this set: mirrored." in (
        plain(text)
    )
    assert "30 of 32 (94 %)" in plain(text)
    assert "recompressed (JPEG" not in plain(text).split("Copies")[0]


def test_distances_are_drawn_beside_chance(make_nearest: Make) -> None:
    folder = make_nearest(**SMALL | {"held_out": 60}, fprs=(0.1, 0.02))
    text = plain(section(read(folder), "distances"))
    assert "threshold at 10 %" in text
    assert "threshold at 2 %" in text
    assert "fresh images (null) (n = 60)" in text
    assert "generations (n = 37)" in text
    assert "training images (n = 20)" in text
    assert len(list((folder / "figures").glob("*-generated.svg"))) == 2
    assert len(list((folder / "figures").glob("*-trained.svg"))) == 2


def test_without_a_null_the_page_stands_and_judges_nothing(make_nearest: Make) -> None:
    text = read(make_nearest(**SMALL | {"held_out": 0}))
    assert "closeness cannot be judged on this set" in plain(section(text, "verdict"))
    assert "--held-out DATA gives them" in plain(section(text, "verdict"))
    assert "For comparison" not in text
    assert "it is not known how close" in plain(section(text, "returned"))
    assert "Nothing to compare with" in section(text, "distances")
    assert '"sort":"distance"' in text


def test_training_images_can_stand_for_held_out_ones(make_nearest: Make) -> None:
    text = read(make_nearest(null="train", measures=("l2",)))
    assert "closer to a training image than training images come to one another" in plain(text)
    pairs = section(text, "pairs")
    assert "For comparison: training images beside each other" in pairs
    assert "cannot be shown" not in pairs
    assert "held-out image" not in pairs


def test_one_measure_and_no_question_about_training_images(make_nearest: Make) -> None:
    text = read(make_nearest(**SMALL | {"measures": ("sscd",), "per_image": False}))
    for name in ("returned", "monochrome"):
        assert f'<section id="{name}"' not in text
        assert f'href="#{name}"' not in text
    assert "Measure by measure" not in text


def test_only_failures_make_a_page(make_nearest: Make) -> None:
    how = {"n": 8, "copied": 0, "monochrome": 0, "failed": 8, "training": 12, "held_out": 12}
    text = read(make_nearest(**how))
    assert "Nothing scored" in text
    assert "cut &lt;off&gt; &amp; lost &lt;/script&gt;" in section(text, "run")
    assert "No generation could be scored." in text


def test_failed_and_excluded_rows_are_counted(make_nearest: Make) -> None:
    folder = make_nearest(**SMALL)
    rows = table(folder, "null")
    lost = {"status": "excluded", "note": 'It is the training image "x".'}
    rows = [row | lost if row["id"] == "held_out/0001.png" else row for row in rows]
    schema = parquet.read_schema(folder / "null.parquet")
    import pyarrow as pa

    parquet.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "null.parquet")
    text = plain(section(read(folder), "run"))
    assert "Plain l2 Generation to training images failed cut <off> & lost </script> 3" in text
    assert 'Held-out image to training images excluded It is the training image "x". 1' in text
    assert "3 generations could not be scored" in plain(section(read(folder), "verdict"))


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
    with pytest.raises(NotFound, match=r'no results\.json.*"solidmark nearest" makes one'):
        write_nearest_report(tmp_path / "empty")
    folder = make_nearest(**SMALL)
    rows = parquet.read_table(folder / "scores.parquet")
    parquet.write_table(rows.drop_columns(["contrast"]), folder / "scores.parquet")
    with pytest.raises(BadInput, match='no column "contrast"'):
        write_report(folder)
    (folder / "scores.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(BadInput, match="not a readable table"):
        write_report(folder)
    (folder / "scores.parquet").unlink()
    with pytest.raises(NotFound, match=r"no scores\.parquet"):
        write_report(folder)
    (folder / "results.json").write_text('{"rows": []}')
    with pytest.raises(BadInput, match='no "measures"'):
        write_report(folder)
