"""Models whose answers are no numbers: all of them, or those to the images of one caption."""

import json
import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from .trying import SPEECHLESS, Answer, Started, last, look

GROUP = {SPEECHLESS: "1"}


def not_numbers(here: Path, lines: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """Asks a model whose every answer is no number."""
    for line in lines:
        answer = Started(line, here).end()
        if answer.fell:
            yield line.split()[0], "traceback", last(answer)
        elif answer.code == 2:
            yield line.split()[0], "refused" if answer.refusal else "unclear", answer.err
        else:
            said = "failed" in answer.out.lower() or "not finite" in answer.out
            yield line.split()[0], "said" if said else "not said", answer.out


def some_not_numbers(here: Path, lines: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Asks a model that has no numbers for the images of one caption.

    They are to be counted as failed, the others to be as if they had stood alone, and a killed run
    to come to the same.

    Arguments:
        here: A world.
        lines: The command lines, with the table whose rows of other images stay as they are; empty
            where rows are read against those of all images.
    """
    chance = random.Random(0)
    for line, table in lines.items():
        name, out = line.split()[0], here / line.split()[3]
        shutil.rmtree(out, ignore_errors=True)
        spoken = Started(line, here).end()
        whole = rows(out / table) if table else {}
        shutil.rmtree(out)
        answer = Started(line, here, environment=GROUP).end()
        if answer.code != 0 or spoken.code != 0:
            yield name, "traceback" if answer.fell else "refused", last(answer)
            continue
        yield name, *told(out, whole, table)
        found = look(out)
        shutil.rmtree(out)
        killed = Started(line, here, environment=GROUP)
        killed.strike(chance.uniform(0.2, 0.9) * answer.seconds, signal.SIGKILL)
        killed.end()
        yield name, *resumed(Started(line, here, environment=GROUP).end(), found, look(out))


def told(out: Path, whole: dict[Any, Any], table: str) -> tuple[str, str]:
    """Whether a run says how many images failed, and has spoiled no other."""
    results = out / "results.json"
    if results.is_file() and not json.loads(results.read_bytes())["failed"]:
        return "not said", "no image failed"
    found = rows(out / table) if table else {}
    good = {one: row for one, row in found.items() if row["status"] not in ("failed", "excluded")}
    spoiled = [one for one, row in good.items() if row != whole[one]]
    if table and (not good or len(good) == len(found)):
        return "differs", f"{len(good)} of {len(found)} rows are whole"
    return ("differs", f"{spoiled}") if spoiled else ("said", "")


def resumed(answer: Answer, found: dict[str, bytes], again: dict[str, bytes]) -> tuple[str, str]:
    """Whether a killed run has come to the same."""
    if answer.code:
        return "traceback" if answer.fell else "unclear", last(answer)
    names = sorted(found.keys() | again.keys())
    differing = [one for one in names if found.get(one) != again.get(one)]
    return ("differs", ", ".join(differing)) if differing else ("same", "")


def rows(path: Path) -> dict[Any, Any]:
    """The rows of a table by what they are of; the place in a ranking is of all images."""
    ranked = ("triage_rank", "triage_value")
    return {
        tuple(row.get(one) for one in ("signal", "split", "id", "repeat")): {
            name: value for name, value in row.items() if name not in ranked
        }
        for row in pq.read_table(path).to_pylist()
    }
