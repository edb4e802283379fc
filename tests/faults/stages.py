"""The stages that are struck: the small runs of `tests/golden`, and trainings.

Each is one command line that is run again until it is done, and what must then be as if nothing had
happened.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from golden.runs import CPU, INPAINT, INVMM, RUNS
from golden.world import World

NETWORK = f"--block-out-channels 8,16 --norm-num-groups 4 --seed 0 {CPU}"

STUDY = "@study"
"""The first word of a line that no command has: a study whose stages only count. What stages of
studies do is done by commands that are struck themselves."""


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
        first: A line that makes what it reads, where no golden run does.
    """

    name: str
    line: str
    out: str | None
    needs: str
    readers: tuple[tuple[str, str | None], ...] = ()
    within: bool = False
    first: str = ""


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
            "mark, shards",
            "mark photos sharded --thickness 2 --held-out 0.25 --mode L --seed 0 --shards 20",
            "sharded",
            "mark-border",
            ((f"audit memorizer sharded audit-sharded {CPU} --limit 4 --no-ceiling", None),),
        ),
        _golden("mark-hashed", called="mark, hashed ids"),
        Stage(
            "train",
            f"train border trained --preset digits-demo --num-train-epochs 2 --train-batch-size 8"
            f" {NETWORK}",
            "trained",
            "train",
            ((f"generate trained drawn --marked border -n 2 --steps 2 {CPU}", "drawn"),),
        ),
        Stage(
            "train, watched",
            f"train border trained-watched --preset digits-demo --max-train-steps 4 --watch 2"
            f" --train-batch-size 4 {NETWORK}",
            "trained-watched",
            "train",
            (("score trained-watched/watch", "trained-watched"),),
        ),
        Stage("fit", f"fit photos fitted --steps 6 --batch-size 8 {CPU}", "fitted", "fit-planned"),
        _golden("generate"),
        _golden("audit-border", *AUDIT, called="audit"),
        _golden("audit-captions", called="audit, captions"),
        _golden("audit-subjects", called="audit, subjects"),
        Stage(
            "audit, fitted",
            f"audit average border audit-fitted --reader fitted --perturb blur:3 {CPU}",
            "audit-fitted",
            "audit-border",
            (("score audit-fitted", "audit-fitted"), ("report audit-fitted", "audit-fitted")),
        ),
        _golden("audit-network", called="audit, network"),
        _golden("audit-epochs", ("score watched", "watched"), called="audit, epochs"),
        _golden("audit-unmarked", called="audit, unmarked"),
        _golden("observe"),
        _golden("score", ("report observed", "observed"), within="observed"),
        _golden("compare", ("report changed", "changed")),
        _page("signals"),
        _page("provenance"),
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
        Stage(
            "nearest, own",
            f"nearest copied photos near-own --held-out fresh --distance own:fitted-own --mode L"
            f" {CPU}",
            "near-own",
            "nearest-copies",
            (("report near-own", "near-own"), ("score near-own", "near-own")),
            first=f"fit photos fitted-own --steps 6 --batch-size 8 {CPU}",
        ),
        Stage(
            "study",
            f"{STUDY} studied",
            "studied",
            "mark-planned",
            (("report studied/duplication", "studied"), ("inspect studied/duplication", None)),
        ),
        Stage(
            "study, trained",
            f"study unconditional studied-2 --quick --images 16 --epochs 1 --seeds 1 {CPU}",
            "studied-2",
            "mark-planned",
            (("report studied-2/unconditional", "studied-2"),),
        ),
    )
}
"""By their names. Not struck is what writes nothing."""

ASKING = ("audit", "train", "generate", "signals", "inpaint", "invmm", "intent", "nearest", "index")
"""Stages whose work several processes of one launch share."""

DECIDING = ("mark", "audit", "audit, epochs", "compare", "invmm", "nearest", "study")
"""Stages of whose deciding files each region is struck."""

ODD = "unet-nan border no-numbers"
NOT_NUMBERS = (
    f"audit {ODD}-1 {CPU}",
    f"signals {ODD}-2 --signal loss --times 2 {CPU}",
    f"inpaint {ODD}-3 {INPAINT}",
    f"invmm {ODD}-4 --limit 2 {INVMM}",
    f"generate unet-nan no-numbers-5 --marked border -n 2 --steps 2 {CPU}",
    "release unet-nan no-numbers-6 --marked border",
    f"audit unet-nan photos no-numbers-7 --held-out fresh --mode L --resolution 12 --limit 8 {CPU}"
    " --measure signals",
)
"""Lines that ask a network whose every answer is no number."""

MUTE = "average-per-caption told mute"
SOME = {
    f"observe {MUTE}-1 --reader blend --reader linear --reader fitted {CPU}": "",
    f"audit {MUTE}-2 {CPU}": "",
    f"signals {MUTE}-3 --times 2 {CPU}": "signals.parquet",
    f"inpaint {MUTE}-4 {INPAINT}": "evidence.parquet",
    f"invmm {MUTE}-5 --limit 16 {INVMM}": "evidence.parquet",
}
"""Lines that ask a model which has no numbers for the images of one caption, and the table whose
other rows must not change."""


def prepare(here: Path, stages: Sequence[Stage]) -> None:
    """Makes what stages read.

    Arguments:
        here: An empty folder.
        stages: The stages.
    """
    world = World(here)
    world.prepare("audit-border")
    world.prepare("audit-captions")
    for stage in stages:
        world.prepare(stage.needs)
        if stage.first:
            world.say(stage.first)
