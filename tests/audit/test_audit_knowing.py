"""An audit asks first whether the model knows the marked images, and carries the answer along."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import tiny
import torch

from solidmark.diffusion import Metered
from solidmark.marks import Border, Marked, Segments
from solidmark.measures.audit import Question, observe, score
from solidmark.measures.audit.knowing import FILE
from solidmark.mitigations import GaussianNoise
from solidmark.readers import Probe
from solidmark.runs import read_manifest
from solidmark.scores.knowing import Knowing
from solidmark.verdicts.known import NOT_ASKED, unknown

FAST = (Probe(t=0.3),)
"""What is read is none of their business here."""


def asked(model: str, marked: Marked, out: Path, **options: object) -> Knowing:
    options.setdefault("readers", FAST)
    question = Question(model, marked.folder, out, ceiling=False, **options)  # type: ignore[arg-type]
    observe(question)
    found = Knowing.from_json(score(out)["knowing"])
    assert found is not None
    assert found == Knowing.from_json(json.loads((out / "results.json").read_text())["knowing"])
    return found


@pytest.fixture
def digits(make_marked: Callable[..., Marked]) -> Marked:
    return make_marked(128, side=12, digits=True, pattern=Segments(2, 16))


@pytest.mark.parametrize("who", ["memorizer", "gaussian"])
def test_controls_know_their_images(who: str, digits: Marked, tmp_path: Path) -> None:
    found = asked(who, digits, tmp_path / "audit")
    assert (found.state, found.images, found.failed) == ("known", 32, 0)
    assert unknown(found) is None
    assert all((tmp_path / "audit" / path).is_file() for path in found.pictures)
    # 5 views at 3 times of 32 images, and 8 drawings of 25 steps.
    assert found.network_calls == 5 * 3 * 32 + 8 * 25


@pytest.mark.parametrize("steps", [0, 1])
def test_a_network_after_at_most_one_step_is_untrained(
    steps: int, digits: Marked, save_unet: Callable[..., Path], tmp_path: Path
) -> None:
    """What it says of keys is no sign that it memorized none."""
    pipeline = save_unet(16)
    if steps:
        train_one_step(pipeline, digits)
    found = asked(str(pipeline), digits, tmp_path / "audit")
    assert (found.state, found.reason) == ("unknown", "untrained")
    judged = unknown(found)
    assert judged is not None
    assert judged.headline.startswith("Cannot be judged")


def train_one_step(pipeline: Path, marked: Marked) -> None:
    from diffusers import DDPMPipeline

    loaded = DDPMPipeline.from_pretrained(pipeline)
    images = torch.stack([marked.sample(id).image for id in marked.ids("trained")]) * 2 - 1
    draw = torch.Generator().manual_seed(0)
    noise = torch.randn(images.shape, generator=draw)
    times = torch.randint(1000, (len(images),), generator=draw)
    noisy = loaded.scheduler.add_noise(images, noise, times)
    optimizer = torch.optim.AdamW(loaded.unet.parameters(), 1e-3)
    (loaded.unet(noisy, times).sample - noise).square().mean().backward()
    optimizer.step()
    loaded.save_pretrained(pipeline)


def test_a_model_of_other_pictures_knows_another_folder(
    make_marked: Callable[..., Marked], digits: Marked, tmp_path: Path
) -> None:
    """The gaussian control of another marked folder, with frames of the same layout."""
    from solidmark.measures.audit.knowing import keep_knowing, knowing_of
    from solidmark.models.controls import control_model, control_samples
    from solidmark.runs import Room

    noise = make_marked(64, side=12, pattern=digits.pattern, name="others")
    model = control_model("gaussian", control_samples(noise, "gaussian", 0))
    keep_knowing(tmp_path, digits, model, digits.ids("trained"), 0, Room(64, "cpu"))
    found = knowing_of(tmp_path)
    assert found is not None
    assert (found.state, found.reason) == ("unknown", "folder")


def test_what_was_asked_is_not_asked_again(
    digits: Marked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "audit"
    first = asked("gaussian", digits, out)
    kept = (out / FILE).read_bytes()
    question = Question("gaussian", digits.folder, out, readers=FAST, ceiling=False)
    manifest = read_manifest(out)
    (out / "manifest.json").write_text(json.dumps({**manifest, "finished": False}))
    calls: list[int] = []
    denoise = Metered.denoise
    monkeypatch.setattr(Metered, "denoise", lambda *given: calls.append(1) or denoise(*given))
    observe(question)
    assert (out / FILE).read_bytes() == kept
    assert not calls  # The ledger has the rest.
    other = asked("gaussian", digits, tmp_path / "smaller", batch_size=5)
    # Sums of other batches differ in their last digits.
    for name, gain in first.gains.items():
        assert other.gains[name].value == pytest.approx(gain.value, abs=1e-4)


def test_without_trained_images_nothing_is_asked(digits: Marked, tmp_path: Path) -> None:
    out = tmp_path / "audit"
    observe(Question("gaussian", digits.folder, out, readers=FAST, splits=("held_out",)))
    assert not (out / FILE).exists()
    results = score(out)
    assert results["knowing"] is None
    found = unknown(None)
    assert found is not None
    assert found.headline == NOT_ASKED


def test_a_limit_holds_here_too(digits: Marked, tmp_path: Path) -> None:
    found = asked("gaussian", digits, tmp_path / "audit", limit=6)
    assert found.images == 6


@pytest.fixture(scope="module")
def sd(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.stable_diffusion(tmp_path_factory.mktemp("sd")))


@pytest.mark.parametrize("pattern", [Border(4), Segments(4, 8)], ids=repr)
def test_a_latent_model_with_captions_is_asked_without_its_mitigations(
    pattern: object, sd: str, make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(12, side=24, channels=3, pattern=pattern)
    plain = asked(sd, marked, tmp_path / "plain", batch_size=4)
    assert (plain.state, plain.images) == ("unknown", 6)
    assert len(plain.pictures) == 6
    mitigated = asked(
        sd, marked, tmp_path / "mitigated", batch_size=4, mitigations=(GaussianNoise(0.3),)
    )
    assert replace(mitigated, pictures=()) == replace(plain, pictures=())
