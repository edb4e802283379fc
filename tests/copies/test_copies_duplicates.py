"""Copies in a training set: found, tied to the one that is kept, and nothing else."""

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
from PIL import Image

from solidmark.data import open_data, to_picture
from solidmark.errors import BadInput
from solidmark.marks import Marked, Segments
from solidmark.measures.copies import Deduplication, duplicates, similar
from solidmark.measures.copies.components import group_copies
from solidmark.measures.copies.duplicatetable import grey_distance
from solidmark.measures.copies.looking import Looked
from solidmark.measures.copies.similar import close_pairs, joined
from solidmark.neighbours import Matrix, Neighbours, Search

job = import_module(
    "solidmark.measures.copies.duplicates"
)  # The package has the function of this name.


def digit(number: int, side: int = 64) -> Image.Image:
    return to_picture(open_data("digits", resolution=side, limit=5 * number + 1)[5 * number].image)


def larger(picture: Image.Image) -> Image.Image:
    return picture.resize((96, 96), Image.Resampling.BICUBIC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six digits; of 0 an exact copy and a re-encoded one, of 1 a larger one, a broken file."""
    here = tmp_path / "data"
    here.mkdir()
    for number in range(6):
        digit(number).save(here / f"digit-{number}.png")
    digit(0).save(here / "copy.png")
    digit(0).save(here / "again.jpg", quality=80)
    larger(digit(1)).save(here / "large.png")
    (here / "broken.png").write_bytes(b"no picture")
    return here


def table_of(out: Path, name: str = "duplicates") -> list[dict[str, object]]:
    rows: list[dict[str, object]] = pq.read_table(out / f"{name}.parquet").to_pylist()
    return rows


def rows_of(out: Path, statistic: str, **where: object) -> list[dict[str, object]]:
    rows = json.loads((out / "results.json").read_text())["rows"]
    where["statistic"] = statistic
    return [r for r in rows if all(r.get(name) == value for name, value in where.items())]


# Pairs


def unit(count: int, dimensions: int = 12, seed: int = 0) -> np.ndarray:
    """Vectors of length 1 in bunches of very different sizes."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(count // 4, dimensions))
    chosen = centres[np.minimum(rng.geometric(0.2, count), len(centres)) - 1]
    rows = chosen + 0.25 * rng.normal(size=chosen.shape)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("above", [0.5, 0.8, 0.95, 0.9999])
@pytest.mark.parametrize("at_once", [50, 2**22])
def test_all_pairs_are_found_and_no_others(
    above: float, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(similar, "_AT_ONCE", at_once)
    rows = unit(90)
    products = rows.astype(float) @ rows.astype(float).T
    expected = np.argwhere(np.triu(products >= above, 1))
    assert above > 0.5 or len(expected) > 8 * 90  # More close ones than are asked for at first.

    def is_close(found: Neighbours) -> np.ndarray:
        return 1 - found.squared * 12 / 2 >= above

    pairs, nearest = close_pairs(Matrix((rows,)), is_close, Search())
    assert pairs.tolist() == expected.tolist()
    np.fill_diagonal(products, -1)
    assert (nearest.index[:, 0] == products.argmax(axis=1)).all()


def test_a_threshold_that_takes_everything_for_a_copy_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(similar, "MOST", 100)
    with pytest.raises(BadInput, match=r"More than 100 pairs.*higher --above"):
        close_pairs(Matrix((unit(40),)), lambda found: found.squared < 9, Search())


def test_groups_are_the_connected_components_of_networkx() -> None:
    graph = networkx.gnp_random_graph(80, 0.01, seed=3)
    labels = joined(80, np.array(graph.edges))
    found = {frozenset(np.flatnonzero(labels == label)) for label in set(labels)}
    assert found == {frozenset(part) for part in networkx.connected_components(graph)}


# Groups


def looked(number: int, id: str, picture: Image.Image) -> Looked:
    from solidmark.data import sign, to_tensor

    signature = sign(to_tensor(picture.convert("L")))
    return Looked(number, id, (picture.height, picture.width), signature)


def test_the_largest_is_kept_then_the_smallest_id_and_ties_are_named() -> None:
    images = [
        looked(0, "b", digit(0)),
        looked(1, "d", larger(digit(0))),
        looked(2, "c", larger(digit(0))),
        looked(3, "e", digit(3)),
        looked(4, "f", digit(4)),
    ]
    copies = group_copies(images, np.array([[0, 3]]))
    assert [(c.number, c.group, c.kept, c.kind) for c in copies] == [
        (2, "b", 2, None),
        (1, "b", 2, "exact"),
        (0, "b", 2, "near"),
        (3, "b", 2, "embedding"),
    ]
    assert [c.number for c in group_copies(images, near=False)] == [2, 1]


def test_the_distance_of_thumbnails_is_that_of_their_grey_levels() -> None:
    one, two = (looked(0, "a", digit(number)).signature for number in (0, 1))
    thumbnails = [
        np.asarray(digit(number).convert("L").resize((16, 16), Image.Resampling.BOX), dtype=float)
        for number in (0, 1)
    ]
    expected = np.sqrt(np.mean((thumbnails[0] - thumbnails[1]) ** 2)) / 255
    assert grey_distance(one, two) == pytest.approx(expected, abs=1e-9)
    assert grey_distance(one, one) == 0


# The job


def test_copies_are_found_and_one_of_each_group_is_kept(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    duplicates(Deduplication(str(folder), out))
    table = table_of(out)
    assert [(row["id"], row["group"], row["kind"], row["keep"]) for row in table] == [
        ("again.jpg", "again.jpg", None, True),
        ("copy.png", "again.jpg", "near", False),
        ("digit-0.png", "again.jpg", "near", False),
        ("large.png", "digit-1.png", None, True),
        ("digit-1.png", "digit-1.png", "near", False),
    ]
    assert (out / "remove.txt").read_text() == "copy.png\ndigit-0.png\ndigit-1.png\n"
    assert rows_of(out, "images")[0]["n"] == 9
    assert rows_of(out, "groups")[0]["count"] == 2
    assert rows_of(out, "copies", kind=None)[0]["value"] == pytest.approx(3 / 9)
    assert rows_of(out, "copies", kind="exact")[0]["count"] == 0
    assert rows_of(out, "copies", kind="near")[0]["count"] == 3
    results = json.loads((out / "results.json").read_text())
    assert list(results["broken"]) == ["broken.png"]
    assert results["quarantined"] == 1
    index = json.loads((out / "pictures" / "index.json").read_text())
    assert set(index) == {row["id"] for row in table}
    assert all((out / path).is_file() for path in index.values())


def test_without_copies_there_is_nothing_to_remove(folder: Path, tmp_path: Path) -> None:
    for name in ("copy.png", "again.jpg", "large.png"):
        (folder / name).unlink()
    duplicates(Deduplication(str(folder), tmp_path / "out"))
    assert table_of(tmp_path / "out") == []
    assert (tmp_path / "out" / "remove.txt").read_text() == ""
    assert rows_of(tmp_path / "out", "copies", kind=None)[0]["count"] == 0


@pytest.mark.parametrize("above", [0.9, 0.5])
def test_an_embedder_adds_what_it_sees(folder: Path, tmp_path: Path, above: float) -> None:
    """Against all similarities by hand: groups, similarities, and the nearest other of each."""
    from solidmark.embed import open_embedder

    out = tmp_path / "out"
    asked = Deduplication(str(folder), out, embedder="pixels", above=above, cache=tmp_path / "c")
    duplicates(asked)
    data = open_data(folder)
    samples = [data[n] for n, id in enumerate(data.ids) if id != "broken.png"]
    vectors = open_embedder("pixels").embed([s.image for s in samples]).double().numpy()
    products = vectors @ vectors.T
    ids = [s.id for s in samples]
    place = {id: n for n, id in enumerate(ids)}
    graph = networkx.Graph((a, b) for a, b in combinations(range(9), 2) if products[a, b] >= above)
    table = table_of(out)
    groups: dict[object, set[str]] = {}
    for row in table:
        groups.setdefault(row["group"], set()).add(str(row["id"]))
    expected = {frozenset(ids[n] for n in part) for part in networkx.connected_components(graph)}
    assert {frozenset(some) for some in groups.values()} == expected
    kept = {row["group"]: place[str(row["id"])] for row in table if row["keep"]}
    for row in table:
        own = products[place[str(row["id"])], kept[row["group"]]]
        assert row["similarity"] == pytest.approx(own, abs=1e-6)
    np.fill_diagonal(products, -1)
    found = {row["id"]: row["similarity"] for row in table_of(out, "closest")}
    for number, id in enumerate(ids):
        assert found[id] == pytest.approx(products[number].max(), abs=1e-6)
    best = products.max(axis=1)
    mean = rows_of(out, "mean", split="train_vs_train")[0]
    assert mean["value"] == pytest.approx(best.mean(), abs=1e-6)
    assert mean["ci_low"] < mean["value"] < mean["ci_high"]  # type: ignore[operator]
    share = rows_of(out, "eidetic", threshold=0.5)[0]
    assert share["value"] == pytest.approx((best >= 0.5).mean())
    assert "count twice" in str(share["note"])
    for percentile in (75, 90, 95):
        row = rows_of(out, "percentile", percentile=percentile)[0]
        assert row["value"] == pytest.approx(np.quantile(best, percentile / 100), abs=1e-6)


def test_a_chain_is_counted(tmp_path: Path) -> None:
    """Each picture is like the next, and the first not like the last: one group by its links."""
    here = tmp_path / "data"
    here.mkdir()
    first, last = (torch.rand(32, 32, generator=torch.Generator().manual_seed(n)) for n in (0, 1))
    for step in range(5):
        angle = step * np.pi / 8
        image = 0.5 + 0.35 * (np.cos(angle) * (first - 0.5) + np.sin(angle) * (last - 0.5))
        to_picture(image[None]).save(here / f"{step}.png")
    out = tmp_path / "out"
    asked = Deduplication(
        str(here), out, near=False, embedder="pixels", above=0.85, cache=tmp_path / "cache"
    )
    duplicates(asked)
    table = table_of(out)
    assert [row["kind"] for row in table] == [None] + ["embedding"] * 4
    below = sum(float(str(row["similarity"])) < 0.85 for row in table)
    assert rows_of(out, "chained")[0]["count"] == below == 3


def test_pixel_distances_say_how_close_the_nearest_other_is(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    asked = Deduplication(str(folder), out, distances=("l2", "patched-l2"), resolution=16, mode="L")
    duplicates(asked)
    data = open_data(folder, resolution=16, mode="L")
    images = {id: data[n].image.double() for n, id in enumerate(data.ids) if id != "broken.png"}
    found = {
        row["id"]: row["distance"] for row in table_of(out, "closest") if row["measure"] == "l2"
    }
    for id, image in images.items():
        nearest = min(
            float((image - other).square().mean().sqrt()) for o, other in images.items() if o != id
        )
        assert found[id] == pytest.approx(nearest, abs=1e-6)
    assert found["copy.png"] == 0
    assert rows_of(out, "mean", measure="patched-l2")


def test_images_of_other_sizes_count_as_failed_by_pixels(folder: Path, tmp_path: Path) -> None:
    duplicates(Deduplication(str(folder), tmp_path / "out", distances=("l2",)))
    found = {row["id"]: row["distance"] for row in table_of(tmp_path / "out", "closest")}
    # The first by its id gives the size.
    assert found["large.png"] is None
    assert found["copy.png"] == 0


def test_the_training_half_of_a_marked_folder_is_taken_without_frames(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(20, side=28, digits=True, pattern=Segments(2, 4), held_out=0.5)
    out = tmp_path / "out"
    duplicates(Deduplication(str(marked.folder), out, distances=("l2",)))
    trained = marked.ids("trained")
    assert rows_of(out, "images")[0]["n"] == len(trained) == 10
    images = {id: marked.pattern.crop(marked.sample(id).image[None])[0] for id in trained}
    for row in table_of(out, "closest"):
        own = images[str(row["id"])].double()
        others = [image.double() for id, image in images.items() if id != row["id"]]
        nearest = min(float((own - other).square().mean().sqrt()) for other in others)
        assert row["distance"] == pytest.approx(nearest, abs=1e-6)


def test_the_same_call_goes_on_after_a_kill_and_ends_in_the_same_files(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(name: str) -> Deduplication:
        return Deduplication(
            str(folder), tmp_path / name, embedder="pixels", cache=tmp_path / f"{name}-cache"
        )

    duplicates(asked("whole"))

    def dying(*arguments: object, **more: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(job, "close_pairs", dying)
        with pytest.raises(KeyboardInterrupt):
            duplicates(asked("killed"))
    looks: list[object] = []
    with monkeypatch.context() as patch:
        patch.setattr("solidmark.measures.copies.looking._look", lambda *a: looks.append(a))
        duplicates(asked("killed"))
    assert looks == []
    for name in ("duplicates.parquet", "closest.parquet", "results.json", "remove.txt"):
        whole, killed = ((tmp_path / f / name).read_bytes() for f in ("whole", "killed"))
        assert whole == killed, name
    assert not (tmp_path / "killed" / "work").exists()


def test_a_folder_without_a_good_image_leaves_the_output_free(tmp_path: Path) -> None:
    here = tmp_path / "data"
    here.mkdir()
    (here / "a.png").write_bytes(b"no picture")
    with pytest.raises(BadInput, match="None of the 1 images can be read"):
        duplicates(Deduplication(str(here), tmp_path / "out"))
    digit(0).save(here / "b.png")
    duplicates(Deduplication(str(here), tmp_path / "out", near=False))


def test_an_id_with_a_line_break_cannot_name_another_image(tmp_path: Path) -> None:
    here = tmp_path / "data"
    here.mkdir()
    digit(0).save(here / "a.png")
    digit(0).save(here / "b\na.png")
    duplicates(Deduplication(str(here), tmp_path / "out"))
    assert (tmp_path / "out" / "remove.txt").read_text() == '"b\\na.png"\n'


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"above": 0.0}, "--above"), ({"distances": ("pixels",)}, "named with --embedder")],
)
def test_options_that_make_no_sense_are_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Deduplication("x", Path("y"), **fields)  # type: ignore[arg-type]
