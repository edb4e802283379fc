"""Builds folders of `nearest` runs, without the job: real digits, distances by numpy."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from PIL import Image
from visiting import HOSTILE

from solidmark.data import open_data
from solidmark.measures.nearest import score_nearest
from solidmark.measures.nearest.augmented import AUGMENTED
from solidmark.measures.nearest.tables import NEIGHBOURS
from solidmark.scores import conformal_p_values, q_values

SIDE, TILES = 28, 4
SIDES = {
    "generated": ("generated", "training"),
    "null": ("held_out", "training"),
    "trained": ("training", "generated"),
    "held_out": ("held_out", "generated"),
}
CARDS: dict[str, dict[str, Any]] = {
    "l2": {"direction": "low", "unit": "RMS difference", "paper": "Carlini et al., 2023"},
    "modified-l2": {"direction": "low", "unit": "ratio", "n": 20, "alpha": 0.5},
    "patched-l2": {"direction": "low", "unit": "ratio", "n": 20, "alpha": 0.5, "tiles": TILES},
    "sscd": {
        "direction": "high",
        "unit": "similarity in [-1, 1]",
        "paper": "Pizzi et al., 2022",
        "model": "a stand-in",
        "weights": "0123456789abcdef",
        "input_size": None,
        "dimensions": SIDE * SIDE,
    },
}
CHANGES = ("jpeg", "noise", "flipped")


@dataclass
class Run:
    """A `nearest` run to be: how many of its generations are copies, and of how many images."""

    folder: Path
    measures: tuple[str, ...] = tuple(CARDS)
    n: int = 240
    training: int = 64
    held_out: int = 64
    copied: int = 24
    times: int = 4
    monochrome: int = 20
    plain_training: int = 0
    failed: int = 3
    null: str = "held-out"
    fprs: tuple[float, ...] = (0.1, 0.02)
    fdr: float = 0.05
    hostile: bool = False
    per_image: bool = True
    pictures: bool = True
    seed: int = 3


def digits(run: Run) -> dict[str, np.ndarray]:
    """The images of each side, (N, 28, 28) in [0, 1]."""
    data = open_data("digits")
    rng = np.random.default_rng(run.seed)
    fresh = run.n - run.copied * run.times - run.monochrome
    order = rng.permutation(len(data))[: run.training + run.held_out + fresh]
    images = np.stack([data[int(i)].image[0].numpy() for i in order]).astype(np.float64)
    training, held_out, drawn = np.split(images, [run.training, run.training + run.held_out])
    plain = plain_pictures(rng, run.plain_training + run.monochrome)
    training[run.training - run.plain_training :] = plain[: run.plain_training]
    copies = np.repeat(training[: run.copied], run.times, axis=0)
    copies = np.clip(copies + rng.normal(0, 0.02, copies.shape), 0, 1)
    generated = np.concatenate([copies, plain[run.plain_training :], drawn])
    return {"generated": generated, "training": training, "held_out": held_out}


def plain_pictures(rng: np.random.Generator, count: int) -> np.ndarray:
    """Pictures nearly of one grey."""
    noise = rng.normal(0, 0.01, (count, SIDE, SIDE))
    return np.clip(rng.uniform(0, 0.1, (count, 1, 1)) + noise, 0, 1)


def names(run: Run, side: str, count: int) -> list[str]:
    """The ids: ordinary names, and a hostile one here and there."""
    found = [f"{side}/{i:04d}.png" for i in range(count)]
    if run.hostile:
        for i, name in enumerate(HOSTILE):
            found[3 * i] = f"{name} {side}"
    return found


def squared(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The mean squared difference of all pairs of rows."""
    return np.stack([((row - other) ** 2).mean(axis=1) for row in one])


def distances(measure: str, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The distances of all pairs before rescaling."""
    flat = one.reshape(len(one), -1), other.reshape(len(other), -1)
    if measure == "patched-l2":
        side = SIDE // TILES
        cut = [
            x.reshape(len(x), TILES, side, TILES, side)
            .transpose(0, 1, 3, 2, 4)
            .reshape(len(x), TILES * TILES, -1)
            for x in (one, other)
        ]
        tiles = [squared(cut[0][:, t], cut[1][:, t]) for t in range(TILES * TILES)]
        return np.sqrt(np.max(tiles, axis=0))
    if measure == "sscd":
        rows = [x - x.mean(axis=1, keepdims=True) for x in flat]
        rows = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in rows]
        return 1 - rows[0] @ rows[1].T
    return np.sqrt(squared(*flat))


def rows_of(
    run: Run, measure: str, split: str, images: dict[str, np.ndarray]
) -> list[dict[str, Any]]:
    """The rows of one split by one measure, without p-values."""
    first, second = SIDES[split]
    if run.null == "train" and split == "null":
        first = "training"
    found = distances(measure, images[first], images[second])
    if first == second:
        np.fill_diagonal(found, np.inf)
    nearest = found.argmin(axis=1)
    raw = found.min(axis=1)
    scaled = raw
    if measure in ("modified-l2", "patched-l2"):
        scaled = raw / (0.5 * np.sort(found, axis=1)[:, :20].mean(axis=1))
    ids, others = (names(run, side, len(images[side])) for side in (first, second))
    contrast = images[first].std(axis=(1, 2))
    rows = []
    for i, id in enumerate(ids):
        lost = split == "generated" and i >= len(ids) - run.failed
        rows.append(
            {
                "measure": measure,
                "split": split,
                "id": id,
                "nearest": None if lost else others[nearest[i]],
                "distance": None if lost else float(scaled[i]),
                "similarity": float(1 - scaled[i]) if measure == "sscd" and not lost else None,
                "raw": float(raw[i]) if scaled is not raw and not lost else None,
                "contrast": float(contrast[i]),
                "low_content": bool(contrast[i] < 0.1),
                "status": "failed" if lost else "ok",
                "note": "cut <off> & lost </script>" if lost else None,
                "caption": f"a caption of {id}",
            }
        )
    return rows


def judge(rows: list[dict[str, Any]], null: list[dict[str, Any]]) -> None:
    """Writes p- and q-values into rows that were scored."""
    for row in rows:
        row |= {"p_value": None, "q_value": None}
    good = [row for row in rows if row["status"] == "ok"]
    if null and good:
        fresh = np.array([row["distance"] for row in null])
        p = conformal_p_values(np.array([row["distance"] for row in good]), fresh)
        for row, one, q in zip(good, p, q_values(p), strict=True):
            row |= {"p_value": float(one), "q_value": float(q)}


def build_nearest(run: Run) -> Path:
    """Writes the folder of a `nearest` run."""
    images = digits(run)
    splits = ["generated"]
    splits += ["null"] * (run.null == "train" or run.held_out > 0)
    splits += ["trained"] * run.per_image
    splits += ["held_out"] * (run.per_image and run.null != "train" and run.held_out > 0)
    tables: dict[str, list[dict[str, Any]]] = {split: [] for split in SIDES}
    for measure in run.measures:
        own = {split: rows_of(run, measure, split, images) for split in splits}
        for split, null in (("generated", "null"), ("trained", "held_out")):
            judge(own.get(split, []), own.get(null, []))
        for split, some in own.items():
            tables[split] += some
    out = run.folder
    out.mkdir(parents=True)
    kept = ("id", "nearest", "distance", "similarity", "raw", "contrast", "low_content")
    judged, state = ("p_value", "q_value"), ("status", "note")
    write(
        tables["generated"], out / "scores.parquet", ("measure", *kept, *judged, *state, "caption")
    )
    write(tables["null"], out / "null.parquet", ("measure", *kept, *state, "copy_of"))
    both = tables["trained"] + tables["held_out"]
    write(both, out / "images.parquet", ("measure", "split", *kept, *judged, *state, "copy_of"))
    parquet.write_table(NEIGHBOURS.empty_table(), out / "neighbours.parquet")
    if run.pictures:
        write_pictures(run, images, tables)
    write_changed(run, out / "augmented.parquet")
    manifest = {
        "command": "nearest",
        "config": {
            "generated": "drawn/</title><script>window.hacked=1</script>",
            "training": "digits",
            "null": run.null,
            "fdr": run.fdr,
            "fprs": list(run.fprs),
            "seed": run.seed,
        },
        "versions": {"solidmark": "0.1.0"},
        "fingerprints": {"training": "0123456789abcdef"},
        "measures": {name: {"name": name, **CARDS[name]} for name in run.measures},
        "quarantined": 0,
        "finished": True,
    }
    (out / "manifest.json").write_text(json.dumps(manifest))
    score_nearest(out)
    return out


def write_changed(run: Run, path: Path) -> None:
    """Changed copies of 32 training images, of which 30 are found again, but no mirrored one."""
    rows = [
        {"measure": measure, "change": change, "id": f"{number}", "distance": 0.0}
        | {"found": change != "flipped" and number < 30}
        for measure in run.measures
        for change in CHANGES
        for number in range(32)
    ]
    parquet.write_table(pa.Table.from_pylist(rows, schema=AUGMENTED), path)


def write(rows: list[dict[str, Any]], path: Path, columns: tuple[str, ...]) -> None:
    kinds = {"low_content": pa.bool_()}
    kinds |= dict.fromkeys(
        ("distance", "similarity", "raw", "contrast", "p_value", "q_value"), pa.float64()
    )
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in columns])
    parquet.write_table(pa.Table.from_pylist(rows, schema=schema), path)


def write_pictures(
    run: Run, images: dict[str, np.ndarray], tables: dict[str, list[dict[str, Any]]]
) -> None:
    """The pictures that the page shows, as the job chooses them."""
    index: dict[str, dict[str, str]] = {"generated": {}, "training": {}, "held_out": {}}
    wanted: dict[str, set[str]] = {side: set() for side in index}
    for split, most in (("generated", 48), ("trained", 48), ("null", 10)):
        first, second = SIDES[split]
        first = "training" if run.null == "train" and split == "null" else first
        for measure in run.measures:
            good = [r for r in tables[split] if r["measure"] == measure and r["status"] == "ok"]
            good.sort(key=lambda row: (row["distance"], row["id"]))
            for row in good[:most]:
                wanted[first].add(row["id"])
                wanted[second].add(row["nearest"])
    for side, some in wanted.items():
        for number, id in enumerate(names(run, side, len(images[side]))):
            if id in some:
                path = run.folder / "pictures" / side / f"{number:06d}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.round(255 * images[side][number]).astype(np.uint8)).save(path)
                index[side][id] = f"pictures/{side}/{number:06d}.png"
    (run.folder / "pictures" / "index.json").write_text(json.dumps(index))
