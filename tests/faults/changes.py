"""What a run reads is changed while it is killed; clocks jump; one of several processes is lost."""

import os
import random
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import torch
from PIL import Image, ImageOps
from rounding import TRAINED
from safetensors.torch import load_file

from .trying import CLOCK, Bench, Started, last

WEIGHTS = "model/unet/diffusion_pytorch_model.safetensors"
ROUNDED = {"files.json", "loss.csv", "loss.svg", "manifest.json", WEIGHTS}
"""What the steps of two processes round otherwise than those of one."""

LATE = 4_000_000_000
"""A moment of the year 2096: what is written then is newer than all that comes after."""


def inputs(bench: Bench) -> list[Path]:
    """The pictures in the folders that a line names, but for its own."""
    names = {word for word in bench.stage.line.split()[1:] if word != bench.stage.out}
    folders = [bench.here / name for name in sorted(names) if (bench.here / name).is_dir()]
    return [path for folder in folders for path in sorted(folder.rglob("*.png"))]


def changed(bench: Bench, count: int, chance: random.Random) -> Iterator[tuple[str, str, str]]:
    """Kills a stage, changes one of the pictures that it reads, and gives the same command again.

    It is to refuse, or to come to what it would have come to from the start: rows of two data sets
    must never stand in one table.

    Arguments:
        bench: The stage.
        count: How often.
        chance: Draws moments and pictures.
    """
    paths = inputs(bench)
    undisturbed = {**bench.files, **dict.fromkeys(bench.loud)}
    for _ in range(count if paths else 0):
        path = chance.choice(paths)
        kept = path.read_bytes()
        bench.restore("before")
        started = Started(bench.stage.line, bench.here)
        there = started.strike(chance.uniform(0.2, 0.9) * bench.answer.seconds, signal.SIGKILL)
        started.end()
        with Image.open(path) as picture:
            ImageOps.invert(picture.convert("L")).save(path)
        again = bench.run()
        found = bench.look()
        bench.restore("before")
        anew = bench.run()
        expected = bench.look()
        path.write_bytes(kept)
        what = "killed, one picture changed" if there else "late, one picture changed"
        if again.fell:
            yield what, "traceback", last(again)
        elif again.code == 2:
            yield what, "refused" if again.refusal else "unclear", again.err
        elif again.code == 0 and undisturbed == {**found, **dict.fromkeys(bench.loud)}:
            yield what, "left as it was", ""  # It was read before.
        elif again.code != anew.code:
            yield what, "differs", f"exit code {again.code}, from the start {anew.code}"
        else:
            names = (found.keys() | expected.keys()) - bench.loud
            differing = [name for name in sorted(names) if found.get(name) != expected.get(name)]
            yield what, "differs" if differing else "as anew", ", ".join(differing)


def jumping(bench: Bench, count: int, chance: random.Random) -> Iterator[tuple[str, str, str]]:
    """Kills a stage and goes on with it, while clocks jump and files are of another century."""
    for _ in range(count):
        bench.restore("before")
        for path in inputs(bench):
            os.utime(path, (LATE, LATE))
        around = {CLOCK: str(chance.random())}
        started = Started(bench.stage.line, bench.here, environment=around)
        started.strike(chance.uniform(0, bench.answer.seconds), signal.SIGKILL)
        started.end()
        for path in bench.here.rglob("*"):
            if path.is_file():
                os.utime(path, (0, 0), follow_symlinks=False)
        again = Started(bench.stage.line, bench.here, environment={CLOCK: str(chance.random())})
        yield "clocks jump", *bench.outcome(again.end())


def lost(bench: Bench, count: int, chance: random.Random) -> Iterator[tuple[str, str, str]]:
    """Starts two processes of one launch, kills one, ends the other as a launcher does, and gives
    the command to one process alone."""
    for _ in range(count):
        bench.restore("before")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        shared = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "ACCELERATE_USE_CPU": "1"}
        shared |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": f"{port}"}
        pair = [
            Started(
                bench.stage.line,
                bench.here,
                f" {rank}",
                {**shared, "RANK": f"{rank}", "LOCAL_RANK": f"{rank}"},
            )
            for rank in range(2)
        ]
        number = chance.randrange(2)
        pair[number].strike(chance.uniform(0.3, 1.5) * bench.answer.seconds, signal.SIGKILL)
        pair[1 - number].strike(0.2, signal.SIGTERM)
        for one in pair:
            one.end()
        outcome, said = bench.outcome(bench.run())
        if outcome == "differs" and set(said.split(", ")) <= ROUNDED and _are_near(bench):
            outcome, said = "same but for rounding", ""
        yield f"process {number} of 2 lost", outcome, said


def _are_near(bench: Bench) -> bool:
    """Whether the weights are those of one process, up to the rounding of steps of two."""
    out = str(bench.stage.out)
    one, other = (load_file(place / WEIGHTS) for place in (bench.kept / "after", bench.here / out))
    return one.keys() == other.keys() and all(
        torch.allclose(other[name], weight, **TRAINED) for name, weight in one.items()
    )
