"""The same for checkpoints that lie in a folder, by the command and from Python."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
from diffusers import DDPMPipeline, DDPMScheduler, StableDiffusionPipeline
from loops import network
from loras import kohya, random_lora, save_kohya
from peft import LoraConfig

from solidmark import api
from solidmark.cli import main
from solidmark.errors import BadInput, NotFound
from solidmark.marks import Marked, Segments
from solidmark.measures.watch import checkpoints_in
from solidmark.measures.watch.asking import made_in


@pytest.fixture
def epochs(tmp_path: Path) -> Path:
    """Two epochs of a training, and what else may lie beside them."""
    folder = tmp_path / "epochs"
    for number in (1, 12):
        pipeline = DDPMPipeline(network(number), DDPMScheduler(num_train_timesteps=100))
        pipeline.save_pretrained(folder / f"epoch-{number:04d}")
    (folder / "logs-3").mkdir()
    (folder / "notes.txt").write_text("none")
    return folder


def test_checkpoints_are_asked_in_the_order_of_their_numbers(
    marked: Path, epochs: Path, tmp_path: Path
) -> None:
    model, out = epochs / "epoch-0012", tmp_path / "curve"
    options = {"device": "cpu", "limit": 6}
    found = api.audit(model, marked, out, epochs=epochs, **options)  # type: ignore[arg-type]
    rows = list(found.rows)
    assert [(row["look"], row["step"]) for row in rows] == [(1, 1), (2, 12)]
    assert "epoch" in found.verdict.headline
    assert "Every look" in found.page.read_text(encoding="utf-8")
    pipeline = DDPMPipeline(network(3), DDPMScheduler(num_train_timesteps=100))
    pipeline.save_pretrained(epochs / "epoch-0013")
    again = api.audit(model, marked, out, epochs=epochs, **options)  # type: ignore[arg-type]
    assert [row["step"] for row in again.rows] == [1, 12, 13]


def test_a_folder_is_scored_anew_at_the_level_of_each_look(
    marked: Path, epochs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "curve"
    line = f"audit {epochs / 'epoch-0001'} {marked} {out} --epochs {epochs} --device cpu --limit 4"
    assert main(line.split()) == 0
    before = (out / "watch.parquet").read_bytes()
    assert main(["score", str(out)]) == 0
    assert (out / "watch.parquet").read_bytes() == before
    scored = api.score(out, fdr=0.1)
    assert scored.results.config["fdr"] == 0.1
    assert api.Result(out / "looks" / "00000012").results.config["look"] == 2
    assert main(["report", str(out / "looks" / "00000012")]) == 0
    assert main([*line.split(), "--dry-run"]) == 0
    assert main([*line.split(), "--measure", "invmm"]) == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [("look", True), ("look", 0), ("look", 10**400), ("step", -1), ("images", 10**30)],
)
def test_a_look_that_cannot_be_is_refused(name: str, value: int, tmp_path: Path) -> None:
    folder = tmp_path / "looks" / "00000001"
    folder.mkdir(parents=True)
    told = {"look": 1, "step": 1, "images": None, name: value}
    (folder / "look.json").write_text(json.dumps(told))
    with pytest.raises(BadInput, match=f"The {name} in .* Remove its folder"):
        made_in(tmp_path)


def test_a_look_that_was_damaged_is_made_good(
    marked: Path, epochs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "curve"
    line = f"audit {epochs / 'epoch-0001'} {marked} {out} --epochs {epochs} --device cpu --limit 4"
    assert main(line.split()) == 0
    names = ("watch.parquet", "looks/00000001/scores.parquet", "looks/00000001/look.json")
    before = [(out / name).read_bytes() for name in names]
    capfd.readouterr()
    for name in ("calibration.json", "evidence.parquet"):
        path = out / "looks" / "00000001" / name
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        assert main(line.split()) == 0
        assert f'"{name}" is not what was written' in capfd.readouterr().err
        assert path.read_bytes() == whole
        assert [(out / name).read_bytes() for name in names] == before
    assert main(line.split()) == 0
    assert "not what was written" not in capfd.readouterr().err


@pytest.fixture
def text_model(tmp_path: Path) -> Path:
    return tiny.stable_diffusion(tmp_path / "base")


@pytest.fixture
def captioned(make_marked: Callable[..., Marked]) -> Path:
    """Six pictures in colour with captions, framed to 32 pixels."""
    return make_marked(6, side=24, channels=3, pattern=Segments(4, 4), name="captioned").folder


def test_files_of_kohya_are_loras_by_epoch_or_step(
    text_model: Path, captioned: Path, tmp_path: Path
) -> None:
    pipe = StableDiffusionPipeline.from_pretrained(text_model, safety_checker=None)
    folder = tmp_path / "kohya"
    folder.mkdir()
    for name, seed in (("style-000002", 1), ("style-000010", 2), ("style", 3)):
        lora = random_lora(pipe, "unet", seed=seed)
        save_kohya(lora, folder / f"{name}.safetensors", kohya)
    assert [(one.number, one.unit, one.is_lora) for one in checkpoints_in(folder)] == [
        (2, "epoch", True),
        (10, "epoch", True),
    ]
    found = api.audit(
        text_model,
        captioned,
        tmp_path / "curve",
        epochs=folder,
        device="cpu",
        limit=2,
        readers=["blend"],
        ceiling=False,
    )
    assert [row["step"] for row in found.rows] == [2, 10]
    first = api.Folder(tmp_path / "curve" / "looks" / "00000002").manifest
    assert first["config"]["model"] == str(text_model)
    assert first["config"]["loras"] == [str(folder / "style-000002.safetensors")]
    for name in ("style-step00000500", "style-000011"):
        save_kohya(random_lora(pipe, "unet"), folder / f"{name}.safetensors", kohya)
    with pytest.raises(BadInput, match="not those of one training"):
        checkpoints_in(folder)


def test_a_lora_is_watched_while_it_learns(
    text_model: Path, captioned: Path, tmp_path: Path
) -> None:
    """Its layers count, learn on, and nothing else begins to learn."""
    pipe = StableDiffusionPipeline.from_pretrained(text_model, safety_checker=None)
    for part in (pipe.unet, pipe.vae, pipe.text_encoder):
        part.requires_grad_(False)
    plain = api.Watch(captioned, tmp_path / "a", device="cpu", limit=2, ceiling=False)
    plain.look(1, pipe)
    pipe.unet.add_adapter(LoraConfig(r=4, init_lora_weights=False, target_modules=["to_q", "to_v"]))
    pipe.unet.train()
    learning = {name for name, one in pipe.unet.named_parameters() if one.requires_grad}
    assert learning
    watch = api.Watch(captioned, tmp_path / "b", device="cpu", limit=2, ceiling=False)
    watch.look(1, pipe)
    assert {name for name, one in pipe.unet.named_parameters() if one.requires_grad} == learning
    assert pipe.unet.training
    assert not pipe.vae.training
    assert watch.looks[0].z != plain.looks[0].z


@pytest.mark.parametrize(("name", "said"), [("none", "no folder"), ("marked", "no checkpoint")])
def test_a_folder_without_checkpoints_is_said(
    marked: Path, name: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises((BadInput, NotFound), match=said):
        checkpoints_in(tmp_path / name)
