"""Builds folders of `invmm` runs: attempts as they are kept, without a model, and then scored."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from PIL import Image
from visiting import HOSTILE

from solidmark.measures.invmm import score_invmm

NEEDED = 0.62
TEXT, NUMBER, WHOLE = pa.string(), pa.float64(), pa.int64()
TYPES = {
    "repeat": WHOLE,
    "steps": WHOLE,
    "step": WHOLE,
    "triage_rank": WHOLE,
    "drawn": pa.list_(pa.string()),
}
EVIDENCE = (
    "split",
    "id",
    "repeat",
    "status",
    "kl",
    "kl_end",
    "best_similarity",
    "steps",
    "guidance",
    "network_calls",
    "triage_rank",
    "triage_value",
    "triage_calls",
    "words",
    "caption",
    "copy_of",
    "note",
    "original",
    "drawn",
    "attempt",
)
PATHS = ("split", "id", "repeat", "step", "loss", "kl", "weight", "similarity")
TEXTS = ("split", "id", "status", "copy_of", "note", "words", "caption", "original", "attempt")


@dataclass(frozen=True)
class Inverted:
    """An `invmm` run to be.

    Arguments:
        folder: Where.
        trained: How many trained images were tried to the end.
        held_out: The same of held-out ones.
        known: How many trained images come back.
        lucky: How many held-out ones do.
        failed: Trained images that failed, beyond those.
        not_tried: Trained images that were not tried, beyond those.
        copies: How many of the trained images are there once more.
        restarts: Attempts an image; of the last that come back only the first does.
        prompt: "given" or "inverted".
        hostile: Whether ids, notes and prompts are hostile here and there.
        side: Of the pictures, in pixels.
        signals: Whether a run of signals lies in the folder.
        fdr: The false-discovery rate at which images are named.
        seed: Of all that is drawn.
    """

    folder: Path
    trained: int = 40
    held_out: int = 40
    known: int = 12
    lucky: int = 1
    failed: int = 2
    not_tried: int = 30
    copies: int = 1
    restarts: int = 1
    prompt: str = "given"
    hostile: bool = False
    side: int = 16
    signals: bool = False
    fdr: float = 0.05
    seed: int = 3


def build_inversions(run: Inverted) -> Path:
    """Writes the folder."""
    rng = np.random.default_rng(run.seed)
    evidence: list[dict[str, Any]] = []
    paths: list[dict[str, Any]] = []
    for split, n, found in (
        ("trained", run.trained, run.known),
        ("held_out", run.held_out, run.lucky),
    ):
        for place, id in enumerate(_ids(run, split, n)):
            tries = [
                _try(run, rng, split, id, place < found, repeat, paths)
                for repeat in range(run.restarts)
            ]
            if 0 < place == found - 1 and run.restarts > 1:
                tries[-1] |= {"status": "spent", "kl": np.inf, "best_similarity": NEEDED - 0.05}
            evidence += tries
            if split == "trained" and place < run.copies:
                same = {"id": f"{id} again", "copy_of": id, "network_calls": 0.0}
                evidence += [one | same for one in tries]
    for number in range(run.failed):
        note = "the KL is <b>not</b> finite" if run.hostile else "the KL is not finite"
        state = {"status": "failed", "note": note, "steps": 7, "network_calls": 100.0}
        evidence.append(_empty("trained", f"failed {number}") | state)
    for number in range(run.not_tried):
        state = {"status": "not_tried", "network_calls": 0.0}
        evidence.append(_empty("trained", f"untried {number:03d}") | state)
    run.folder.mkdir(parents=True, exist_ok=True)
    write_rows(evidence, run.folder / "evidence.parquet", EVIDENCE)
    write_rows(paths, run.folder / "paths.parquet", PATHS)
    _describe(run)
    score_invmm(run.folder, fprs=(0.1,), fdr=run.fdr)
    return run.folder


def write_rows(rows: list[dict[str, Any]], path: Path, names: tuple[str, ...]) -> None:
    kinds = [TEXT if name in TEXTS else TYPES.get(name, NUMBER) for name in names]
    columns = [
        pa.array([row.get(name) for row in rows], kind)
        for name, kind in zip(names, kinds, strict=True)
    ]
    parquet.write_table(pa.table(columns, names=list(names)), path)


def _ids(run: Inverted, split: str, n: int) -> list[str]:
    names = [f"{split} {number:03d}" for number in range(n)]
    if run.hostile:
        for number, name in enumerate(HOSTILE[: n // 2]):
            names[2 * number] = name if split == "trained" else f"{name} held out"
    return names


def _try(
    run: Inverted,
    rng: np.random.Generator,
    split: str,
    id: str,
    found: bool,
    repeat: int,
    paths: list[dict[str, Any]],
) -> dict[str, Any]:
    """An attempt: its row, its pictures, its path."""
    steps = int(rng.integers(2, 8)) * 50 if found else 1000
    truth = rng.random((run.side, run.side, 3)) * 0.5 + rng.random(3) * 0.5
    noise = 0.03 if found else 0.5
    stem = f"{split}-{zlib_name(id)}-{repeat}"
    names = [f"pictures/{stem}-drawn-{j}.png" for j in range(8)]
    original = f"pictures/{stem}-original.png"
    for name in (original, *names):
        picture = truth + (0 if name == original else rng.normal(0, noise, truth.shape))
        path = run.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.round(255 * picture.clip(0, 1)).astype(np.uint8)).save(path)
    best = float(rng.uniform(NEEDED, 0.95) if found else rng.uniform(0.2, NEEDED - 0.02))
    kl_end = float(rng.uniform(0.005, 0.04) if split == "trained" else rng.uniform(0.2, 0.5))
    kl_end = kl_end if found else float(rng.uniform(0.3, 0.9))
    checks = range(50, steps + 1, 50)
    for number, step in enumerate(checks, 1):
        part = number / len(checks)
        similarity = None if not found and number % 2 and number < len(checks) else best * part
        paths.append(
            {"split": split, "id": id, "repeat": repeat, "step": step}
            | {"loss": 0.9 * 0.1 ** (part if found else 0.4 * part), "kl": kl_end * part**2}
            | {"weight": 0.5 ** (number // 3), "similarity": similarity}
        )
    words = f"{HOSTILE[0]} </b> {{{{ 7*7 }}}} words" if run.hostile else f"cat {id} sky"
    return {
        "split": split,
        "id": id,
        "repeat": repeat,
        "status": "reproduced" if found else "spent",
        "kl": kl_end if found else np.inf,
        "kl_end": kl_end,
        "best_similarity": best,
        "steps": steps,
        "guidance": 1.0,
        "network_calls": steps * 4 * 2.3,
        "triage_rank": 1,
        "triage_value": kl_end if run.not_tried else None,
        "triage_calls": 2.0 if repeat == 0 else 0.0,
        "words": words if run.prompt == "inverted" else None,
        "caption": f"a caption of {id}",
        "copy_of": None,
        "note": None,
        "original": original,
        "drawn": names,
    }


def zlib_name(id: str) -> int:
    import zlib

    return zlib.crc32(id.encode("utf-8", "replace"))


def _empty(split: str, id: str) -> dict[str, Any]:
    return dict.fromkeys(EVIDENCE) | {"split": split, "id": id, "repeat": 0}


def _describe(run: Inverted) -> None:
    """The manifest, and a run of signals."""
    name = "models/</title><script>window.hacked=1</script>" if run.hostile else "memorizer"
    note = "780 pairs cannot show a rate of 0.001: it is the strictest."
    manifest = {
        "command": "invmm",
        "config": {
            "model": name,
            "images": "marked",
            "held_out": None,
            "similarity": "l2",
            "threshold": None,
            "fpr": 0.001,
            "restarts": run.restarts,
            "triage": "magnitude" if run.not_tried else "none",
            "budget": {"calls": 50_000} if run.not_tried else None,
            "seed": run.seed,
            "inversion": {"steps": 1000, "threshold": 0.5, "prompt": run.prompt},
        },
        "fingerprints": {"model": "0123456789abcdef"},
        "versions": {"solidmark": "0.1.0", "torch": "2.4.0"},
        "finished": True,
        "threshold": {"value": NEEDED, "fpr": 0.001, "pairs": 780, "rate": 0.0013, "note": note},
        "similarity": {"name": "l2", "unit": "1 - root mean square difference"},
        "excluded": {"held_out twin": 'It is the training image "trained 000".'},
    }
    write_json(run.folder / "manifest.json", manifest)
    if run.signals:
        (run.folder / "signals").mkdir()
        config = {"command": "signals", "config": {}, "seed": 0, "failed": 0}
        found = config | {"rows": _signals(), "fingerprints": manifest["fingerprints"]}
        write_json(run.folder / "signals" / "results.json", found)
        calls = {"signal": ["magnitude", "magnitude", "loss"], "network_calls": [2.0, 0.0, 8.0]}
        parquet.write_table(pa.table(calls), run.folder / "signals" / "signals.parquet")


def _signals() -> list[dict[str, Any]]:
    found = []
    for name, area in (("magnitude", 0.71), ("loss", 0.64)):
        base = {"measure": name, "split": "trained_vs_held_out", "n": 80, "failed": 0}
        base |= {"network_calls_per_image": 8 if name == "loss" else 1}
        interval = {"ci_low": area - 0.05, "ci_high": area + 0.05, "p_value": 0.002}
        found.append(base | {"statistic": "auc", "value": area, **interval})
        found.append(base | {"statistic": "tpr_at_fpr", "fpr": 0.1, "value": 0.3})
    return found


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")
