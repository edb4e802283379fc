"""A plain loop whose numbers go into a tracker of accelerate, and back out of its files.

    python tracked.py NAME MARKED OUT

A program of its own, since trackers read the environment when they are imported, and start what
ends with it. Writes the numbers of the looks, those that the files of the tracker hold, and the
hosts that were asked for into a file.
"""

import json
import os
import sqlite3
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Numbers = dict[str, dict[int, float]]
"""By name and step."""

PROJECT = "watched"
SAID = "said.json"
BLOCK, HEAD = 1 << 15, 7

QUIET = {
    "tensorboard": {},
    "wandb": {"WANDB_MODE": "offline", "WANDB_SILENT": "true"},
    "mlflow": {
        "MLFLOW_TRACKING_URI": "file:mlruns",
        "MLFLOW_ALLOW_FILE_STORE": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    },
    "trackio": {"TRACKIO_DIR": "trackio"},
}
"""What keeps each on this machine, said before it is imported."""


def main(name: str, marked: Path, out: Path) -> None:
    os.environ.update(QUIET[name])
    os.chdir(out)
    asked: list[str] = []

    def note(event: str, words: tuple[Any, ...]) -> None:
        if event in ("socket.getaddrinfo", "socket.gethostbyname"):
            asked.append(str(words[0]))
        if event in ("socket.connect", "socket.sendto") and isinstance(words[1], tuple):
            asked.append(str(words[1]))  # An address of the network; a path is of this machine.

    sys.addaudithook(note)
    import loops
    import torch
    from accelerate import Accelerator

    import solidmark

    torch.set_num_threads(1)
    accelerator = Accelerator(cpu=True, log_with=name, project_dir=str(out))
    accelerator.init_trackers(PROJECT, config={"learning_rate": 1e-3})
    watch = solidmark.Watch(
        marked, out / "looked", every=2, log=accelerator, limit=4, device="cpu", page=False
    )
    loops.train(
        marked, 4, lambda step, unet, scheduler: watch(step, network=unet, scheduler=scheduler)
    )
    accelerator.end_training()
    given: Numbers = {}
    for look in watch.looks:
        for key, value in look.logged.items():
            given.setdefault(key, {})[look.step] = value
    said = {"given": given, "kept": READ[name](out), "asked": asked}
    (out / SAID).write_text(json.dumps(said))


def of_tensorboard(out: Path) -> Numbers:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(out / PROJECT))
    events.Reload()
    return {
        key: {one.step: one.value for one in events.Scalars(key)}
        for key in events.Tags()["scalars"]
    }


def of_wandb(out: Path) -> Numbers:
    from wandb.proto.wandb_internal_pb2 import Record

    found: Numbers = {}
    (path,) = (out / "wandb").glob("offline-run-*/*.wandb")
    for data in _records(path.read_bytes()):
        record = Record()
        record.ParseFromString(data)
        for item in record.history.item:
            key = ".".join(item.nested_key) or item.key
            if not key.startswith("_"):
                found.setdefault(key, {})[record.history.step.num] = json.loads(item.value_json)
    return found


def _records(data: bytes) -> Iterator[bytes]:
    """The records of a log of LevelDB, after 7 bytes that say whose it is: in blocks of 32 KiB,
    each piece with its checksum, length, and whether it is whole, a first, middle or last one.
    """
    place, whole = 7, b""
    while place < len(data):
        left = -place % BLOCK
        if 0 < left < HEAD:
            place += left
            continue
        length, kind = struct.unpack_from("<HB", data, place + 4)
        whole += data[place + HEAD : place + HEAD + length]
        place += HEAD + length
        if kind in (1, 4):
            yield whole
            whole = b""


def of_mlflow(out: Path) -> Numbers:
    from mlflow import MlflowClient

    client = MlflowClient()
    (experiment,) = (one for one in client.search_experiments() if one.name == PROJECT)
    (run,) = client.search_runs([experiment.experiment_id])
    return {
        key: {one.step: one.value for one in client.get_metric_history(run.info.run_id, key)}
        for key in run.data.metrics
    }


def of_trackio(out: Path) -> Numbers:
    found: Numbers = {}
    with sqlite3.connect(out / "trackio" / f"{PROJECT}.db") as base:
        for step, metrics in base.execute("SELECT step, metrics FROM metrics"):
            for key, value in json.loads(metrics).items():
                found.setdefault(key, {})[step] = value
    return found


READ: dict[str, Callable[[Path], Numbers]] = {
    "tensorboard": of_tensorboard,
    "wandb": of_wandb,
    "mlflow": of_mlflow,
    "trackio": of_trackio,
}

if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
