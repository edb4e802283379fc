"""What is added to a model is part of the question that a run folder holds."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import tiny
import torch
from safetensors.torch import load_file, save_file

from solidmark.errors import RunConflict
from solidmark.marks import Border, Marked
from solidmark.measures.audit import Question, observe
from solidmark.models import Opening
from solidmark.readers import Energy

NAMES = ("to_q", "to_v")


def save_lora(path: Path, scale: float) -> str:
    """Matrices of rank 1 for the first attention of the tiny network."""
    block = "unet.mid_block.attentions.0.transformer_blocks.0.attn1"
    noise = torch.Generator().manual_seed(0)
    weights = {
        f"{block}.{name}.lora_{end}.weight": scale * torch.randn(shape, generator=noise)
        for name in NAMES
        for end, shape in (("A", (1, 16)), ("B", (16, 1)))
    }
    save_file(weights, path)
    return str(path)


def test_a_lora_changes_the_answers_and_another_lora_is_another_run(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(8, channels=3, pattern=Border(4))
    base = tiny.stable_diffusion(tmp_path / "sd")
    lora = save_lora(tmp_path / "lora.safetensors", 1.0)
    plain = Question(
        str(base), marked.folder, tmp_path / "plain", (Energy(t=0.2),), ceiling=False, batch_size=4
    )
    added = replace(
        plain, out=tmp_path / "added", opening=Opening(loras=(lora,), offload=True, device="cpu")
    )
    answers = []
    for question in (plain, added):
        observe(question)
        rows = pq.read_table(question.out / "evidence.parquet").to_pylist()
        assert {row["status"] for row in rows} == {"ok"}
        answers.append([row["energies"] for row in rows])
    assert answers[0] != answers[1]
    observe(added)
    with pytest.raises(RunConflict, match="lora_scale"):
        observe(replace(added, opening=replace(added.opening, lora_scale=0.5)))
    weights = {name: 2 * weight for name, weight in load_file(lora).items()}
    save_file(weights, lora)
    with pytest.raises(RunConflict, match="the content of lora_0"):
        observe(added)
