"""A model folder is data: nothing in it runs, is unpickled, asked about or fetched."""

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from solidmark.errors import SolidmarkError, UnsafeCheckpoint
from solidmark.measures.intent.naming import open_encoder
from solidmark.models import Opening, open_model
from solidmark.models.trusted import from_folder

Folder = Callable[[str], Path]
Change = Callable[[Path], object]
PROGRAM = "open({!r}, 'w').close()\nclass Evil:\n    pass\n"


class Planted:
    """Makes a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.marker),)


@pytest.fixture
def planted(tmp_path: Path) -> bytes:
    return pickle.dumps(Planted(tmp_path / "ran"))


@pytest.fixture(autouse=True)
def _nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """After each test: nothing ran, nobody was asked, and no host was looked up."""

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("asked or connected")

    monkeypatch.setattr("builtins.input", fail)
    monkeypatch.setattr("socket.socket.connect", fail)
    monkeypatch.setattr("socket.getaddrinfo", fail)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    assert not (tmp_path / "ran").exists()


@pytest.fixture
def sd(tiny_folder: Folder, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_folder("sd"), tmp_path / "sd"))


def edit(name: str, **changes: object) -> Change:
    """Changes a JSON file of a folder."""

    def change(folder: Path) -> None:
        path = folder / name
        held = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(held | changes))

    return change


def test_the_pickle_would_run(planted: bytes, tmp_path: Path) -> None:
    pickle.loads(planted)
    (tmp_path / "ran").rmdir()


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
@pytest.mark.parametrize("name", ["pytorch_model.bin", "diffusion_pytorch_model.bin", "model.pt"])
def test_pickled_weights_of_any_part_are_refused(
    part: str, name: str, sd: Path, planted: bytes
) -> None:
    for weights in (sd / part).glob("*.safetensors"):
        weights.unlink()
    (sd / part / name).write_bytes(planted)
    with pytest.raises(UnsafeCheckpoint, match="holds pickled weights"):
        open_model(str(sd))


BESIDE = [
    "unet/diffusion_pytorch_model.bin",
    "text_encoder/pytorch_model.bin",
    "text_encoder/training_args.bin",
    "tokenizer/vocab.pkl",
    "tokenizer/tokenizer.pkl",
    "scheduler/scheduler.bin",
    "safety_checker/pytorch_model.bin",
    "feature_extractor/model.pt",
    "optimizer.bin",
    "random_states_0.pkl",
    "model.ckpt",
]


def test_pickles_beside_the_weights_are_never_opened(sd: Path, planted: bytes) -> None:
    for name in BESIDE:
        (sd / name).parent.mkdir(exist_ok=True)
        (sd / name).write_bytes(planted)
    (sd / "pipeline.py").write_text(PROGRAM.format(str(sd.parent / "ran")))
    edit("model_index.json", safety_checker=["evil", "Evil"])(sd)
    open_model(str(sd))


@pytest.mark.parametrize("ending", ["ckpt", "pt", "pth", "bin", "pkl", "PT"])
def test_a_single_file_and_a_lora_that_are_pickles_are_refused(
    ending: str, sd: Path, planted: bytes, tmp_path: Path
) -> None:
    path = tmp_path / f"model.{ending}"
    path.write_bytes(planted)
    with pytest.raises(UnsafeCheckpoint, match="is a pickle"):
        open_model(str(path), Opening(base_config=str(sd)))
    with pytest.raises(UnsafeCheckpoint, match="is a pickle"):
        open_model(str(sd), Opening(loras=(str(path),)))


@pytest.mark.parametrize("name", ["model.safetensors", "lora.safetensors"])
def test_a_pickle_under_another_name_is_not_read_as_one(
    name: str, sd: Path, planted: bytes, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(planted)
    for opening in (Opening(base_config=str(sd)), Opening(loras=(str(path),))):
        where = sd if opening.loras else path
        with pytest.raises(SolidmarkError, match="not readable as safetensors"):
            open_model(str(where), opening)


INDEX = "model_index.json"
CODE = {"AutoModel": "evil.Evil", "AutoTokenizer": ["evil.Evil", None]}
DEEP = {"inner": [{"auto_map": CODE}]}
ASKS: dict[str, tuple[Change, str]] = {
    "os.system": (edit(INDEX, unet=["os", "system"]), 'of "os"'),
    "a module here": (edit(INDEX, unet=["evil", "Evil"]), 'of "evil"'),
    "a module of diffusers": (edit(INDEX, unet=["diffusers.utils", "x"]), 'of "diffusers.utils"'),
    "another class": (edit(INDEX, unet=["diffusers", "DiffusionPipeline"]), "is not loaded"),
    "any model": (edit(INDEX, text_encoder=["transformers", "AutoModel"]), "is not loaded"),
    "another part": (edit(INDEX, extra=["transformers", "CLIPTextModel"]), "is not loaded"),
    "half an origin": (edit(INDEX, unet=["diffusers"]), "is not loaded"),
    "an empty origin": (edit(INDEX, unet=[]), 'is of ""'),
    "numbers": (edit(INDEX, unet=[1, 2]), 'is of "1"'),
    "no scheduler": (edit(INDEX, scheduler=["diffusers", "AutoencoderKL"]), "does not have"),
    "code of a unet": (edit("unet/config.json", auto_map=CODE), "names code of its own"),
    "code of a vae": (edit("vae/config.json", auto_map=CODE), "names code of its own"),
    "code of a text encoder": (edit("text_encoder/config.json", auto_map=CODE), "code of its own"),
    "code of a tokenizer": (edit("tokenizer/tokenizer_config.json", auto_map=CODE), "its own"),
    "code of a scheduler": (edit("scheduler/scheduler_config.json", auto_map=CODE), "its own"),
    "code far down": (edit("text_encoder/config.json", **DEEP), "names code of its own"),
    "a kernel": (
        edit("text_encoder/config.json", attn_implementation="evil/kernel"),
        "names the kernel",
    ),
    "a kernel, as saved": (
        edit("text_encoder/config.json", _attn_implementation="evil/kernel"),
        "names the kernel",
    ),
    "rounded weights": (
        edit("unet/config.json", quantization_config={"quant_method": "torchao"}),
        "rounded weights",
    ),
    "an adapter": (
        edit("text_encoder/adapter_config.json", base_model_name_or_path="evil/model"),
        "fetched from elsewhere",
    ),
}


@pytest.mark.parametrize("ask", ASKS)
def test_a_folder_that_asks_for_more_than_a_network_is_one_line(
    ask: str, sd: Path, planted: bytes, tmp_path: Path
) -> None:
    for folder in (tmp_path, sd, *(child for child in sd.iterdir() if child.is_dir())):
        (folder / "evil.py").write_text(PROGRAM.format(str(tmp_path / "ran")))
    (sd / "text_encoder" / "adapter_model.bin").write_bytes(planted)
    change, message = ASKS[ask]
    change(sd)
    with pytest.raises(SolidmarkError, match=message) as raised:
        open_model(str(sd))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("change", [edit("config.json", auto_map=CODE), None])
def test_the_same_for_a_sentence_encoder(
    change: Change | None, sd: Path, planted: bytes, tmp_path: Path
) -> None:
    """`AutoModel` would ask on standard input, and would read what is pickled."""
    folder = Path(shutil.copytree(sd / "text_encoder", tmp_path / "encoder"))
    shutil.copytree(sd / "tokenizer", folder, dirs_exist_ok=True)
    assert open_encoder(str(folder), "cpu")(["a tower"]).shape[0] == 1
    if change is not None:
        (folder / "evil.py").write_text(PROGRAM.format(str(tmp_path / "ran")))
        change(folder)
    else:
        (folder / "model.safetensors").unlink()
        (folder / "pytorch_model.bin").write_bytes(planted)
    with pytest.raises(UnsafeCheckpoint):
        open_encoder(str(folder), "cpu")


def test_the_door_tells_transformers_not_to_ask() -> None:
    told: dict[str, Any] = {}

    class Kind:
        """Takes what a class of transformers would be told."""

        @classmethod
        def from_pretrained(cls, folder: Path, **options: Any) -> None:
            told.update(options)

    Kind.__module__ = "transformers.models.auto"
    from_folder(Kind, Path("nowhere"), use_safetensors=True)
    assert told == {"trust_remote_code": False, "local_files_only": True, "use_safetensors": True}


LIES: dict[str, tuple[Change, str]] = {
    "a million layers": (edit("unet/config.json", layers_per_block=10**6), "1,000,000 layers"),
    "layers in a list": (edit("unet/config.json", layers_per_block=[1, 5000]), "5,000 layers"),
    "no steps": (edit("scheduler/scheduler_config.json", num_train_timesteps=0), "cannot be"),
    "a part that is a text": (edit(INDEX, unet="evil"), "is not a whole"),
    "a part that is a number": (edit(INDEX, unet=7), "is not a whole"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_folder_that_lies_is_one_line(lie: str, sd: Path) -> None:
    change, message = LIES[lie]
    change(sd)
    with pytest.raises(SolidmarkError, match=message):
        open_model(str(sd))


def test_captions_of_more_tokens_than_can_be_are_refused(sd: Path) -> None:
    """The tokenizer would pad to them at once, and end the process where memory ends."""
    from transformers import CLIPTokenizer

    from solidmark.models.text import tokenize

    edit("tokenizer/tokenizer_config.json", model_max_length=10**12)(sd)
    with pytest.raises(SolidmarkError, match="captions of 1e\\+12 tokens"):
        tokenize(CLIPTokenizer.from_pretrained(sd / "tokenizer"), ["a dog"])
