"""Extraction without keys: the perfect memorizer is caught, independent images are not."""

import json
from collections.abc import Callable
from importlib import import_module
from itertools import combinations
from pathlib import Path

import networkx
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Picture
from PIL import ImageOps
from scipy.spatial.distance import cdist

from solidmark.errors import BadInput, RunConflict
from solidmark.marks import write_image
from solidmark.measures.copies import Extraction, cliques, largest_clique
from solidmark.measures.copies.draws import Calibration, Draws
from solidmark.measures.copies.pairwise import pairwise
from solidmark.measures.copies.prompts import open_prompted
from solidmark.neighbours import Matrix, tile_order

job = import_module(
    "solidmark.measures.copies.cliques"
)  # The package has the function of this name.
SIDE = 16


def draw_folder(
    folder: Path,
    prompts: int,
    each: int,
    *,
    memorized: int = 0,
    noise: float = 0.01,
    ids: bool = True,
) -> Path:
    """A folder as `solidmark generate --per-prompt` writes it.

    The first `memorized` prompts give back their image with a little noise, the others anything.
    """
    generator = torch.Generator().manual_seed(0)
    lines = []
    for prompt in range(prompts):
        own = torch.rand(3, SIDE, SIDE, generator=generator)
        for number in range(each):
            image = torch.rand(3, SIDE, SIDE, generator=generator)
            if prompt < memorized:
                image = own + noise * torch.randn(own.shape, generator=generator)
            name = f"{prompt * each + number:06d}"
            write_image(folder / "images" / f"{name}.png", image.clamp(0, 1))
            line = {"file_name": f"images/{name}.png", "id": name, "text": f"a thing {prompt}"}
            lines.append(line | ({"prompt_id": f"p{prompt:03d}"} if ids else {}))
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    return lambda *a, **k: draw_folder(tmp_path / "generated", *a, **k)


def rows_of(out: Path) -> dict[str, dict[str, object]]:
    results = json.loads((out / "results.json").read_text())
    return {row["statistic"]: row for row in results["rows"]}


# Cliques


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 30), st.floats(0, 1), st.integers(0, 10**6))
def test_the_clique_is_as_large_as_that_of_networkx(n: int, share: float, seed: int) -> None:
    graph = networkx.gnp_random_graph(n, share, seed=seed)
    close = networkx.to_numpy_array(graph).astype(bool)
    found = largest_clique(close)
    assert found.is_largest
    assert all(close[a, b] for a, b in combinations(found.members, 2))
    assert len(found.members) == networkx.max_weight_clique(graph, weight=None)[1]


def test_a_clique_hidden_among_many_is_found() -> None:
    rng = np.random.default_rng(0)
    close = np.triu(rng.random((500, 500)) < 0.1, 1)
    members = np.sort(rng.choice(500, 15, replace=False))
    close[np.ix_(members, members)] = True
    close |= close.T
    assert largest_clique(close).members == tuple(members)


def test_a_search_that_is_cut_short_says_so_and_gives_a_clique() -> None:
    graph = networkx.gnp_random_graph(120, 0.9, seed=0)
    close = networkx.to_numpy_array(graph).astype(bool)
    found = largest_clique(close, budget=200)
    assert not found.is_largest
    assert all(close[a, b] for a, b in combinations(found.members, 2))
    assert len(found.members) > 20


@pytest.mark.parametrize("n", [0, 1, 1200])
def test_all_of_a_complete_graph_is_a_clique(n: int) -> None:
    assert largest_clique(np.ones((n, n), dtype=bool)).members == tuple(range(n))


# Distances


@pytest.mark.parametrize("tiles", [1, 4])
def test_all_pairs_are_those_of_scipy(tiles: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("solidmark.measures.copies.pairwise._COLUMNS", 70)
    images = [torch.randint(256, (3, SIDE, SIDE)) / 255 for _ in range(7)]
    stored = tile_order(images, tiles)
    matrix = Matrix((stored[:4], stored[4:]), tiles**2)
    rows = np.array([6, 0, 3, 2])
    side = SIDE // tiles
    expected = np.zeros((4, 4))
    for y in range(0, SIDE, side):
        for x in range(0, SIDE, side):
            tile = [images[r][:, y : y + side, x : x + side].double().flatten() for r in rows]
            values = torch.stack(tile).numpy()
            squared = cdist(values, values, "sqeuclidean") / values.shape[1]
            expected = np.maximum(expected, squared)
    np.testing.assert_allclose(pairwise(matrix, rows), expected, atol=1e-12)


def test_features_give_symmetric_distances() -> None:
    values = np.random.default_rng(0).normal(size=(9, 33)).astype(np.float32)
    found = pairwise(Matrix((values,)), np.arange(9))
    assert (found == found.T).all()
    expected = cdist(values.astype(float), values.astype(float), "sqeuclidean") / 33
    np.testing.assert_allclose(found, expected, atol=1e-12)


# Chance


def test_a_draw_takes_every_prompt_before_any_twice_and_its_start_is_a_draw() -> None:
    draws = Draws(np.repeat(np.arange(5), [4, 4, 4, 4, 2]), 0)
    rows = draws.rows("chance", 0, 12)
    assert len(set(rows)) == 12
    assert sorted(draws.prompt[rows[:5]]) == [0, 1, 2, 3, 4]
    assert sorted(draws.prompt[rows[5:10]]) == [0, 1, 2, 3, 4]
    assert (draws.rows("chance", 0, 7) == rows[:7]).all()
    assert not (draws.rows("chance", 1, 12) == rows).all()


def test_pairs_of_different_prompts_are_counted() -> None:
    draws = Draws(np.repeat(np.arange(3), [3, 2, 2]), 0)
    by_hand = sum(a != b for a, b in combinations(draws.prompt, 2))
    assert draws.pairs == by_hand == 16
    assert draws.share_left_out(7) == pytest.approx(1 - 16 / 21)


def test_a_calibrated_threshold_lets_through_the_share_that_was_asked() -> None:
    values = np.random.default_rng(0).random((200, 2))
    among = cdist(values, values)
    draws = Draws(np.arange(200), 0)
    calibration = Calibration(draws, 0.01)
    rows = calibration.rows(0)
    smallest, pairs = calibration.kept(among[np.ix_(rows, rows)], rows)
    found = calibration.threshold(smallest, pairs)
    every = among[np.triu_indices(200, 1)]
    assert calibration.count == 1
    assert pairs == len(every) == draws.pairs
    assert (every <= found).sum() == int(0.01 * (len(every) + 1)) - 1


def test_a_rate_that_the_pairs_cannot_show_names_one_that_they_can() -> None:
    draws = Draws(np.arange(40), 0)
    with pytest.raises(BadInput, match=r"9,999 pairs .* there are 780.*--fpr 0\.002\."):
        Calibration(draws, 1e-4)
    Calibration(draws, 0.002)


# The job


def test_the_perfect_memorizer_is_caught(folder: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    cliques(Extraction(str(folder(12, 12, memorized=12)), out, threshold=0.15))
    table = pq.read_table(out / "cliques.parquet").to_pylist()
    assert all(row["suspicious"] and row["clique"] == 12 for row in table)
    assert all(row["p_value"] == 0.01 and row["chance"] < 3 for row in table)
    assert [row["mean_distance"] for row in table] == sorted(r["mean_distance"] for r in table)
    row = rows_of(out)["suspicious"]
    assert (row["count"], row["value"], row["chance"]) == (12, 1.0, 0.0)
    assert row["ci_low"] > 0.7


def test_a_model_that_knows_nothing_is_not(folder: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    cliques(Extraction(str(folder(12, 12)), out, calibrate=True, fpr=0.01))
    table = pq.read_table(out / "cliques.parquet").to_pylist()
    assert not any(row["suspicious"] for row in table)
    rows = rows_of(out)
    assert rows["suspicious"]["count"] == 0
    assert rows["mean_clique"]["value"] == pytest.approx(rows["mean_clique"]["chance"], abs=0.5)
    assert np.median([row["p_value"] for row in table]) > 0.1


@pytest.mark.parametrize("distance", ["l2", "patched-l2", "pixels"])
def test_the_memorized_prompts_come_first(
    folder: Callable[..., Path], tmp_path: Path, distance: str
) -> None:
    out = tmp_path / "out"
    asked = Extraction(
        str(folder(12, 12, memorized=3)),
        out,
        distance=distance,
        calibrate=True,
        fpr=0.001,
        cache=tmp_path / "cache",
    )
    cliques(asked)
    table = pq.read_table(out / "cliques.parquet").to_pylist()
    assert [row["suspicious"] for row in table] == [True] * 3 + [False] * 9
    assert {row["prompt_id"] for row in table[:3]} == {"p000", "p001", "p002"}
    assert table[0]["text"] == "a thing " + table[0]["prompt_id"][-1]
    assert table[0]["edges"] == 66
    assert (out / "pictures" / "index.json").is_file()


def test_the_distances_inside_a_clique_are_right(
    folder: Callable[..., Path], tmp_path: Path
) -> None:
    data = folder(11, 10, memorized=1)
    cliques(Extraction(str(data), tmp_path / "out", distance="l2", threshold=0.1))
    first = pq.read_table(tmp_path / "out" / "cliques.parquet").to_pylist()[0]
    images = {sample.id: sample.image for sample in open_prompted(str(data)).data}
    pairs = [
        float((images[a].double() - images[b].double()).square().mean().sqrt())
        for a, b in combinations(first["members"], 2)
    ]
    assert first["mean_distance"] == pytest.approx(np.mean(pairs), abs=1e-7)


def test_the_same_call_goes_on_after_a_kill_and_ends_in_the_same_rows(
    folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = str(folder(11, 10, memorized=2))
    kept: dict[str, object] = {"calibrate": True, "fpr": 0.002, "repeats": 9}
    cliques(Extraction(data, tmp_path / "whole", **kept))  # type: ignore[arg-type]
    asked = Extraction(data, tmp_path / "killed", **kept)  # type: ignore[arg-type]
    done, largest = [], job.largest_clique

    def dying(close: np.ndarray) -> object:
        done.append(len(close))
        if len(done) == 6:
            raise KeyboardInterrupt
        return largest(close)

    monkeypatch.setattr(job, "largest_clique", dying)
    with pytest.raises(KeyboardInterrupt):
        cliques(asked)
    before = len(done)
    cliques(asked)
    assert len(done) - before < 11 + 9  # The first batch of prompts is not done again.
    for name in ("cliques.parquet", "results.json", "pictures/index.json"):
        whole, killed = ((tmp_path / f / name).read_bytes() for f in ("whole", "killed"))
        assert whole == killed, name
    assert not (tmp_path / "killed" / "work").exists()


def test_a_picture_that_changed_after_a_kill_is_not_shown_as_the_one_that_was_compared(
    folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = folder(11, 10, memorized=2)
    asked = Extraction(str(data), tmp_path / "out")
    # Another file of the same size: what is known of the data without a look at a picture.
    monkeypatch.setattr("solidmark.data.identity._size", lambda path: 1)

    def stop(*given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(job, "write_cliques", stop)
        with pytest.raises(KeyboardInterrupt):
            cliques(asked)
    path = data / "images" / "000003.png"
    kept = path.read_bytes()
    with Picture.open(path) as picture:
        ImageOps.invert(picture).save(path)
    with pytest.raises(RunConflict, match=r"000003. has changed since this run began"):
        cliques(asked)
    path.write_bytes(kept)
    assert cliques(asked).finished


def test_captions_are_prompts_where_nothing_says_whose_an_image_is(
    folder: Callable[..., Path],
) -> None:
    found = open_prompted(str(folder(3, 2, ids=False)))
    assert [prompt.id for prompt in found.prompts] == ["a thing 0", "a thing 1", "a thing 2"]
    assert [len(prompt.numbers) for prompt in found.prompts] == [2, 2, 2]


def test_one_generation_a_prompt_is_nothing_to_compare(folder: Callable[..., Path]) -> None:
    with pytest.raises(BadInput, match=r"no two images of one prompt.*--per-prompt"):
        open_prompted(str(folder(3, 1)))


def test_a_broken_generation_is_counted_and_the_rest_goes_on(
    folder: Callable[..., Path], tmp_path: Path
) -> None:
    data = folder(2, 11, memorized=2)
    (data / "images" / "000003.png").write_bytes(b"no picture")
    cliques(Extraction(str(data), tmp_path / "out", threshold=0.15))
    table = {row["prompt_id"]: row for row in _table(tmp_path / "out")}
    assert (table["p000"]["n"], table["p000"]["failed"], table["p000"]["clique"]) == (10, 1, 10)
    assert "1 of its generations could not be compared" in table["p000"]["note"]
    assert json.loads((tmp_path / "out" / "results.json").read_text())["quarantined"] == 1
    # Two prompts are too few for chance.
    assert table["p000"]["p_value"] is None
    assert "too few prompts" in str(rows_of(tmp_path / "out")["suspicious"]["note"])


def test_blank_pictures_are_close_to_one_another_and_said_to_be(
    folder: Callable[..., Path], tmp_path: Path
) -> None:
    data = folder(2, 10)
    for number in range(10):
        write_image(data / "images" / f"{number:06d}.png", torch.full((3, SIDE, SIDE), 0.5))
    cliques(Extraction(str(data), tmp_path / "out"))
    first = _table(tmp_path / "out")[0]
    assert first["suspicious"]
    assert first["low_content"]
    assert rows_of(tmp_path / "out")["low_content"]["count"] == 1


def test_equal_pictures_of_different_prompts_leave_no_threshold(
    folder: Callable[..., Path], tmp_path: Path
) -> None:
    data = folder(2, 10)
    for path in (data / "images").iterdir():
        write_image(path, torch.full((3, SIDE, SIDE), 0.5))
    with pytest.raises(BadInput, match="equal pictures"):
        cliques(Extraction(str(data), tmp_path / "out", calibrate=True, fpr=0.1))
    cliques(Extraction(str(data), tmp_path / "out", threshold=0.1))  # The folder is free again.


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"distance": "modified-l2"}, "rescaled by the training images"),
        ({"distance": "l2"}, "No threshold is known"),
        ({"threshold": 0.1, "calibrate": True}, "Leave --threshold or --calibrate out"),
        ({"threshold": 0.0}, "above 0"),
        ({"fpr": 1.0}, "--fpr"),
        ({"least": 1}, "--least must be 2 or more"),
    ],
)
def test_what_makes_no_sense_is_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Extraction("x", Path("y"), **fields)  # type: ignore[arg-type]


def test_too_few_generations_for_a_clique_are_refused(
    folder: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=r"more than 4 generations.*--least 2"):
        cliques(Extraction(str(folder(3, 4)), tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def _table(out: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = pq.read_table(out / "cliques.parquet").to_pylist()
    return rows
