"""LoRA weights, as diffusers and as kohya's scripts save them, on a tiny Stable Diffusion."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import families
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from solidmark.errors import BadInput, MissingCapability, NotFound, UnsafeCheckpoint
from solidmark.models import LatentModel, Opening, open_model
from solidmark.models.lora import WEIGHTS, find_lora
from solidmark.models.pipelines import load_pipeline

Folder = Callable[[str], Path]

UNET = ["to_q", "to_k", "to_v", "to_out.0"]
TEXT = ["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"]


def save_lora(
    base: Path, folder: Path, seed: int, *, alpha: int = 6, parts: tuple[str, ...] = ("unet",)
) -> Path:
    """Random matrices of rank 2, saved by diffusers."""
    from diffusers.utils import convert_state_dict_to_diffusers
    from peft import LoraConfig, get_peft_model_state_dict

    pipe = load_pipeline(base, Opening())
    named: dict[str, Any] = {}
    for part in parts:
        network = getattr(pipe, part)
        targets = TEXT if part.startswith("text") else UNET
        torch.manual_seed(seed)
        network.add_adapter(
            LoraConfig(r=2, lora_alpha=alpha, target_modules=targets, init_lora_weights=False)
        )
        layers = convert_state_dict_to_diffusers(get_peft_model_state_dict(network))
        named[f"{part}_lora_layers"] = {name: weight.clone() for name, weight in layers.items()}
        named[f"{part}_lora_adapter_metadata"] = network.peft_config["default"].to_dict()
    pipe.save_lora_weights(folder, **named)
    return folder


def matrices(file: Path) -> dict[tuple[str, str, str], torch.Tensor]:
    """The matrices of a file of diffusers, by part, module, and `down` or `up`."""
    found = {}
    for name, weight in load_file(file).items():
        part, rest = name.split(".", 1)
        for peft, plain in ((".lora_A.", ".down."), (".lora_B.", ".up.")):
            rest = rest.replace(peft, plain)
        rest = rest.replace(".lora_linear_layer.", ".").replace(".lora.", ".")
        module, way, _ = rest.rsplit(".", 2)
        found[part, module, way] = weight
    return found


def save_kohya(source: Path, target: Path, alpha: float = 6) -> Path:
    """The same matrices under the names of kohya's scripts, with their alphas."""
    found = {}
    for (part, module, way), weight in matrices(source / WEIGHTS).items():
        place = module.removeprefix("text_model.").replace(".", "_")
        kohya = f"lora_unet_{place}" if part == "unet" else f"lora_te_text_model_{place}"
        found[f"{kohya}.lora_{way}.weight"] = weight
        found[f"{kohya}.alpha"] = torch.tensor(alpha)
    save_file(found, target)
    return target


@pytest.fixture(scope="module")
def sd(tiny_folder: Folder) -> Path:
    return tiny_folder("sd")


@pytest.fixture(scope="module")
def lora(sd: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA of the denoiser and the text encoder."""
    folder = tmp_path_factory.mktemp("lora") / "both"
    return save_lora(sd, folder, 1, parts=("unet", "text_encoder"))


def opened(base: Path, *loras: Path, scale: float = 1.0, **options: Any) -> LatentModel:
    model = open_model(
        str(base), Opening(loras=tuple(map(str, loras)), lora_scale=scale, **options)
    )
    assert isinstance(model, LatentModel)
    return model


def said(model: LatentModel) -> tuple[torch.Tensor, torch.Tensor]:
    """What a model tells its network, and what that expects."""
    condition = model.condition(families.samples(2, 24, 32))
    z = torch.randn(2, 4, 6, 8, generator=torch.Generator().manual_seed(0))
    return condition.tensors["embeds"], model.denoise(z, 0.5, condition)


def gap(one: LatentModel, other: LatentModel) -> list[float]:
    return [float((a - b).abs().max()) for a, b in zip(said(one), said(other), strict=True)]


@pytest.mark.parametrize("form", ["peft", "kohya"])
def test_a_lora_changes_what_is_told_and_what_is_expected(
    form: str, sd: Path, lora: Path, tmp_path: Path
) -> None:
    where = lora if form == "peft" else save_kohya(lora, tmp_path / "kohya.safetensors")
    base = opened(sd)
    told, expected = gap(opened(sd, where), base)
    assert told > 1e-2
    assert expected > 1e-2
    assert gap(opened(sd, where, scale=0.0), base) == [0, 0]


def test_kohya_is_peft_for_equal_weights(sd: Path, lora: Path, tmp_path: Path) -> None:
    kohya = save_kohya(lora, tmp_path / "kohya.safetensors")
    for scale in (1.0, 0.3):
        assert max(gap(opened(sd, lora, scale=scale), opened(sd, kohya, scale=scale))) < 1e-5
    weaker = save_kohya(lora, tmp_path / "weaker.safetensors", alpha=3)
    assert max(gap(opened(sd, weaker), opened(sd, kohya))) > 1e-2
    assert max(gap(opened(sd, weaker), opened(sd, kohya, scale=0.5))) < 1e-5


def test_what_is_added_is_the_product_of_the_matrices(sd: Path, lora: Path) -> None:
    """Merged into the weights by hand, it gives the same; alpha / rank is 6 / 2."""
    by_hand = opened(sd)
    held = matrices(lora / WEIGHTS)
    parts = {"unet": by_hand.network, "text_encoder": by_hand.family.text_encoder}  # type: ignore[attr-defined]
    merged = 0
    for (part, module, way), up in held.items():
        if way == "up":
            product = up @ held[part, module, "down"]
            parts[part].get_submodule(module).weight.data += 0.7 * 3 * product
            merged += 1
    assert merged == 8 * 4 + 2 * 6
    assert max(gap(opened(sd, lora, scale=0.7), by_hand)) < 1e-4


def test_several_loras_are_added_up(sd: Path, lora: Path, tmp_path: Path) -> None:
    other = save_lora(sd, tmp_path / "other", 2, alpha=2)
    both = opened(sd, lora, other)
    assert min(gap(both, opened(sd, lora))[1], gap(both, opened(sd, other))[1]) > 1e-2
    assert gap(opened(sd, other, lora), both)[1] < 1e-5
    assert gap(opened(sd, lora, other, scale=0.0), opened(sd)) == [0, 0]
    # The text encoder keeps the first LoRA when a second one comes.
    assert gap(opened(sd, lora, lora, scale=0.5), opened(sd, lora))[0] < 1e-5


def test_a_lora_is_opened_in_half_precision_and_frozen(sd: Path, lora: Path) -> None:
    model = opened(sd, lora, precision="bf16", text_precision="bf16", offload=True)
    assert model.network.dtype == torch.bfloat16
    parts = (model.network, model.family.text_encoder)  # type: ignore[attr-defined]
    for part in parts:
        assert not part.training
        assert not any(weight.requires_grad for weight in part.parameters())
    assert 0 < gap(model, opened(sd, lora))[1] < 1


def test_files_and_folders_are_found(lora: Path, tmp_path: Path) -> None:
    file = lora / WEIGHTS
    run = tmp_path / "run"
    shutil.copytree(lora, run / "model")
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(file, alone / "mine.safetensors")
    expected = {
        lora: file,
        file: file,
        run: run / "model" / WEIGHTS,
        alone: alone / "mine.safetensors",
    }
    assert {where: find_lora(str(where)) for where in expected} == expected
    shutil.copy(file, alone / "yours.safetensors")
    with pytest.raises(BadInput, match=r"holds 2 \.safetensors files"):
        find_lora(str(alone))
    with pytest.raises(NotFound, match='no LoRA "nowhere"'):
        find_lora("nowhere")


def test_a_pickle_is_refused_and_a_folder_of_pickles_too(sd: Path, tmp_path: Path) -> None:
    for name in ("lora.bin", "lora.PT", "pytorch_lora_weights.bin"):
        (tmp_path / name).write_bytes(b"a pickle")
        with pytest.raises(UnsafeCheckpoint, match="is a pickle"):
            opened(sd, tmp_path / name)
    with pytest.raises(BadInput, match=r"holds 0 \.safetensors files"):
        opened(sd, tmp_path)


def test_a_folder_of_lora_weights_is_not_a_model(lora: Path, tmp_path: Path) -> None:
    shutil.copytree(lora, tmp_path / "run" / "model")
    for where in (lora, tmp_path / "run"):
        with pytest.raises(BadInput, match=r"holds LoRA weights alone.*--lora"):
            open_model(str(where))


def edited(lora: Path, target: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> Path:
    weights = load_file(lora / WEIGHTS)
    change(weights)
    save_file(weights, target)
    return target


def elsewhere(prefix: str) -> Callable[[dict[str, torch.Tensor]], None]:
    def change(weights: dict[str, torch.Tensor]) -> None:
        for name in list(weights):
            weights[prefix + name.split(".", 1)[1]] = weights.pop(name)

    return change


STRAY = {
    "unet.nowhere.to_q.lora.down.weight": torch.zeros(2, 8),
    "unet.nowhere.to_q.lora.up.weight": torch.zeros(8, 2),
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (elsewhere("transformer."), "no matrix fits a StableDiffusionPipeline"),
        (elsewhere("unet.nowhere."), "does not fit a StableDiffusionPipeline"),
        (elsewhere("text_encoder_2."), "no matrix fits"),
        (lambda w: w.update(STRAY), "only 44 of 45 matrices fits"),
        (lambda w: w.update({n: torch.rand(3, 3) for n in w}), "does not fit"),
        (lambda w: w.update({n: torch.zeros(0, 0) for n in w}), "does not fit"),
        (lambda w: [w.pop(n) for n in list(w)] and w.update(x=torch.ones(1)), "no LoRA weights"),
        (lambda w: w.update({"unet.a.dora_scale": torch.ones(1)}), "is a DoRA"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning:peft")
def test_a_lora_of_another_model_is_one_line(
    change: Callable[[dict[str, torch.Tensor]], Any],
    message: str,
    sd: Path,
    lora: Path,
    tmp_path: Path,
) -> None:
    with pytest.raises(BadInput, match=message) as raised:
        opened(sd, edited(lora, tmp_path / "lora.safetensors", change))
    assert "\n" not in str(raised.value)


def test_what_diffusers_raises_it_does_not_print_too(
    sd: Path, lora: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its log has lines and tabs of its own; the reason belongs into the one line."""

    def widen(weights: dict[str, torch.Tensor]) -> None:
        for name, value in weights.items():
            down = ".down." in name or "lora_A" in name
            rows, columns = value.shape
            weights[name] = torch.zeros((rows, columns + 1) if down else (rows + 1, columns))

    with pytest.raises(BadInput, match=r"\(.*: size mismatch for .*\)"):
        opened(sd, edited(lora, tmp_path / "lora.safetensors", widen))
    assert not caplog.records


def test_a_damaged_file_is_one_line(sd: Path, lora: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes((lora / WEIGHTS).read_bytes()[:500])
    with pytest.raises(BadInput, match="not readable as safetensors"):
        opened(sd, cut)


@pytest.mark.parametrize("name", ["sdxl", "sd3", "flux-dev"])
def test_other_families_take_a_lora_too(name: str, tiny_folder: Folder, tmp_path: Path) -> None:
    base = tiny_folder(name)
    part = "unet" if name == "sdxl" else "transformer"
    lora = save_lora(base, tmp_path / "lora", 1, parts=(part, "text_encoder"))

    def expected(*loras: Path, scale: float = 1.0) -> torch.Tensor:
        model = opened(base, *loras, scale=scale)
        samples = families.samples(2, *families.size(name))
        z = model.encode(torch.stack([sample.image for sample in samples]))
        return model.denoise(z, 0.5, model.condition(samples))

    plain, added = expected(), expected(lora)
    assert float((added - plain).abs().max()) > 1e-2
    assert torch.equal(expected(lora, scale=0.0), plain)
    torch.testing.assert_close(expected(lora, lora, scale=0.5), added, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["dit", "pixart-alpha"])
def test_a_pipeline_to_which_diffusers_adds_none_says_so(
    name: str, lora: Path, tiny_folder: Folder
) -> None:
    with pytest.raises(MissingCapability, match="has no LoRA"):
        opened(tiny_folder(name), lora)


def test_the_alpha_that_diffusers_saves_is_used(sd: Path, lora: Path, tmp_path: Path) -> None:
    """It stands in the header of the file; without it, alpha is the rank."""
    with safe_open(lora / WEIGHTS, "pt") as file:
        assert json.loads(file.metadata()["lora_adapter_metadata"])["unet.lora_alpha"] == 6
    bare = edited(lora, tmp_path / "bare.safetensors", lambda weights: None)
    assert max(gap(opened(sd, bare), opened(sd, lora))) > 1e-2
    assert max(gap(opened(sd, bare, scale=3.0), opened(sd, lora))) < 1e-5
