"""A model whose configuration misnames what its network predicts is never called clean."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from solidmark.data import open_data
from solidmark.diffusion import Prediction, moments, to_sample
from solidmark.marks import Marked, Marking, Segments, mark_dataset, open_marked
from solidmark.measures.audit import Question, observe, question, score
from solidmark.models import PixelModel
from solidmark.models.controls import control_model, control_samples
from solidmark.readers import Linear
from solidmark.subjects.opened import WRONG_PREDICTION
from solidmark.types import Latents, Times
from solidmark.verdicts.known import MISREAD


@dataclass(frozen=True)
class Misread(PixelModel):
    """A network that says what a control would, by one prediction, and is read by another."""

    inner: Any = None
    true: Prediction = "epsilon"

    @property
    def channels(self) -> int:
        return self.inner.channels

    @property
    def classes(self) -> int:
        return 0

    @property
    def sample_size(self) -> tuple[int, int]:
        return self.inner.sample_size

    def denoise(self, z_t: Latents, t: Times, condition: object = None) -> Latents:
        alpha, sigma = moments(self.schedule, t)
        expected = self.inner.denoise(z_t, t)
        said = {
            "epsilon": (z_t - alpha * expected) / sigma,
            "v_prediction": (alpha * z_t - expected) / sigma,
            "sample": expected,
        }[self.true]
        return to_sample(said, z_t, alpha, sigma, self.prediction)


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Marked:
    here = tmp_path_factory.mktemp("marked")
    data = open_data("digits", resolution=8, mode="L", limit=160)
    mark_dataset(data, here, Marking(Segments(2, 16), seed=0, held_out=0.25), {})
    return open_marked(here)


def verdict_of(
    monkeypatch: pytest.MonkeyPatch, marked: Marked, out: Path, who: str, true: str, named: str
) -> dict[str, Any]:
    inner = control_model(who, control_samples(marked, who, 0))
    unet = SimpleNamespace(device="cpu")
    model = Misread(unet, inner.schedule, named, inner=inner, true=true)  # type: ignore[arg-type]
    monkeypatch.setattr(question, "open_model", lambda *given, **more: model)
    monkeypatch.setattr(question, "check_stated_fit", lambda *given: None)
    monkeypatch.setattr(question, "model_fingerprints", lambda *given: {})
    observe(Question("a model", marked.folder, out, (Linear(),)))
    return score(out)


@pytest.mark.parametrize(
    ("true", "named"),
    [("epsilon", "v_prediction"), ("v_prediction", "epsilon"), ("sample", "v_prediction")],
)
def test_memory_that_is_misread_is_never_green(
    marked: Marked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, true: str, named: str
) -> None:
    """Keys may be read all the same; who does not read them does not say that there are none."""
    results = verdict_of(monkeypatch, marked, tmp_path / "audit", "memorizer", true, named)
    assert results["notes"][0].startswith(f"{WRONG_PREDICTION}{named}")
    assert results["verdict"]["state"] in ("memorized", "cannot-be-judged")
    if results["verdict"]["state"] == "cannot-be-judged":
        assert results["verdict"]["headline"] == MISREAD
        assert results["verdict"]["details"][0] == results["notes"][0]


def test_what_would_be_green_is_shut_by_answers_that_speak_against_the_configuration(
    marked: Marked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = verdict_of(monkeypatch, marked, tmp_path / "a", "gaussian", "epsilon", "epsilon")
    assert (right["verdict"]["state"], right["notes"]) == ("not-seen", [])
    doubt = f"{WRONG_PREDICTION}epsilon, but what it says of these images is much nearer to sample."
    monkeypatch.setattr("solidmark.measures.audit.noting.doubts", lambda *given: (doubt,))
    found = verdict_of(monkeypatch, marked, tmp_path / "b", "gaussian", "epsilon", "epsilon")
    assert (found["knowing"]["state"], found["notes"]) == ("known", [doubt])
    assert (found["verdict"]["state"], found["verdict"]["headline"]) == (
        "cannot-be-judged",
        MISREAD,
    )
    assert found["verdict"]["details"][0] == doubt
