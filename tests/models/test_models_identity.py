"""Everything that the name of a model pulls in changes what it is recognised by."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import diffusers
import pytest
import torch
from original import save_original
from safetensors.torch import load_file, save_file

from solidmark.errors import BadInput
from solidmark.models import LatentModel, Opening, model_fingerprints, open_model
from solidmark.models.finding import FACTS
from solidmark.models.lora import WEIGHTS
from solidmark.models.lora_file import BESIDE
from solidmark.runs import fingerprint, open_run

Folder = Callable[[str], Path]
Change = Callable[[Path], object]
UNET = "unet/diffusion_pytorch_model.safetensors"
LAYER = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"


def twist(path: Path) -> None:
    """Changes the first number of a file of weights."""
    held = load_file(path)
    name = min(held)
    save_file({**held, name: held[name] + 0.25}, path, {"format": "pt"})


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def lora(folder: Path, base: Path | str, seed: int = 0) -> Path:
    """A folder as `solidmark train` leaves it."""
    generator = torch.Generator().manual_seed(seed)
    folder.mkdir()
    matrices = {
        f"{LAYER}.lora_A.weight": torch.randn(2, 8, generator=generator),
        f"{LAYER}.lora_B.weight": torch.randn(8, 2, generator=generator),
    }
    save_file(matrices, folder / WEIGHTS)
    (folder / FACTS).write_text(json.dumps({"base": str(base)}))
    return folder


@pytest.fixture
def place(tiny_folder: Folder, tmp_path: Path) -> Path:
    """A pipeline, its single file, two LoRAs one upon the other, and a link to a part elsewhere."""
    sd = Path(shutil.copytree(tiny_folder("sd"), tmp_path / "sd"))
    pipe = diffusers.StableDiffusionPipeline.from_pretrained(sd, safety_checker=None)
    save_original(pipe, tmp_path / "model.safetensors")
    lora(tmp_path / "first", sd)
    lora(tmp_path / "second", tmp_path / "first", seed=1)
    shutil.copytree(sd, tmp_path / "linked")
    shutil.move(tmp_path / "linked" / "unet", tmp_path / "elsewhere")
    (tmp_path / "linked" / "unet").symlink_to(tmp_path / "elsewhere")
    peft = tmp_path / "peft"
    peft.mkdir()
    shutil.copy(tmp_path / "first" / WEIGHTS, peft / "adapter_model.safetensors")
    (peft / BESIDE).write_text('{"lora_alpha": 4, "r": 2}')
    return tmp_path


PULLED_IN: dict[str, tuple[str, Change, str]] = {
    "a folder": ("sd", lambda p: twist(p / "sd" / UNET), "model"),
    "its scheduler": (
        "sd",
        lambda p: edit(p / "sd" / "scheduler" / "scheduler_config.json", beta_end=0.02),
        "model",
    ),
    "its words": (
        "sd",
        lambda p: (p / "sd" / "tokenizer" / "tokenizer_config.json").write_text("{}"),
        "model",
    ),
    "a part behind a link": (
        "linked",
        lambda p: twist(p / "elsewhere" / Path(UNET).name),
        "model",
    ),
    "a LoRA": ("first", lambda p: twist(p / "first" / WEIGHTS), "model"),
    "the base of a LoRA": ("first", lambda p: twist(p / "sd" / UNET), "base"),
    "another base": (
        "first",
        lambda p: (
            twist(Path(shutil.copytree(p / "sd", p / "other")) / UNET),
            edit(p / "first" / FACTS, base=str(p / "other")),
        ),
        "base model",
    ),
    "the base of the base": ("second", lambda p: twist(p / "sd" / UNET), "base"),
    "the LoRA between": ("second", lambda p: twist(p / "first" / WEIGHTS), "base_lora_0"),
    "a single file": (
        "model.safetensors --base-config sd",
        lambda p: twist(p / "model.safetensors"),
        "model",
    ),
    "the configuration of a file": (
        "model.safetensors --base-config sd",
        lambda p: edit(p / "sd" / "vae" / "config.json", scaling_factor=0.5),
        "base_config",
    ),
    "the configuration of a file, from the hub": (
        "model.safetensors --base-config somebody/model",
        lambda p: edit(p / "sd" / "vae" / "config.json", scaling_factor=0.5),
        "base_config",
    ),
    "the configuration that is inferred": (
        "model.safetensors",
        lambda p: edit(p / "sd" / "scheduler" / "scheduler_config.json", beta_end=0.02),
        "base_config",
    ),
    "an added LoRA": ("sd --lora first", lambda p: twist(p / "first" / WEIGHTS), "lora_0"),
    "the strengths beside one": (
        "sd --lora peft",
        lambda p: edit(p / "peft" / BESIDE, lora_alpha=8),
        "lora_0",
    ),
    "a name of the hub": ("somebody/model", lambda p: twist(p / "sd" / UNET), "model"),
}


@pytest.fixture
def hub(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(place / "sd"))
    monkeypatch.chdir(place)


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("thing", PULLED_IN)
def test_what_is_pulled_in_is_part_of_the_model(thing: str, place: Path) -> None:
    line, change, key = PULLED_IN[thing]
    where, *options = line.split()
    named = dict(zip(options[::2], options[1::2], strict=True))
    loras = (named["--lora"],) if "--lora" in named else ()
    opening = Opening(loras=loras, base_config=named.get("--base-config"))
    before = model_fingerprints(where, opening)
    assert model_fingerprints(where, opening) == before
    change(place)
    after = model_fingerprints(where, opening)
    assert set(after) == set(before)
    assert {name for name in before if before[name] != after[name]} == set(key.split())


@pytest.mark.usefixtures("hub")
def test_what_is_not_pulled_in_is_not(place: Path) -> None:
    """What somebody else fetched of the hub, hidden files, and weights that nobody names."""
    cases = {"somebody/model": Opening(), "model.safetensors": Opening()}
    before = {where: model_fingerprints(where, opening) for where, opening in cases.items()}
    (place / "sd" / "sample.png").write_bytes(b"a picture")
    (place / "sd" / ".cache").mkdir()
    (place / "sd" / "unet" / "diffusion_pytorch_model.fp16.safetensors").write_bytes(b"")
    assert {where: model_fingerprints(where, o) for where, o in cases.items()} == before
    twist(place / "sd" / UNET)
    file = model_fingerprints("model.safetensors", Opening())
    assert file == before["model.safetensors"], "its own weights are in the file"
    assert model_fingerprints("gaussian", Opening()) == {}
    assert model_fingerprints("a model in memory", Opening()) == {}


UNREAD = {
    "a variant": "unet/diffusion_pytorch_model.fp16.safetensors",
    "a shard of a variant": "unet/diffusion_pytorch_model.fp16-00001-of-00002.safetensors",
    "weights before averaging": "unet/diffusion_pytorch_model.non_ema.safetensors",
    "a pickle": "vae/diffusion_pytorch_model.bin",
    "weights of another library": "text_encoder/flax_model.msgpack",
    "an exported part": "unet/onnx/model.onnx",
    "a part that is not loaded": "safety_checker/model.safetensors",
    "a whole model beside the parts": "v1-5-pruned.safetensors",
    "the same as a pickle": "v1-5-pruned.ckpt",
    "a state of a training": "checkpoint-500/unet/diffusion_pytorch_model.safetensors",
}


@pytest.mark.parametrize("what", UNREAD)
def test_weights_that_nothing_loads_are_not_read(what: str, place: Path) -> None:
    """Gigabytes of them lie beside what is loaded; so they change nothing either."""
    before = model_fingerprints(str(place / "sd"), Opening())
    answer = open_model(str(place / "sd"))
    path = place / "sd" / UNREAD[what]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"anything")
    assert model_fingerprints(str(place / "sd"), Opening()) == before
    again = open_model(str(place / "sd"))
    one, other = (model.network.state_dict() for model in (answer, again))  # type: ignore[attr-defined]
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_an_ordinary_folder_is_recognised_as_before(
    place: Path, save_unet: Callable[..., Path]
) -> None:
    """What `save_pretrained` and `train` leave is all of it loaded: old runs go on."""
    for folder in (place / "sd", place / "linked", save_unet()):
        assert model_fingerprints(str(folder), Opening()) == {"model": fingerprint(folder)}


def test_the_variant_and_the_shards_that_are_loaded_count(place: Path) -> None:
    unet = place / "sd" / "unet"
    held = load_file(place / "sd" / UNET)
    names = sorted(held)
    shards = {}
    for number, some in enumerate((names[::2], names[1::2]), 1):
        file = f"diffusion_pytorch_model.fp16-{number:05d}-of-00002.safetensors"
        save_file({name: held[name] for name in some}, unet / file, {"format": "pt"})
        shards |= dict.fromkeys(some, file)
    index = unet / "diffusion_pytorch_model.safetensors.index.fp16.json"
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": shards}))
    (place / "sd" / UNET).unlink()
    before = model_fingerprints(str(place / "sd"), Opening())
    open_model(str(place / "sd"))
    for change in (
        lambda: twist(unet / "diffusion_pytorch_model.fp16-00002-of-00002.safetensors"),
        lambda: edit(index, metadata={"total_size": 2}),
    ):
        change()
        after = model_fingerprints(str(place / "sd"), Opening())
        assert after != before
        before = after


def test_reading_many_bytes_is_said(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = sys.modules["solidmark.runs.progress"]
    capsys.readouterr()
    model_fingerprints(str(place / "sd"), Opening())
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "LARGE", 1)
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    model_fingerprints(str(place / "sd"), Opening())
    assert 'reading "sd" to recognise it, MiB: ' in capsys.readouterr().err


def test_loras_one_upon_the_other_are_all_added(place: Path) -> None:
    model = open_model(str(place / "second"))
    assert isinstance(model, LatentModel)
    layer = dict(model.network.named_modules())[LAYER.removeprefix("unet.")]
    held = [load_file(place / name / WEIGHTS) for name in ("first", "second")]
    added = sum(one[f"{LAYER}.lora_B.weight"] @ one[f"{LAYER}.lora_A.weight"] for one in held)
    found = sum(layer.get_delta_weight(name) for name in layer.active_adapters)
    torch.testing.assert_close(found, added, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_lora_that_leads_back_to_itself_is_one_line(length: int, tmp_path: Path) -> None:
    folders = [tmp_path / f"lora-{number}" for number in range(length)]
    for number, folder in enumerate(folders):
        lora(folder, folders[(number + 1) % length] / ".")
    for ask in (open_model, lambda where: model_fingerprints(where, Opening())):
        with pytest.raises(BadInput, match="said to be trained on itself") as raised:
            ask(str(folders[0]))
        assert "\n" not in str(raised.value)


def test_a_link_that_leads_round_in_a_circle_ends(place: Path) -> None:
    before = model_fingerprints(str(place / "sd"), Opening())
    (place / "sd" / "round").symlink_to(place / "sd")
    assert model_fingerprints(str(place / "sd"), Opening()) == before


def test_shards_outside_of_the_folder_are_refused(place: Path) -> None:
    """Nobody would notice that they change."""
    unet = place / "sd" / "unet"
    shutil.move(place / "sd" / UNET, place / "shard.safetensors")
    names = dict.fromkeys(load_file(place / "shard.safetensors"), "../../shard.safetensors")
    index = {"metadata": {"total_size": 1}, "weight_map": names}
    (unet / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(BadInput, match="does not lie in it"):
        open_model(str(place / "sd"))


def test_a_trained_model_whose_weights_are_others_is_said_to_be(
    save_unet: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "trained"
    run = open_run(out, "train", {}, {})
    shutil.copytree(save_unet(8), out / "model")
    run.finish("model")
    before = model_fingerprints(str(out), Opening())
    assert not capsys.readouterr().err
    twist(out / "model" / UNET)
    for named in (out, out / "model"):
        assert model_fingerprints(str(named), Opening()) != before
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert f'"{out}/model/{UNET}" is not what solidmark train wrote' in said
