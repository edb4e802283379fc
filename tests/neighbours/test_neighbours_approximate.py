"""The search in lists: what it says is exact, what it finds is measured, damage is told."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from solidmark.errors import BadInput
from solidmark.neighbours import (
    Approximate,
    Lists,
    Matrix,
    Search,
    building,
    finder_of,
    lists,
    open_lists,
    recall_of_copies,
    recall_of_queries,
    search,
)
from solidmark.neighbours.recall import copies_within

faiss = pytest.importorskip("faiss")

ROWS, WIDTH, ASKED = 900, 24, 60
ALL = Lists(8, probes=8, keep=ROWS)
"""Every list is looked into, and everything in it is compared exactly."""

BLIND = Lists(30, probes=1, keep=1, code="SQ4")


def drawn(seed: int, count: int) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, WIDTH))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def base() -> Matrix:
    """With copies, so that there are ties."""
    rows = drawn(0, ROWS)
    rows[400:420] = rows[3]
    return Matrix((rows[:500], rows[500:]))


@pytest.fixture
def queries(base: Matrix) -> Matrix:
    rows = drawn(1, ASKED)
    rows[:5] = base.stored(np.array([3, 3, 410, 7, 899]))
    return Matrix((rows,))


def find_in(base: Matrix, folder: Path, how: Lists) -> Approximate:
    found = finder_of(base, "approximate", folder, lists=how)
    assert isinstance(found, Approximate)
    return found


@pytest.mark.parametrize("k", [1, 7])
def test_where_every_list_is_probed_it_is_the_exact_search(
    base: Matrix, queries: Matrix, tmp_path: Path, k: int
) -> None:
    found = find_in(base, tmp_path / "lists", ALL)(queries, base, Search(k))
    exact = search(queries, base, Search(k))
    assert found.index.tolist() == exact.index.tolist()
    assert found.squared.tolist() == exact.squared.tolist()


def test_a_row_is_not_its_own_neighbour(base: Matrix, tmp_path: Path) -> None:
    own = np.arange(ROWS)
    found = find_in(base, tmp_path / "lists", ALL)(base, base, Search(2), own=own)
    exact = search(base, base, Search(2), own=own)
    assert found.index.tolist() == exact.index.tolist()


def test_distances_are_exact_whatever_is_found(
    base: Matrix, queries: Matrix, tmp_path: Path
) -> None:
    found = find_in(base, tmp_path / "lists", BLIND)(queries, base, Search(1))
    true = ((queries.stored(np.arange(ASKED)) - base.stored(found.index[:, 0])) ** 2).mean(axis=1)
    # The sum of 24 squares of float32 errs by 24 units of 2^-24 at most.
    assert found.squared[:, 0] == pytest.approx(true, rel=24 * 2.0**-24)
    exact = search(queries, base, Search(1))
    assert (found.squared >= exact.squared).all()
    assert (found.squared > exact.squared).any()


def test_where_lists_hold_too_few_the_exact_search_answers(
    base: Matrix, queries: Matrix, tmp_path: Path
) -> None:
    find = find_in(base, tmp_path / "lists", Lists(20, probes=1, keep=2))
    found, exact = (one(queries, base, Search(ROWS)) for one in (find, search))
    assert found.index.tolist() == exact.index.tolist()


@pytest.mark.parametrize("how", [ALL, BLIND, Lists(16, probes=3, keep=5)])
def test_alone_among_others_and_by_any_number_of_threads_it_is_the_same(
    base: Matrix, queries: Matrix, tmp_path: Path, how: Lists
) -> None:
    find = find_in(base, tmp_path / "lists", how)
    together = find(queries, base, Search(3))
    before = faiss.omp_get_max_threads()
    try:
        for threads in (1, 2, 3):
            faiss.omp_set_num_threads(threads)
            again = find(queries, base, Search(3))
            assert again.index.tobytes() == together.index.tobytes()
            assert again.squared.tobytes() == together.squared.tobytes()
    finally:
        faiss.omp_set_num_threads(before)
    for number in range(0, ASKED, 7):
        alone = find(queries, base, Search(3), rows=np.array([number]))
        assert alone.index.tobytes() == together.index[number : number + 1].tobytes()


def test_lists_are_the_same_by_any_number_of_threads(base: Matrix, tmp_path: Path) -> None:
    before = faiss.omp_get_max_threads()
    try:
        for threads in (1, 3):
            faiss.omp_set_num_threads(threads)
            find_in(base, tmp_path / str(threads), Lists(16))
            assert faiss.omp_get_max_threads() == threads
    finally:
        faiss.omp_set_num_threads(before)
    one, other = (sorted((tmp_path / name).iterdir()) for name in ("1", "3"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


def test_an_answer_that_was_kept_is_not_searched_for_again(
    base: Matrix, queries: Matrix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = find_in(base, tmp_path / "lists", Lists(16))
    how = Search(2, folder=tmp_path / "state")
    first = find(queries, base, how)
    told: list[int] = []
    monkeypatch.setattr(Approximate, "_answer", None)
    again = find(queries, base, how, advance=told.append)
    assert again.index.tobytes() == first.index.tobytes()
    assert sum(told) == ASKED * ROWS


# Building


class Killed(BaseException):
    """What no code of ours catches."""


@pytest.mark.parametrize("place", ["_learn", "_add", "_merge", "write_json", "_tidy"])
def test_a_kill_costs_the_piece_in_flight_and_no_more(
    base: Matrix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(building, "_PIECE_BYTES", 200 * 4 * WIDTH)
    find_in(base, tmp_path / "whole", Lists(16))
    real: Callable = getattr(building, place)
    left = {"_add": 2}.get(place, 0) + (place == "write_json")

    def struck(*given: object) -> object:
        nonlocal left
        if not left:
            raise Killed
        left -= 1
        return real(*given)

    with monkeypatch.context() as patched:
        patched.setattr(building, place, struck)
        with pytest.raises(Killed):
            find_in(base, tmp_path / "killed", Lists(16))
    made: list[int] = []
    add = building._add
    monkeypatch.setattr(building, "_add", lambda *given: (made.append(given[3]), add(*given))[1])
    find_in(base, tmp_path / "killed", Lists(16))
    assert made == {"_learn": [0, 200, 400, 600, 800], "_add": [400, 600, 800]}.get(place, [])
    one, other = (sorted((tmp_path / name).iterdir()) for name in ("whole", "killed"))
    assert [path.name for path in one] == [path.name for path in other]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


def test_centres_that_were_learned_are_not_learned_again(
    base: Matrix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_in(base, tmp_path / "whole", Lists(16))
    rounds: list[int] = []

    class Counted(faiss.Clustering):
        def train(self, *given: object) -> object:
            if len(rounds) == 4:
                rounds.append(0)
                raise Killed
            rounds.append(1)
            return super().train(*given)

    with monkeypatch.context() as patched:
        patched.setattr(faiss, "Clustering", Counted)
        with pytest.raises(Killed):
            find_in(base, tmp_path / "killed", Lists(16))
        find_in(base, tmp_path / "killed", Lists(16))
    assert sum(rounds) == building._ROUNDS
    one, other = (tmp_path / name / building.DATA for name in ("whole", "killed"))
    assert one.read_bytes() == other.read_bytes()


def test_lists_of_other_vectors_or_another_plan_are_made_anew(base: Matrix, tmp_path: Path) -> None:
    folder = tmp_path / "lists"
    find_in(base, folder, Lists(16))
    changed = base.stored(np.arange(ROWS))
    changed[0] *= -1
    other = Matrix((changed,))
    with pytest.raises(BadInput, match="other vectors"):
        open_lists(folder, other)
    assert find_in(other, folder, Lists(16)).base is other
    open_lists(folder, other)
    assert find_in(other, folder, Lists(12)).lists.count == 12


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


@pytest.mark.parametrize("name", [building.INDEX, building.DATA, building.SIZES, building.DONE])
@pytest.mark.parametrize("harm", [flip, cut, Path.unlink])
def test_damaged_lists_are_told_and_made_anew(
    base: Matrix, queries: Matrix, tmp_path: Path, name: str, harm: Callable[[Path], None]
) -> None:
    folder = tmp_path / "lists"
    whole = find_in(base, folder, Lists(16))(queries, base)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    harm(folder / name)
    with pytest.raises(BadInput):
        open_lists(folder, base)
    again = find_in(base, folder, Lists(16))(queries, base)
    assert again.index.tobytes() == whole.index.tobytes()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("name", [building.DATA, building.SIZES])
def test_files_of_another_length_are_refused_without_their_hashes(
    base: Matrix, tmp_path: Path, name: str
) -> None:
    """As an index opens them, whose own list of files has been checked: nothing is read past."""
    folder = tmp_path / "lists"
    find_in(base, folder, Lists(16))
    if name == building.DATA:
        cut(folder / name)
    else:
        sizes = np.load(folder / name)
        np.save(folder / name, sizes[:-1])
    with pytest.raises(BadInput, match="not whole"):
        open_lists(folder, base, whole=False)


# Which search


def test_pixels_are_never_in_lists_and_vectors_from_a_million_on(
    base: Matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = Matrix((np.zeros((50, 12), np.uint8),))
    assert not lists.in_lists(pixels, "approximate")
    assert lists.in_lists(base, "approximate")
    assert not lists.in_lists(base, "auto")
    monkeypatch.setattr(lists, "MANY", ROWS)
    assert lists.in_lists(base, "auto")
    assert not lists.in_lists(base, "exact")
    monkeypatch.setattr(lists, "has_library", lambda: False)
    assert not lists.in_lists(base, "auto")
    with pytest.raises(BadInput, match=r"pip install .solidmark\[large\]"):
        lists.require_library()


@pytest.mark.parametrize("rows", [1, 39, 5_000, 1_000_000, 10_000_000])
def test_centres_are_learned_from_enough_vectors(rows: int) -> None:
    count = Lists.of(rows).count
    assert count == 1 or rows / count >= 39
    assert count == {1_000_000: 2048, 10_000_000: 8192}.get(rows, count)


def test_settings_that_look_nowhere_are_refused() -> None:
    with pytest.raises(BadInput, match="1 or more"):
        replace(ALL, probes=0)


# Recall


def test_a_copy_lies_just_within_its_distance(base: Matrix) -> None:
    rows = base.stored(np.arange(ROWS)).astype(np.float64)
    for within in (0.02, 0.3, 1.2):
        copies = copies_within(base, within).astype(np.float64)
        assert np.linalg.norm(copies, axis=1) == pytest.approx(1, abs=1e-6)
        generator = np.random.default_rng(0)
        original = rows[generator.choice(ROWS, 500, replace=False)]
        distance = 1 - (copies * original).sum(axis=1)
        assert distance.max() <= within
        assert distance == pytest.approx(within, rel=1.1e-3)


def test_recall_is_what_brute_force_counts(base: Matrix, queries: Matrix, tmp_path: Path) -> None:
    find = find_in(base, tmp_path / "lists", BLIND)
    rows, asked = base.stored(np.arange(ROWS)), queries.stored(np.arange(ASKED))
    distance = ((asked[:, None].astype(np.float64) - rows[None]) ** 2).sum(axis=2) / 2
    near = find(queries, base, Search(5))
    within = float(np.quantile(distance, 0.01))
    nearest, pairs = recall_of_queries(find, queries, base, Search(5), within)
    first = near.squared[:, 0] * WIDTH / 2
    # Squares in float64, so equal ones differ by rounding alone.
    assert nearest.found == (first <= distance.min(axis=1) + 1e-12).sum()
    assert nearest.asked == ASKED
    assert nearest.found < ASKED
    order = np.argsort(distance, axis=1, kind="stable")[:, :5]
    close = np.take_along_axis(distance, order, 1) <= within
    found = [set(some) for some in near.index.tolist()]
    hit = [[n in found[q] for n in some] for q, some in enumerate(order.tolist())]
    assert (pairs.asked, pairs.found) == (close.sum(), (close & np.array(hit)).sum())
    assert 0 < pairs.found < pairs.asked


def test_a_blind_search_misses_copies_and_a_full_one_none(base: Matrix, tmp_path: Path) -> None:
    full = recall_of_copies(find_in(base, tmp_path / "all", ALL), base, Search(), 0.4)
    assert (full.asked, full.found) == (500, 500)
    blind = recall_of_copies(find_in(base, tmp_path / "blind", BLIND), base, Search(), 0.4)
    assert blind.asked == 500
    assert blind.found < 400
    assert recall_of_copies(find_in(base, tmp_path / "all", ALL), base, Search(), 0.0).asked == 0


def test_little_memory_gives_the_same_answer(base: Matrix, queries: Matrix, tmp_path: Path) -> None:
    find = find_in(base, tmp_path / "lists", Lists(16))
    plenty, little = (find(queries, base, Search(2, memory)) for memory in (2**30, 19 * 2**20))
    assert plenty.index.tobytes() == little.index.tobytes()
    with pytest.raises(BadInput, match="--memory"):
        find(queries, base, Search(2, 2**20))


def test_what_the_lists_are_made_from_stands_beside_them(base: Matrix, tmp_path: Path) -> None:
    find_in(base, tmp_path / "lists", Lists(16))
    said = json.loads((tmp_path / "lists" / building.DONE).read_text())
    assert said["count"] == 16
    assert said["vectors"]["rows"] == ROWS
    assert set(said["files"]) == {building.INDEX, building.DATA, building.SIZES}
