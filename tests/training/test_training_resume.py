"""A training that is killed, interrupted, lengthened or shared ends where it should."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from rounding import TRAINED
from safetensors.torch import load_file

from solidmark.errors import BadInput, RunConflict
from solidmark.runs import read_json, read_manifest
from solidmark.training import read_latest, train, trainer
from training.folders import kept, mark, small
from training.killed import train_through
from training.several import train_in_two

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"
RECIPE = small(
    num_train_epochs=4,
    checkpoint_at=(2,),
    checkpointing_steps=3,
    dropout=0.1,
    random_flip=True,
    gradient_accumulation_steps=2,
    train_batch_size=2,
)
KILLS = [
    ("step", 3),  # before anything was kept
    ("file", 2),  # within the first state
    ("move", 1),  # the first state is written, but not in its place
    ("save", 1),  # within the weights of epoch 2
    ("file", 8),  # one state is in its place, the next one half written
    ("step", 2),  # between two states
    ("save", 1),  # within the weights at the end
]


@pytest.fixture(scope="module")
def uninterrupted(marked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "out"
    train(marked, out, RECIPE, device="cpu")
    return out


@pytest.mark.slow
def test_a_training_killed_at_any_moment_ends_in_the_same_bits(
    marked: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    train_through(KILLS, marked, out, RECIPE)
    assert kept(out) == kept(uninterrupted)
    assert read_json(out / "manifest.json")["steps"] == 12


def test_ctrl_c_leaves_a_state_and_the_same_command_goes_on(
    marked: Path, uninterrupted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = trainer.Training._step
    before = signal.getsignal(signal.SIGINT)

    def interrupted(self: trainer.Training, *arguments: object) -> None:
        if self.state.step == 4:
            os.kill(os.getpid(), signal.SIGINT)
        step(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(trainer.Training, "_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(marked, tmp_path / "out", RECIPE, device="cpu")
    monkeypatch.undo()
    assert signal.getsignal(signal.SIGINT) is before
    newest = read_latest(tmp_path / "out" / "checkpoints")
    assert newest is not None
    assert newest.step == 5
    train(marked, tmp_path / "out", RECIPE, device="cpu")
    assert kept(tmp_path / "out") == kept(uninterrupted)


def test_a_finished_training_is_not_done_again(marked: Path, uninterrupted: Path) -> None:
    before = kept(uninterrupted)
    assert train(marked, uninterrupted, RECIPE, device="cpu") == uninterrupted / "model"
    assert kept(uninterrupted) == before


def test_another_recipe_is_refused(marked: Path, uninterrupted: Path) -> None:
    with pytest.raises(RunConflict, match="learning_rate"):
        train(marked, uninterrupted, replace(RECIPE, learning_rate=1.0), device="cpu")


def test_a_training_can_be_begun_anew(marked: Path, uninterrupted: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    train(marked, out, RECIPE, device="cpu")
    manifest = read_manifest(out) | {"finished": False}
    (out / "manifest.json").write_text(json.dumps(manifest))
    train(marked, out, RECIPE, device="cpu", resume_from_checkpoint=None)
    assert kept(out) == kept(uninterrupted)


def test_a_training_can_be_lengthened(marked: Path, tmp_path: Path) -> None:
    """At a constant rate a longer training goes through the shorter one."""
    steady = {"lr_scheduler": "constant", "checkpointing_epochs": 1}
    train(marked, tmp_path / "short", small(num_train_epochs=2, **steady), device="cpu")
    train(marked, tmp_path / "whole", small(num_train_epochs=3, **steady), device="cpu")
    state = tmp_path / "short" / "checkpoints" / "checkpoint-00000006"
    longer = small(num_train_epochs=3, **steady)
    train(marked, tmp_path / "long", longer, device="cpu", resume_from_checkpoint=state)
    for name in (f"model/{WEIGHTS}", "loss.csv"):
        assert (tmp_path / "long" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 1}, "of another training .seed: there 0, here 1"),
        ({"num_train_epochs": 1}, "at step 12, but this recipe ends at step 3"),
        ({"checkpoint_at": (1,)}, "names epoch 1, but the checkpoint is already past it"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(
    marked: Path, uninterrupted: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    state = uninterrupted / "checkpoints" / "checkpoint-00000012"
    recipe = replace(RECIPE, **{"num_train_epochs": 9, "checkpoint_at": (), **changes})
    with pytest.raises(BadInput, match=message):
        train(marked, tmp_path / "out", recipe, device="cpu", resume_from_checkpoint=state)


@pytest.mark.slow
def test_two_processes_train_the_network_of_one(tmp_path: Path) -> None:
    marked = mark(tmp_path / "marked", classes=2)
    # A large epsilon: without it Adam blows the rounding of a vanishing gradient up to a full step.
    recipe = small(
        class_conditional=True,
        adam_epsilon=1e-3,
        train_batch_size=2,
        gradient_accumulation_steps=2,
    )
    train(marked, tmp_path / "one", recipe, device="cpu")
    train_in_two(marked, tmp_path / "two", recipe)
    assert read_json(tmp_path / "one" / "manifest.json")["processes"] == 1
    assert read_json(tmp_path / "two" / "manifest.json")["processes"] == 2
    one, two = (load_file(tmp_path / name / "model" / WEIGHTS) for name in ("one", "two"))
    for name, weight in one.items():
        torch.testing.assert_close(two[name], weight, **TRAINED)
