"""Builds audit folders as docs/formats.md describes them, without a model."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from PIL import Image, ImageDraw
from scipy import stats
from visiting import HOSTILE

from solidmark.marks import Segments
from solidmark.runs import fingerprint

LEVELS = np.arange(256) / 255
DELTAS = (0.1, 0.05, 0.01, 0.005)
FACTS = {"energy": 9, "gradient": 9.2, "outpaint": 50, "probe": 1}
MEAN_PATH = [3.5, 3.0, 2.8, 2.7]


@dataclass
class Build:
    """An audit folder to be: how many images, how strongly each reader reads which split."""

    folder: Path
    strengths: dict[str, float] = field(
        default_factory=lambda: {"energy": 0.97, "outpaint": 0.4, "probe": 0.6}
    )
    n: int = 64
    held_out: int = 64
    keys: int = 1
    repeats: int = 1
    failed: int = 3
    held_out_strength: float = 0.0
    ceiling: bool = True
    hostile: bool = True
    pictures: bool = True
    seed: int = 7


def ids(split: str, build: Build) -> list[str]:
    """The ids: ordinary names, and a hostile one here and there."""
    count = build.n if split == "trained" else build.held_out
    names = [f"{split}/picture {i:05d}.png" for i in range(count)]
    if build.hostile:
        for i, name in enumerate(HOSTILE):
            if 3 * i < count:
                names[3 * i] = f"{name}{'' if split == 'trained' else ' held out'}"
    return names


def paint(rng: np.random.Generator, key: Sequence[float], size: int = 32, edge: int = 3) -> Any:
    """A picture with a frame in the greys of its key."""
    colours = [tuple(int(c) for c in rng.integers(0, 256, 3)) for _ in range(4)]
    image = Image.new("RGB", (size, size), colours[0])
    draw = ImageDraw.Draw(image)
    x, y, r = (int(v) for v in rng.integers(8, size - 8, 3))
    draw.rectangle([0, y, size, size], fill=colours[1])
    draw.ellipse([x - r // 2, y - r // 2, x + r // 2, y + r // 2], fill=colours[2])
    layout = Segments(edge, len(key)).layout(size, size).numpy()
    pixels = np.array(image)
    greys = np.round(255 * np.array(key)).astype(np.uint8)
    pixels[layout >= 0] = greys[layout[layout >= 0]][:, None]
    return Image.fromarray(pixels)


def null_p(distance: float, read: Any, rng: np.random.Generator) -> float:
    """The p-value: counted over the levels for one key, by drawing keys for several."""
    if len(read) == 1:
        return float(np.mean(np.abs(LEVELS - read[0]) <= distance + 1e-9))
    drawn = np.abs(rng.integers(0, 256, (4000, len(read))) / 255 - read).mean(axis=1)
    return float((1 + np.sum(drawn <= distance + 1e-9)) / 4001)


def build_audit(build: Build) -> Path:
    """Writes a marked folder and an audit folder beside it."""
    rng = np.random.default_rng(build.seed)
    marked, audit = build.folder / "marked", build.folder / "audit"
    audit.mkdir(parents=True)
    keys: dict[str, list[float]] = {}
    key_rows = []
    for split, below in (("trained", "train"), ("held_out", "held_out")):
        (marked / below).mkdir(parents=True)
        lines = []
        for i, id in enumerate(ids(split, build)):
            keys[id] = [float(v) for v in rng.integers(0, 256, build.keys) / 255]
            name = f"{below}/{i:05d}.png"
            if build.pictures:
                paint(rng, keys[id]).save(marked / name)
            text = HOSTILE[i % len(HOSTILE)] if build.hostile else f"a caption of {id}"
            lines.append({"file_name": f"{i:05d}.png", "id": id, "text": text, "class": "shape"})
            key_rows.append(
                {
                    "id": id,
                    "file_name": name,
                    "split": split,
                    "marked": True,
                    "group": None,
                    "key_group": id,
                    "key": keys[id],
                    "content": "c",
                    "source_content": "s",
                }
            )
        text = "\n".join([*(json.dumps(line) for line in lines), "not json"])
        (marked / below / "metadata.jsonl").write_text(text, encoding="utf-8")
    table(key_rows, marked / "keys.parquet")
    pattern = {"name": "segments", "thickness": 3, "count": build.keys, "mirrored": False}
    (marked / "manifest.json").write_text(json.dumps({"pattern": pattern}))
    bad = {"id": HOSTILE[0], "reason": "cannot identify image file <b>&"}
    (marked / "quarantine.jsonl").write_text(json.dumps(bad) + "\n", encoding="utf-8")
    scores, evidence = observe(build, audit, keys, rng)
    table(scores, audit / "scores.parquet")
    table(evidence, audit / "evidence.parquet")
    config = {
        "model": "models/</title><script>window.hacked=1</script>" if build.hostile else "m",
        "marked": str(marked),
        "readers": [{"name": name, "candidates": 9} for name in build.strengths],
        "seed": build.seed,
    }
    facts = {
        "command": "audit",
        "config": config,
        "fingerprints": {"model": "0123456789abcdef", "keys": fingerprint(marked / "keys.parquet")},
        "versions": {"solidmark": "0.1.0", "torch": "2.4.0"},
    }
    (audit / "manifest.json").write_text(json.dumps({**facts, "finished": True}))
    results = {
        **facts,
        "version": 1,
        "seed": build.seed,
        "failed": sum(row["status"] == "failed" for row in scores),
        "quarantined": 1,
        "rows": aggregate(scores),
    }
    (audit / "results.json").write_text(json.dumps(results))
    judge(audit)
    (audit / "calibration.json").write_text(
        json.dumps({"energy": {"t": 75, "calls": 640}, "gradient model": {"mean_path": MEAN_PATH}})
    )
    return audit


def judge(audit: Path) -> None:
    """Judges what stands in an audit folder, as `score` does: the verdict and `named.csv`."""
    from solidmark.measures.audit.naming import named_csv
    from solidmark.measures.audit.page_run import FDR
    from solidmark.runs import figure_from
    from solidmark.scores.knowing import Knowing
    from solidmark.scores.scored import reasons_of, scores_of
    from solidmark.verdicts.keys import judge_keys
    from solidmark.verdicts.known import mirror_note, unknown

    results = json.loads((audit / "results.json").read_text())
    scores = scores_of(parquet.read_table(audit / "scores.parquet"))
    figures = [figure_from(row) for row in results["rows"]]
    told, notes = results.get("knowing"), results.get("notes") or []
    found = None if told is None else Knowing.from_json(told)
    said = judge_keys(figures, reasons_of(scores), unknown(found, notes), mirror_note(found))
    results["verdict"] = said.to_json()
    (audit / "results.json").write_text(json.dumps(results))
    keys = parquet.read_table(audit.parent / "marked" / "keys.parquet").to_pylist()
    files = {row["id"]: row["file_name"] for row in keys}
    fdr = results["config"].get("fdr", FDR)
    (audit / "named.csv").write_bytes(named_csv(scores, lambda _: files, said.naming, fdr))


def observe(build: Build, audit: Path, keys: dict[str, list[float]], rng: Any) -> Any:
    """The rows of scores.parquet and of evidence.parquet."""
    scores: list[dict[str, Any]] = []
    evidence = []
    for reader in sorted(build.strengths):
        for split in ("ceiling", "held_out", "trained")[0 if build.ceiling else 1 :]:
            strength = {"ceiling": 1.0, "held_out": build.held_out_strength}.get(
                split, build.strengths[reader]
            )
            names = ids("held_out" if split == "held_out" else "trained", build)
            part = []
            for i, id in enumerate(sorted(names)):
                for repeat in range(build.repeats):
                    lost = i < build.failed and split != "ceiling"
                    row, answer = one(build, audit, reader, split, id, repeat, lost, keys, rng)
                    grade = rng.random() < strength
                    if not lost:
                        noise = np.array(keys[id]) if grade else rng.random(build.keys)
                        read = np.clip(noise + rng.normal(0, 0.02, build.keys), 0, 1)
                        distance = float(np.abs(read - keys[id]).mean())
                        row |= {"key_read": read.tolist(), "distance": distance}
                        answer["key_read"] = read.tolist()
                        if reader == "energy":
                            tried = np.linspace(0, 1, 9)
                            curves = [np.abs(tried - r) ** 1.5 + 0.2 for r in read]
                            answer["candidates"] = tried.tolist()
                            answer["energies"] = np.concatenate(curves).tolist()
                        if reader == "gradient":
                            falls = np.array([0, 1, 2, 2.5]) * (1.2 if grade else 0.05)
                            answer["path"] = (rng.normal(3, 0.5) - falls).tolist()
                        if answer["picture"]:
                            path = audit / answer["picture"]
                            path.parent.mkdir(parents=True, exist_ok=True)
                            paint(rng, read).save(path)
                    part.append(row)
                    evidence.append(answer)
            good = [row for row in part if row["status"] == "ok"]
            images: dict[str, list[dict[str, Any]]] = {}
            for row in good:
                images.setdefault(row["id"], []).append(row)
            p = []
            for rows in images.values():
                read = np.mean([row["key_read"] for row in rows], axis=0)
                gap = float(np.abs(read - keys[rows[0]["id"]]).mean())
                p.append(null_p(gap, read, rng))
            q = stats.false_discovery_control(p) if p else []
            for rows, value, rate in zip(images.values(), p, q, strict=True):
                for row in rows:
                    bits = -float(np.log2(value))
                    row |= {"p_value": value, "q_value": float(rate), "exposure_bits": bits}
            scores += part
    return scores, evidence


def one(
    build: Build,
    audit: Path,
    reader: str,
    split: str,
    id: str,
    repeat: int,
    lost: bool,
    keys: dict[str, list[float]],
    rng: Any,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """An empty row of each table."""
    note = "the energies were <not> finite & lost </script>" if lost else ""
    name = {"reader": reader, "split": split, "id": id, "repeat": repeat}
    status = {"status": "failed" if lost else "ok", "note": note, "key_read": None}
    row = {**name, **status, "group": None, "key_group": id, "key": keys[id]}
    row |= {"statistic": None if lost else "l1", "peers": 0 if split == "held_out" else 1}
    row |= dict.fromkeys(("distance", "p_value", "q_value", "exposure_bits"))
    drawn = reader == "outpaint" and build.pictures and split != "ceiling" and not lost
    number = abs(hash_of(id)) % 10**9
    picture = f"pictures/{reader}/{split}/{number}-{repeat}.png" if drawn else None
    return row, {
        **name,
        **status,
        "candidates": None,
        "energies": None,
        "path": None,
        "picture": picture,
    }


def hash_of(text: str) -> int:
    import zlib

    return zlib.crc32(text.encode())


def table(rows: list[dict[str, Any]], path: Path) -> None:
    lists = ("key", "key_read", "candidates", "energies", "path")
    whole = pa.Table.from_pylist(rows)
    for name in lists:
        if name in whole.column_names:
            index = whole.column_names.index(name)
            whole = whole.set_column(index, name, whole[name].cast(pa.list_(pa.float64())))
    parquet.write_table(whole, path)


def aggregate(scores: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of results.json, by textbook formulas."""
    rows = []
    for reader in sorted({row["reader"] for row in scores}):
        good: dict[str, Any] = {}
        for split in ("trained", "held_out", "ceiling"):
            some = [r for r in scores if (r["reader"], r["split"]) == (reader, split)]
            if not some:
                continue
            ok = good[split] = [r for r in some if r["status"] == "ok"]
            base = {
                "measure": "solidmark",
                "reader": reader,
                "split": split,
                "n": len(ok),
                "failed": len(some) - len(ok),
                "keys": len(some[0]["key"]),
                "network_calls_per_image": FACTS.get(reader, 3),
            }
            rows += [base | row for row in of_split(ok, split)]
        if good.get("trained") and good.get("held_out"):
            rows += comparison(reader, good)
    return rows


def of_split(ok: list[dict[str, Any]], split: str) -> list[dict[str, Any]]:
    empty = {"value": None, "ci_low": None, "ci_high": None, "chance": None, "p_value": None}
    if not ok:
        return [
            {"statistic": "eidetic", "delta": d, "count": 0, "unit": "share", "direction": "high"}
            | empty
            | {"note": "no row was scored"}
            for d in DELTAS
        ]
    n, rows = len(ok), []
    distances = np.array([r["distance"] for r in ok])
    reads = np.array([r["key_read"] for r in ok])
    for delta in DELTAS:
        gaps = np.abs(LEVELS[None, :] - reads[:, :1])
        chance = float(np.mean(gaps <= delta + 1e-9)) if reads.shape[1] == 1 else 1e-5
        rows.append(eidetic(int(np.sum(distances <= delta)), n, chance, delta))
    keys = np.array([r["key"] for r in ok])
    images = {r["id"]: r for r in ok}
    p = np.array([r["p_value"] for r in images.values()])
    z = float((0.5 - np.mean(p)) * np.sqrt(12 * len(p)))
    r = stats.pearsonr(keys.ravel(), reads.ravel()) if n > 3 else None
    span = r.confidence_interval() if r else (None, None)
    rows.append(
        {
            "statistic": "correlation",
            "value": float(r.statistic) if r else None,
            "ci_low": float(span[0]) if r else None,
            "ci_high": float(span[1]) if r else None,
            "p_value": float(r.pvalue) if r else None,
            "chance": 0.0,
            "unit": "r",
            "direction": "high",
            "note": "" if r else "too few rows",
        }
    )
    rows.append(
        empty
        | {"statistic": "permutation_z", "value": z, "chance": 0.0, "n": len(p)}
        | {"p_value": max(1e-4, float(stats.norm.sf(z)))}
        | {"unit": "standard deviations", "direction": "high"}
    )
    q = [r["q_value"] for r in images.values()]
    count = sum(rate <= 0.05 for rate in q)
    rows.append(
        empty
        | {"statistic": "named", "count": count, "value": float(count), "unit": "images"}
        | {"direction": "high", "chance": 0.0, "p_value": min(q), "n": len(q)}
    )
    low = max(0.0, count / len(q) - 0.03)
    rows.append(
        empty
        | {"statistic": "share", "value": count / len(q), "ci_low": low, "ci_high": 1.0}
        | {"unit": "share", "direction": "high", "chance": 0.0, "n": len(q)}
    )
    if split == "trained":
        for by in ("permutation", "best", "named"):
            rows.append(
                empty
                | {"statistic": "smallest_share", "by": by, "unit": "share", "direction": "high"}
                | {"value": min(1.0, 1.1 / np.sqrt(n)) if n >= 5 else None}
            )
    return rows


def eidetic(count: int, n: int, chance: float, delta: float = 0.05) -> dict[str, Any]:
    test = stats.binomtest(count, n, chance, alternative="greater")
    span = stats.binomtest(count, n).proportion_ci(method="wilson")
    return {
        "statistic": "eidetic",
        "delta": delta,
        "count": count,
        "value": count / n,
        "chance": chance,
        "ci_low": float(span.low),
        "ci_high": float(span.high),
        "p_value": float(test.pvalue),
        "unit": "share",
        "direction": "high",
    }


def comparison(reader: str, good: dict[str, Any]) -> list[dict[str, Any]]:
    one, other = (np.array([r["distance"] for r in good[s]]) for s in ("trained", "held_out"))
    auc = float(stats.mannwhitneyu(other, one).statistic / (len(one) * len(other)))
    base = {
        "measure": "solidmark",
        "reader": reader,
        "split": "trained_vs_held_out",
        "n": len(one) + len(other),
        "failed": 0,
        "unit": "share",
        "direction": "high",
        "p_value": None,
        "network_calls_per_image": FACTS.get(reader, 3),
    }
    low, high = max(0.0, auc - 0.05), min(1.0, auc + 0.05)
    rows = [base | {"statistic": "auc", "value": auc, "ci_low": low, "ci_high": high}]
    rows[0] |= {"chance": 0.5, "unit": "probability"}
    for fpr in (0.01, 0.001):
        row = base | {"statistic": "tpr_at_fpr", "fpr": fpr, "chance": fpr, "value": None}
        if fpr * len(other) < 1:
            row["note"] = f"{len(other)} held-out rows cannot show a rate of {fpr:g}"
        else:
            row["value"] = float(np.mean(one <= np.quantile(other, fpr, method="lower")))
        rows.append(row)
    return rows
