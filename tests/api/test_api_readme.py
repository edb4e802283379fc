"""The lines of the README, run with a live pipeline and a list of pictures."""

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DDPMPipeline, UNet2DModel
from PIL import Image as Picture

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_runs_with_what_a_program_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = re.findall(r"```python\n(import solidmark\n.*?)```", README.read_text(), re.DOTALL)
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    blocks: Any = {"down_block_types": ("DownBlock2D",) * 2, "up_block_types": ("UpBlock2D",) * 2}
    network = UNet2DModel(
        sample_size=16,
        in_channels=1,
        out_channels=1,
        layers_per_block=1,
        block_out_channels=(8, 8),
        norm_num_groups=4,
        **blocks,
    )
    names: dict[str, Any] = {
        "pictures": [
            Picture.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)) for _ in range(24)
        ],
        "pipeline": DDPMPipeline(network, DDIMScheduler(num_train_timesteps=100)),
    }
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), names)
    found = names["found"]
    # A network that was never trained knows nothing, and that is what it must be told.
    assert found.verdict.state in ("cannot-be-judged", "hint", "not-seen")
    assert found.verdict.tone != "not_seen"
    assert found.named == ()
    assert found.page.is_file()
    assert len(found.rows) > 0
    assert os.fspath(names["marked"]) == str(tmp_path / "marked")
