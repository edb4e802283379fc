"""Three nodes on this machine, of which one is lost in the middle: nothing else is, no row differs.

About 35 s on a busy machine, and 2 GB.
"""

import importlib.util
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import write_digits

from solidmark.cli import main
from solidmark.data import open_data
from solidmark.generating import Generation, generate
from solidmark.marks import Marked, Marking, Segments, mark_dataset
from solidmark.measures.audit import Question, observe
from solidmark.measures.guard import Indexing, build_index
from solidmark.readers import Energy, Outpaint
from solidmark.runs import Answer, Job, Ledger, using
from solidmark.runs.cluster import Cluster

from .foreign import rows_of, written

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed"),
]

STORE = 100 << 20
"""Bytes that each node keeps for what is on its way."""


@dataclass
class Three:
    """A head and two more nodes, a processor each.

    Arguments:
        cluster: One of `ray.cluster_utils`.
        others: The nodes that are no head.
    """

    cluster: Any
    others: list[Any]

    def lose(self) -> None:
        """Kills a node as a power cut would."""
        self.cluster.remove_node(self.others.pop(), allow_graceful=False)


@pytest.fixture
def three() -> Iterator[Three]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # Before the import.
    import ray
    from ray.cluster_utils import Cluster as Nodes

    one = {"num_cpus": 1, "object_store_memory": STORE}
    nodes = Nodes(initialize_head=True, head_node_args={**one, "include_dashboard": False})
    try:
        yield Three(nodes, [nodes.add_node(**one) for _ in range(2)])
    finally:
        ray.shutdown()
        nodes.shutdown()


@dataclass(frozen=True)
class Losing(Cluster):
    """Loses a node after some answers.

    Arguments:
        three: Whose.
        after: So many answers.
    """

    three: Three | None = None
    after: int = 3

    def hand_out(
        self, batches: Mapping[int, Sequence[Any]], job: Job[Any]
    ) -> Iterator[tuple[int, Answer | None]]:
        for count, answer in enumerate(super().hand_out(batches, job), 1):
            yield answer
            if count == self.after and self.three is not None:
                self.three.lose()


def test_three_nodes_write_what_one_process_writes_and_so_do_two_when_one_is_lost(
    three: Three,
    make_marked: Callable[..., Marked],
    save_unet: Callable[..., Path],
    tmp_path: Path,
) -> None:
    """One test, since several processes of pytest would have a cluster each."""
    model = str(save_unet())
    drawing = Generation(model, tmp_path / "drawn", number=18, steps=3, batch_size=3)
    generate(drawing)
    on_three = replace(drawing, out=tmp_path / "drawn on three")
    with using(f"ray:{three.cluster.address}"):
        generate(on_three)
    assert written(on_three.out) == written(drawing.out)
    assert len([name for name in rows_on_memory(on_three.out) if " on " in name]) == 3

    photos = tmp_path / "photos"
    write_digits(photos, 40)
    opened = partial(open_data, str(photos), mode="L")
    marking = Marking(Segments(2, 4), seed=3, held_out=0.25, shards=8)
    mark_dataset(opened(), tmp_path / "marked alone", marking, {}, opened)
    with using(f"ray:{three.cluster.address}"):
        mark_dataset(opened(), tmp_path / "marked on three", marking, {}, opened)
    assert written(tmp_path / "marked on three") == written(tmp_path / "marked alone")
    index = Indexing(
        training=str(photos),
        out=tmp_path / "index alone",
        distances=("l2", "phash"),
        mode="L",
        cache=tmp_path / "cache",
    )
    build_index(index)
    elsewhere = replace(index, out=tmp_path / "index on three", cache=tmp_path / "another")
    with using(f"ray:{three.cluster.address}"):
        build_index(elsewhere)
    assert written(elsewhere.out) == written(index.out)

    marked = make_marked(48, digits=True).folder
    readers = (Energy(), Outpaint(steps=4))
    asking = Question(model, marked, tmp_path / "asked", readers, batch_size=4)
    observe(asking)
    lost = replace(asking, out=tmp_path / "asked and lost")
    with using(Losing(three.cluster.address, three=three)):
        observe(lost)
    assert len(three.others) == 1
    with using(f"ray:{three.cluster.address}"):
        mark_dataset(opened(), tmp_path / "marked on two", marking, {}, opened)
    assert written(tmp_path / "marked on two") == written(tmp_path / "marked alone")
    assert written(lost.out) == written(asking.out)
    found = [rows_of(Ledger(one.out / "ledger").rows()) for one in (asking, lost)]
    assert found[0] == found[1]


def rows_on_memory(out: Path) -> list[str]:
    return [name for name in Ledger(out / "ledger").rows() if name.startswith("memory ")]


def test_a_cluster_that_does_not_answer_is_refused_at_once(
    make_marked: Callable[..., Marked], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    marked, out = make_marked(8).folder, tmp_path / "out"
    started = time.monotonic()
    words = ["observe", "gaussian", marked, out, "--engine", "ray:127.0.0.1:1", "--device", "cpu"]
    assert main([str(word) for word in words]) == 2
    assert time.monotonic() - started < 30
    said = capsys.readouterr().err.strip()
    assert said.startswith('Error: No Ray cluster answers at "127.0.0.1:1"')
    assert "\n" not in said
    assert not out.exists()
