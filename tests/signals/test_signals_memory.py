"""A million images are a few arrays a signal: what a further row costs when scored is counted."""

import itertools
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from growing import bytes_a_row

from solidmark.measures.signals import score_signals
from solidmark.measures.signals.kinds import Loss, Magnitude, Spread
from solidmark.measures.signals.measuring import EVIDENCE
from solidmark.runs import open_run

CARDS = {"loss": Loss().card, "spread": Spread().card, "magnitude": Magnitude().card}


def folder(out: Path, count: int, names: tuple[str, ...]) -> Path:
    """A finished run on so many images, a tenth of them held out, by arrays."""
    run = open_run(out, "signals", {"seed": 3})
    value, number = np.random.default_rng(count), np.arange(count)
    one = {
        "split": np.where(number % 10 == 0, "held_out", "trained").tolist(),
        "id": [f"pictures/{n:09d}.png" for n in number],
        "network_calls": np.full(count, 8.0),
        "status": ["ok"] * count,
        "note": [""] * count,
        "prompt": [f"caption {n}" for n in number],
        "content": [f"{n:040d}" for n in number],
        "contrast": np.full(count, 0.3),
    }
    parts = [
        pa.table({**one, "signal": [name] * count, "value": value.random(count)}).select(
            EVIDENCE.names
        )
        for name in names
    ]
    pq.write_table(pa.concat_tables(parts).cast(EVIDENCE), out / "signals.parquet")
    run.finish(signals={name: vars(CARDS[name]) for name in names}, left_out={})
    return out


@pytest.mark.parametrize(("names", "most"), [(("loss",), 1200), ((*CARDS,), 1900)])
def test_a_row_costs_no_objects(
    names: tuple[str, ...], most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("roc", "closeness"):
        monkeypatch.setattr(import_module(f"solidmark.scores.{module}"), "_CELLS_AT_ONCE", 2**14)
    numbers = itertools.count()

    def scoring(count: int) -> Callable[[], object]:
        out = folder(tmp_path / str(next(numbers)), count, names)
        return lambda: score_signals(out)

    assert bytes_a_row(scoring, 1500, 4500) < most
