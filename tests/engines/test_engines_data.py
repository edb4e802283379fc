"""Work on data alone is shared as that on a model is: what is written is the same bytes."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from cli.conftest import write_digits

from solidmark.cli import main
from solidmark.data import open_data
from solidmark.embed import Cache, open_embedder
from solidmark.errors import BadInput
from solidmark.marks import Marking, Segments, mark_dataset, marking
from solidmark.measures.copies import Deduplication, duplicates, looking
from solidmark.measures.guard import Indexing, build_index, guard, open_index
from solidmark.measures.nearest import Comparison, gathering, nearest
from solidmark.runs import Job, Room, using
from solidmark.runs.engines import Work
from solidmark.runs.pool import Pool

from .foreign import Foreign, written

COUNT = 24


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = write_digits(tmp_path / "photos", COUNT)
    (folder / "digit-05.png").write_bytes(b"no picture")
    (folder / "digit-07.png").write_bytes((folder / "digit-03.png").read_bytes())
    for number in range(0, COUNT, 2):
        (folder / f"digit-{number:02d}.txt").write_text(f"the digit {number}")
    return folder


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (marking, gathering, guard):
        monkeypatch.setattr(module, "BATCH", 4)
    monkeypatch.setattr(gathering, "LEAST", 4)
    monkeypatch.setattr(looking, "_BATCH", 4)


def mark(photos: Path, out: Path, shards: int | None = None) -> None:
    opened = partial(open_data, str(photos), mode="L")
    how = Marking(Segments(2, 4), seed=3, held_out=0.25, canaries=0.5, shards=shards)
    mark_dataset(opened(), out, how, {"seed": 3}, opened)


@pytest.mark.parametrize("shards", [None, 5])
def test_marking(shards: int | None, photos: Path, tmp_path: Path) -> None:
    mark(photos, tmp_path / "alone", shards)
    foreign = Foreign()
    with using(foreign):
        mark(photos, tmp_path / "away", shards)
    assert foreign.rounds == 3, "the survey begins, what was lost is done again, and it is painted"
    assert written(tmp_path / "away") == written(tmp_path / "alone")


@pytest.mark.slow
def test_marking_in_two_processes_of_which_one_dies(photos: Path, tmp_path: Path) -> None:
    mark(photos, tmp_path / "alone")
    with using("processes:2"):
        mark(photos, tmp_path / "away")
    assert written(tmp_path / "away") == written(tmp_path / "alone")
    job = Job(len, Room(1, "cpu"), Dying(str(tmp_path / "dead")))
    pool = Pool(1)
    with using(pool):
        found = dict(pool.hand_out({0: [0], 1: [1]}, job))
        assert not found, "what a process did that died has no answer"
        again = dict(pool.hand_out({0: [0], 1: [1]}, job))
    assert [answer and answer.rows["done"] for _, answer in sorted(again.items())] == [[0], [1]]


class Dying:
    """Work at which the first process dies that does it.

    Arguments:
        mark: The file that says that one has.
    """

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def open(self, folder: Path, room: Room) -> Work[int]:
        return self.do

    def do(self, batch: list[int]) -> dict[str, list[int]]:
        if not os.path.exists(self.mark):
            Path(self.mark).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return {"done": batch}


def test_processes_are_for_processors_and_have_a_number() -> None:
    job = Job(len, Room(1, "cuda"), Dying("nothing"))
    with pytest.raises(BadInput, match="Use torchrun"):
        list(Pool(2).hand_out({0: [0]}, job))
    for name in ("processes", "processes:", "processes:0", "processes:all"):
        with pytest.raises(BadInput, match='Write "processes:4"'), using(name):
            pass


@pytest.mark.slow
def test_two_processes_of_the_real_launcher(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Marking, and the copies by an embedder, as `torchrun` starts them."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    for name in ("alone", "away"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        monkeypatch.setenv("SOLIDMARK_CACHE", str(tmp_path / name / "cache"))
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        for command in (
            f"mark {photos} marked --mode L --seed 3",
            f"duplicates {photos} copies --embedder phash --mode L",
        ):
            words = command.split()
            if name == "alone":
                assert main(words) == 0
                continue
            called = [*launch, "-m", "solidmark", *words]
            done = subprocess.run(called, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
    for folder in ("marked", "copies"):
        assert written(tmp_path / "away" / folder) == written(tmp_path / "alone" / folder)


def test_embedding(photos: Path, tmp_path: Path) -> None:
    """The index of an embedder and of pixels, what is said by it, and copies by an embedder."""
    data, cache = str(photos), tmp_path / "cache"
    asked = Indexing(
        training=data,
        held_out=data,
        out=tmp_path / "alone",
        distances=("l2", "phash"),
        mode="L",
        cache=tmp_path / "another",
    )
    build_index(asked)
    foreign = Foreign()
    with using(foreign):
        build_index(Indexing(**{**vars(asked), "out": tmp_path / "away", "cache": cache}))
    assert foreign.rounds > 2
    assert written(tmp_path / "away") == written(tmp_path / "alone")
    contents = [open_data(data, mode="L")[number].content for number in (0, 23)]
    card = open_embedder("phash").card
    assert Cache(cache).read(card, contents).keys() == set(contents), "what came is kept"

    opened = open_index(tmp_path / "alone", thresholds={"l2": 0.1, "phash": 0.9})
    alone = [opened.to_json(said) for said in opened.screen_all([data, f"{data}/digit-00.png"])]
    with using(Foreign(lost=2)):
        away = [opened.to_json(said) for said in opened.screen_all([data, f"{data}/digit-00.png"])]
    assert away == alone
    assert len(alone) == COUNT + 1


@pytest.mark.parametrize("ask", [nearest, duplicates], ids=["nearest", "duplicates"])
def test_what_is_compared(ask: Callable[..., object], photos: Path, tmp_path: Path) -> None:
    more: dict[str, object] = {"mode": "L", "resolution": 8, "limit": 20}
    for name, engine in (("alone", "serial"), ("away", Foreign())):
        out, cache = tmp_path / name, tmp_path / f"{name}-cache"
        with using(engine):
            if ask is duplicates:
                ask(Deduplication(data=str(photos), out=out, embedder="phash", cache=cache, **more))
            else:
                ask(
                    Comparison(
                        generated=str(photos),
                        training=str(photos),
                        held_out="digits",
                        out=out,
                        n=4,
                        distances=("l2", "phash"),
                        cache=cache,
                        **more,
                    )
                )
    assert engine.rounds > 1  # type: ignore[union-attr]
    away, alone = written(tmp_path / "away"), written(tmp_path / "alone")
    assert away.keys() == alone.keys()
    differing = [name for name in away if away[name] != alone[name]]
    assert not differing
