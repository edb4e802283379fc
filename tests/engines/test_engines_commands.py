"""What a command writes is the same bytes, whether this process or workers elsewhere did the work.

The workers are told what those of a cluster are told, as a pickle; there is no cluster here.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from solidmark.generating import Generation, generate
from solidmark.marks import Marked
from solidmark.measures.audit import Question, observe
from solidmark.measures.inpaint import Inpainting, inpaint
from solidmark.measures.invmm import InvMM
from solidmark.measures.invmm.inversion import PRESETS
from solidmark.measures.invmm.inverting import invert
from solidmark.measures.signals import Measuring, measure_signals
from solidmark.perturbations import parse
from solidmark.readers import Energy, Outpaint
from solidmark.runs import Ledger, using
from solidmark.runs.worker import Worker

from .foreign import Foreign, rows_of, written

SMALL = 20_000
"""Bytes: a worker is told what to open, and not sent it."""


@pytest.fixture
def marked(make_marked: Callable[..., Marked]) -> Path:
    return make_marked(24, digits=True).folder


@pytest.fixture
def model(save_unet: Callable[..., Path]) -> str:
    return str(save_unet())


def same(ask: Callable[[Any], Any], asked: Any, out: Path) -> None:
    """Asks alone, and then by workers elsewhere."""
    alone, away = replace(asked, out=out / "alone"), replace(asked, out=out / "away")
    ask(alone)
    foreign = Foreign()
    with using(foreign):
        ask(away)
    assert foreign.rounds > 1
    assert max(foreign.sizes) < SMALL
    assert written(away.out) == written(alone.out)
    found = [rows_of(Ledger(one.out / "ledger").rows()) for one in (alone, away)]
    assert found[0] == found[1]


@pytest.mark.parametrize("who", ["gaussian", "a network"])
def test_an_audit(who: str, marked: Path, model: str, tmp_path: Path) -> None:
    readers = (Energy(), Outpaint(steps=4))
    which = model if who == "a network" else who
    question = Question(which, marked, tmp_path, readers, batch_size=4, repeats=2)
    same(observe, replace(question, perturb=(parse("noise:0.1"),)), tmp_path)


def test_drawing(marked: Path, model: str, tmp_path: Path) -> None:
    asked = Generation(model, tmp_path, number=18, steps=3, batch_size=4, marked=marked, crop=True)
    same(generate, asked, tmp_path)


def test_signals(marked: Path, model: str, tmp_path: Path) -> None:
    asked = Measuring(model, str(marked), tmp_path, signals=("loss",), times=2, batch_size=4)
    same(measure_signals, asked, tmp_path)


def test_inpainting(marked: Path, model: str, tmp_path: Path) -> None:
    asked = Inpainting(model, str(marked), tmp_path, draws=3, steps=3, limit=8, batch_size=4)
    same(inpaint, asked, tmp_path)


@pytest.mark.parametrize("triage", ["energy", "loss"])
def test_inverting(triage: Any, marked: Path, model: str, tmp_path: Path) -> None:
    """Others stand side by side in a network call, so the last digits differ, as of `torchrun`."""
    inversion = replace(PRESETS["quick"], steps=4, every=2, sampling_steps=2)
    asked = InvMM(model, str(marked), tmp_path, inversion=inversion, triage=triage, batch_size=5)
    alone, away = replace(asked, out=tmp_path / "alone"), replace(asked, out=tmp_path / "away")
    invert(alone)
    with using(Foreign()):
        invert(away)
    assert written(alone.out).keys() == written(away.out).keys()
    one, other = (pq.read_table(out.out / "evidence.parquet").to_pylist() for out in (alone, away))
    for row, same_row in zip(one, other, strict=True):
        assert row.keys() == same_row.keys()
        for name, value in row.items():
            assert same_row[name] == (pytest.approx(value, abs=1e-4) if value else value), name


def test_a_model_that_is_another_one_there_is_refused(
    marked: Path, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def do(worker: Worker, batch: Any) -> Any:
        weights = next(Path(model).rglob("*.safetensors"))
        weights.write_bytes(weights.read_bytes()[:-1] + b"\7")
        said.append(str(asked(worker, batch)))
        raise KeyboardInterrupt

    asked = Worker.do
    monkeypatch.setattr(Worker, "do", do)
    with using(Foreign()), pytest.raises(KeyboardInterrupt):
        observe(Question(model, marked, tmp_path / "out", batch_size=4))
    assert "is not what it is where the command was given" in said[0]
