"""The stages that are struck: the small runs of `tests/golden`, and trainings.

Each is one command line that is run again until it is done, and what must then be as if nothing had
happened.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from golden.runs import CPU, RUNS
from golden.world import World

NETWORK = f"--block-out-channels 8,16 --norm-num-groups 4 --seed 0 {CPU}"


@dataclass(frozen=True)
class Stage:
    """One command line under attack.

    Arguments:
        name: What the table calls it.
        line: The command line.
        out: The folder that must be whole in the end; None where it only prints.
        needs: The golden run whose needs it has.
        readers: Command lines that read the folder, and the folder that each writes, if any.
        within: Whether it works in a folder that is there before.
    """

    name: str
    line: str
    out: str | None
    needs: str
    readers: tuple[tuple[str, str | None], ...] = ()
    within: bool = False


def _golden(
    name: str,
    *readers: tuple[str, str | None],
    called: str = "",
    out: str | None = None,
    within: str | None = None,
) -> Stage:
    run = RUNS[name]
    folder = within or out or run.out
    return Stage(called or name, run.lines[0], folder, name, readers, within is not None)


def _page(name: str, called: str = "") -> Stage:
    out = str(RUNS[name].out)
    return _golden(name, (f"report {out}", out), called=called)


AUDIT = ("score audit-border", "audit-border"), ("report audit-border", "audit-border")
STAGES = {
    stage.name: stage
    for stage in (
        _golden(
            "mark-border",
            (f"audit memorizer border audit-border {CPU} --limit 4 --no-ceiling", "audit-border"),
            (f"generate memorizer drawn --marked border -n 4 --steps 4 {CPU}", "drawn"),
            called="mark",
        ),
        _golden("mark-captioned", called="mark, captions"),
        Stage(
            "train",
            f"train border trained --preset digits-demo --num-train-epochs 2 --train-batch-size 8"
            f" {NETWORK}",
            "trained",
            "train",
            ((f"generate trained drawn --marked border -n 2 --steps 2 {CPU}", "drawn"),),
        ),
        Stage("fit", f"fit photos fitted --steps 6 --batch-size 8 {CPU}", "fitted", "fit-planned"),
        _golden("generate"),
        _golden("audit-border", *AUDIT, called="audit"),
        _golden("audit-captions", called="audit, captions"),
        _golden("audit-network", called="audit, network"),
        _golden("audit-epochs", ("score watched", "watched"), called="audit, epochs"),
        _golden("audit-unmarked", called="audit, unmarked"),
        _golden("observe"),
        _golden("score", ("report observed", "observed"), within="observed"),
        _golden("compare", ("report changed", "changed")),
        _page("signals"),
        _page("inpaint"),
        _page("invmm"),
        _page("intent"),
        _page("nearest-copies", "nearest"),
        _golden("judge", ("report near", "near"), within="near"),
        _golden("duplicates"),
        _page("cliques"),
        _golden("index", (f"guard index noise --threshold l2=0.01 {CPU}", None)),
        _golden("guard", within="index"),
        _golden("release", ("inspect released", None), out="released"),
    )
}
"""By their names. Not struck: `study`, whose stages are these, and what writes nothing."""


def prepare(here: Path, stages: Sequence[Stage]) -> None:
    """Makes what stages read.

    Arguments:
        here: An empty folder.
        stages: The stages.
    """
    world = World(here)
    for stage in stages:
        world.prepare(stage.needs)
