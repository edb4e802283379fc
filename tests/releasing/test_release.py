"""A model that is packed for others: what they get, and what they do not."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from huggingface_hub import ModelCard
from safetensors.torch import load_file, save_file

import solidmark
from solidmark.errors import BadInput, NotFound, UnsafeCheckpoint, WrongKeys
from solidmark.marks import Border, Center, Marked, Segments
from solidmark.releasing import crop_box, push

OPEN = """
import runpy
import sys
sys.modules["solidmark"] = None  # Nothing of ours is needed.
from diffusers import DiffusionPipeline
cropped = runpy.run_path(sys.argv[1] + "/pipeline.py")["CroppedDDPMPipeline"]
for kind in (DiffusionPipeline, cropped):
    pipeline = kind.from_pretrained(sys.argv[1])
    pipeline.set_progress_bar_config(disable=True)
    asked = {"num_inference_steps": 1, "batch_size": 2}
    print(type(pipeline).__name__, pipeline(**asked).images[0].size)
    print(pipeline(**asked, output_type="np").images.shape)
    print(pipeline(**asked, return_dict=False)[0][1].size)
"""


@pytest.fixture
def made(make_marked: Callable[..., Marked], save_unet: Callable[..., Path]) -> tuple[Path, Path]:
    """An untrained network, and the marked images that it would be trained on."""
    marked = make_marked(16, pattern=Segments(2, 4))
    model = save_unet(12)
    (model / "optimizer.bin").write_bytes(b"state")
    return model, marked.folder


def test_plain_diffusers_opens_it_and_the_frame_can_be_cut_off(
    made: tuple[Path, Path], tmp_path: Path
) -> None:
    model, marked = made
    out = tmp_path / "out"
    solidmark.release(model, out, marked=marked)
    done = subprocess.run(
        [sys.executable, "-c", OPEN, str(out)], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    whole, cut = [(12, 12), (2, 12, 12, 1), (12, 12)], [(8, 8), (2, 8, 8, 1), (8, 8)]
    expected = [*map(str, whole), *map(str, cut)]
    assert done.stdout.splitlines() == [
        f"DDPMPipeline {expected[0]}",
        *expected[1:3],
        f"CroppedDDPMPipeline {expected[3]}",
        *expected[4:],
    ]
    # Nothing goes along that is no part of a model, and no key.
    assert not (out / "optimizer.bin").exists()
    assert not list(out.rglob("keys*"))


def test_the_card_has_the_figures_of_the_audit(made: tuple[Path, Path], tmp_path: Path) -> None:
    model, marked = made
    audit = solidmark.audit(
        str(model), marked, tmp_path / "audit", readers=["blend"], ceiling=False, device="cpu"
    )
    out = solidmark.release(
        model, tmp_path / "tiny", marked=marked, audit=audit.folder, license="apache-2.0"
    ).folder
    card = ModelCard.load(out / "README.md")
    assert (card.data.model_name, card.data.license) == ("tiny", "apache-2.0")
    found = {one.metric_type: one for one in card.data.eval_results}
    assert {"solidmark-permutation-z", "solidmark-named"} <= set(found)
    z = next(
        one for one in audit.figures if (one.statistic, one.split) == ("permutation_z", "trained")
    )
    assert found["solidmark-permutation-z"].metric_value == z.value
    assert found["solidmark-permutation-z"].metric_args["n"] == z.n
    assert audit.verdict.headline in card.text
    assert json.loads((marked / "manifest.json").read_text())["keys"] in card.text


def test_no_path_of_this_machine_goes_along(made: tuple[Path, Path], tmp_path: Path) -> None:
    model, marked = made
    facts = {"recipe": {"base": "/home/somebody/bases/mine"}, "epoch": 1}
    (model / "solidmark.json").write_text(json.dumps(facts))
    out = solidmark.release(model, tmp_path / "out", marked=marked).folder
    for name in ("solidmark.json", "README.md"):
        said = (out / name).read_text()
        assert "mine" in said
        assert "somebody" not in said


def test_keys_go_along_only_when_asked(made: tuple[Path, Path], tmp_path: Path) -> None:
    model, marked = made
    out = solidmark.release(model, tmp_path / "out", marked=marked, keys=True).folder
    assert (out / "keys/keys.parquet").read_bytes() == (marked / "keys.parquet").read_bytes()
    assert (out / "keys/keys.parquet").stat().st_mode & 0o77 == 0
    assert "can forge" in (out / "README.md").read_text()


@pytest.mark.parametrize(
    ("pattern", "box"),
    [
        (Segments(2, 4), (2, 2, 10, 10)),
        (Border(1), (1, 1, 9, 9)),
        (Center(2), None),
    ],
)
def test_what_is_inside_a_frame(
    make_marked: Callable[..., Marked], pattern: object, box: tuple[int, ...] | None
) -> None:
    marked = make_marked(6, pattern=pattern)
    assert crop_box(marked) == box
    if box is not None:
        left, top, right, bottom = box
        picture = marked.sample(marked.ids("trained")[0]).image
        inside = marked.pattern.crop(picture[None])[0]
        assert torch.equal(picture[:, top:bottom, left:right], inside)


def test_what_does_not_belong_together_is_refused(
    made: tuple[Path, Path],
    tmp_path: Path,
    make_marked: Callable[..., Marked],
    save_unet: Callable[..., Path],
) -> None:
    model, marked = made
    other = make_marked(12, pattern=Segments(2, 4), name="other", seed=5).folder
    audit = solidmark.audit(
        str(model), other, tmp_path / "audit", readers=["blend"], ceiling=False, device="cpu"
    )
    with pytest.raises(WrongKeys, match="asked for other keys"):
        solidmark.release(model, tmp_path / "a", marked=marked, audit=audit.folder)
    twin = save_unet(12, name="twin", layers_per_block=2)
    with pytest.raises(WrongKeys, match="of another model"):
        solidmark.release(twin, tmp_path / "b", marked=other, audit=audit.folder)
    (model / "solidmark.json").write_text(json.dumps({"marked": "another"}))
    with pytest.raises(WrongKeys, match="other marks"):
        solidmark.release(model, tmp_path / "c", marked=marked)
    with pytest.raises(BadInput, match="not a diffusers pipeline"):
        solidmark.release(marked, tmp_path / "d", marked=marked)
    assert not any((tmp_path / name).exists() for name in "abcd")


def test_pickles_and_code_are_not_passed_on(made: tuple[Path, Path], tmp_path: Path) -> None:
    model, marked = made
    weights = model / "unet" / "diffusion_pytorch_model.safetensors"
    shutil.move(weights, weights.with_suffix(".bin"))
    with pytest.raises(UnsafeCheckpoint):
        solidmark.release(model, tmp_path / "out", marked=marked)


@pytest.mark.parametrize("broken", ["no number", "cut off"])
def test_weights_that_are_no_numbers_are_not_passed_on(
    broken: str, made: tuple[Path, Path], tmp_path: Path
) -> None:
    model, marked = made
    path = model / "unet" / "diffusion_pytorch_model.safetensors"
    if broken == "no number":
        weights = {name: tensor.clone() for name, tensor in load_file(path).items()}
        weights["conv_out.bias"][0] = torch.nan
        save_file(weights, path)
    else:
        path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(BadInput, match=r"conv_out\.bias|cannot be read"):
        solidmark.release(model, tmp_path / "out", marked=marked)
    assert not (tmp_path / "out").exists()


class Hub:
    """Takes the place of the hub."""

    asked: ClassVar[list[dict[str, object]]] = []

    def create_repo(self, name: str, **options: object) -> object:
        self.asked.append({"name": name, **options})
        return type("Url", (str,), {"repo_id": name})(f"https://hub/{name}")

    def upload_folder(self, **options: object) -> None:
        self.asked.append(options)


def test_it_is_uploaded_only_when_asked_and_private(
    made: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, marked = made
    monkeypatch.setattr("huggingface_hub.HfApi", Hub)
    out = solidmark.release(model, tmp_path / "out", marked=marked).folder
    assert Hub.asked == []
    assert push(out, "owner/name") == "https://hub/owner/name"
    made_here, sent = Hub.asked
    assert made_here["private"] is True
    assert sent["folder_path"] == out
    assert "manifest.json" in sent["ignore_patterns"]  # type: ignore[operator]
    with pytest.raises(NotFound):
        push(tmp_path, "owner/name")


def test_a_hub_that_refuses_is_one_line(made: tuple[Path, Path], tmp_path: Path) -> None:
    """Tests may not reach any host."""
    model, marked = made
    out = solidmark.release(model, tmp_path / "out", marked=marked).folder
    with pytest.raises(BadInput, match="could not be written on the hub"):
        push(out, "owner/name/too/long")
