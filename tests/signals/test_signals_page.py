"""The page of a `signals` run: what it says is what the run found, and nothing hostile runs."""

import csv
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from breaking import held
from signals_folder import write_evidence
from visiting import Tree, plain, section

from solidmark.errors import BadInput, NotFound, RunConflict
from solidmark.page import is_stale
from solidmark.reporting import write_report
from solidmark.runs import Verdict, find, open_results, open_run, tame

SECTIONS = [
    *("verdict", "findings", "images", "signals", "curves", "control", "figures", "rows"),
    *("reading", "run"),
]
LOSS = ("loss", "trained"), ("loss", "held_out")


def both(own: Any, null: Any) -> dict[tuple[str, str], np.ndarray]:
    return {LOSS[0]: np.asarray(own, float), LOSS[1]: np.asarray(null, float)}


def judged(folder: Path) -> Verdict:
    return open_results(folder).judged


def state(folder: Path) -> str:
    return judged(folder).finding


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three signals: one tells half of the images, one nothing, one the other way round."""
    draws = np.random.default_rng(0)
    values = {
        LOSS[0]: np.concatenate([draws.uniform(0.001, 0.01, 40), draws.uniform(1, 2, 40)]),
        LOSS[1]: draws.uniform(1, 2, 60),
        ("spread", "trained"): draws.uniform(0, 1, 80),
        ("spread", "held_out"): draws.uniform(0, 1, 60),
        ("magnitude", "trained"): draws.uniform(0, 1, 80),
        ("magnitude", "held_out"): draws.uniform(0.6, 1.6, 60),
    }
    out = write_evidence(
        tmp_path_factory.mktemp("signals") / "run",
        values,
        hostile=True,
        failed=2,
        left_out={"magnitude-path": "The <b>reason</b>.", "image-magnitude": "The <b>reason</b>."},
        fprs=(0.1, 0.05),
    )
    write_report(out)
    return out


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def test_the_verdict_is_that_of_the_signal_that_sees_most(folder: Path, page: str) -> None:
    found = judged(folder)
    assert [one.name for one in found.findings] == ["loss", "spread", "magnitude"]
    assert [one.outcome for one in found.findings] == ["close", "nothing", "nothing"]
    (named,) = find(open_results(folder).figures, "named", "trained", "loss")
    assert named.count == 40
    said = plain(section(page, "verdict"))
    assert found.headline in said
    assert f"40 of {named.n} trained images" in found.headline
    assert "That is not yet memory" in said
    assert any("Bottleneck spread and Noise magnitude" in one for one in found.details)
    # Nobody is called memorized by a signal alone.
    assert "badge memorized" not in page
    turned = found.findings[2]
    assert any("direction of this signal does not hold" in detail for detail in turned.details)


def test_the_signals_stand_side_by_side(folder: Path, page: str) -> None:
    results = open_results(folder)
    text = plain(section(page, "signals"))
    places = [text.index(t) for t in ("Denoising loss", "Bottleneck spread", "Noise magnitude")]
    assert places == sorted(places)
    for one in find(results.figures, "auc"):
        assert f"{one.value:.3f}" in text
        assert one.n is not None
        assert f"n = {one.n}" in text
    for one in find(results.figures, "spearman"):
        assert f"{one.value:.3f}".replace("-", "−") in text
    assert "Path magnitude was left out: The <b>reason</b>." in text
    assert "chance 5 %" in text


def test_the_gallery_shows_the_named_images_first(folder: Path, page: str) -> None:
    table = pq.read_table(folder / "scores.parquet").to_pylist()
    own = [row for row in table if (row["signal"], row["split"]) == ("loss", "trained")]
    best = {row["id"] for row in own if row["status"] == "ok" and row["value"] < 0.5}
    cards = re.findall(r'<li class="card">(.*?)</li>', section(page, "images"), re.DOTALL)
    assert len(cards) == 48 + 10
    named = [card for card in cards if '<span class="named">' in card]
    assert len(named) == len(best) == 40
    assert cards[:40] == named
    assert all(card.count("<h5>") == 3 for card in cards)
    assert cards[0].count("data:image/png") == 1
    text = (folder / "named.csv").read_bytes().decode()
    listed = list(csv.DictReader(io.StringIO(text, newline="")))
    assert {row["id"].lstrip("'") for row in listed} == set(map(tame, best))
    assert len(list((folder / "figures").glob("*.svg"))) == 4


def test_the_pictures_that_prove_it_stand_under_the_headline(page: str) -> None:
    first = section(page, "verdict")
    assert first.count('<li class="card">') == 3
    assert first.index('class="headline"') < first.index("<img ") < first.index("<details")


def test_the_sections_stand_in_their_order_and_every_link_leads_somewhere(page: str) -> None:
    tree = Tree(page)
    assert [a["id"] for a in tree.of("section") if "id" in a] == SECTIONS
    ids = [a["id"] for _, a in tree.elements if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["href"] for a in tree.of("a")} <= {f"#{id}" for id in ids}
    assert not tree.open


def test_hostile_names_are_text(page: str) -> None:
    tree = Tree(page)
    assert not [a for _, a in tree.elements if any(name.startswith("on") for name in a)]
    assert len(tree.scripts) == 2  # The code of the page, and its rows as data.
    assert "<b>a model</b>" not in page
    assert "<b>reason</b>" not in page
    assert "<img src=x" not in page


def test_a_page_without_pictures_shows_no_pictures_and_no_captions(
    folder: Path, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(folder, tmp_path / "run"))
    bare = write_report(other, images=False).read_text(encoding="utf-8")
    assert "data:image" not in bare
    assert "caption of" not in bare
    assert "trained 010.png" in bare
    full = write_report(other).read_text(encoding="utf-8")
    assert "caption of" in full
    assert full == (folder / "report.html").read_text(encoding="utf-8"), "the same bytes"


def test_what_a_run_took_of_the_machine_changes_no_byte(folder: Path, tmp_path: Path) -> None:
    pages = []
    for peak in (2**30, 2**31):
        other = Path(shutil.copytree(folder, tmp_path / f"{peak}" / "run"))
        results = held(other / "results.json")
        results["memory"] = {"device": "cpu", "peak_memory_bytes": peak, "batch_size": 16}
        (other / "results.json").write_text(json.dumps(results))
        pages.append(write_report(other).read_bytes())
        assert not is_stale(other)
    assert pages[0] == pages[1]


def test_a_run_without_a_trace_is_seldom_said_to_have_one(tmp_path: Path) -> None:
    draws = np.random.default_rng(3)
    states = []
    for number in range(40):
        values = both(draws.random(50), draws.random(40))
        states.append(state(write_evidence(tmp_path / str(number), values)))
    # At most once in 100 on average; more than 3 of 40 would come once in 1,500 series.
    assert states.count("close") <= 3
    assert states.count("nothing") > 25


def test_plain_pictures_are_no_trace_unless_those_held_out_are_plain_too(tmp_path: Path) -> None:
    draws = np.random.default_rng(5)
    own = np.concatenate([0.01 * draws.random(40), 0.1 + draws.random(60)])
    plain_ones = np.where(np.arange(100) < 40, 0.01, 0.3)
    values = both(own, 0.1 + draws.random(100))
    contrast = {"trained": plain_ones, "held_out": np.full(100, 0.3)}
    alone = write_evidence(tmp_path / "plain", values, contrast=contrast)
    assert state(alone) == "plain"
    found = judged(alone)
    assert "nearly of one colour" in found.headline
    assert any(detail.startswith("Careful:") for detail in found.details)
    contrast["held_out"] = np.full(100, 0.01)
    assert state(write_evidence(tmp_path / "both", values, contrast=contrast)) == "close"


def test_without_held_out_images_nothing_is_judged(tmp_path: Path) -> None:
    out = write_evidence(tmp_path / "run", {LOSS[0]: np.arange(1.0, 13.0)})
    assert state(out) == "no_null"
    page = write_report(out).read_text()
    assert "so nothing can be judged" in plain(section(page, "verdict"))
    assert "For comparison" not in page
    assert '"sort":"value"' in page
    assert "no held-out images" in plain(section(page, "signals"))


def test_files_that_cannot_be_read_are_one_line(folder: Path, tmp_path: Path) -> None:
    def copy() -> Path:
        target = tmp_path / "broken"
        shutil.rmtree(target, ignore_errors=True)
        return Path(shutil.copytree(folder, target))

    for name, content, error in (
        ("results.json", None, NotFound),
        ("scores.parquet", None, NotFound),
        ("scores.parquet", b"nothing", BadInput),
        ("results.json", b"{}", BadInput),
        ("pictures/index.json", b"[]", BadInput),
    ):
        broken = copy() / name
        broken.unlink()
        if content is not None:
            broken.write_bytes(content)
        with pytest.raises(error):
            write_report(broken.parent if broken.parent.name == "broken" else broken.parent.parent)
    open_run(tmp_path / "begun", "signals", {})
    with pytest.raises(RunConflict, match="not finished"):
        write_report(tmp_path / "begun")
    outside = copy()
    index = json.loads((outside / "pictures" / "index.json").read_text())
    for own in index["trained"].values():
        own["picture"] = "../../somewhere/else.png"
    (outside / "pictures" / "index.json").write_text(json.dumps(index))
    assert "cannot be shown" in write_report(outside).read_text()
