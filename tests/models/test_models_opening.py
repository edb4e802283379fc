"""What can be opened, what is refused, and that nothing is ever unpickled."""

import json
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from safetensors.torch import load_file, save_file

from solidmark.data import Sample
from solidmark.errors import BadInput, NotFound, UnsafeCheckpoint
from solidmark.models import Average, Gaussian, Memorizer, Opening, PixelModel, open_model

WEIGHTS = "diffusion_pytorch_model.safetensors"
KINDS = ("epsilon", "v_prediction", "sample")


def noise(count: int = 2) -> torch.Tensor:
    return torch.randn(count, 1, 12, 12, generator=torch.Generator().manual_seed(3))


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["DDPMScheduler", "DDIMScheduler"])
@pytest.mark.parametrize("betas", ["linear", "squaredcos_cap_v2"])
def test_a_pipeline_says_what_diffusers_says(
    kind: str, name: str, betas: str, save_unet: Callable[..., Path]
) -> None:
    """The schedule and the prediction type are those of the saved scheduler."""
    scheduler = getattr(diffusers, name)(
        beta_schedule=betas, prediction_type=kind, clip_sample=False
    )
    folder = save_unet(scheduler=scheduler)
    model = open_model(str(folder))
    theirs = diffusers.UNet2DModel.from_pretrained(folder / "unet").eval()
    z = noise()
    for step in (0, 400, 900):
        if name == "DDIMScheduler":
            scheduler.set_timesteps(1000)
        with torch.no_grad():
            output = theirs(z, step).sample
        expected = scheduler.step(output, step, z).pred_original_sample
        said = model.denoise(z, step / 1000, None)
        torch.testing.assert_close(said, expected, rtol=1e-3, atol=1e-4)


def test_a_short_schedule_is_kept(save_unet: Callable[..., Path]) -> None:
    scheduler = diffusers.DDPMScheduler(num_train_timesteps=100, beta_end=0.2)
    model = open_model(str(save_unet(scheduler=scheduler)))
    assert isinstance(model, PixelModel)
    assert model.schedule.steps == 100
    assert torch.equal(model.schedule.alphas_cumprod, scheduler.alphas_cumprod.double())


def test_a_ddim_pipeline_and_a_flat_folder_are_opened(
    save_unet: Callable[..., Path], tmp_path: Path
) -> None:
    """The first DDPMs on the hub have the network and its scheduler side by side."""
    folder = save_unet()
    unet = diffusers.UNet2DModel.from_pretrained(folder / "unet")
    diffusers.DDIMPipeline(unet, diffusers.DDIMScheduler()).save_pretrained(tmp_path / "ddim")
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in (*(folder / "unet").iterdir(), *(folder / "scheduler").iterdir()):
        shutil.copy(path, flat)
    shutil.copy(folder / "model_index.json", flat)
    expected = open_model(str(folder)).denoise(noise(), 0.5, None)
    for where in (tmp_path / "ddim", flat):
        assert torch.equal(open_model(str(where)).denoise(noise(), 0.5, None), expected)


def test_a_folder_of_our_training_is_opened(save_unet: Callable[..., Path], tmp_path: Path) -> None:
    folder = save_unet()
    shutil.move(folder, tmp_path / "run" / "model")
    (tmp_path / "run" / "manifest.json").write_text("{}")
    expected = open_model(str(tmp_path / "run" / "model")).denoise(noise(), 0.5, None)
    assert torch.equal(open_model(str(tmp_path / "run")).denoise(noise(), 0.5, None), expected)


class Trap:
    """A pickle that makes a file when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.fixture
def trap(tmp_path: Path) -> tuple[bytes, Path]:
    """The bytes of a trap that works, and the file that it would make."""
    sprung = tmp_path / "sprung"
    data = pickle.dumps(Trap(sprung))
    pickle.loads(data)
    assert sprung.exists(), "the trap is no trap"
    sprung.unlink()
    return data, sprung


@pytest.mark.parametrize("suffix", [".bin", ".ckpt", ".pt", ".pth", ".pkl", ".BIN"])
def test_pickled_weights_are_refused_and_never_opened(
    suffix: str, trap: tuple[bytes, Path], save_unet: Callable[..., Path], tmp_path: Path
) -> None:
    data, sprung = trap
    folder = save_unet()
    (folder / "unet" / WEIGHTS).unlink()
    (folder / "unet" / f"diffusion_pytorch_model{suffix}").write_bytes(data)
    with pytest.raises(UnsafeCheckpoint, match="safe_serialization=True"):
        open_model(str(folder))
    single = tmp_path / f"model{suffix}"
    single.write_bytes(data)
    with pytest.raises(UnsafeCheckpoint, match="is a pickle"):
        open_model(str(single))
    assert not sprung.exists()


def test_pickles_that_stand_for_safetensors_are_never_opened(
    trap: tuple[bytes, Path], save_unet: Callable[..., Path]
) -> None:
    """By name, as a shard of an index, and beside weights that are taken."""
    data, sprung = trap
    folder = save_unet()
    unet = folder / "unet"
    (unet / "diffusion_pytorch_model.bin").write_bytes(data)
    (folder / "scheduler" / "scheduler.pkl").write_bytes(data)
    open_model(str(folder))
    whole = (unet / WEIGHTS).read_bytes()
    names = dict.fromkeys(load_file(unet / WEIGHTS), "shard.bin")
    (unet / WEIGHTS).write_bytes(data)
    with pytest.raises(BadInput, match="cannot be loaded"):
        open_model(str(folder))
    (unet / WEIGHTS).unlink()
    (unet / "decoy.safetensors").write_bytes(whole)
    (unet / "shard.bin").write_bytes(data)
    index = {"metadata": {"total_size": 1}, "weight_map": names}
    (unet / f"{WEIGHTS}.index.json").write_text(json.dumps(index))
    with pytest.raises(UnsafeCheckpoint):
        open_model(str(folder))
    assert not sprung.exists()


def test_shards_of_safetensors_are_opened(save_unet: Callable[..., Path]) -> None:
    folder = save_unet()
    expected = open_model(str(folder)).denoise(noise(), 0.5, None)
    unet = diffusers.UNet2DModel.from_pretrained(folder / "unet")
    (folder / "unet" / WEIGHTS).unlink()
    unet.save_pretrained(folder / "unet", max_shard_size="20KB")
    assert len(list((folder / "unet").glob("*.safetensors"))) > 1
    assert torch.equal(open_model(str(folder)).denoise(noise(), 0.5, None), expected)


def remove(*names: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for name in names:
            path = folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    return change


def config(name: str, **changes: Any) -> Callable[[Path], None]:
    return lambda folder: edit(folder / name, **changes)


def text(name: str, data: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(data)

    return change


def scheduler(name: str, **options: Any) -> Callable[[Path], None]:
    return lambda folder: getattr(diffusers, name)(**options).save_pretrained(folder / "scheduler")


def cut(share: float) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "unet" / WEIGHTS
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])

    return change


def weights(change: Callable[[dict[str, torch.Tensor]], None]) -> Callable[[Path], None]:
    def rewrite(folder: Path) -> None:
        found = load_file(folder / "unet" / WEIGHTS)
        change(found)
        save_file(found, folder / "unet" / WEIGHTS)

    return rewrite


UNET, SCHEDULER = "unet/config.json", "scheduler/scheduler_config.json"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (remove("unet"), "not a diffusers pipeline"),
        (remove("scheduler"), "not a diffusers pipeline"),
        (remove(UNET), "not a diffusers pipeline"),
        (remove(SCHEDULER), "not a diffusers pipeline"),
        (remove(f"unet/{WEIGHTS}"), "no weights"),
        (remove("unet", "scheduler", "model_index.json"), "not a diffusers pipeline"),
        (config(UNET, _class_name="UNet2DConditionModel"), "is a UNet2DConditionModel"),
        (config(UNET, _class_name=["UNet2DModel"]), "is a .'UNet2DModel'., in no pipeline"),
        (config(UNET, block_out_channels=[8, 32]), "cannot be loaded|do not fit"),
        (config(UNET, down_block_types=["NoBlock2D", "DownBlock2D"]), "cannot be loaded"),
        (text(UNET, "[]"), "not a configuration"),
        (text(UNET, "{"), "not readable JSON"),
        (text(SCHEDULER, "3"), "not a configuration"),
        (scheduler("FlowMatchEulerDiscreteScheduler"), "is a flow. Pixel-space models trained as"),
        (scheduler("EDMEulerScheduler"), "no variance-preserving schedule"),
        (
            scheduler(
                "DPMSolverMultistepScheduler",
                use_flow_sigmas=True,
                prediction_type="flow_prediction",
            ),
            '"DPMSolverMultistepScheduler" of .* is a flow',
        ),
        (config(SCHEDULER, prediction_type="epsilonn"), 'predicts "epsilonn"'),
        (config(SCHEDULER, _class_name="NoScheduler"), "which diffusers here does not have"),
        (config(SCHEDULER, _class_name="__version__"), "which diffusers here does not have"),
        (config(SCHEDULER, _class_name=7), "which diffusers here does not have"),
        (config(SCHEDULER, beta_schedule="square"), "cannot be used"),
        (text("vqvae/config.json", "{}"), "latents of vqvae/, in no pipeline that can be opened"),
        (cut(0.5), "cannot be loaded"),
        (cut(0.99), "cannot be loaded"),
        (cut(0), "cannot be loaded"),
        (weights(lambda w: w.pop("conv_in.weight")), '1 missing, "conv_in.weight"'),
        (weights(lambda w: w.update(x=torch.zeros(1))), '1 unexpected, "x"'),
        (weights(lambda w: w.update({"conv_in.bias": torch.zeros(3)})), "cannot be loaded"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
def test_what_is_damaged_or_of_another_kind_is_one_line(
    change: Callable[[Path], None], message: str, save_unet: Callable[..., Path]
) -> None:
    folder = save_unet()
    change(folder)
    with pytest.raises(BadInput, match=message) as raised:
        open_model(str(folder))
    assert "\n" not in str(raised.value)


def test_a_network_without_its_schedule_is_named(save_unet: Callable[..., Path]) -> None:
    folder = save_unet()
    with pytest.raises(BadInput, match="Name the pipeline folder above it"):
        open_model(str(folder / "unet"))
    with pytest.raises(BadInput, match=r"single file .* is no whole model that diffusers knows"):
        open_model(str(folder / "unet" / WEIGHTS))


@pytest.mark.parametrize(
    "where", ["nobody/nothing", "nothing", "a/b/c", "/no/such/path", "./x/y", "not a name/x", ""]
)
def test_what_is_not_there_is_not_found(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    if where:
        with pytest.raises(NotFound, match="no such folder here"):
            open_model(where)
    else:
        with pytest.raises(BadInput):
            open_model(where)


def test_a_model_of_the_hub_is_fetched_without_pickles_and_without_code(
    save_unet: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, asked = save_unet(), []

    def fetch(where: str, **options: Any) -> str:
        asked.append((where, options))
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    expected = open_model(str(folder)).denoise(noise(), 0.5, None)
    assert torch.equal(open_model("google/ddpm").denoise(noise(), 0.5, None), expected)
    ((where, options),) = asked
    assert where == "google/ddpm"
    assert options["allow_patterns"] == [
        "*.json",
        "*/*.safetensors",
        "*/*.txt",
        "*/*.model",
        "diffusion_pytorch_model*.safetensors",
    ]
    assert options["ignore_patterns"] == ["*.fp16.*", "*.non_ema.*", "safety_checker/*"]
    shutil.rmtree(folder / "scheduler")
    with pytest.raises(BadInput, match="not a diffusers pipeline"):
        open_model("google/ddpm")


def test_a_hub_that_fails_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(where: str, **options: Any) -> str:
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr("huggingface_hub.snapshot_download", fail)
    with pytest.raises(NotFound, match="ConnectionError"):
        open_model("google/ddpm")


def test_a_device_that_is_not_there_is_refused(save_unet: Callable[..., Path]) -> None:
    with pytest.raises(BadInput, match="Use --device cpu"):
        open_model(str(save_unet()), Opening(device="cuda:99"))
    with pytest.raises(BadInput, match='device "quantum"'):
        open_model(str(save_unet()), Opening(device="quantum"))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("memorizer", Memorizer),
        ("gaussian", Gaussian),
        ("average", Average),
        ("average-per-caption", Average),
    ],
)
def test_a_control_is_made_of_the_images_that_it_is_given(name: str, kind: type) -> None:
    with pytest.raises(BadInput, match="made of marked images"):
        open_model(name)
    asked = []

    def samples(control: str) -> list[Sample]:
        asked.append(control)
        return [Sample(str(n), torch.rand(1, 4, 4), "", f"picture {n}") for n in range(3)]

    model = open_model(name, control_samples=samples)
    assert isinstance(model, kind)
    assert asked == [name]
    told = model.condition(samples("again"))
    assert (told is not None) == (name == "average-per-caption")


def test_images_without_captions_and_classes_have_no_average_of_theirs() -> None:
    bare = [Sample("0", torch.rand(1, 4, 4), "")]
    with pytest.raises(BadInput, match='or name "average"'):
        open_model("average-per-caption", control_samples=lambda name: bare)
    by_class = [replace(bare[0], class_index=number) for number in (0, 1)]
    assert open_model("average-per-caption", control_samples=lambda name: by_class).condition(bare)


def test_a_folder_that_is_called_like_a_control_is_a_folder(
    save_unet: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_unet(name="gaussian")
    monkeypatch.chdir(tmp_path)
    assert isinstance(open_model("gaussian"), PixelModel)
