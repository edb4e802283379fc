"""The page of an `invmm` run: what it shows is what the folder holds, and nothing hostile runs."""

import base64
import csv
import html
import io
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from breaking import tear, unfinish
from inversions_folder import NEEDED, Inverted, build_inversions
from markupsafe import escape
from PIL import Image
from sklearn.metrics import roc_auc_score
from visiting import (
    HOSTILE,
    Tree,
    Visit,
    expect_contrast,
    expect_fitting,
    expect_rows,
    expect_safe,
    plain,
    section,
    unfold,
)

from solidmark.errors import BadInput, NotFound, RunConflict
from solidmark.measures.invmm.cards import OUTCOMES
from solidmark.measures.invmm.page import audit_section
from solidmark.measures.invmm.plots import common_scale, course
from solidmark.reporting import write_report
from solidmark.runs import open_results, tame

SECTIONS = [
    "verdict",
    "findings",
    "images",
    "beside",
    "curves",
    "control",
    "figures",
    "rows",
    "reading",
    "run",
]
N = 18


def table(folder: Path, name: str, **which: object) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = parquet.read_table(folder / f"{name}.parquet").to_pylist()
    return [row for row in rows if which.items() <= row.items()]


def cards_of(part: str) -> list[str]:
    return part.split('<li class="card">')[1:]


def pictures(card: str) -> list[np.ndarray]:
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', card)
    return [np.array(Image.open(io.BytesIO(base64.b64decode(data)))) for data in found]


@pytest.fixture(scope="module")
def inverted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hostile run with restarts and signals, made once and read only."""
    where = tmp_path_factory.mktemp("inverted") / "run"
    few = Inverted(where, trained=N, held_out=N, known=6, restarts=3, hostile=True)
    folder = build_inversions(replace(few, signals=True, prompt="inverted", fdr=0.2))
    write_report(folder)
    return folder


@pytest.fixture(scope="module")
def page(inverted: Path) -> str:
    return (inverted / "report.html").read_text(encoding="utf-8")


@pytest.fixture
def copied(inverted: Path, tmp_path: Path) -> Path:
    """The run without its pictures, to be broken."""
    ignored = shutil.ignore_patterns("pictures", "figures")
    return Path(shutil.copytree(inverted, tmp_path / "run", ignore=ignored))


def test_the_sections_stand_in_their_order_and_every_link_leads_somewhere(page: str) -> None:
    tree = Tree(page)
    assert [a["id"] for a in tree.of("section") if "id" in a] == SECTIONS
    ids = [a["id"] for _, a in tree.elements if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["href"] for a in tree.of("a")} <= {f"#{id}" for id in ids}
    assert not tree.open


def test_hostile_names_notes_and_prompts_are_text(page: str) -> None:
    assert "window.hacked=1</script>" not in page
    assert "<img src=x" not in page
    shown = section(page, "images")
    assert all(str(escape(tame(id))) in shown for id in HOSTILE[:6])
    assert f"prompt found: {HOSTILE[0]} </b> {{{{ 7*7 }}}} words" in html.unescape(plain(shown))
    assert "the KL is &lt;b&gt;not&lt;/b&gt; finite" in section(page, "run")


def test_a_card_shows_the_image_and_the_samples_of_its_best_restart(
    inverted: Path, page: str
) -> None:
    cards = cards_of(section(page, "images"))
    assert len(cards) == N + 10
    rows = [r for r in table(inverted, "scores", split="trained") if r["score"] is not None]
    first = min((row for row in rows if row["copy_of"] is None), key=lambda row: row["score"])
    tries = table(inverted, "evidence", split="trained", id=first["id"])
    best = min(tries, key=lambda one: one["kl"])
    shown = pictures(cards[0])
    assert len(shown) == 9
    for name, picture in zip([best["original"], *best["drawn"]], shown, strict=True):
        np.testing.assert_array_equal(picture, np.array(Image.open(inverted / name)))
    said = plain(cards[0])
    assert "Reproduced by 3 of 3 restarts, KL" in said
    assert f"Shown is restart {best['repeat'] + 1}: reproduced at step {best['steps']}" in said
    assert f"least alike {best['best_similarity']:.3f}" in said
    assert f"calls {sum(one['network_calls'] for one in tries):,.0f}" in said
    (lucky,) = [row for row in table(inverted, "scores", split="held_out") if row["kl"] < np.inf]
    above = plain(section(page, "images").split('<li class="card">')[0])
    assert f"Of {N} held-out images 1 was reproduced ({lucky['kl']:.2g} at best)" in above
    assert cards[0].count("<polyline") == 4


def test_cards_stand_in_the_order_of_their_scores(inverted: Path, page: str) -> None:
    cards = cards_of(section(page, "images"))
    shown = [float(v) for card in cards for v in re.findall(r"score</dt><dd>([\d.]+)", card)]
    for split, some in (("trained", shown[:N]), ("held_out", shown[N:])):
        rows = table(inverted, "scores", split=split)
        scores = sorted(r["score"] for r in rows if r["score"] is not None and not r["copy_of"])
        np.testing.assert_allclose(some, scores[: len(some)], atol=6e-4)
    assert 'class="course held_out"' in cards[-1]
    assert 'class="course trained"' in cards[0]


def test_an_image_that_was_not_reproduced_says_how_near_it_came(tmp_path: Path) -> None:
    folder = build_inversions(Inverted(tmp_path / "run", trained=6, held_out=6, known=2))
    rows = [r for r in table(folder, "scores", split="trained") if r["status"] == "spent"]
    cards = cards_of(section(write_report(folder).read_text(), "images"))
    spent = next(row for row in sorted(rows, key=lambda row: row["score"]))
    said = next(plain(card) for card in cards if f">{spent['id']}<" in card)
    best = f"{spent['best_similarity']:.3f}"
    assert f"Not reproduced in 1,000 steps: best similarity {best} of the {NEEDED:.3f}" in said
    assert "KL at the end" in said
    assert "KL of held-out" not in said
    reproduced = next(plain(card) for card in cards)
    assert re.search(r"Reproduced at step \d+, KL 0\.0\d+ nats per dimension\.", reproduced)
    assert "caption of trained" in reproduced
    assert "prompt found" not in reproduced


def test_top_says_how_many_are_shown(copied: Path) -> None:
    text = section(write_report(copied, top=3).read_text(), "images")
    assert len(cards_of(text)) == 3 + 10
    assert f"3 of {N} pictures that were tried to the end" in plain(text)


def test_every_outcome_is_counted_once_a_picture(inverted: Path, page: str) -> None:
    rows = [row for row in table(inverted, "scores") if row["copy_of"] is None]
    text = plain(section(page, "figures"))

    def count(split: str, status: str) -> int:
        return sum((row["split"], row["status"]) == (split, status) for row in rows)

    counts = {status: count("trained", status) for status in ("reproduced", "spent")}
    assert sum(counts.values()) == N
    assert f"{counts['reproduced']} of {N}" in text
    assert f"{counts['spent']} of {N}" in text
    for said, status in (("Failed", "failed"), ("Not tried", "not_tried")):
        assert f"{said}images {count('trained', status)} {count('held_out', status)} " in text
    kls = [row["kl"] for row in rows if (row["split"], row["status"]) == ("trained", "reproduced")]
    assert f"{min(kls):.3f} to {max(kls):.3f}" in text


def test_the_run_says_what_it_cost_and_what_counts_nowhere(inverted: Path, page: str) -> None:
    spent = sum(one["network_calls"] or 0 for one in table(inverted, "evidence"))
    before = sum(one["triage_calls"] or 0 for one in table(inverted, "evidence"))
    said = plain(section(page, "run"))
    assert f"In all {spent:,.0f} network calls, and {before:,.0f} before" in said
    assert "Images that failed: 2." in said
    assert "With the pixels of another, counted once: 1 trained, 0 held-out." in said
    assert "Held-out images that are training images too, and no control: 1." in said
    assert "The budget was spent before. 30" in said


def test_signals_stand_beside_it_with_their_area_and_cost(inverted: Path, page: str) -> None:
    rows = [r for r in table(inverted, "scores") if r["score"] is not None and not r["copy_of"]]
    area = roc_auc_score([r["split"] == "trained" for r in rows], [-r["score"] for r in rows])
    text = plain(section(page, "beside"))
    assert f"InvMM {area:.3f} 95 % interval" in text
    said = r"Noise magnitude 0\.710 95 % interval 0\.660 to 0\.760; p = 0\.002; n = 80 30 %.* 1 "
    assert re.search(said, text)
    assert re.search(r"Denoising loss 0\.640 .* 8 $", text)
    assert "Rank correlation with magnitude" in plain(section(page, "figures"))


def test_signals_of_something_else_are_left_out(copied: Path) -> None:
    path = copied / "signals" / "results.json"
    results = json.loads(path.read_text()) | {"fingerprints": {"model": "another one"}}
    path.write_text(json.dumps(results))
    text = section(write_report(copied).read_text(), "beside")
    assert "of another model or other images, and is left out." in text
    assert "magnitude" not in text
    path.write_text("{}")
    text = section(write_report(copied).read_text(), "beside")
    assert "signals/results.json cannot be read, and is left out." in text


def test_the_table_has_every_row(inverted: Path, page: str) -> None:
    data = json.loads(Tree(page).scripts[0])
    place = {column["name"]: i for i, column in enumerate(data["columns"])}
    every = table(inverted, "scores")
    assert len(data["rows"]) == data["total"] == len(every)
    found = {(row[place["split"]], row[place["id"]]): row for row in data["rows"]}
    for row in every:
        shown = found[row["split"], tame(row["id"])]
        assert shown[place["status"]] == OUTCOMES[row["status"]]
        assert (shown[place["copy_of"]] or "") == tame(row["copy_of"] or "")
        finite = row["kl"] is not None and np.isfinite(row["kl"])
        assert shown[place["kl"]] == (pytest.approx(row["kl"], rel=1e-5) if finite else None)


def test_the_named_ones_are_a_list_to_act_on_and_stand_out(tmp_path: Path) -> None:
    run = Inverted(tmp_path / "run", trained=12, held_out=60, known=9, lucky=0, copies=2)
    folder = build_inversions(run)
    rows = table(folder, "scores", split="trained")
    named = [row for row in rows if row["q_value"] is not None and row["q_value"] <= 0.05]
    once = len(named) - 2
    assert len(named) >= 9
    text = (folder / "named.csv").read_text(encoding="utf-8")
    found = list(csv.DictReader(io.StringIO(text, newline="")))
    assert {row["id"] for row in found} == {row["id"] for row in named}
    assert sum(bool(row["copy_of"]) for row in found) == 2
    page = write_report(folder).read_text()
    assert f"{once} of 12 trained images score lower" in plain(section(page, "verdict"))
    shown = section(page, "images")
    assert f"{once} are named; all names lie in named.csv" in plain(shown)
    assert shown.count('class="named"') == once
    assert shown.count("2 times in the data") == 2


@pytest.mark.usefixtures("painted_afresh")
def test_the_same_folder_gives_the_same_bytes(inverted: Path) -> None:
    kept = [
        "report.html",
        "figures/roc.svg",
        "figures/invmm-trained.svg",
        "figures/invmm-found.png",
    ]
    before = [(inverted / name).read_bytes() for name in kept]
    write_report(inverted)
    assert [(inverted / name).read_bytes() for name in kept] == before


def test_a_page_without_pictures_has_no_captions_and_no_prompts(copied: Path) -> None:
    page = write_report(copied, images=False).read_text()
    assert "<img" not in page
    assert "a caption of" not in page
    assert "words" in (copied / "evidence.parquet").read_bytes().decode("latin-1")
    assert "7*7 }} words" not in page
    assert "prompt found" not in page
    assert '"prompt"' not in page
    assert "img-src 'none'" in html.unescape(page)
    assert "trained 003" in page


def test_a_picture_that_is_gone_is_said_to_be(copied: Path) -> None:
    cards = cards_of(section(write_report(copied).read_text(), "images"))
    assert {card.count("cannot be shown</span>") for card in cards} == {9}


def test_pictures_outside_the_folder_are_not_read(copied: Path) -> None:
    Image.new("RGB", (4, 4)).save(copied.parent / "secret.png")
    path = copied / "evidence.parquet"
    found = parquet.read_table(path)
    names = pa.array(["../secret.png"] * len(found), pa.string())
    parquet.write_table(
        found.set_column(found.column_names.index("original"), "original", names), path
    )
    cards = cards_of(section(write_report(copied).read_text(), "images"))
    assert not any(pictures(card) for card in cards)


@pytest.mark.parametrize(
    ("name", "content", "error", "said"),
    [
        ("results.json", None, NotFound, "no results.json.*solidmark score"),
        ("results.json", b"{}", BadInput, '"rows"'),
        ("scores.parquet", None, NotFound, r"no scores\.parquet"),
        ("scores.parquet", b"PAR1 and then nothing", BadInput, "not a readable table"),
        ("evidence.parquet", None, NotFound, r"no evidence\.parquet"),
        ("paths.parquet", None, NotFound, r"no paths\.parquet"),
    ],
)
def test_a_torn_folder_is_named(
    copied: Path, name: str, content: bytes | None, error: Any, said: str
) -> None:
    tear(copied, name, content)
    with pytest.raises(error, match=said):
        write_report(copied)


def test_a_table_without_a_column_or_with_another_outcome_is_named(copied: Path) -> None:
    path = copied / "scores.parquet"
    whole = parquet.read_table(path)
    parquet.write_table(whole.drop_columns(["kl_low"]), path)
    with pytest.raises(BadInput, match='"kl_low"'):
        write_report(copied)
    states = pa.array(["perhaps"] * len(whole))
    parquet.write_table(
        whole.set_column(whole.column_names.index("status"), "status", states), path
    )
    with pytest.raises(BadInput, match='"perhaps" is no outcome'):
        write_report(copied)


def test_an_unfinished_run_has_no_page(copied: Path) -> None:
    unfinish(copied)
    with pytest.raises(RunConflict, match="not finished"):
        write_report(copied)


def checks(*rows: tuple[float | None, ...]) -> list[dict[str, Any]]:
    names = ("step", "loss", "weight", "kl", "similarity")
    return [dict(zip(names, row, strict=True)) for row in rows]


def test_a_path_is_drawn_on_the_scale_of_all_cards() -> None:
    low = checks((50, 1.0, 1.0, 0.001, 0.1), (100, 0.1, 0.5, 0.01, 0.9))
    high = checks((50, 1.0, 1.0, 0.001, None), (100, 0.01, 0.5, 1.0, 0.3))
    scale = common_scale([low, high], needed=0.5)
    assert scale.ranges["loss"] == (-2, 0)
    assert scale.ranges["similarity"] == (0.1, 0.9)
    lines = [
        re.findall(r'points="([^"]+)"', course(path, scale, "trained")) for path in (low, high)
    ]
    ends = [[float(line.split(",")[-1]) for line in some] for some in lines]
    # Lower values lie lower on the page: a larger y.
    assert ends[0][0] < ends[1][0]
    assert ends[0][2] > ends[1][2]
    assert len(lines[1]) == 3  # One look at the similarity is a dot.
    said = str(course(low, scale, "trained"))
    assert "Over 100 steps of the search: loss from 1 to 0.1; weight from 1 to 0.5" in said
    assert 'class="needed"' in said
    unknown = checks((50, None, None, None, None))
    assert [course(path, scale, "trained") for path in ([], unknown)] == ["", ""]


def test_an_audit_is_told_of_the_run_in_its_folder(inverted: Path, tmp_path: Path) -> None:
    assert audit_section(tmp_path) is None
    for images in (True, False):
        found = audit_section(inverted, images=images)
        assert found is not None
        verdict = open_results(inverted).judged
        assert found.title == f"InvMM: {verdict.label}"
        assert found.said[0] == verdict.headline
        assert "run/report.html" in found.said[1]
        assert [len(one.cards) for one in found.lists] == [6, 3]
        every = [card for one in found.lists for card in one.cards]
        assert all(bool(card.pictures and card.captions) == images for card in every)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_in_a_browser_nothing_is_fetched_and_nothing_is_too_wide(
    visit: Callable[..., Visit], inverted: Path, width: int, scheme: str
) -> None:
    size = {"width": width, "height": 800}
    one = visit(inverted / "report.html", viewport=size, color_scheme=scheme)
    unfold(one)
    expect_safe(one)
    assert one.page.evaluate("document.images.length") == 9 * (3 + N + 10)
    expect_fitting(one, width)
    expect_contrast(one, scheme)


@pytest.mark.browser
def test_rows_are_sorted_and_filtered(visit: Callable[..., Visit], inverted: Path) -> None:
    one = visit(inverted / "report.html")
    unfold(one)
    every = table(inverted, "scores")
    assert one.page.locator("#count").inner_text() == f"{len(every)} of {len(every)} rows"
    heads = one.page.locator("#head button").all_inner_texts()
    ps = [float(text) for text in one.column(heads.index("p") + 1) if text != "–"]
    assert ps == sorted(ps)
    one.page.locator("#choose-status").select_option("Reproduced")
    expect_rows(one, len(table(inverted, "scores", status="reproduced")))
    assert set(one.column(heads.index("Outcome") + 1)) == {"Reproduced"}
    one.page.locator("#choose-split").select_option("held_out")
    expect_rows(one, 1)
