"""`cliques`: extraction without keys and without the training set.

A model that has memorized an image gives it back again and again: among many generations of its
prompt there are some that are as good as equal. So for each prompt, two generations are joined
where they are close, and the largest clique is looked for. A clique of ten or more is suspicious;
the closer its members, the more so.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from solidmark.data import identity_of, inventories
from solidmark.embed import Cache
from solidmark.errors import BadInput
from solidmark.measures.copies.clique import largest_clique
from solidmark.measures.copies.cliquetable import Chance, write_cliques
from solidmark.measures.copies.draws import LEFT_OUT, Calibration, Draws
from solidmark.measures.copies.extraction import THRESHOLD, Extraction
from solidmark.measures.copies.freeing import freed_if_impossible
from solidmark.measures.copies.pairwise import distances_among
from solidmark.measures.copies.prompts import Prompted
from solidmark.measures.nearest.distances import Distance
from solidmark.measures.nearest.gathering import Gathered, Rows, gather
from solidmark.randomness import digest
from solidmark.runs import (
    Processes,
    Room,
    Run,
    check_device,
    open_run,
    peak_memory_bytes,
    work_through,
)

PRODUCTS = ("cliques.parquet", "results.json", "pictures")
"""What a finished run is whole with."""

_BATCH = 4
"""Units whose rows are committed together."""


@dataclass(frozen=True)
class _Task:
    """Everything that one clique depends on, but the threshold."""

    asked: Extraction
    distance: Distance
    rows: Rows
    prompts: Sequence[NDArray[np.int64]]
    """The rows of each prompt; images that cannot be compared have none."""

    @cached_property
    def every(self) -> NDArray[np.int64]:
        """The rows of all prompts, as `draws` numbers them."""
        return np.concatenate(self.prompts)

    @cached_property
    def draws(self) -> Draws:
        numbers = np.arange(len(self.prompts))
        return Draws(np.repeat(numbers, [len(rows) for rows in self.prompts]), self.asked.seed)

    @cached_property
    def comparable(self) -> dict[int, float]:
        """How many generations prompts have, where a draw of as many is a fair comparison.

        With each the share of pairs that such a draw has to leave out.
        """
        sizes = sorted({len(rows) for rows in self.prompts} - {0, 1})
        shares = {size: self.draws.share_left_out(size) for size in sizes}
        return {size: share for size, share in shares.items() if share <= LEFT_OUT}

    def among(self, rows: Int[NDArray[np.int64], " n"]) -> NDArray[np.float64]:
        return distances_among(self.distance, self.rows.matrix, rows, self.asked.device)


def cliques(asked: Extraction) -> Run:
    """Finds prompts whose generations come back again and again.

    The same call goes on after a kill; several processes of one launch share the work.

    Arguments:
        asked: The generations, and how they are compared.

    Returns:
        The run, with `cliques.parquet`, `results.json` and the pictures of the page.

    Raises:
        NotFound: When there are no such images.
        BadInput: When no prompt has enough generations, sizes differ, or a calibration needs more
            pairs than there are.

    References:
        Carlini et al., "Extracting training data from diffusion models", 2023, section 4.2.
    """
    check_device(asked.device)
    distance = asked.open_distance()
    prompted = asked.open_generated()
    _check_counts(asked, prompted)
    run = open_run(asked.out, "cliques", asked.to_json(), _fingerprints(prompted, distance))
    if run.finished:
        return run
    work = asked.out / "work"
    room = Room(_BATCH, asked.device)
    with freed_if_impossible(run):
        gathered, task = _gathered(asked, distance, prompted, work)
        threshold, pairs = _threshold(run, task, room)
    found = _rows(
        run, "looking for cliques", "prompt", len(task.prompts), room, _clique_of(task, threshold)
    )
    count = asked.repeats if task.comparable else 0
    drawn = _rows(run, "drawing chance", "draw", count, room, _clique_sizes(task, threshold))
    if Processes.here().is_main:
        chance = Chance(drawn, task.comparable)
        write_cliques(run, asked, prompted, gathered, distance, found, chance, (threshold, pairs))
        shutil.rmtree(work)
        run.finish(
            *PRODUCTS,
            peak_memory_bytes=peak_memory_bytes(asked.device),
            inventory=inventories(generated=prompted.data),
        )
    Processes.here().wait()
    return run


def _check_counts(asked: Extraction, prompted: Prompted) -> None:
    most = max(len(prompt.numbers) for prompt in prompted.prompts)
    if most < asked.least:
        raise BadInput(
            f"No prompt has more than {most} generations, so no clique has {asked.least} members. "
            f"Draw more of each, or use --least {max(2, most // 2)}."
        )


def _fingerprints(prompted: Prompted, distance: Distance) -> dict[str, str]:
    """The ids and prompts of the images, and the weights of an embedder."""
    words = [f"{prompt.id} {prompt.numbers}" for prompt in prompted.prompts]
    found = {"generated": digest(0, "ids", identity_of(prompted.data), *words).hex()[:16]}
    weights = distance.card().get("weights")
    return found | ({distance.name: weights} if weights else {})


def _gathered(
    asked: Extraction, distance: Distance, prompted: Prompted, work: Path
) -> tuple[Gathered, _Task]:
    """Looks at all images, and finds the rows of each prompt."""
    tiles = asked.tiles if distance.parts > 1 else 1
    by_pixels = distance.space.startswith("pixels")
    gathered = gather(
        "generated", prompted.data, work / "generated", tiles=tiles if by_pixels else None
    )
    cache = Cache() if asked.cache is None else Cache(asked.cache)
    rows = distance.rows(gathered, work / "rows", cache)
    place = {int(number): row for row, number in enumerate(rows.number)}
    prompts = [
        np.array([place[n] for n in prompt.numbers if n in place], dtype=np.int64)
        for prompt in prompted.prompts
    ]
    return gathered, _Task(asked, distance, rows, prompts)


def _threshold(run: Run, task: _Task, room: Room) -> tuple[float, int | None]:
    """The threshold, and on how many pairs it was calibrated."""
    asked = task.asked
    if not asked.calibrate:
        return (THRESHOLD if asked.threshold is None else asked.threshold), None
    calibration = Calibration(task.draws, asked.fpr)

    def closest(number: int) -> dict[str, Any]:
        rows = calibration.rows(number)
        smallest, pairs = calibration.kept(task.among(task.every[rows]), rows)
        return {"smallest": smallest, "pairs": pairs}

    found = _rows(run, "calibrating", "calibration", calibration.count, room, closest)
    pairs = sum(row["pairs"] for row in found)
    smallest = [value for row in found for value in row["smallest"]]
    threshold = calibration.threshold(smallest, pairs)
    if threshold <= 0:
        raise BadInput(
            f"More than {asked.fpr:g} of the pairs of generations of different prompts are equal "
            "pictures, so no threshold lets through so few. Use a larger --fpr, or --threshold."
        )
    return threshold, pairs


def _clique_of(task: _Task, threshold: float) -> Callable[[int], dict[str, Any]]:
    def clique_of(number: int) -> dict[str, Any]:
        """The largest clique among the generations of a prompt."""
        rows = task.prompts[number]
        among = task.among(rows)
        close = among <= threshold
        clique = largest_clique(close)
        members = np.array(clique.members, dtype=np.int64)
        inside = among[np.ix_(members, members)][np.triu_indices(len(members), 1)]
        return {
            "n": len(rows),
            "members": task.rows.number[rows[members]].tolist(),
            "is_largest": clique.is_largest,
            "edges": int(np.triu(close, 1).sum()),
            "mean_distance": float(inside.mean()) if len(inside) else None,
        }

    return clique_of


def _clique_sizes(task: _Task, threshold: float) -> Callable[[int], dict[str, Any]]:
    def clique_sizes(number: int) -> dict[str, Any]:
        """The largest clique among generations of different prompts, for each number of them."""
        rows = task.draws.rows("chance", number, max(task.comparable))
        close = (task.among(task.every[rows]) <= threshold) & task.draws.apart(rows)
        return {
            str(size): len(largest_clique(close[:size, :size]).members) for size in task.comparable
        }

    return clique_sizes


def _rows(
    run: Run,
    title: str,
    kind: str,
    count: int,
    room: Room,
    work: Callable[[int], Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Does some units of work that no process has done yet; gives the rows of all of them."""

    def name(number: int) -> str:
        return f"{kind} {number:06d}"

    def do(batch: Sequence[int]) -> dict[str, Any]:
        return {name(number): work(number) for number in batch}

    batches = [range(count)[first : first + _BATCH] for first in range(0, count, _BATCH)]
    rows = work_through(run, title, batches, name, do, room)
    return [rows[name(number)] for number in range(count)]
