"""One audit by every engine: seconds, identical rows, a node that is lost.

    OMP_NUM_THREADS=1 python benchmarks/engines.py OUT > benchmarks/engines.md
    OMP_NUM_THREADS=1 python benchmarks/engines.py OUT --wait >> benchmarks/engines.md

An untrained network of pixels is asked about marked digits. Each engine writes a folder of its own,
whose files are compared byte for byte with those of one process. The nodes of Ray are on this
machine (`ray.cluster_utils`), a processor each; one of them is killed without grace. Since they
share its processors, `--wait` has batches that only wait: what an engine itself takes.
"""

import argparse
import hashlib
import importlib.metadata
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

IMAGES, SIDE, BATCH, STEPS = 192, 28, 8, 8
WAITS, SECONDS = 90, 1.0
STORE = 100 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--wait", action="store_true", help="Batches that wait, and no audit.")
    parser.add_argument("--only", choices=["observe", "wait"], help="As it is called by this.")
    parser.add_argument("--nodes", type=int, default=0, help="A cluster of so many nodes.")
    parser.add_argument("--lose", action="store_true", help="One of them is killed on the way.")
    asked = parser.parse_args()
    if asked.only:
        return by_nodes(asked) if asked.nodes else wait(asked.out)
    asked.out.mkdir(parents=True, exist_ok=True)
    world = asked.out / "world"
    if not asked.wait and not world.exists():
        make(world)
    engines = WAITING if asked.wait else OBSERVING
    lines = [line for run in range(asked.runs) for line in one_run(asked.out, engines, run)]
    lines.sort(key=lambda line: [*engines].index(line.split("|")[1].strip()))
    sys.stdout.write("\n".join([*head(asked.wait), *lines]) + "\n")
    return None


def one_run(folder: Path, engines: Mapping[str, Sequence[str]], run: int) -> Iterator[str]:
    """A line an engine, in the order of the table."""
    alone, first = 0.0, ""
    for name, words in engines.items():
        out = folder / f"{run}-{name.replace(' ', '-').replace(',', '')}"
        started, load = time.monotonic(), os.getloadavg()[0]
        command = [word.format(out=out, world=folder / "world") for word in words]
        done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        whole = time.monotonic() - started
        asking, found = asking_of(out), digest(out)
        alone, first = alone or asking, first or found
        same = "the same" if found == first else "OTHERS"
        yield (
            f"| {name} | {run + 1} | {load:.1f} | {whole:.0f} | {asking:.0f} | "
            f"{alone / asking:.2f} | {same} |"
        )


OBSERVE = (
    *("observe", "{world}/model", "{world}/marked", "{out}", "--reader", "outpaint"),
    *("--outpaint-steps", f"{STEPS}", "--batch-size", f"{BATCH}", "--device", "cpu"),
)
MINE = "benchmarks/engines.py"
LAUNCH = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node")


def engines_of(what: str, alone: Sequence[str], counts: Sequence[int]) -> dict[str, Sequence[str]]:
    """The command lines of Python, by the name of the engine."""
    nodes = (MINE, "{out}", "--only", what, "--nodes")
    return {
        "serial": alone,
        **{f"torchrun, {n}": (*LAUNCH, f"{n}", *alone) for n in counts},
        "ray, 1 node": (*nodes, "1"),
        "ray, 3 nodes": (*nodes, "3"),
        "ray, 3 nodes, 1 lost": (*nodes, "3", "--lose"),
    }


OBSERVING = engines_of("observe", ("-m", "solidmark", *OBSERVE), (1, 2, 4))
WAITING = engines_of("wait", (MINE, "{out}", "--only", "wait"), (2, 4))


def head(waits: bool) -> list[str]:
    versions = ", ".join(f"{n} {importlib.metadata.version(n)}" for n in ("torch", "ray"))
    here = f"{os.cpu_count()} processors, Python {platform.python_version()}, {versions}."
    columns = "| engine | run | load before | whole command, s | asking, s | against serial |"
    audit = (
        f"`OMP_NUM_THREADS=1 python benchmarks/engines.py OUT`. {IMAGES} marked digits of {SIDE} "
        f"pixels, reader outpaint of {STEPS} steps, an untrained network, batches of {BATCH}; "
        f"{here}"
    )
    each = f"{WAITS} batches that wait {SECONDS:g} s each, as for a GPU"
    waiting = f"The same with `--wait`: {each}; {here}"
    return [
        *(("",) if waits else ("# Engines", "")),
        waiting if waits else audit,
        "",
        f"{columns} {'rows' if waits else 'evidence and pictures'} |",
        "|---|---|---|---|---|---|---|",
    ]


def make(world: Path) -> None:
    import torch
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    from solidmark.data import open_data
    from solidmark.marks import Border, Marking, mark_dataset

    data = open_data("digits", resolution=SIDE, limit=IMAGES)
    marking = Marking(Border(2), seed=0, held_out=0.5)
    mark_dataset(data, world / "marked", marking, {"count": IMAGES})
    torch.manual_seed(0)
    unet = UNet2DModel(
        *(SIDE + 4, 1, 1),
        block_out_channels=(32, 64, 64),
        down_block_types=("DownBlock2D",) * 3,
        up_block_types=("UpBlock2D",) * 3,
        norm_num_groups=8,
    )
    DDPMPipeline(unet, DDPMScheduler()).save_pretrained(world / "model")


@dataclass(frozen=True)
class Waits:
    """Work that takes time, and no processor."""

    def open(self, folder: Path, room: Any) -> Any:
        return waited


def waited(batch: Sequence[int]) -> dict[str, Any]:
    time.sleep(SECONDS)
    return {f"{number:03d}": {"square": number**2} for number in batch}


def wait(out: Path) -> None:
    from solidmark.runs import Processes, Room, open_run, work_through, write_json

    run = open_run(out, "wait", {})
    batches = [[number] for number in range(WAITS)]
    rows = work_through(
        run, "waiting", batches, lambda n: f"{n:03d}", waited, Room(1, "cpu"), away=Waits()
    )
    write_json(out / "evidence.parquet", {n: row for n, row in rows.items() if "square" in row})
    Processes.here().leave()


def by_nodes(asked: argparse.Namespace) -> None:
    """Does the work on a cluster of this machine."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    import torch
    from ray.cluster_utils import Cluster as Nodes

    from solidmark.measures.audit import Question, observe
    from solidmark.readers import Outpaint
    from solidmark.runs import Answer, Job, using
    from solidmark.runs.cluster import Cluster

    torch.set_num_threads(1)
    one = {"num_cpus": 1, "object_store_memory": STORE}
    nodes = Nodes(initialize_head=True, head_node_args={**one, "include_dashboard": False})
    others = [nodes.add_node(**one) for _ in range(asked.nodes - 1)]

    @dataclass(frozen=True)
    class Losing(Cluster):
        def hand_out(
            self, batches: Mapping[int, Sequence[Any]], job: Job[Any]
        ) -> Iterator[tuple[int, Answer | None]]:
            for count, answer in enumerate(super().hand_out(batches, job), 1):
                yield answer
                if asked.lose and count == len(batches) // 4:
                    nodes.remove_node(others.pop(), allow_graceful=False)

    world = asked.out.parent / "world"
    try:
        with using(Losing(nodes.address)):
            if asked.only == "wait":
                wait(asked.out)
            else:
                model, readers = str(world / "model"), (Outpaint(steps=STEPS),)
                observe(Question(model, world / "marked", asked.out, readers, batch_size=BATCH))
    finally:
        ray.shutdown()
        nodes.shutdown()


def asking_of(out: Path) -> float:
    """Seconds from the first row on memory of a run, when asking begins, to its evidence."""
    from solidmark.runs import Ledger

    begun = min(int(n.split()[-1]) for n in Ledger(out / "ledger").rows() if n.startswith("memory"))
    return (out / "evidence.parquet").stat().st_mtime - begun / 1e9


def digest(out: Path) -> str:
    state = hashlib.sha256()
    for path in sorted([out / "evidence.parquet", *out.rglob("*.png")]):
        state.update(path.relative_to(out).as_posix().encode() + path.read_bytes())
    return state.hexdigest()


if __name__ == "__main__":
    main()
