"""Builds folders of `signals` runs from values alone, without a model."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from visiting import HOSTILE

from solidmark.measures.signals import score_signals
from solidmark.measures.signals.kinds import Loss, Magnitude, Spread
from solidmark.measures.signals.measuring import EVIDENCE
from solidmark.runs import open_run, write_json

CARDS = {"spread": Spread().card, "loss": Loss().card, "magnitude": Magnitude().card}


def names(split: str, count: int, hostile: bool) -> list[str]:
    found = [f"{split} {number:03d}.png" for number in range(count)]
    if hostile:
        found[: len(HOSTILE)] = HOSTILE
    return found


def write_evidence(
    out: Path,
    values: dict[tuple[str, str], np.ndarray],
    *,
    hostile: bool = False,
    failed: int = 0,
    contrast: dict[str, np.ndarray] | None = None,
    left_out: dict[str, str] | None = None,
    **results: Any,
) -> Path:
    """A finished, scored folder.

    Arguments:
        out: Where.
        values: By signal and split.
        hostile: Whether ids and captions want to be markup.
        failed: So many of the last rows of each have no value.
        contrast: By split, where it is not 0.3 for all.
        left_out: As in the results.
        results: Options of `score_signals`.
    """
    run = open_run(out, "signals", {"seed": 0, "model": "<b>a model</b>", "images": "pictures"})
    rows = []
    for (signal, split), found in values.items():
        own = (contrast or {}).get(split, np.full(len(found), 0.3))
        for place, id in enumerate(names(split, len(found), hostile)):
            lost = place >= len(found) - failed
            rows.append(
                {
                    "signal": signal,
                    "split": split,
                    "id": id,
                    "value": None if lost else float(found[place]),
                    "network_calls": 2.0,
                    "status": "failed" if lost else "ok",
                    "note": "It is cut short." if lost else "",
                    "prompt": f"{split} caption of {id}",
                    "content": f"{split} {id}",
                    "contrast": float(own[place]),
                }
            )
    columns = {name: [row[name] for row in rows] for name in EVIDENCE.names}
    pq.write_table(pa.table(columns, schema=EVIDENCE), out / "signals.parquet")
    index: dict[str, dict[str, dict[str, str]]] = {"trained": {}, "held_out": {}}
    for number, row in enumerate(rows):
        path = f"pictures/{row['split']}/{number}.png"
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), number % 256).save(out / path)
        known = {"picture": path, "caption": f"caption of {row['id']}", "class": "seven"}
        index[row["split"]][row["id"]] = known
    write_json(out / "pictures" / "index.json", index)
    asked = dict.fromkeys(signal for signal, _ in values)
    run.finish(signals={one: vars(CARDS[one]) for one in asked}, left_out=left_out or {})
    score_signals(out, **results)
    return out
