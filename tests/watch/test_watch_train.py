"""A training of ours that is looked at on the way: the same weights, one curve, stopped or not."""

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import tiny
from forking import run_together, start
from training.folders import SMALL, TUNED, kept, mark, mark_captioned

from solidmark import api
from solidmark.cli import main
from solidmark.errors import BadInput
from solidmark.measures.watch import looks_of
from solidmark.runs import read_json
from solidmark.training import trainer

ASKED = {**SMALL, "num_train_epochs": 3, "dropout": 0.1, "checkpointing_steps": 2, "device": "cpu"}
"""Nine steps of nine images."""


@pytest.fixture(scope="module")
def nine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine training images of 12 x 12 pixels, three held out."""
    return mark(tmp_path_factory.mktemp("nine") / "marked")


def trained(out: Path) -> dict[str, bytes]:
    """What is left of a training, without what was seen on the way."""
    return {name: data for name, data in kept(out).items() if not name.startswith("watch/")}


def curve(out: Path) -> list[tuple[int, int | None, float | None]]:
    return [(one.step, one.images, one.z) for one in looks_of(out / "watch")]


def test_weights_are_the_same_with_and_without_looks(nine: Path, tmp_path: Path) -> None:
    api.train(nine, tmp_path / "plain", **ASKED)  # type: ignore[arg-type]
    api.train(nine, tmp_path / "watched", watch=4, checkpoint_at=(), **ASKED)  # type: ignore[arg-type]
    assert trained(tmp_path / "watched") == trained(tmp_path / "plain")
    assert [(step, images) for step, images, _ in curve(tmp_path / "watched")] == [(4, 13), (8, 26)]
    assert (tmp_path / "watched" / "watch" / "report.html").is_file()


def test_a_look_sees_the_averaged_weights_that_are_saved(nine: Path, tmp_path: Path) -> None:
    api.train(nine, tmp_path / "out", watch=9, **ASKED)  # type: ignore[arg-type]
    saved = api.audit(tmp_path / "out", nine, tmp_path / "audit", device="cpu")
    z = next(
        one for one in saved.figures if one.statistic == "permutation_z" and one.split == "trained"
    )
    assert curve(tmp_path / "out")[0][2] == pytest.approx(z.value, rel=1e-6)


def train_until(place: str, count: int, marked: Path, out: Path) -> None:
    """Trains with looks, and dies just before something is done for the `count`-th time."""
    where: Any = trainer.Training if place == "_checkpoint" else api.Watch
    work, done = getattr(where, place), 0

    def work_or_die(*arguments: Any, **options: Any) -> Any:
        nonlocal done
        done += 1
        if done == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return work(*arguments, **options)

    setattr(where, place, work_or_die)
    api.train(marked, out, watch=4, **ASKED)  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_killed_training_continues_the_curve(nine: Path, tmp_path: Path) -> None:
    api.train(nine, tmp_path / "whole", watch=4, **ASKED)  # type: ignore[arg-type]
    # Between the state of step 4 and its look; within that look; after it, before the next state;
    # within the look at step 8.
    for place, count in (("look", 1), ("_keep", 1), ("_checkpoint", 1), ("_keep", 1), ("", 0)):
        if not place:
            api.train(nine, tmp_path / "killed", watch=4, **ASKED)  # type: ignore[arg-type]
            continue
        child = start(train_until, place, count, nine, tmp_path / "killed")
        child.join(120)
        assert child.exitcode == -signal.SIGKILL, place
    assert trained(tmp_path / "killed") == trained(tmp_path / "whole")
    assert curve(tmp_path / "killed") == curve(tmp_path / "whole")


def test_a_look_that_sees_enough_ends_the_training(
    nine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is memorized in nine steps, so what sees it stands in."""
    seen = lambda looks, stop_at: any(one.step >= 4 for one in looks)  # noqa: E731
    monkeypatch.setattr("solidmark.measures.watch.is_reached", seen)
    asked = {**ASKED, "watch": 2, "watch_stop": "memorized"}
    api.train(nine, tmp_path / "out", **asked)  # type: ignore[arg-type]
    manifest = read_json(tmp_path / "out" / "manifest.json")
    assert (manifest["steps"], manifest["config"]["watch_stop"]) == (4, "memorized")
    assert [step for step, *_ in curve(tmp_path / "out")] == [2, 4]
    # The same again: it is finished. One whose end was lost stops at the same step.
    before = kept(tmp_path / "out")
    api.train(nine, tmp_path / "out", **asked)  # type: ignore[arg-type]
    shutil.rmtree(tmp_path / "out" / "model")
    api.train(nine, tmp_path / "out", **asked)  # type: ignore[arg-type]
    assert kept(tmp_path / "out") == before
    # From before the looks that have stopped it, it stops where it did, and not at once.
    state = next((tmp_path / "out" / "checkpoints").glob("*2"))
    shutil.rmtree(tmp_path / "out" / "model")
    again = {**asked, "resume_from_checkpoint": state}
    shutil.copytree(state, tmp_path / "state")
    api.train(nine, tmp_path / "out", **{**again, "resume_from_checkpoint": tmp_path / "state"})  # type: ignore[arg-type]
    assert kept(tmp_path / "out") == before


@pytest.mark.parametrize("changes", [{}, {"lora_rank": 2}], ids=["full", "lora"])
def test_a_latent_training_is_looked_at(tmp_path: Path, changes: dict[str, int]) -> None:
    base = tiny.stable_diffusion(tmp_path / "base")
    marked = mark_captioned(tmp_path / "marked")
    asked = {**TUNED, "base": str(base), "ema_decay": 0.9, "device": "cpu", **changes}
    api.train(marked, tmp_path / "plain", **asked)  # type: ignore[arg-type]
    api.train(marked, tmp_path / "watched", watch=3, **asked)  # type: ignore[arg-type]
    assert trained(tmp_path / "watched") == trained(tmp_path / "plain")
    assert [step for step, *_ in curve(tmp_path / "watched")] == [3, 6]


def test_a_watch_of_ones_own_goes_into_the_training(nine: Path, tmp_path: Path) -> None:
    kept_numbers: list[int] = []
    watch = api.Watch(
        nine,
        tmp_path / "elsewhere",
        every=3,
        log=lambda values, step: kept_numbers.append(step),
        page=False,
        limit=4,
        device="cpu",
    )
    api.train(nine, tmp_path / "out", watch=watch, **ASKED)  # type: ignore[arg-type]
    assert kept_numbers == [3, 6, 9]
    assert not (tmp_path / "out" / "watch").exists()


def test_the_command(nine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = "--max-train-steps 4 --train-batch-size 4 --block-out-channels 8,16 --norm-num-groups 4"
    small += " --layers-per-block 1 --attention-head-dim 8 --device cpu"
    words = ["train", str(nine), str(tmp_path / "out"), *small.split()]
    assert main([*words, "--watch", "2", "--watch-stop", "0.5", "--dry-run", "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert planned["plan"]["looks"] == 2
    assert planned["options"]["watch_stop"] == 0.5
    assert main([*words, "--watch", "2", "--watch-stop", "0.5", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    watched = api.Result(tmp_path / "out" / "watch")
    assert answer["verdict"] == watched.verdict.to_json()
    assert answer["watch"]["looks"] == 2
    again = ["train", "--config", str(tmp_path / "out" / "config.yaml"), *words[1:3]]
    assert main(again) == 0
    assert watched.verdict.headline in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"watch": 0}, "1 step or more"),
        ({"watch": 10}, "has 9 steps"),
        ({"watch_stop": "memorized"}, "watched"),
        ({"watch": 2, "watch_stop": 1.5}, "share of memorized images"),
    ],
)
def test_what_cannot_be_watched_is_refused(
    nine: Path, tmp_path: Path, asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        api.train(nine, tmp_path / "out", **{**ASKED, **asked})  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("typed", ["nearly", "0", "1.5"])
def test_where_to_stop_is_judged_as_it_is_typed(
    nine: Path, tmp_path: Path, typed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", str(nine), str(tmp_path / "out"), "--watch", "2", "--watch-stop", typed]
    assert main(words) == 2
    assert f'not "{typed}"' in capsys.readouterr().err


def train_shared(marked: Path, out: Path) -> None:
    """What each of two processes does; dropout is drawn in each for itself."""
    api.train(marked, out, watch=4, **{**ASKED, "adam_epsilon": 1e-3, "dropout": 0.0})  # type: ignore[arg-type]


@pytest.mark.slow
def test_two_processes_look_together(nine: Path, tmp_path: Path) -> None:
    train_shared(nine, tmp_path / "one")
    run_together(2, train_shared, nine, tmp_path / "two")
    assert read_json(tmp_path / "two" / "manifest.json")["processes"] == 2
    alone, shared = (curve(tmp_path / name) for name in ("one", "two"))
    assert [one[:2] for one in shared] == [one[:2] for one in alone]
    for one, other in zip(shared, alone, strict=True):
        assert one[2] == pytest.approx(other[2], rel=1e-3)
