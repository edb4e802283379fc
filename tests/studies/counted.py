"""Studies whose commands only write numbers, so that the engine is tested without any network."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from solidmark.runs import Figure, read_json, write_json
from solidmark.studies.stage import stage
from solidmark.studies.study import Arm, Made, Setting

N = 32
"""Images of an arm."""


def begin(data: str, out: Path, *, seed: int) -> None:
    """Writes the seed, and that it was called."""
    write_json(out / "kept.json", {"data": data, "seed": seed, "calls": calls(out) + 1})


def count(before: str, out: Path, *, share: float, seed: int) -> None:
    """Draws how many of the images are hit."""
    assert (Path(before) / "kept.json").is_file(), "what comes before is made before"
    hits = int(np.random.default_rng([seed, round(1000 * share)]).binomial(N, share))
    write_json(out / "kept.json", {"hits": hits, "calls": calls(out) + 1})


def calls(folder: Path) -> int:
    path = folder / "kept.json"
    return int(read_json(path)["calls"]) if path.is_file() else 0


COMMANDS = {"begin": begin, "count": count}


def hits(made: Made) -> Figure | None:
    if "count" not in made:
        return None
    found = int(read_json(made["count"] / "kept.json")["hits"])
    return Figure(
        measure="", statistic="", split="", value=found / N, count=found, n=N, chance=0.25
    )


def only_first(made: Made) -> Figure | None:
    return hits(made) if made.of == "first" else None


def arms_of(shares: dict[str, float], setting: Setting, seed: int) -> Iterator[Arm]:
    begun = stage("begin", setting.data, seed=seed)
    for place, (name, share) in enumerate(shares.items()):
        made = {"count": stage("count", begun, share=share, seed=seed)}
        yield Arm(name, made, place, of=name)
