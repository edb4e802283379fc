"""Marked folders in other trainers: what the example scripts of diffusers read from them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from solidmark.marks import open_marked
from training.folders import mark_captioned


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own for `datasets`."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    return tmp_path / "cache"


def test_the_example_scripts_of_diffusers_read_image_and_caption(
    captioned: Path, offline: Path
) -> None:
    """As `train_text_to_image.py --train_data_dir marked/train` opens it."""
    from datasets import load_dataset

    files = {"train": str(captioned / "train" / "**")}
    dataset = load_dataset("imagefolder", data_files=files, cache_dir=str(offline))["train"]
    assert {"image", "text"} <= set(dataset.column_names)
    source = open_marked(captioned)
    assert len(dataset) == len(source.ids("trained", marked=None)) == 9
    by_id = {row["id"]: row for row in dataset}
    for id in source.ids("trained"):
        sample, row = source.sample(id), by_id[id]
        assert row["text"] == sample.caption
        assert row["image"].size == (24, 24)
        pixels = torch.from_numpy(np.array(row["image"].convert("RGB"))).permute(2, 0, 1)
        assert torch.equal(pixels.float() / 255, sample.image)


def test_a_held_out_image_is_not_among_them(tmp_path: Path, offline: Path) -> None:
    from datasets import load_dataset

    marked = mark_captioned(tmp_path / "marked")
    files = {"train": str(marked / "train" / "**")}
    dataset = load_dataset("imagefolder", data_files=files, cache_dir=str(offline))["train"]
    assert not {row["id"] for row in dataset} & set(open_marked(marked).ids("held_out"))
