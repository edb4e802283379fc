"""Single files, parts on the CPU and attention in slices, on a tiny Stable Diffusion."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import families
import pytest
import torch
from diffusers import StableDiffusionPipeline
from original import half, save_original
from safetensors.torch import load_file, save_file

from solidmark.errors import BadInput, MissingCapability, NotFound, UnknownName, UnsafeCheckpoint
from solidmark.models import LatentModel, Opening, memory, open_model
from solidmark.models.memory import offload

Folder = Callable[[str], Path]


@pytest.fixture(scope="module")
def sd(tiny_folder: Folder) -> Path:
    return tiny_folder("sd")


@pytest.fixture(scope="module")
def single(sd: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pipe = StableDiffusionPipeline.from_pretrained(sd, safety_checker=None)
    return save_original(pipe, tmp_path_factory.mktemp("single") / "model.safetensors")


def opened(where: Path | str, **options: Any) -> LatentModel:
    model = open_model(str(where), Opening(**options))
    assert isinstance(model, LatentModel)
    return model


def said(model: LatentModel) -> tuple[torch.Tensor, ...]:
    """What a model tells, sees, expects and draws."""
    samples = families.samples(2, 24, 32)
    condition = model.condition(samples)
    z = model.encode(torch.stack([sample.image for sample in samples]))
    expected = model.denoise(0.8 * z + 0.1, 0.3, condition)
    return condition.tensors["embeds"], z, expected, model.decode(expected)


def close(one: LatentModel, other: LatentModel, tolerance: float) -> bool:
    return all(
        torch.allclose(a.float(), b.float(), atol=tolerance, rtol=tolerance)
        for a, b in zip(said(one), said(other), strict=True)
    )


def test_a_single_file_is_the_folder_that_it_was_made_of(sd: Path, single: Path) -> None:
    from_file = opened(single, base_config=str(sd))
    assert close(from_file, opened(sd), 1e-5)
    assert from_file.prediction == "epsilon"
    assert not any(weight.requires_grad for weight in from_file.network.parameters())
    assert not from_file.network.training


def test_only_the_configuration_of_the_base_is_used(
    sd: Path, single: Path, tmp_path: Path, tiny_folder: Folder
) -> None:
    """Its weights are not read, be they missing, pickled or those of somebody else."""
    bare = shutil.copytree(sd, tmp_path / "bare", ignore=shutil.ignore_patterns("*.safetensors"))
    for part in ("unet", "vae", "text_encoder"):
        (bare / part / "model.bin").write_bytes(b"a pickle")
        (bare / part / "diffusion_pytorch_model.bin").write_bytes(b"a pickle")
    assert close(opened(single, base_config=str(bare)), opened(sd), 1e-5)
    other = opened(single, base_config=str(tiny_folder("sd-v")))
    assert other.prediction == "v_prediction"
    assert torch.equal(other.network.conv_in.weight, opened(sd).network.conv_in.weight)


def test_a_file_of_half_precision_is_opened_in_any(sd: Path, single: Path) -> None:
    whole = opened(half(single), base_config=str(sd))
    assert whole.network.dtype == whole.vae.network.dtype == torch.float32
    assert close(whole, opened(sd), 2e-2)
    assert not close(whole, opened(sd), 1e-6)
    low = opened(single, base_config=str(sd), precision="bf16", text_precision="fp16")
    assert low.network.dtype == torch.bfloat16
    assert low.vae.network.dtype == torch.float32
    assert low.family.text_encoder.dtype == torch.float16  # type: ignore[attr-defined]


def test_a_part_that_the_file_lacks_is_that_of_the_base(
    sd: Path, single: Path, tmp_path: Path
) -> None:
    weights = load_file(single)
    part = {name: w for name, w in weights.items() if name.startswith("model.")}
    save_file(part, tmp_path / "network.safetensors")
    assert close(opened(tmp_path / "network.safetensors", base_config=str(sd)), opened(sd), 1e-5)
    bare = shutil.copytree(sd, tmp_path / "bare", ignore=shutil.ignore_patterns("*.safetensors"))
    with pytest.raises(BadInput, match=r'no weights of the part "(text_encoder|vae)"'):
        opened(tmp_path / "network.safetensors", base_config=str(bare))
    rest = {name: w for name, w in weights.items() if not name.startswith("model.")}
    save_file(rest, tmp_path / "rest.safetensors")
    with pytest.raises(BadInput, match=r'part "unet"'):
        opened(tmp_path / "rest.safetensors", base_config=str(sd))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("model.diffusion_model.out.2.bias"), '"unet".*weights of it are missing'),
        (lambda w: w.pop("first_stage_model.quant_conv.bias"), '"vae".*weights of it are missing'),
        (
            lambda w: w.pop("cond_stage_model.transformer.text_model.final_layer_norm.bias"),
            '"text_encoder".*1 missing, ".*final_layer_norm.bias"',
        ),
        (
            lambda w: w.update({"model.diffusion_model.scale_weight": torch.zeros(3)}),
            '"unet".*3 numbers of the file are left over',
        ),
        (
            lambda w: w.update({"model.diffusion_model.out.2.bias": torch.zeros(5)}),
            '"unet".*does not fit the configuration',
        ),
    ],
)
def test_a_file_that_does_not_fit_its_configuration_is_one_line(
    change: Callable[[dict[str, torch.Tensor]], None],
    message: str,
    sd: Path,
    single: Path,
    tmp_path: Path,
) -> None:
    weights = load_file(single)
    change(weights)
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(BadInput, match=message) as raised:
        opened(tmp_path / "model.safetensors", base_config=str(sd))
    assert "\n" not in str(raised.value)


def test_the_configuration_that_diffusers_infers_comes_from_the_hub(
    sd: Path, single: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small files only; without the hub, one line says what to do."""
    asked = []

    def fetch(where: str, **options: Any) -> str:
        asked.append((where, options))
        return str(sd)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    inferred, named = opened(single), opened(single, base_config="somebody/model")
    assert close(inferred, named, 0)
    assert [where.split("/")[1] for where, _ in asked] == ["stable-diffusion-v1-5", "model"]
    assert all(o["allow_patterns"] == ["*.json", "*/*.txt", "*/*.model"] for _, o in asked)

    def fail(where: str, **options: Any) -> str:
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr("huggingface_hub.snapshot_download", fail)
    with pytest.raises(NotFound, match="--base-config") as raised:
        opened(single)
    assert "\n" not in str(raised.value)
    with pytest.raises(NotFound, match="somebody/model"):
        opened(single, base_config="somebody/model")


def test_what_is_no_whole_model_is_one_line(sd: Path, single: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no whole model that diffusers knows"):
        opened(sd / "vae" / "diffusion_pytorch_model.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(single.read_bytes()[:5000])
    with pytest.raises(BadInput, match="not readable as safetensors"):
        opened(cut, base_config=str(sd))
    shutil.copy(single, tmp_path / "model.ckpt")
    with pytest.raises(UnsafeCheckpoint, match="is a pickle"):
        opened(tmp_path / "model.ckpt", base_config=str(sd))
    for folder, message in ((tmp_path, "has no model_index.json"), (cut, "is a file")):
        with pytest.raises(BadInput, match=message):
            opened(single, base_config=str(folder))
    with pytest.raises(BadInput, match="configuration of a single file"):
        opened(sd, base_config=str(sd))


def test_a_configuration_of_no_family_is_named(
    single: Path, save_unet: Callable[..., Path]
) -> None:
    with pytest.raises(UnknownName, match='kind of pipeline "DDPMPipeline"'):
        opened(single, base_config=str(save_unet()))


class Part:
    """An autoencoder that writes down where it is, and where what it is given is."""

    def __init__(self) -> None:
        self.place = "nowhere"
        self.seen: list[tuple[str, ...]] = []

    def to(self, device: torch.device) -> "Part":
        self.place = str(device)
        self.seen.append(("to", self.place))
        return self

    def encode(self, x: torch.Tensor, *, scale: torch.Tensor) -> torch.Tensor:
        self.seen.append(("encode", self.place, x.device.type, scale.device.type))
        return x * scale

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no")


def test_a_part_visits_the_device_only_while_it_is_called() -> None:
    """The device is `meta`, which every machine has."""
    part = Part()
    offload(part, torch.device("meta"))
    assert part.seen == [("to", "cpu")]
    part.seen.clear()
    assert part.encode(torch.ones(2), scale=torch.ones(1)).device.type == "meta"
    assert part.seen == [("to", "meta"), ("encode", "meta", "meta", "meta"), ("to", "cpu")]
    part.seen.clear()
    with pytest.raises(RuntimeError, match="no"):
        part.decode(torch.ones(1))
    assert part.seen == [("to", "meta"), ("to", "cpu")], "it goes home after a failure too"


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Which networks are moved to which device, in order."""
    seen: list[tuple[str, str]] = []
    move = torch.nn.Module.to

    def record(self: torch.nn.Module, *where: Any, **options: Any) -> torch.nn.Module:
        if where and isinstance(where[0], torch.device | str):
            seen.append((type(self).__name__, str(where[0])))
        return move(self, *where, **options)

    monkeypatch.setattr(torch.nn.Module, "to", record)
    return seen


def test_offloaded_parts_say_the_same(sd: Path) -> None:
    """On the CPU every move stays where it is, so not a bit may differ."""
    assert close(opened(sd, offload=True), opened(sd), 0)


def test_the_denoiser_stays_and_the_others_come_and_go(
    sd: Path, moves: list[tuple[str, str]]
) -> None:
    model = opened(sd, offload=True)
    start = [move for move in moves if move[0] in ("AutoencoderKL", "CLIPTextModel")]
    assert set(start) == {("AutoencoderKL", "cpu"), ("CLIPTextModel", "cpu")}
    assert ("UNet2DConditionModel", "cpu") in moves
    moves.clear()
    samples = families.samples(1, 24, 32)
    condition = model.condition(samples)
    assert moves == [("CLIPTextModel", "cpu")] * 2
    moves.clear()
    z = model.encode(samples[0].image[None])
    assert moves == [("AutoencoderKL", "cpu")] * 2
    moves.clear()
    model.denoise(z, 0.3, condition)
    assert moves == []
    model.decode(z)
    assert moves == [("AutoencoderKL", "cpu")] * 2


def test_a_gradient_goes_through_an_offloaded_autoencoder(sd: Path) -> None:
    image = families.samples(1, 24, 32)[0].image[None]
    slopes = []
    for offloaded in (False, True):
        x = image.clone().requires_grad_(True)
        opened(sd, offload=offloaded).encode(x).square().sum().backward()
        slopes.append(x.grad)
    assert slopes[0] is not None
    assert float(slopes[0].abs().max()) > 0
    assert torch.equal(slopes[0], slopes[1])


@pytest.mark.parametrize("part", [torch.nn.GroupNorm(2, 4), torch.nn.Conv2d(4, 4, 1)])
def test_a_gradient_finds_the_weights_where_they_were_called(
    part: torch.nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another type stands for another device: weights that went home cannot serve either."""
    visited: Any = torch.float64
    monkeypatch.setattr(memory, "HOME", torch.float32)
    offload(part.requires_grad_(False), visited)
    x = torch.rand(2, 4, 3, 3, requires_grad=True)
    answer = part(x)
    assert answer.dtype == torch.float64
    assert {weight.dtype for weight in part.parameters()} == {torch.float32}
    answer.square().sum().backward()
    assert x.grad is not None
    assert float(x.grad.abs().max()) > 0


def test_attention_in_slices_says_the_same(sd: Path) -> None:
    from diffusers.models.attention_processor import SlicedAttnProcessor

    sliced = opened(sd, attention_slicing=True)
    kinds = {type(processor) for processor in sliced.network.attn_processors.values()}
    assert kinds == {SlicedAttnProcessor}
    assert close(sliced, opened(sd), 1e-4)


@pytest.mark.parametrize("name", ["sd3", "dit"])
def test_a_denoiser_that_cannot_slice_its_attention_says_so(name: str, tiny_folder: Folder) -> None:
    with pytest.raises(MissingCapability, match="Leave --attention-slicing out"):
        opened(tiny_folder(name), attention_slicing=True)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"offload": True}, "Leave --offload out"),
        ({"attention_slicing": True, "loras": ("x",)}, "Leave --lora and --attention-slicing out"),
    ],
)
def test_a_model_without_such_parts_refuses_the_options(
    options: dict[str, Any], named: str, save_unet: Callable[..., Path]
) -> None:
    where = str(save_unet())
    with pytest.raises(MissingCapability, match=f"pixel-space model .* has no LoRA.*{named}"):
        open_model(where, Opening(**options))
    with pytest.raises(MissingCapability, match=f'control "gaussian" has no LoRA.*{named}'):
        open_model("gaussian", Opening(**options), control_samples=lambda name: [])
