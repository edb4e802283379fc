"""What has no path is kept in the folder of the result, and an option that is none is said."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DDPMPipeline, UNet2DModel
from PIL import Image as Picture

from solidmark import api
from solidmark.errors import BadInput, RunConflict, UnknownName

PIXELS = np.random.default_rng(0).integers(0, 256, (24, 8, 8), dtype=np.uint8)
PICTURES = [Picture.fromarray(pixels) for pixels in PIXELS]


def network(seed: int = 0) -> UNet2DModel:
    torch.manual_seed(seed)
    return UNet2DModel(
        sample_size=12,
        in_channels=1,
        out_channels=1,
        layers_per_block=1,
        block_out_channels=(8, 8),
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
        norm_num_groups=4,
    )


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> api.Folder:
    out = tmp_path_factory.mktemp("given") / "marked"
    return api.mark(PICTURES, out, thickness=2, held_out=0.5, seed=1)


@pytest.mark.parametrize("data", [None, 7, iter(()), {"a": 1}])
def test_what_is_no_set_of_images_is_said_in_a_line(data: Any, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="Images are a path, a list of pictures or a data set"):
        api.mark(data, tmp_path / "out", thickness=2)
    assert not (tmp_path / "out").exists()


def test_what_is_needed_and_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match='"generated" is None'):
        api.nearest(None, "digits", tmp_path / "out")
    with pytest.raises(BadInput, match='"model" is None'):
        api.signals(None, "digits", tmp_path / "out")


def test_pictures_in_a_list_are_marked(marked: api.Folder) -> None:
    assert marked.manifest["trained"] + marked.manifest["held_out"] == len(PICTURES)
    assert marked.manifest["size"] == [1, 8, 8]
    assert len(list((marked.folder / "train").rglob("*.png"))) == marked.manifest["trained"]


@pytest.mark.parametrize("kind", ["pipeline", "network"])
def test_a_live_model_is_kept_and_asked(marked: api.Folder, tmp_path: Path, kind: str) -> None:
    scheduler = DDIMScheduler(num_train_timesteps=100)
    live: Any = network(), scheduler
    if kind == "pipeline":
        live = DDPMPipeline(*live)
    kept = api.observe(live, marked, tmp_path / "a", readers=["linear"], limit=2, device="cpu")
    folder = tmp_path / "a" / "given-model" / "model"
    assert (folder / "model_index.json").is_file()
    assert kept.manifest["config"]["model"] == str(folder)
    again = network(1), scheduler
    with pytest.raises(RunConflict, match="the content of unet"):
        api.observe(again, marked, tmp_path / "a", readers=["linear"], limit=2, device="cpu")


def test_what_is_no_model_is_said(marked: api.Folder, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"\(network, scheduler\), not UNet2DModel"):
        api.audit(network(), marked, tmp_path / "a")


def test_live_pictures_are_kept_as_an_image_folder(tmp_path: Path) -> None:
    result = api.duplicates([*PICTURES[:4], PICTURES[0]], tmp_path / "d")
    folder = tmp_path / "d" / "given-data" / "images"
    assert len(list(folder.glob("*.png"))) == 5
    assert np.array_equal(np.asarray(Picture.open(folder / "00000001.png")), PIXELS[1])
    assert next(one for one in result.figures if one.statistic == "copies").count == 1


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda m, out: api.audit("memorizer", m, out, reader="energy"), "reader"),
        (lambda m, out: api.signals("memorizer", m, out, draw=3), "draw"),
        (lambda m, out: api.mark(PICTURES, out, resolutoin=8), "resolutoin"),
    ],
)
def test_an_option_that_is_none_is_said(
    marked: api.Folder, tmp_path: Path, call: Any, named: str
) -> None:
    with pytest.raises(UnknownName, match=named):
        call(marked, tmp_path / "out")


def test_an_option_of_another_command_is_no_option_of_scoring(
    marked: api.Folder, tmp_path: Path
) -> None:
    out = tmp_path / "signals"
    api.signals("memorizer", marked, out, signals=["loss"], times=1)
    with pytest.raises(UnknownName, match="deltas"):
        api.score(out, deltas=(0.1,))
    with pytest.raises(BadInput, match="nothing was observed"):
        api.score(marked)
