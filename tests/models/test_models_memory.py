"""A model that does not fit is said not to fit, and is never called broken."""

from collections.abc import Callable
from pathlib import Path

import diffusers
import pytest
import safetensors.torch
import torch
from original import save_original

from solidmark.errors import BadInput, OutOfMemory
from solidmark.models import Opening, open_model, sizes
from solidmark.models.memory import move
from solidmark.runs import memory

Folder = Callable[[str], Path]

CPU = "[enforce fail at alloc_cpu.cpp:119] err == 0. DefaultCPUAllocator: can't allocate memory"
GPU = "CUDA out of memory. Tried to allocate 2.00 GiB."
MENDS = ("--precision", "--text-precision", "--offload")


def short(*given: object, **named: object) -> None:
    raise RuntimeError(CPU)


def refused(where: str, **opening: object) -> str:
    with pytest.raises(OutOfMemory) as told:
        open_model(where, Opening(**opening))  # type: ignore[arg-type]
    said = str(told.value)
    assert "Save the pipeline again" not in said
    assert "\n" not in said
    assert all(option in said for option in MENDS)
    return said


def test_a_pipeline(tiny_folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """diffusers says that the file of weights cannot be loaded."""
    monkeypatch.setattr(safetensors.torch, "load_file", short)
    monkeypatch.setattr(memory, "free_bytes", lambda device: 7 * 2**20)
    said = refused(str(tiny_folder("sd")))
    assert 'for the part "unet" of' in said
    assert "it needs 0 MiB and" in said
    assert '"cpu" had 7 MiB free' in said


def test_a_pipeline_of_pixels(
    save_unet: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    where = str(save_unet())
    monkeypatch.setattr(safetensors.torch, "load_file", short)
    assert "for the network of" in refused(where)


def test_a_text_encoder(tiny_folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transformers.CLIPTextModel.from_pretrained", short)
    assert 'for the part "text_encoder" of' in refused(str(tiny_folder("sd")))


def test_a_single_file(
    tiny_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, path = tiny_folder("sd"), tmp_path / "model.safetensors"
    pipe = diffusers.StableDiffusionPipeline.from_pretrained(base, safety_checker=None)
    save_original(pipe, path)
    with monkeypatch.context() as patch:
        patch.setattr(safetensors.torch, "load_file", short)
        assert "for the file" in refused(str(path), base_config=str(base))
    monkeypatch.setattr("diffusers.loaders.single_file.load_single_file_sub_model", short)
    assert "for the part" in refused(str(path), base_config=str(base))


def test_a_lora(tiny_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
    matrices = {
        f"{layer}.lora_A.weight": torch.ones(2, 8),
        f"{layer}.lora_B.weight": torch.ones(8, 2),
    }
    safetensors.torch.save_file(matrices, tmp_path / "lora.safetensors")
    monkeypatch.setattr("diffusers.StableDiffusionPipeline.load_lora_weights", short)
    said = refused(str(tiny_folder("sd")), loras=(str(tmp_path / "lora.safetensors"),))
    assert "for the LoRA" in said


def test_a_device(tiny_folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is loaded, and does not fit where it runs."""

    def full(*given: object, **named: object) -> None:
        raise torch.OutOfMemoryError(GPU)

    monkeypatch.setattr(torch.nn.Module, "to", full)
    with pytest.raises(OutOfMemory, match=r"for the network: it needs 0 MiB.*\(CUDA out of memory"):
        move(torch.nn.Linear(2, 2), "cpu", "the network")
    assert "for the part" in refused(str(tiny_folder("sd")))


def test_a_device_that_others_have_filled(
    save_unet: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: object, **named: object) -> None:
        raise RuntimeError("CUDA error: out of memory")

    where = str(save_unet())
    monkeypatch.setattr(torch, "empty", full)
    assert 'for the device "cuda"' in refused(where, device="cuda")


def test_what_is_broken_is_still_called_broken(tiny_folder: Folder, tmp_path: Path) -> None:
    import shutil

    folder = Path(shutil.copytree(tiny_folder("sd"), tmp_path / "sd"))
    path = folder / "unet" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BadInput, match="Save the pipeline again") as told:
        open_model(str(folder))
    assert not isinstance(told.value, OutOfMemory)


def test_what_is_loaded_is_said_before_it_is(
    tiny_folder: Folder,
    save_unet: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of a large model; of a small one nothing, since it is there at once."""
    where = str(tiny_folder("sd"))
    capsys.readouterr()  # What saving it said.
    open_model(where)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sizes, "LARGE", 1)
    open_model(where)
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f'Loading "{where}", a StableDiffusionPipeline: 0 MiB of weights in fp32.'
    open_model(where, Opening(precision="bf16"))
    (line,) = capsys.readouterr().err.splitlines()
    assert "text_encoder fp32, unet bf16, vae fp32" in line
    with monkeypatch.context() as patch:
        patch.setattr(sizes, "free_bytes", lambda device: 5)
        open_model(where)
    (line,) = capsys.readouterr().err.splitlines()
    assert "There are only 0 MiB of memory free. Use --precision bf16" in line
    unet = str(save_unet())
    capsys.readouterr()
    open_model(unet)
    assert capsys.readouterr().err.count("\n") == 1


def test_the_sizes_are_those_of_what_is_loaded(tiny_folder: Folder) -> None:
    """By the heads alone; each part in its precision."""
    folder = tiny_folder("sdxl")
    found = sizes.part_sizes(folder, Opening(precision="bf16", text_precision="fp16"))
    pipe = diffusers.DiffusionPipeline.from_pretrained(folder)
    expected = {
        name: sum(one.numel() for one in part.state_dict().values())
        for name, part in pipe.components.items()
        if isinstance(part, torch.nn.Module)
    }
    each = {name: 4 if name == "vae" else 2 for name in expected}
    assert found == {name: each[name] * count for name, count in expected.items()}
    assert sizes.part_sizes(folder / "unet", Opening()) == {}
    assert sizes.weights_bytes(folder / "scheduler") == 0
    assert sizes.weights_bytes(folder / "model_index.json") == 0


def test_a_command_says_it_in_one_line(
    tiny_folder: Folder,
    make_marked: Callable[..., object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from solidmark.cli import main

    make_marked(8, side=24, channels=3)
    folder = str(tiny_folder("sd"))
    capsys.readouterr()
    monkeypatch.setattr(safetensors.torch, "load_file", short)
    line = ["observe", folder, str(tmp_path / "marked"), str(tmp_path / "out")]
    assert main([*line, "--device", "cpu"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: The memory is not enough for the part")
    assert said.count("\n") == 1
    assert not (tmp_path / "out" / "manifest.json").exists()
