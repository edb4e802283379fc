"""Vectors are computed once, whatever happens in between."""

import os
import signal
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import embedded
import pytest
import torch
from forking import start
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from solidmark.embed import Cache, Function, Pixels, default_folder, embed_samples
from solidmark.errors import BadInput


def expected(count: int) -> Tensor:
    rows = torch.stack([sample.image.flatten() for sample in embedded.samples(count)])
    return rows / rows.norm(dim=1, keepdim=True)


@given(st.lists(st.lists(st.floats(width=32, allow_nan=False), min_size=3, max_size=3), max_size=4))
@settings(max_examples=15, deadline=None)
def test_vectors_come_back_bit_by_bit(
    tmp_path_factory: pytest.TempPathFactory, values: list[list[float]]
) -> None:
    cache, card = Cache(tmp_path_factory.mktemp("cache")), Pixels(1).card
    vectors = {f"content-{number}": torch.tensor(row) for number, row in enumerate(values)}
    cache.write(card, vectors)
    found = cache.read(card, [*vectors, "stranger"])
    assert found.keys() == vectors.keys()
    assert all(torch.equal(found[content], vectors[content]) for content in vectors)


def test_a_second_run_computes_nothing_and_new_images_are_added(tmp_path: Path) -> None:
    seen: list[int] = []
    embedder, cache = embedded.embedder(seen=seen), Cache(tmp_path)
    first = embed_samples(embedder, embedded.samples(25), cache, batch_size=10)
    assert seen == [10, 10, 5]
    again = embed_samples(embedder, embedded.samples(25), cache, batch_size=7)
    assert seen == [10, 10, 5]
    more = embed_samples(embedder, embedded.samples(30), cache, batch_size=10)
    assert seen == [10, 10, 5, 5]
    assert torch.allclose(first, expected(25), atol=1e-6)
    assert torch.equal(first, again)
    assert torch.equal(first, more[:25])
    assert torch.allclose(more, expected(30), atol=1e-6)


def test_equal_pixels_are_embedded_once(tmp_path: Path) -> None:
    seen: list[int] = []
    one, two = embedded.samples(2)
    many = [one, replace(one, id="copy"), two, replace(one, id="another")]
    rows = embed_samples(embedded.embedder(seen=seen), many, Cache(tmp_path), batch_size=3)
    assert seen == [2]
    assert torch.equal(rows[0], rows[1])
    assert torch.equal(rows[0], rows[3])
    assert not torch.equal(rows[0], rows[2])


def test_without_a_cache_all_is_computed_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOLIDMARK_CACHE", str(tmp_path / "cache"))
    seen: list[int] = []
    for _ in range(2):
        embed_samples(embedded.embedder(seen=seen), embedded.samples(3))
    assert seen == [3, 3]
    assert not (tmp_path / "cache").exists()


def test_another_card_has_vectors_of_its_own(tmp_path: Path) -> None:
    seen: list[int] = []
    one = embedded.embedder(seen=seen)
    two = Function(one.name, one.function, one.dimensions, "2")
    for embedder in (one, two, one, two):
        embed_samples(embedder, embedded.samples(4), Cache(tmp_path))
    assert seen == [4, 4]


def test_no_samples_are_no_rows(tmp_path: Path) -> None:
    rows = embed_samples(Pixels(2), [], Cache(tmp_path))
    assert rows.shape == (0, 12)
    assert not list(tmp_path.iterdir())


def test_samples_are_drawn_a_batch_at_a_time_and_progress_is_told(tmp_path: Path) -> None:
    drawn, told = [], []

    def draw() -> object:
        for sample in embedded.samples(7):
            drawn.append(sample.id)
            yield sample

    def advance(amount: int = 1, note: str = "") -> None:
        told.append((amount, len(drawn)))

    embed_samples(Pixels(2), draw(), Cache(tmp_path), batch_size=3, advance=advance)  # type: ignore[arg-type]
    assert told == [(3, 3), (3, 6), (1, 7)]


@pytest.mark.parametrize(
    ("own", "shared", "folder"),
    [("/a/b", "/c", "/a/b"), ("", "/c", "/c/solidmark"), ("", "", "/home/me/.cache/solidmark")],
)
def test_the_folder_is_the_users_choice(
    own: str, shared: str, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOLIDMARK_CACHE", own)
    monkeypatch.setenv("XDG_CACHE_HOME", shared)
    monkeypatch.setenv("HOME", "/home/me")
    assert default_folder() == Cache().folder == Path(folder)


def test_a_file_that_is_no_cache_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "embeddings.sqlite").write_bytes(b"not a database" * 1000)
    with pytest.raises(BadInput, match=r"cannot be used \(file is not a database\)\. Name another"):
        embed_samples(Pixels(2), embedded.samples(1), Cache(tmp_path))


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match=r"cannot be used .* Name another folder"):
        embed_samples(Pixels(2), embedded.samples(1), Cache(tmp_path / "file"))


def test_the_file_is_in_wal_mode_and_says_who_made_the_vectors(tmp_path: Path) -> None:
    embed_samples(Pixels(2), embedded.samples(1), Cache(tmp_path))
    connection = sqlite3.connect(tmp_path / "embeddings.sqlite")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    (key, card), *rest = connection.execute("SELECT key, card FROM embedders")
    connection.close()
    assert not rest
    assert key == Pixels(2).card.key
    assert '"name": "pixels"' in card


def wait_for_lines(path: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if path.exists() and path.read_text().count("\n") >= count:
            return
        time.sleep(0.001)


def test_after_kills_the_same_call_goes_on_where_it_was(tmp_path: Path) -> None:
    told = tmp_path / "told.txt"
    kept = 0
    for round in range(4):
        told.unlink(missing_ok=True)
        child = start(embedded.fill, tmp_path / "cache", told, 0.01, 100_000)
        wait_for_lines(told, kept // 10 + 3)
        time.sleep(0.003 * round)
        os.kill(child.pid, signal.SIGKILL)
        child.join(60)
        assert child.exitcode == -signal.SIGKILL
        done = 10 * told.read_text().count("\n")
        kept = len(Cache(tmp_path / "cache").read(embedded.embedder().card, contents(done + 50)))
        assert done <= kept <= done + 10, "what was told is kept, and at most one batch more"
        assert kept % 10 == 0, "half a batch"
    seen: list[int] = []
    rows = embed_samples(
        embedded.embedder(seen=seen), embedded.samples(kept + 20), Cache(tmp_path / "cache")
    )
    assert sum(seen) == 20
    assert torch.allclose(rows, expected(kept + 20), atol=1e-6)


def contents(count: int) -> list[str]:
    return [sample.content for sample in embedded.samples(count)]


def test_a_kill_within_a_batch_leaves_none_of_it(tmp_path: Path) -> None:
    child = start(embedded.die_within_a_batch, tmp_path)
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    cache, card = Cache(tmp_path), embedded.embedder().card
    assert cache.read(card, contents(20)).keys() == set(contents(10))
    embed_samples(embedded.embedder(), embedded.samples(20), cache)
    assert cache.read(card, contents(20)).keys() == set(contents(20))


def test_several_processes_fill_a_new_cache_at_the_same_time(tmp_path: Path) -> None:
    children = [
        start(embedded.fill, tmp_path / "cache", tmp_path / f"told-{number}", 0.0, 300)
        for number in range(4)
    ]
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    seen: list[int] = []
    rows = embed_samples(
        embedded.embedder(seen=seen), embedded.samples(300), Cache(tmp_path / "cache")
    )
    assert not seen
    assert torch.allclose(rows, expected(300), atol=1e-6)


def test_a_vector_that_was_turned_over_is_computed_again(tmp_path: Path) -> None:
    cache, card, first = Cache(tmp_path), embedded.embedder().card, contents(1)[0]
    embed_samples(embedded.embedder(), embedded.samples(4), cache)
    with closing(sqlite3.connect(tmp_path / "embeddings.sqlite")) as connection, connection:
        query = "SELECT vector FROM vectors WHERE content = ?"
        (blob,) = connection.execute(query, (first,)).fetchone()
        turned = bytes([blob[0] ^ 1]) + blob[1:]
        connection.execute("UPDATE vectors SET vector = ? WHERE content = ?", (turned, first))
    assert cache.read(card, contents(4)).keys() == set(contents(4)[1:])
    seen: list[int] = []
    rows = embed_samples(embedded.embedder(seen=seen), embedded.samples(4), cache)
    assert seen == [1]
    assert torch.allclose(rows, expected(4), atol=1e-6)
    assert cache.read(card, contents(4)).keys() == set(contents(4))


def test_a_cache_of_before_is_taken_as_it_is_and_goes_on(tmp_path: Path) -> None:
    card = embedded.embedder().card
    with closing(sqlite3.connect(tmp_path / "embeddings.sqlite")) as connection, connection:
        connection.execute(
            "CREATE TABLE vectors (embedder TEXT NOT NULL, content TEXT NOT NULL, "
            "vector BLOB NOT NULL, PRIMARY KEY (embedder, content))"
        )
        row = (card.key, contents(1)[0], expected(1)[0].numpy().astype("<f4").tobytes())
        connection.execute("INSERT INTO vectors VALUES (?, ?, ?)", row)
    seen: list[int] = []
    rows = embed_samples(embedded.embedder(seen=seen), embedded.samples(3), Cache(tmp_path))
    assert seen == [2]
    assert torch.allclose(rows, expected(3), atol=1e-6)
