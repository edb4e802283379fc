"""A LoRA that is packed for others stays one: plain diffusers adds it to the base that it names."""

import json
import subprocess
import sys
from pathlib import Path

import loras
import pytest
import tiny
import torch
from diffusers import StableDiffusionPipeline
from huggingface_hub import ModelCard
from PIL import Image
from training.folders import TUNED, mark_captioned

import solidmark
from solidmark.cli import main
from solidmark.errors import BadInput, WrongKeys
from solidmark.models.reading import hush_diffusers, hush_transformers

WEIGHTS = "pytorch_lora_weights.safetensors"

OPEN = """
import sys
sys.modules["solidmark"] = None  # Nothing of ours is needed.
import torch
from diffusers import DiffusionPipeline
base, folder, file, to = sys.argv[1:]
pipeline = DiffusionPipeline.from_pretrained(base, safety_checker=None)
pipeline.load_lora_weights(folder, weight_name=file)
torch.save({name: one for name, one in pipeline.unet.state_dict().items() if "lora" in name}, to)
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Stable Diffusion with random weights."""
    return tiny.stable_diffusion(tmp_path_factory.mktemp("base") / "base")


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine training images of 24 x 24 pixels, inside a border of 4."""
    return mark_captioned(tmp_path_factory.mktemp("captioned") / "marked")


@pytest.fixture(scope="module")
def ours(base: Path, marked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA of `solidmark train`, which names its base."""
    out = tmp_path_factory.mktemp("lora") / "out"
    solidmark.train(marked, out, base=str(base), lora_rank=2, device="cpu", **TUNED)  # type: ignore[arg-type]
    return out


@pytest.fixture(scope="module")
def kohya(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of kohya's scripts, with an alpha a layer."""
    hush_transformers()
    hush_diffusers()
    pipe = StableDiffusionPipeline.from_pretrained(base, safety_checker=None)
    lora = loras.random_lora(pipe, "unet")
    path = tmp_path_factory.mktemp("kohya") / "style-000004.safetensors"
    return loras.save_kohya(lora, path, loras.kohya)


def audit(where: Path, marked: Path, out: Path, **options: object) -> solidmark.Result:
    asked = {"readers": ["blend"], "ceiling": False, "device": "cpu", **options}
    return solidmark.audit(str(where), marked, out, **asked)  # type: ignore[arg-type]


def test_a_lora_of_ours_names_its_base_and_has_its_figures(
    ours: Path, marked: Path, base: Path, tmp_path: Path
) -> None:
    found = audit(ours, marked, tmp_path / "audit")
    out = solidmark.release(
        ours, tmp_path / "style", marked=marked, audit=found.folder, base="owner/base"
    ).folder
    assert {path.name for path in out.iterdir() if not path.name.startswith(".")} == {
        *("README.md", WEIGHTS, "solidmark.json", "manifest.json", "files.json")
    }
    assert (out / WEIGHTS).read_bytes() == (ours / "model" / WEIGHTS).read_bytes()
    card = ModelCard.load(out / "README.md")
    assert card.data.base_model == "owner/base"
    assert card.data.pipeline_tag == "text-to-image"
    assert "lora" in card.data.tags
    z = next(
        one for one in found.figures if (one.statistic, one.split) == ("permutation_z", "trained")
    )
    results = {one.metric_type: one.metric_value for one in card.data.eval_results}
    assert results["solidmark-permutation-z"] == z.value
    assert found.verdict.headline in card.text
    assert found.manifest["fingerprints"]["base"] in card.text
    # No path of this machine goes along.
    for path in (out / "README.md", out / "solidmark.json"):
        assert str(base) not in path.read_text()
    assert json.loads((out / "solidmark.json").read_text())["base"] == "owner/base"


def test_the_crop_on_the_card_cuts_the_frame_off(ours: Path, marked: Path, tmp_path: Path) -> None:
    out = solidmark.release(ours, tmp_path / "out", marked=marked, base="owner/base").folder
    text = (out / "README.md").read_text()
    code = text.split("```python\n")[2].split("```")[0]
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["without_frame"](Image.new("RGB", (24, 24))).size == (16, 16)  # type: ignore[operator]
    assert "height=24, width=24" in text


@pytest.mark.parametrize("which", ["ours", "kohya"])
def test_plain_diffusers_adds_it(
    which: str, base: Path, marked: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """What arrives is what arrives from the file that was released."""
    where = request.getfixturevalue(which)
    out = solidmark.release(where, tmp_path / "out", marked=marked, base="owner/base").folder
    file = WEIGHTS if which == "ours" else where.name
    source = where / "model" if which == "ours" else where.parent
    assert f'weight_name="{file}"' in (out / "README.md").read_text()
    found = []
    for number, folder in enumerate((source, out)):
        to = tmp_path / f"{number}.pt"
        words = [sys.executable, "-c", OPEN, *map(str, (base, folder, file, to))]
        done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        found.append(torch.load(to, weights_only=True))
    assert found[0]
    assert found[0].keys() == found[1].keys()
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_a_lora_of_kohya_takes_the_audit_that_added_it(
    kohya: Path, base: Path, marked: Path, tmp_path: Path
) -> None:
    found = audit(base, marked, tmp_path / "audit", loras=(str(kohya),), lora_scale=0.5)
    asked = {"marked": marked, "audit": found.folder, "base": "owner/base"}
    out = solidmark.release(kohya, tmp_path / "out", **asked).folder  # type: ignore[arg-type]
    text = (out / "README.md").read_text()
    assert "scale of 0.5" in text
    assert found.verdict.headline in text
    assert not (out / "solidmark.json").exists()
    # That audit is neither of the base alone, nor of another LoRA.
    with pytest.raises(WrongKeys, match="of another model"):
        solidmark.release(base, tmp_path / "a", marked=marked, audit=found.folder)
    other = loras.random_lora(
        StableDiffusionPipeline.from_pretrained(base, safety_checker=None), "unet", seed=1
    )
    path = loras.save_kohya(other, tmp_path / "other.safetensors", loras.kohya)
    with pytest.raises(WrongKeys, match="of another model"):
        solidmark.release(path, tmp_path / "b", **asked)  # type: ignore[arg-type]


def test_the_base_has_a_name_that_others_know(
    ours: Path, kohya: Path, base: Path, marked: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="is none"):
        solidmark.release(ours, tmp_path / "a", marked=marked)
    with pytest.raises(BadInput, match="nothing says which"):
        solidmark.release(kohya, tmp_path / "b", marked=marked)
    with pytest.raises(BadInput, match="is none"):
        solidmark.release(kohya, tmp_path / "c", marked=marked, base=str(base))
    with pytest.raises(BadInput, match="Leave it out"):
        solidmark.release(base, tmp_path / "d", marked=marked, base="owner/base")
    assert not any((tmp_path / name).exists() for name in "abcd")


def test_what_diffusers_cannot_add_is_refused(base: Path, marked: Path, tmp_path: Path) -> None:
    pipe = StableDiffusionPipeline.from_pretrained(base, safety_checker=None)
    where = loras.save_beside(loras.random_lora(pipe, "unet"), tmp_path / "peft")
    with pytest.raises(BadInput, match="save_lora_weights"):
        solidmark.release(where, tmp_path / "out", marked=marked, base="owner/base")


def test_the_command(kohya: Path, marked: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["release", str(kohya), str(out), "--marked", str(marked)]
    assert main([*words, "--base", "owner/base"]) == 0
    assert main([*words, "--base", "owner/base"]) == 0
    assert main([*words, "--base", "owner/other"]) == 2  # Another release in that folder.
