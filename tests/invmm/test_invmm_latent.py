"""Runs on a text-to-image model: captions given, prompts found, and a memory that is too small."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from invmms import asked, files, table

from solidmark.data import Sample
from solidmark.marks import Border, Marked
from solidmark.measures.invmm import invert, score_invmm
from solidmark.measures.invmm.inversion import Attempt, Inversion, Inverter
from solidmark.models import open_model, prompt_space
from solidmark.runs import read_json

FEW = Inversion(
    steps=2, samples=2, every=1, sampling_steps=2, screen_steps=1, checked=2, guidances=(1.0, 3.0)
)


@pytest.fixture(scope="module")
def sd(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.stable_diffusion(tmp_path_factory.mktemp("sd")))


@pytest.fixture
def pictures(make_marked: Callable[..., Marked]) -> Marked:
    """Marked pictures of 32 x 32 pixels with captions, half of them held out."""
    return make_marked(4, side=24, channels=3, pattern=Border(4))


def test_a_prompt_is_found_and_kept_beside_the_noise(
    sd: str, pictures: Marked, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    inverted = Inversion(**{**FEW.__dict__, "prompt": "inverted"})
    invert(asked(sd, pictures.folder, out, inversion=inverted, triage="magnitude"))
    space = prompt_space(open_model(sd))
    for row in table(out):
        kept = Attempt.from_file(out / row["attempt"])
        assert kept.logits is not None
        assert kept.logits.shape == (space.length, len(space.table))
        assert row["words"] == space.decode(kept.logits.argmax(1))
        assert row["caption"].startswith("number ")
    rows = {row["statistic"] for row in score_invmm(out)["rows"]}
    assert {"reproduced", "auc", "rank_correlation"} <= rows


def test_the_caption_is_told_where_the_prompt_is_given(
    sd: str, pictures: Marked, tmp_path: Path
) -> None:
    invert(asked(sd, pictures.folder, tmp_path / "one", inversion=FEW, limit=1))
    row = table(tmp_path / "one")[0]
    assert row["words"] is None
    assert Attempt.from_file(tmp_path / "one" / row["attempt"]).logits is None


def test_a_call_that_does_not_fit_is_halved_and_the_rows_stay(
    sd: str, pictures: Marked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    invert(asked(sd, pictures.folder, tmp_path / "large", inversion=FEW, call_size=2))
    advance, sizes = Inverter.advance, []

    def small(
        self: Inverter, attempts: Sequence[Attempt], samples: Sequence[Sample]
    ) -> list[Attempt]:
        sizes.append(self.batch_size)
        if self.batch_size > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return advance(self, attempts, samples)

    monkeypatch.setattr(Inverter, "advance", small)
    out = tmp_path / "small"
    invert(asked(sd, pictures.folder, out, inversion=FEW, call_size=8))
    assert sizes[:4] == [8, 4, 2, 2]
    assert read_json(out / "manifest.json")["memory"]["call_size"] == 2
    kept: list[dict[str, Any]] = [table(tmp_path / name) for name in ("large", "small")]  # type: ignore[list-item]
    assert kept[0] == kept[1]
    assert files(out) == files(tmp_path / "large")
