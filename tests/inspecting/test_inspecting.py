"""Whatever a user has is named, counted, and told what to do with."""

import io
import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import loras
import pytest
import tiny
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from solidmark.errors import BadInput, NotFound
from solidmark.inspecting import describe, looking, models


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.stable_diffusion(tmp_path_factory.mktemp("models") / "sd")


def picture(width: int, height: int, mode: str = "RGB") -> bytes:
    data = io.BytesIO()
    Image.new(mode, (width, height), 99 if mode == "L" else (9, 99, 199)).save(data, "PNG")
    return data.getvalue()


def test_a_latent_pipeline(pipeline: Path) -> None:
    found = describe(str(pipeline))
    assert found.kind == "a latent diffusion model"
    assert found.facts["class"] == "StableDiffusionPipeline"
    tensors = [load_file(path) for path in (pipeline / "unet").glob("*.safetensors")]
    count = sum(value.numel() for one in tensors for value in one.values())
    assert found.facts["unet"] == f"{count:,} weights, F32"
    config = json.loads((pipeline / "unet" / "config.json").read_text())
    blocks = json.loads((pipeline / "vae" / "config.json").read_text())["block_out_channels"]
    side = config["sample_size"] * 2 ** (len(blocks) - 1)
    assert found.facts["pictures"] == f"{side} x {side} pixels, in colour"
    assert found.next == (f"solidmark audit {pipeline} MARKED OUT",)
    assert not found.missing


def test_a_pipeline_that_lacks_a_part_or_has_pickles_alone(pipeline: Path, tmp_path: Path) -> None:
    import shutil

    lacking = tmp_path / "lacking"
    shutil.copytree(pipeline, lacking)
    shutil.rmtree(lacking / "vae")
    assert '"vae"' in describe(str(lacking)).missing
    pickled = tmp_path / "pickled"
    shutil.copytree(pipeline, pickled)
    for path in pickled.rglob("*.safetensors"):
        path.rename(path.with_suffix(".bin"))
    found = describe(str(pickled))
    assert "safetensors" in found.missing
    assert found.facts["unet"] == "no safetensors"


def test_a_pipeline_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text(
        '{"_class_name": "AudioPipeline", "vae": ["a", "b"]}'
    )
    found = describe(str(tmp_path))
    assert found.auditable.startswith("no: AudioPipeline is not among")
    assert not found.next


def test_a_model_of_pixels_and_its_network_alone(
    save_unet: Callable[..., Path],
) -> None:
    folder = save_unet(12)
    found = describe(str(folder))
    assert found.kind == "a diffusion model of pixels"
    assert found.facts["pictures"] == "12 x 12 pixels, in grey"
    alone = describe(str(folder / "unet"))
    assert alone.kind == "a part of a model"
    assert "noise schedule" in alone.missing


def test_loras_of_three_formats(pipeline: Path, tmp_path: Path) -> None:
    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(pipeline)
    lora = loras.random_lora(pipe, "unet")
    files = [
        loras.save_peft(lora, tmp_path / "peft.safetensors"),
        loras.save_header(lora, tmp_path / "header.safetensors"),
        loras.save_kohya(lora, tmp_path / "kohya.safetensors", loras.kohya),
    ]
    found = [describe(str(file)) for file in files]
    assert {one.kind for one in found} == {"LoRA weights"}
    assert len({(one.facts["layers"], one.facts["ranks"]) for one in found}) == 1
    assert found[0].facts["layers"] > 0
    assert found[0].next == (f"solidmark audit BASE MARKED OUT --lora {files[0]}",)


def test_single_files_by_their_names(tmp_path: Path) -> None:
    def save(name: str, *tensors: str) -> str:
        path = tmp_path / f"{name}.safetensors"
        save_file({tensor: torch.zeros(2, 3) for tensor in tensors}, path)
        return str(path)

    whole = save(
        "whole",
        "model.diffusion_model.input_blocks.0.0.weight",
        "first_stage_model.encoder.conv_in.weight",
        "cond_stage_model.transformer.weight",
    )
    found = describe(whole)
    assert found.kind == "a single file of a latent diffusion model"
    assert found.facts["holds"] == "denoiser, autoencoder, text encoders"
    assert found.facts["weights"] == "18, F32"
    unet = describe(save("unet", "down_blocks.0.resnets.0.conv1.weight"))
    assert unet.kind == "a denoiser alone"
    assert "--base-config BASE" in unet.next[0]
    other = describe(save("other", "layer.weight"))
    assert other.missing
    assert not other.next


def test_a_file_that_is_cut_off_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    save_file({"a": torch.zeros(100)}, path)
    path.write_bytes(path.read_bytes()[:-40])
    for size in (0, 5, 20):
        (tmp_path / f"{size}.safetensors").write_bytes(path.read_bytes()[:size])
    for name in ("cut", "0", "5", "20"):
        with pytest.raises(BadInput, match="not readable as safetensors"):
            describe(str(tmp_path / f"{name}.safetensors"))


def test_programs_and_pickles_are_told_apart_and_not_run(tmp_path: Path) -> None:
    program = tmp_path / "sscd.pt"
    with zipfile.ZipFile(program, "w") as archive:  # As torch.jit.save lays it out.
        for name in ("data.pkl", "constants.pkl", "code/__torch__.py", "data/0"):
            archive.writestr(f"sscd/{name}", b"")
    assert describe(str(program)).kind == "a TorchScript program"
    pickle = tmp_path / "model.ckpt"
    torch.save({"a": torch.zeros(2)}, pickle)
    found = describe(str(pickle))
    assert found.kind == "a pickle"
    assert "without running" in found.missing
    onnx = tmp_path / "net.onnx"
    onnx.write_bytes(b"\x08\x08")
    assert f"--distance onnx:{onnx}" in describe(str(onnx)).next[0]


def test_pictures_are_counted_and_measured(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    for name, data in {
        "a/1.png": picture(40, 30),
        "a/2.png": picture(64, 64),
        "b/3.png": picture(20, 50, "L"),
        "b/broken.png": b"nothing",
        "b/notes.xyz": b"?",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "a" / "1.txt").write_text("one")
    found = describe(str(folder))
    assert (found.facts["images"], found.facts["captions"]) == (4, 1)
    assert found.facts["resolution"] == "20 x 30 to 64 x 64 pixels (width x height)"
    assert found.facts["modes"] == "RGB 2, L 1"
    assert found.facts["looked at"] == "4 of 4, of which 1 cannot be read"
    assert "notes.xyz" in found.facts["not used"]
    assert found.next == (f"solidmark mark {folder} MARKED --resolution 16",)


def test_tars_and_tables(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for number in range(3):
            data = picture(8, 8)
            member = tarfile.TarInfo(f"{number}.png")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    found = describe(str(tmp_path / "a.tar"))
    assert (found.facts["images"], found.facts["resolution"]) == (3, "8 x 8 pixels")
    table = pa.table({"image": [{"bytes": picture(8, 8)}] * 2, "label": [3, 5]})
    pq.write_table(table, tmp_path / "a.parquet")
    found = describe(str(tmp_path / "a.parquet"))
    assert (found.facts["images"], found.facts["classes"]) == (2, 2)


def test_names_of_the_hub_are_looked_for_here_only(
    pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(NotFound, match="hub, which is not asked here"):
        describe("owner/model")
    kept = tmp_path / "models--owner--model"
    shutil.copytree(pipeline, kept / "snapshots" / "abc")
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("abc")
    found = describe("owner/model")
    assert found.kind == "a latent diffusion model"
    assert found.next == ("solidmark audit owner/model MARKED OUT",)


def test_what_is_nothing_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("words")
    with pytest.raises(BadInput, match="Nor is it a model") as caught:
        describe(str(tmp_path))
    assert "\n" not in str(caught.value)
    with pytest.raises(NotFound, match="Check its spelling"):
        describe(str(tmp_path / "nowhere"))


def test_the_names_are_those_of_the_tables() -> None:
    from solidmark.data.examples import EXAMPLES
    from solidmark.models.controls import CONTROLS
    from solidmark.models.pipelines import FAMILIES

    assert set(models.FAMILIES) == set(FAMILIES)
    assert set(looking.CONTROLS) == set(CONTROLS)
    assert set(looking.EXAMPLES) == set(EXAMPLES)


def test_a_model_is_described_without_torch(pipeline: Path) -> None:
    code = (
        "import sys; from solidmark.cli import main; code = main(sys.argv[1:]); "
        "sys.exit(code or 'torch' in sys.modules)"
    )
    words = [sys.executable, "-c", code, "inspect", str(pipeline)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "a latent diffusion model" in done.stdout


@pytest.mark.parametrize(
    "shape", ["[1e999]", "[" * 100_000, '{"a":' * 50_000, '"many"', "[1.5, null]"]
)
def test_a_head_that_lies_is_one_line(shape: str, tmp_path: Path) -> None:
    text = f'{{"a": {{"dtype": "F32", "shape": {shape}, "data_offsets": [0, 0]}}}}'.encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(BadInput, match="not readable as safetensors"):
        describe(str(path))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("unet/config.json", '{"sample_size": ["a", 1]}'),
        ("unet/config.json", '{"sample_size": [[8], 8]}'),
        ("vae/config.json", '{"block_out_channels": 7}'),
        ("scheduler/scheduler_config.json", "[" * 100_000),
    ],
)
def test_configurations_of_other_kinds_are_one_line(
    name: str, said: str, pipeline: Path, tmp_path: Path
) -> None:
    import shutil

    folder = Path(shutil.copytree(pipeline, tmp_path / "sd"))
    (folder / name).write_text(said)
    with pytest.raises(BadInput, match="again"):
        describe(str(folder))


def test_weights_that_are_a_pipe_are_not_waited_for(tmp_path: Path) -> None:
    import os

    (tmp_path / "config.json").write_text('{"_class_name": "UNet2DModel"}')
    os.mkfifo(tmp_path / "diffusion_pytorch_model.safetensors")
    with pytest.raises(BadInput, match="no file"):
        describe(str(tmp_path))
