"""DINOv2, CLIP and SigLIP against the models of transformers, called by hand."""

import hashlib
import json
from pathlib import Path
from typing import Any

import embedders
import numpy as np
import pytest
import torch
from embedders import SIDE, images
from PIL import Image as Picture
from safetensors.torch import load_file, save_file

from solidmark.data import to_picture
from solidmark.embed import open_embedder
from solidmark.errors import BadInput, NotFound, UnsafeCheckpoint
from solidmark.types import Image

NAMES = sorted(embedders.SAVE)
CLIP_MEAN, CLIP_STD = (
    [0.48145466, 0.4578275, 0.40821073],
    [0.26862954, 0.26130258, 0.27577711],
)


def prepared(image: Image, name: str) -> torch.Tensor:
    """By Pillow and numpy: what the processors of the authors do."""
    picture = to_picture(image).convert("RGB")
    if name == "siglip":
        picture = picture.resize((SIDE, SIDE), Picture.Resampling.BICUBIC)
        mean, std = [0.5] * 3, [0.5] * 3
    else:
        short = 40 if name == "dinov2" else SIDE
        width, height = picture.size
        # The long side is rounded down.
        scaled = [int(short * side / min(width, height)) for side in (width, height)]
        picture = picture.resize((scaled[0], scaled[1]), Picture.Resampling.BICUBIC)
        left, top = (scaled[0] - SIDE) // 2, (scaled[1] - SIDE) // 2
        picture = picture.crop((left, top, left + SIDE, top + SIDE))
        mean, std = CLIP_MEAN, CLIP_STD
        if name == "dinov2":
            mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    values = (np.asarray(picture).astype(np.float64) / 255 - mean) / std
    return torch.tensor(values).permute(2, 0, 1)[None].float()


def features(model: Any, name: str, values: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        if name == "dinov2":
            return model(values).last_hidden_state[:, 0]
        answer = model.get_image_features(pixel_values=values)
    # transformers 5 gives more than the features.
    return answer if isinstance(answer, torch.Tensor) else answer.pooler_output


@pytest.mark.parametrize("name", NAMES)
def test_the_row_is_what_the_model_gives_for_what_the_authors_prepare(
    name: str, tmp_path: Path
) -> None:
    model = embedders.SAVE[name](tmp_path)
    rows = features(model, name, torch.cat([prepared(image, name) for image in images()]))
    expected = rows / rows.norm(dim=1, keepdim=True)
    opened = open_embedder(f"{name}:{tmp_path}")
    assert torch.allclose(opened.embed(images()), expected, atol=1e-5)
    assert opened.card.dimensions == expected.shape[1] == {"clip": 12}.get(name, 16)
    assert opened.card.input_size == SIDE
    assert opened.card.model == str(tmp_path)


def test_images_that_are_not_cut_square_are_embedded_one_by_one(tmp_path: Path) -> None:
    model = embedders.save_dinov2(tmp_path)
    path = tmp_path / "preprocessor_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "do_center_crop": False}))
    opened = open_embedder(f"dinov2:{tmp_path}")
    assert opened.prepare(images(1)[0]).shape[-2:] == (40, 56)  # type: ignore[attr-defined]
    rows = opened.embed(images())
    with torch.no_grad():
        alone = [model(opened.prepare(i)).last_hidden_state[0, 0] for i in images()]  # type: ignore[attr-defined]
    assert torch.allclose(rows, torch.stack([row / row.norm() for row in alone]), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_hash_is_that_of_the_weights_and_of_how_they_are_used(
    name: str, tmp_path: Path
) -> None:
    embedders.SAVE[name](tmp_path)
    files = ("model.safetensors", "config.json", "preprocessor_config.json")
    held = b"".join((tmp_path / file).read_bytes() for file in files)
    card = open_embedder(f"{name}:{tmp_path}").card
    assert card.weights == hashlib.sha256(held).hexdigest()[:16]
    assert "image_mean" in card.preparation
    assert str(SIDE) in card.preparation


@pytest.mark.parametrize("name", NAMES)
def test_weights_in_half_precision_are_computed_with_in_single(name: str, tmp_path: Path) -> None:
    embedders.SAVE[name](tmp_path)
    path = tmp_path / "model.safetensors"
    halves = {key: value.bfloat16() for key, value in load_file(path).items()}
    save_file(halves, path, {"format": "pt"})
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "dtype": "bfloat16"}))
    opened = open_embedder(f"{name}:{tmp_path}")
    kinds = {parameter.dtype for parameter in opened.network.parameters()}  # type: ignore[attr-defined]
    assert kinds == {torch.float32}


@pytest.mark.parametrize("name", NAMES)
def test_pickled_weights_are_refused(name: str, tmp_path: Path) -> None:
    embedders.SAVE[name](tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(UnsafeCheckpoint, match="holds pickled weights"):
        open_embedder(f"{name}:{tmp_path}")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_missing_is_one_line(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"has no config.json"):
        open_embedder(f"{name}:{tmp_path}")
    embedders.SAVE[name](tmp_path)
    path = tmp_path / "model.safetensors"
    weights = load_file(path)
    (tmp_path / "preprocessor_config.json").rename(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="cannot be loaded"):
        open_embedder(f"{name}:{tmp_path}")
    (tmp_path / "elsewhere").rename(tmp_path / "preprocessor_config.json")
    gone = next(key for key in weights if "layernorm" in key.lower() or "layer_norm" in key.lower())
    if "text" in gone:
        gone = next(key for key in weights if "vision_model" in key)
    save_file({k: v for k, v in weights.items() if k != gone}, path, {"format": "pt"})
    with pytest.raises(BadInput, match=r"do not fit its config.json: 1 missing"):
        open_embedder(f"{name}:{tmp_path}")
    path.unlink()
    with pytest.raises(BadInput, match=r"holds no weights \(\*.safetensors\)"):
        open_embedder(f"{name}:{tmp_path}")


def test_another_kind_of_model_is_named(tmp_path: Path) -> None:
    embedders.save_clip(tmp_path)
    with pytest.raises(BadInput, match=r'is a "clip". Name one of dinov2, as facebook/dinov2-base'):
        open_embedder(f"dinov2:{tmp_path}")
    with pytest.raises(BadInput, match=r"is a file. Name a folder"):
        open_embedder(f"clip:{tmp_path / 'config.json'}")


@pytest.mark.parametrize("name", NAMES)
def test_a_hub_id_is_fetched_as_safetensors_only(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedders.SAVE[name](tmp_path)
    asked: list[tuple[str, list[str]]] = []

    def fetch(where: str, allow_patterns: list[str], **_: Any) -> str:
        asked.append((where, allow_patterns))
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    card = open_embedder(name).card
    assert card.model == asked[0][0]
    assert asked[0][0].count("/") == 1
    endings = {pattern.rpartition(".")[2] for pattern in asked[0][1]}
    assert endings == {"json", "safetensors"}


def test_a_model_that_is_nowhere_is_one_line() -> None:
    with pytest.raises(NotFound, match=r'There is no model "./nowhere/at/all"'):
        open_embedder("clip:./nowhere/at/all")
