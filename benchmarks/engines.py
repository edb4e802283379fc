"""One audit by every engine: seconds, identical rows, a node that is lost.

    OMP_NUM_THREADS=1 python benchmarks/engines.py OUT > benchmarks/engines.md

An untrained network of pixels is asked about marked digits. Each engine writes a folder of its own,
whose files are compared byte for byte with those of one process. The nodes of Ray are on this
machine (`ray.cluster_utils`), a processor each; one of them is killed without grace.
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
STORE = 100 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--nodes", type=int, help="Only this: a cluster of so many nodes.")
    parser.add_argument("--lose", action="store_true", help="One of them is killed in the middle.")
    parser.add_argument("--runs", type=int, default=2)
    asked = parser.parse_args()
    if asked.nodes:
        return by_nodes(asked.out, asked.nodes, asked.lose)
    world = asked.out / "world"
    if not world.exists():
        make(world)
    lines = []
    for run in range(asked.runs):
        times: dict[str, tuple[float, float, float, str]] = {}
        for name, words in ENGINES.items():
            out = asked.out / f"{run}-{name.replace(' ', '-').replace(',', '')}"
            started, load = time.monotonic(), os.getloadavg()[0]
            command = [word.format(out=out, world=world) for word in words]
            done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            asking = float(done.stdout.split()[-1]) if "--nodes" in words else asking_of(out)
            times[name] = load, time.monotonic() - started, asking, digest(out)
        *_, alone, first = times["serial"]
        for name, (load, seconds, asking, found) in times.items():
            lines.append(
                f"| {name} | {run + 1} | {load:.1f} | {seconds:.0f} | {asking:.0f} | "
                f"{alone / asking:.2f} | "
                f"{'the same bytes' if found == first else 'OTHER ROWS'} |"
            )
    sys.stdout.write("\n".join([*head(), *sorted(lines, key=order)]) + "\n")
    return None


OBSERVE = (
    *("observe", "{world}/model", "{world}/marked", "{out}", "--reader", "outpaint"),
    *("--outpaint-steps", f"{STEPS}", "--batch-size", f"{BATCH}", "--device", "cpu"),
)
MINE = "benchmarks/engines.py"
ENGINES = {
    "serial": ("-m", "solidmark", *OBSERVE),
    **{
        f"torchrun, {n} processes": (
            *("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", f"{n}"),
            *("-m", "solidmark", *OBSERVE),
        )
        for n in (1, 2, 4)
    },
    "ray, 1 node": (MINE, "{out}", "--nodes", "1"),
    "ray, 3 nodes": (MINE, "{out}", "--nodes", "3"),
    "ray, 3 nodes, 1 lost": (MINE, "{out}", "--nodes", "3", "--lose"),
}


def order(line: str) -> tuple[int, str]:
    name = line.split("|")[1].strip()
    return [*ENGINES].index(name), line


def head() -> list[str]:
    versions = ", ".join(f"{n} {importlib.metadata.version(n)}" for n in ("torch", "ray"))
    return [
        "# Engines",
        "",
        f"`OMP_NUM_THREADS=1 python benchmarks/engines.py OUT`. {IMAGES} marked digits of {SIDE} "
        f"pixels, reader outpaint of {STEPS} steps, an untrained network, batches of {BATCH}; "
        f"{os.cpu_count()} processors, Python {platform.python_version()}, {versions}.",
        "",
        "| engine | run | load before | whole command, s | asking, s | against serial | "
        "evidence and pictures |",
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


def by_nodes(out: Path, count: int, lose: bool) -> None:
    """Observes on a cluster of this machine, and says how long the asking took."""
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
    others = [nodes.add_node(**one) for _ in range(count - 1)]
    batches = IMAGES // BATCH

    @dataclass(frozen=True)
    class Losing(Cluster):
        def hand_out(
            self, left: Mapping[int, Sequence[Any]], job: Job[Any]
        ) -> Iterator[tuple[int, Answer | None]]:
            for number, answer in enumerate(super().hand_out(left, job)):
                yield answer
                if lose and number == batches // 4:
                    nodes.remove_node(others.pop(), allow_graceful=False)

    world = out.parent / "world"
    question = Question(
        *(str(world / "model"), world / "marked", out, (Outpaint(steps=STEPS),)), batch_size=BATCH
    )
    try:
        with using(Losing(nodes.address)):
            observe(question)
    finally:
        ray.shutdown()
        nodes.shutdown()
    sys.stdout.write(f"{asking_of(out)}\n")


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
