"""A fine-tuning that is killed, interrupted or shared ends where it should."""

from dataclasses import replace
from pathlib import Path

import pytest
import tiny
import torch
from rounding import TRAINED
from safetensors.torch import load_file

from solidmark.runs import read_json
from solidmark.training import train
from training.folders import kept, mark_captioned, tuned
from training.killed import train_through
from training.several import train_in_two

CHANGES = {"caption_dropout": 0.3, "random_flip": True, "checkpointing_steps": 4, "ema_decay": 0.9}
KILLS = [
    ("shard", 2),  # one shard of latents is there
    ("shard", 1),  # before the next one
    ("step", 2),  # all latents are there, and no state
    ("file", 7),  # one state is in its place, the next one half written
    ("save", 1),  # within the weights at the end
]
WHAT = {
    "full": ({}, "unet/diffusion_pytorch_model.safetensors"),
    "lora": ({"lora_rank": 2}, "pytorch_lora_weights.safetensors"),
    "fresh": ({"from_scratch": True}, "unet/diffusion_pytorch_model.safetensors"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["full", "lora"])
def test_a_training_killed_at_any_moment_ends_in_the_same_bits(
    captioned: Path, base: Path, tmp_path: Path, name: str
) -> None:
    recipe = tuned(base, num_train_epochs=4, **CHANGES, **WHAT[name][0])
    train(captioned, tmp_path / "whole", recipe, device="cpu")
    train_through(KILLS, captioned, tmp_path / "killed", recipe)
    assert kept(tmp_path / "killed") == kept(tmp_path / "whole")
    assert read_json(tmp_path / "killed" / "manifest.json")["steps"] == 12


@pytest.mark.parametrize("name", WHAT)
def test_a_training_can_be_lengthened(
    captioned: Path, base: Path, tmp_path: Path, name: str
) -> None:
    """At a constant rate a longer training goes through the shorter one."""
    changes, weights = WHAT[name]
    longer = tuned(base, lr_scheduler="constant", **changes)
    train(captioned, tmp_path / "short", replace(longer, num_train_epochs=1), device="cpu")
    train(captioned, tmp_path / "whole", longer, device="cpu")
    state = tmp_path / "short" / "checkpoints" / "checkpoint-00000003"
    train(captioned, tmp_path / "long", longer, device="cpu", resume_from_checkpoint=state)
    for file in (f"model/{weights}", "loss.csv"):
        assert (tmp_path / "long" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "changes", "weights"),
    [
        (tiny.stable_diffusion, *WHAT["full"]),
        (tiny.stable_diffusion, *WHAT["lora"]),
        (tiny.dit, {}, "transformer/diffusion_pytorch_model.safetensors"),
    ],
    ids=["full", "lora", "dit"],
)
def test_two_processes_train_the_network_of_one(
    tmp_path: Path, build: object, changes: dict[str, object], weights: str
) -> None:
    """accelerate wraps the network of each; the family calls it all the same."""
    base = build(tmp_path / "base")  # type: ignore[operator]
    marked = mark_captioned(tmp_path / "marked", count=9)
    # A large epsilon: without it Adam blows the rounding of a vanishing gradient up to a full step.
    recipe = tuned(base, adam_epsilon=1e-3, caption_dropout=0.3, **changes)
    train(marked, tmp_path / "one", recipe, device="cpu")
    train_in_two(marked, tmp_path / "two", recipe)
    assert read_json(tmp_path / "two" / "manifest.json")["processes"] == 2
    assert not (tmp_path / "two" / "latents").exists()
    one, two = (load_file(tmp_path / name / "model" / weights) for name in ("one", "two"))
    for name, weight in one.items():
        torch.testing.assert_close(two[name], weight, **TRAINED)
