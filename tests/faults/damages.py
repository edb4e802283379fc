"""Flips a byte of a file, or cuts it off: of a finished run, and of one that was killed."""

import random
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

from .trying import Answer, Bench, Started, last, look

DAMAGES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "a byte": lambda data, chance: flipped(data, chance),
    "cut off": lambda data, chance: data[: chance.randrange(len(data))],
}
Reader = tuple[str, str | None]
TRIES = 5
"""So often a run is killed, at most, until it has left something behind."""


def flipped(data: bytes, chance: random.Random, part: int = 0, parts: int = 1) -> bytes:
    """The same with one bit of it turned over, in one of so many parts of equal length."""
    first, end = (len(data) * edge // parts for edge in (part, part + 1))
    place = first + chance.randrange(max(1, end - first))
    return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]


def finished(bench: Bench, count: int, chance: random.Random) -> Iterator[tuple[str, str, str]]:
    """Damages a file of a finished run; then runs the line again, or what reads the folder.

    Arguments:
        bench: The stage.
        count: How many damages; the kinds of files take turns.
        chance: Draws files, places and what is run.

    Yields:
        The file and what was done to it, the outcome, and what there is to say of it.
    """
    out = bench.here / str(bench.stage.out)
    bench.restore("after")
    paths = kinds(out, chance)
    chance.shuffle(paths)
    whole: dict[Reader, tuple[Answer, dict[str, bytes], set[str]]] = {}
    for number in range(count):
        path = paths[number % len(paths)]
        own = path.relative_to(out).as_posix()
        title = chance.choice([*DAMAGES])
        reader = chance.choice([None, *bench.stage.readers])
        if reader and reader not in whole:
            whole[reader] = _undamaged(bench, reader)
        bench.restore("after")
        path.write_bytes(DAMAGES[title](path.read_bytes(), chance))
        if reader is None:
            outcome, said = bench.outcome(bench.run())
            if said == own:
                outcome, said = "left as it was", ""
            yield f"{own}, {title}, the same command", outcome, said
        else:
            outcome, said = _judged(_read(bench, reader), whole[reader], own)
            yield f"{own}, {title}, {reader[0].split()[0]}", outcome, said


VOUCHED = (
    *("manifest.json", "results.json", "evidence.parquet", "scores.parquet", "calibration.json"),
    *("keys.parquet", "files.json", "knowing.json", "look.json", "named.csv", "control.json"),
)
"""Files that a verdict or the keys stand in, or follow from."""


def regions(bench: Bench, count: int, chance: random.Random) -> Iterator[tuple[str, str, str]]:
    """Turns over a bit in each part of each file that decides, and has the folder read.

    Arguments:
        bench: The stage.
        count: How many parts of equal length a file has.
        chance: Draws the bits, and which command reads the folder.
    """
    out = bench.here / str(bench.stage.out)
    bench.restore("after")
    paths = [path for path in sorted(out.rglob("*")) if path.name in VOUCHED]
    whole = {reader: _undamaged(bench, reader) for reader in bench.stage.readers}
    for path in paths:
        for part in range(count):
            reader = chance.choice([*bench.stage.readers])
            bench.restore("after")
            path.write_bytes(flipped(path.read_bytes(), chance, part, count))
            own = path.relative_to(out).as_posix()
            outcome, said = _judged(_read(bench, reader), whole[reader], own)
            yield f"{own}, part {part + 1}, {reader[0].split()[0]}", outcome, said


def killed(bench: Bench, count: int, chance: random.Random) -> Iterator[tuple[str, str, str]]:
    """Damages a file of a run that was killed, and runs the line again.

    Arguments:
        bench: The stage.
        count: How many damages.
        chance: Draws moments, files and places.
    """
    out = bench.here / str(bench.stage.out)
    for _ in range(count):
        for _ in range(TRIES):
            bench.restore("before")
            started = Started(bench.stage.line, bench.here)
            there = started.strike(chance.uniform(0.4, 0.95) * bench.answer.seconds, signal.SIGKILL)
            started.end()
            paths = kinds(out, chance) if out.is_dir() else []
            if there and paths:
                break
        else:
            return
        ledgers = [path for path in paths if ".sqlite" in path.name]
        path = chance.choice(ledgers if ledgers and chance.random() < 0.7 else paths)
        title = chance.choice([*DAMAGES])
        path.write_bytes(DAMAGES[title](path.read_bytes(), chance))
        yield f"{path.relative_to(out)}, {title}", *bench.outcome(bench.run())


def kinds(folder: Path, chance: random.Random) -> list[Path]:
    """One file of each kind: those whose names differ in numbers only are of one."""
    found: dict[tuple[str, str], list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.stat().st_size and path.name != ".lock":
            name = path.suffix if path.suffix in (".png", ".svg", ".csv") else path.name
            parent = re.sub(r"\d+", "", path.parent.relative_to(folder).as_posix())
            found.setdefault((parent, re.sub(r"\d+", "", name)), []).append(path)
    return [chance.choice(paths) for paths in found.values()]


def _undamaged(bench: Bench, reader: Reader) -> tuple[Answer, dict[str, bytes], set[str]]:
    """What a reader says and writes of the whole folder, and which files differ every time."""
    bench.restore("after")
    answer, files = _read(bench, reader)
    bench.restore("after")
    again = _read(bench, reader)[1]
    return answer, files, {name for name in files if files[name] != again.get(name)}


def _read(bench: Bench, reader: Reader) -> tuple[Answer, dict[str, bytes]]:
    """What a reader says and writes."""
    line, into = reader
    if into and into != bench.stage.out:
        shutil.rmtree(bench.here / into, ignore_errors=True)
    return bench.run(line), look(bench.here / into) if into else {}


def _judged(
    read: tuple[Answer, dict[str, bytes]],
    whole: tuple[Answer, dict[str, bytes], set[str]],
    own: str,
) -> tuple[str, str]:
    """How a reader took the damage of a file."""
    (answer, found), (expected, files, loud) = read, whole
    if answer.fell:
        return "traceback", last(answer)
    if answer.code == 2:
        line = answer.refusal
        return ("refused", line) if line else ("unclear", answer.err)
    names = (found.keys() | files.keys()) - loud - {own}
    differing = sorted(name for name in names if found.get(name) != files.get(name))
    if answer.out != expected.out:
        differing.append("what is printed")
    return ("differs", ", ".join(differing)) if differing else ("same", "")
