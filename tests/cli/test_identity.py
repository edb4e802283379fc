"""A run is finished only while everything that its model is made of is what it was."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path

import pytest
import tiny
from safetensors.torch import load_file, save_file

from cli.conftest import Run, write_digits, write_drawn
from solidmark.cli import main
from solidmark.models import LatentModel

CPU = ["--device", "cpu"]
SHORT = [
    *("--steps", "1", "--samples", "1", "--checked", "1", "--sampling-steps", "2"),
    *("--screen-steps", "1", "--no-signals"),
]
"""An inversion that is over at once."""
WEIGHTS = "diffusion_pytorch_model.safetensors"
COMMANDS = {
    "audit": ["marked", "OUT", "--no-ceiling", "--limit", "1", "--reader", "recall"],
    "generate": ["OUT", "--caption", "a dog", "-n", "1", "--steps", "1"],
    "signals": ["marked", "OUT", "--signal", "loss", "--limit", "1"],
    "inpaint": ["marked", "OUT", "--draws", "1", "--steps", "1", "--limit", "1"],
    "invmm": ["marked", "OUT", *SHORT, "--limit", "1", "--similarity", "l2"],
    "intent": ["marked", "OUT", "--steps", "1", "--per-prompt", "1", "--limit", "1"],
}
"""Each command that opens a model into a folder, as cheap as it can be."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A marked folder, a Stable Diffusion, and a LoRA that was trained on it."""
    here = tmp_path_factory.mktemp("identity")
    write_digits(here / "photos", 8, side=12)
    lines = [{"file_name": f"digit-{n:02d}.png", "text": f"a dog {n}"} for n in range(8)]
    (here / "photos" / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    tiny.stable_diffusion(here / "sd")
    lora = ["--base", "sd", "--lora-rank", "2", "--max-train-steps", "1", "--train-batch-size", "2"]
    with chdir(here):
        look = ["--mode", "RGB", "--thickness", "2", "--held-out", "0.5"]
        assert main(["mark", "photos", "marked", *look]) == 0
        assert main(["train", "marked", "tuned", *lora, "--mixed-precision", "no", *CPU]) == 0
    return here


@pytest.fixture
def place(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of it, which a test may change; a name on the hub leads there too."""
    here = Path(shutil.copytree(whole, tmp_path / "place"))
    facts = here / "tuned" / "model" / "solidmark.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"base": str(here / "sd")}))
    hub = shutil.copytree(here / "sd", tmp_path / "hub" / "snapshots" / "0a1b")
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(hub))
    with chdir(here):
        yield here


def twist(path: Path) -> None:
    """Changes one number of a file of weights, and no size."""
    held = load_file(path)
    name = min(held, key=lambda one: held[one].numel())
    size = path.stat().st_size
    save_file({**held, name: held[name] + 0.25}, path, {"format": "pt"})
    assert path.stat().st_size == size


def asked(command: str, model: str, *more: str) -> list[str]:
    return [command, model, *COMMANDS[command], *CPU, *more]


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From the call on, no network may be asked: a finished run has no need to."""

    def forbid(*_: object) -> None:
        raise AssertionError("a finished run asked the model")

    return lambda: monkeypatch.setattr(LatentModel, "denoise", forbid)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_base_that_changed_is_another_run(
    command: str, place: Path, run: Run, idle: Callable[[], None]
) -> None:
    words = asked(command, "tuned")
    first = run(*words)
    assert first.code == 0, first.err
    prints = json.loads((place / "OUT" / "manifest.json").read_text())["fingerprints"]
    assert {"model", "base"} <= set(prints)
    idle()
    again = run(*words)
    assert again.code == 0, again.err
    twist(place / "sd" / "unet" / WEIGHTS)
    other = run(*words)
    assert other.code == 2
    assert "holds another run (the content of base: " in other.err
    assert len(other.err.strip().splitlines()) == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_a_name_of_the_hub_that_means_other_weights_is_another_run(
    command: str, place: Path, run: Run, idle: Callable[[], None]
) -> None:
    words = asked(command, "somebody/model")
    assert run(*words).code == 0
    idle()
    snapshot = place.parent / "hub" / "snapshots" / "0a1b"
    (snapshot / "samples.png").write_bytes(b"what somebody else has fetched")
    (snapshot / "unet" / "diffusion_pytorch_model.fp16.safetensors").write_bytes(b"as well")
    assert run(*words).code == 0
    twist(snapshot / "vae" / WEIGHTS)
    other = run(*words)
    assert other.code == 2
    assert "the content of model: " in other.err


def test_training_on_a_base_that_changed_is_another_run(place: Path, run: Run) -> None:
    words = ["train", "marked", "OUT", "--base", "somebody/model", "--lora-rank", "2", *CPU]
    words += ["--max-train-steps", "1", "--train-batch-size", "2", "--mixed-precision", "no"]
    assert run(*words).code == 0
    assert run(*words).code == 0
    twist(place.parent / "hub" / "snapshots" / "0a1b" / "unet" / WEIGHTS)
    other = run(*words)
    assert other.code == 2
    assert "the content of base: " in other.err


EMBEDDED = {
    "nearest": ["photos", "photos", "OUT", "--null", "train", "--distance", "WORD"],
    "index": ["photos", "OUT", "--distance", "WORD"],
    "duplicates": ["photos", "OUT", "--embedder", "WORD"],
    "cliques": ["drawn", "OUT", "--distance", "WORD", "--least", "2", "--threshold", "0.9"],
    "invmm": ["memorizer", "marked", "OUT", *SHORT, "--limit", "1", "--similarity", "WORD"],
    "intent": [
        *("memorizer", "marked", "OUT", "--steps", "1", "--per-prompt", "1", "--limit", "1"),
        *("--similarity", "WORD"),
    ],
}
"""Each command that an embedder has a say in."""


def smaller(path: Path) -> None:
    """Prepares images in another way, and leaves the weights alone."""
    told = json.loads(path.read_text())
    path.write_text(json.dumps(told | {"image_mean": [0.1, 0.2, 0.3]}))


@pytest.mark.parametrize(
    ("command", "name", "change"),
    [
        *((command, "model.safetensors", twist) for command in EMBEDDED),
        ("nearest", "preprocessor_config.json", smaller),
    ],
)
def test_an_embedder_that_changed_is_another_run(
    command: str, name: str, change: Callable[[Path], None], place: Path, run: Run
) -> None:
    from embed.embedders import save_clip

    save_clip(place / "net")
    write_drawn(place / "drawn", prompts=2, each=2)
    words = [word.replace("WORD", "clip:net") for word in EMBEDDED[command]]
    cache = ["--cache", "vectors"] if command in ("nearest", "index", "duplicates") else []
    words = [command, *words, *CPU, *cache]
    first = run(*words)
    assert first.code == 0, first.err
    evidence = (place / "OUT" / "manifest.json").read_bytes()
    again = run(*words)
    assert again.code == 0, again.err
    assert (place / "OUT" / "manifest.json").read_bytes() == evidence
    change(place / "net" / name)
    other = run(*words)
    assert other.code == 2
    assert "holds another run (the content of " in other.err


def test_a_guard_does_not_ask_an_index_of_another_embedder(place: Path, run: Run) -> None:
    from embed.embedders import save_clip

    save_clip(place / "net")
    assert run("index", "photos", "OUT", "--distance", "clip:net", *CPU).code == 0
    ask = ["guard", "OUT", "photos", "--threshold", "clip=0.9", *CPU]
    assert run(*ask).code == 3  # Copies are refused.
    smaller(place / "net" / "preprocessor_config.json")
    other = run(*ask)
    assert other.code == 2
    assert 'was built with another "clip"' in other.err


def test_a_sentence_encoder_that_changed_is_another_run(place: Path, run: Run) -> None:
    net = Path(shutil.copytree("sd/text_encoder", place / "net"))
    shutil.copytree("sd/tokenizer", net, dirs_exist_ok=True)
    words = asked("intent", "memorizer", "--text-encoder", "net")
    assert run(*words).code == 0
    assert run(*words).code == 0
    twist(net / "model.safetensors")
    other = run(*words)
    assert other.code == 2
    assert "the content of text_encoder: " in other.err


def test_a_lora_whose_base_is_itself_is_one_line(place: Path, run: Run) -> None:
    facts = place / "tuned" / "model" / "solidmark.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"base": "tuned"}))
    for command in COMMANDS:
        answer = run(*asked(command, "tuned"))
        assert answer.code == 2
        assert "said to be trained on itself" in answer.err
        assert len(answer.err.strip().splitlines()) == 1
        assert not (place / "OUT").exists()
