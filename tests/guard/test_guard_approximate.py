"""A guard that searches in lists: the same verdicts where it sees, no pass where it is blind."""

import json
from pathlib import Path

import numpy as np
import pytest

from solidmark.cli import main
from solidmark.data import open_data, to_picture
from solidmark.errors import BadInput, RunConflict
from solidmark.measures.copies import Deduplication, duplicates
from solidmark.measures.guard import Guard, Indexing, build_index, open_index, outcome_of
from solidmark.measures.guard import index as building
from solidmark.measures.nearest import Comparison, nearest
from solidmark.neighbours import Lists, lists
from solidmark.runs import Figure, find, open_results, read_manifest
from solidmark.scores import clopper_pearson
from solidmark.verdicts.groups import judge_duplicates
from solidmark.verdicts.searched import COPIES, NEAREST, RECALL, blind_measures

pytest.importorskip("faiss")

SIDES = {"train": 160, "held_out": 120, "fresh": 24}
SEED = 3


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    here = tmp_path_factory.mktemp("digits")
    every = open_data("digits", resolution=32)
    order, start = np.random.default_rng(SEED).permutation(len(every)), 0
    for name, count in SIDES.items():
        (here / name).mkdir()
        for number in order[start : start + count]:
            to_picture(every[int(number)].image).save(here / name / f"{int(number):04d}.png")
        start += count
    return here


def indexing(digits: Path, out: Path, search: str = "approximate", **options: object) -> Indexing:
    plain: dict = {"held_out": str(digits / "held_out"), "distances": ("phash",), "mode": "L"}
    plain |= {"fprs": (0.05,), "cache": digits / "cache", "search": search, **options}
    return Indexing(str(digits / "train"), out, **plain)


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists of coarse codes, of which a question looks into one, and at one vector in it."""

    def bad(cls: type[Lists], rows: int) -> Lists:
        return Lists(min(60, rows), probes=1, keep=1, code="SQ4")

    monkeypatch.setattr(Lists, "of", classmethod(bad))


@pytest.fixture(scope="module")
def index(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("index") / "index"
    build_index(indexing(digits, out))
    return out


def verdicts(guard: Guard, digits: Path) -> list[dict]:
    return [one.to_json() for one in guard.screen_all([str(digits / "fresh")])]


def test_where_the_lists_cover_everything_nothing_changes(index: Path, digits: Path) -> None:
    guard, exact = open_index(index), open_index(index, search="exact")
    assert verdicts(guard, digits) == verdicts(exact, digits)
    assert not exact.searched
    (figure,) = guard.searched
    assert (figure.by, figure.count, figure.n, figure.value) == (COPIES, 500, 500, 1.0)
    assert figure.threshold == guard.thresholds["phash"]
    said = read_manifest(index, "index")["search"]
    assert [row["by"] for row in said] == [NEAREST, COPIES]
    assert said[0]["n"] == SIDES["held_out"]


def test_recall_is_measured_for_the_threshold_in_use(index: Path) -> None:
    guard = open_index(index, thresholds={"phash": 0.9})
    (figure,) = guard.searched
    assert figure.threshold == pytest.approx(0.1)
    assert figure.n == 500


def test_an_index_says_how_much_it_finds(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = building.index_lines(read_manifest(index, "index"))
    assert "500 of 500 (100 %" in lines[-1]
    assert "a copy that it misses is not seen" in lines[-1]


@pytest.mark.usefixtures("blind")
def test_a_blind_search_passes_nothing(
    digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "index"
    build_index(indexing(digits, out))
    guard = open_index(out)
    (figure,) = guard.searched
    assert figure.ci_high is not None
    assert figure.ci_high < 0.95
    assert blind_measures(guard.searched) == ["phash"]
    assert "A guard will not pass anything" in "".join(
        building.index_lines(read_manifest(out, "index"))
    )
    passed = [one for one in guard.screen_all([str(digits / "fresh")]) if not one.refused][:2]
    outcome = outcome_of(passed, guard.searched)
    assert outcome.state == "cannot-be-judged"
    assert outcome.tone == "untrusted"
    assert "--search exact" in outcome.headline
    some = str(digits / "fresh" / passed[0].id.split("/")[-1])
    assert main(["guard", str(out), some, "--json"]) == 3
    said = json.loads(capsys.readouterr().out)
    assert said["verdict"]["finding"] == "search_too_blind"
    assert said["search"][0]["statistic"] == RECALL
    assert main(["guard", str(out), some, "--search", "exact"]) == 0


@pytest.mark.usefixtures("blind")
def test_an_index_that_may_choose_is_exact_where_lists_are_blind(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "MANY", 100)
    out = tmp_path / "index"
    build_index(indexing(digits, out, "auto"))
    assert read_manifest(out, "index")["search"] == []
    assert not (out / "lists" / "phash").exists()
    plain = tmp_path / "plain"
    build_index(indexing(digits, plain, "exact"))
    assert (out / "null.parquet").read_bytes() == (plain / "null.parquet").read_bytes()
    guard = open_index(out)
    assert not guard.searched
    with pytest.raises(BadInput, match="searched exactly"):
        open_index(out, search="approximate")


def test_from_many_vectors_on_it_chooses_lists(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "MANY", SIDES["train"])
    build_index(indexing(digits, tmp_path / "index", "auto"))
    assert open_index(tmp_path / "index").searched


@pytest.mark.parametrize("name", ["lists.bin", "index.faiss", "sizes.npy", "lists.json"])
def test_damaged_lists_are_refused_and_made_good(
    digits: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "index"
    build_index(indexing(digits, out))
    path = out / "lists" / "phash" / name
    before = path.read_bytes()
    path.write_bytes(before[:-3] + b"abc")
    with pytest.raises(RunConflict, match="not whole"):
        open_index(out)
    build_index(indexing(digits, out))
    assert path.read_bytes() == before
    assert open_index(out).searched


def test_another_search_is_another_index(index: Path, digits: Path) -> None:
    with pytest.raises(RunConflict, match="search"):
        build_index(indexing(digits, index, "exact"))


def test_pixels_alone_cannot_be_searched_in_lists(digits: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="Name an embedder"):
        build_index(indexing(digits, tmp_path / "index", distances=("l2",)))
    assert not (tmp_path / "index").exists()


def compared(digits: Path, out: Path, search: str) -> Comparison:
    return Comparison(
        str(digits / "fresh"),
        str(digits / "train"),
        out,
        distances=("phash",),
        held_out=str(digits / "held_out"),
        mode="L",
        cache=digits / "cache",
        fprs=(0.05,),
        search=search,  # type: ignore[arg-type]
    )


def test_a_comparison_in_lists_is_the_exact_one_with_its_recall(
    digits: Path, tmp_path: Path
) -> None:
    for search in ("exact", "approximate"):
        nearest(compared(digits, tmp_path / search, search))
    one, other = (tmp_path / name for name in ("exact", "approximate"))
    for table in ("scores.parquet", "null.parquet", "images.parquet"):
        assert (one / table).read_bytes() == (other / table).read_bytes()
    said = [open_results(folder, measures=dict) for folder in (one, other)]
    assert not find(said[0].figures, RECALL)
    told = find(said[1].figures, RECALL)
    sides = [(figure.split, figure.by) for figure in told]
    assert sides == [(s, by) for s in ("training", "generated") for by in (NEAREST, COPIES)]
    assert said[1].judged.state == said[0].judged.state
    assert "the search was approximate" in " ".join(said[1].judged.details)


@pytest.mark.usefixtures("blind")
def test_a_blind_comparison_is_never_green(
    digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nearest(compared(digits, tmp_path / "exact", "exact"))
    assert open_results(tmp_path / "exact", measures=dict).judged.tone == "not_seen"
    nearest(compared(digits, tmp_path / "blind", "approximate"))
    judged = open_results(tmp_path / "blind", measures=dict).judged
    assert (judged.state, judged.finding) == ("cannot-be-judged", "search_too_blind")
    assert not [one for one in judged.findings if one.tone == "not_seen"]
    assert "would have been seen" not in judged.headline + judged.findings[0].headline
    sides = [str(digits / name) for name in ("fresh", "train")]
    words = ["--held-out", str(digits / "held_out"), "--distance", "phash", "--mode", "L"]
    words += ["--fpr", "0.05", "--search", "approximate", "--cache", str(digits / "cache")]
    assert main(["nearest", *sides, str(tmp_path / "blind"), *words]) == 0
    said = capsys.readouterr().out
    assert "finds too little" in said
    assert "Of changed copies just within the threshold it finds" in said


@pytest.mark.parametrize(("found", "state"), [(500, "done"), (400, "cannot-be-judged")])
def test_no_copies_by_a_blind_search_is_no_answer(found: int, state: str) -> None:
    low, high = clopper_pearson(found, 500)
    recall = Figure(
        measure="phash",
        statistic=RECALL,
        split="training",
        by=COPIES,
        value=found / 500,
        n=500,
        count=found,
        ci_low=low,
        ci_high=high,
    )
    about: dict = {"measure": "duplicates", "split": "training", "n": 9}
    copies = Figure(**about, statistic="copies", count=0, facts={"kind": None})
    assert judge_duplicates([copies, recall]).state == state
    assert judge_duplicates([copies]).state == "done"
    some = Figure(**about, statistic="copies", count=3, facts={"kind": None})
    judged = judge_duplicates([some, recall])
    assert judged.state == "done"  # What was found is there.
    assert ("There may be more" in " ".join(judged.details)) == (state != "done")


def test_duplicates_in_lists_are_the_exact_ones(digits: Path, tmp_path: Path) -> None:
    common: dict = {"mode": "L", "embedder": "phash", "above": 0.8, "cache": digits / "cache"}
    for search in ("exact", "approximate"):
        out = tmp_path / search
        duplicates(Deduplication(str(digits / "train"), out, search=search, **common))
    one, other = (tmp_path / name for name in ("exact", "approximate"))
    for table in ("duplicates.parquet", "remove.txt", "closest.parquet"):
        assert (one / table).read_bytes() == (other / table).read_bytes()
    figures = find(open_results(other).figures, RECALL)
    assert [figure.by for figure in figures] == ["nearest", "pairs", "copies"]
    assert figures[1].value == 1.0
    assert (figures[1].n or 0) > 0
