"""InvMM against what should move it: training, copies, sampling, guidance; and membership."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from solidmark.runs import Figure
from solidmark.studies.agreement import COUNTS, inverted, with_copies
from solidmark.studies.readouts import detected, rows_of
from solidmark.studies.stage import Stage
from solidmark.studies.study import Arm, Made, Readout, Setting, Study

Rows = Sequence[Mapping[str, Any]]

HELD_OUT = "held out"
GUIDANCES = (3.0, 7.0)


def arms(setting: Setting, seed: int) -> Iterator[Arm]:
    """All trained images first; then by copies, and what was never seen; then one thing changed."""
    size, last = setting.size, max(setting.size["epochs"])
    once, network = with_copies(setting, seed)

    def asked(model: Stage, **how: Any) -> dict[str, Stage]:
        key = setting.audit(model, once, seed)
        return {"invmm": inverted(setting, model, once, seed, **how), "audit": key}

    base = asked(network)
    yield Arm(f"trained, {last} epochs, {size['steps']} sampling steps", base)
    for count in COUNTS:
        yield Arm(f"{count} x", base, count, of=f"exact-{count:02d}-")
    yield Arm(HELD_OUT, {"invmm": base["invmm"]}, 0, of=HELD_OUT)
    for epoch in sorted(size["epochs"])[:-1]:
        yield Arm(f"{epoch} epochs", asked(network.at(f"epochs/epoch-{epoch:04d}")))
    for steps in size["sampling"]:
        yield Arm(f"{steps} sampling steps", asked(network, sampling_steps=steps))
    for guidance in GUIDANCES if can_be_guided(setting) else ():
        yield Arm(f"guidance {guidance:g}", asked(network, guidances=(guidance,)))


def can_be_guided(setting: Setting) -> bool:
    """Whether the network is told something that it also learns to do without."""
    from solidmark.training import preset

    return preset(setting.preset, **setting.recipe).base is not None


def rows(made: Made, split: str) -> list[dict[str, Any]]:
    """The images of a split that InvMM was tried on, every picture once."""
    every = rows_of(made["invmm"], "id", "split", "status", "kl", "score", "copy_of")
    tried = [row for row in every if row["score"] is not None and row["copy_of"] is None]
    return [row for row in tried if row["split"] == split]


def readout(name: str, unit: str, about: str, read: Callable[..., dict[str, Any]]) -> Readout:
    """What the rows of the arm and those of held-out images give, by the fields of a figure."""

    def asked(made: Made) -> Figure | None:
        unseen, never = rows(made, "held_out"), made.of == HELD_OUT
        known = [one for one in rows(made, "trained") if one["id"].startswith(made.of)]
        own = unseen if never else known
        # Held-out images are compared with nothing.
        found = read(own, [] if never else unseen) if own else {}
        split = "held_out" if never else "trained"
        return Figure(measure="invmm", statistic=name, split=split, **found) if found else None

    return Readout(name, unit, "low" if name == "KL" else "high", asked, about)


def area(own: Rows, unseen: Rows) -> dict[str, Any]:
    """How well InvMM tells the images from held-out ones."""
    import numpy as np

    from solidmark.scores import roc

    if not unseen:
        return {}
    found = roc(*(np.array([r["score"] for r in side]) for side in (own, unseen)), fprs=()).auc
    ends = {"ci_low": found.ci_low, "ci_high": found.ci_high}
    return {"value": found.value, "n": len(own), "chance": 0.5, **ends}


def reproduced(own: Rows, unseen: Rows) -> dict[str, Any]:
    """How many come back; chance is how many held-out ones do."""
    back, others = (sum(r["status"] == "reproduced" for r in side) for side in (own, unseen))
    chance = others / len(unseen) if unseen else None
    return {"value": back / len(own), "n": len(own), "count": back, "chance": chance}


def kl(own: Rows, unseen: Rows) -> dict[str, Any]:
    """The median KL of those that come back."""
    values = [row["kl"] for row in own if row["status"] == "reproduced"]
    return {"value": median(values), "n": len(values)} if values else {}


def below(own: Rows, unseen: Rows) -> dict[str, Any]:
    """How many come back more easily than every held-out image."""
    if not unseen:
        return {}
    hits = sum(row["score"] < min(one["score"] for one in unseen) for row in own)
    chance = 1 / (len(unseen) + 1)
    return {"value": hits / len(own), "n": len(own), "count": hits, "chance": chance}


STUDY = Study(
    "invmm-factors",
    arms,
    (
        readout("Area against held-out", "area", "chance is .5", area),
        readout("Reproduced", "share", "chance is the share of held-out images", reproduced),
        readout("KL", "nats a dimension", "the median of those that were reproduced", kl),
        readout("Below every held-out", "share", "the rest are members, not memorized", below),
        detected(rate=0.01),
    ),
    full=Setting(
        size={
            **{"epochs": (10, 25, 50, 100), "each": 64, "steps": 50, "sampling": (10, 200)},
            **{"inverted": 60, "descent": 2000, "every": 50},
        },
        seeds=(0, 1, 2),
    ),
    quick=Setting(
        size={
            **{"epochs": (10, 50), "each": 12, "steps": 20, "sampling": (5,)},
            **{"inverted": 12, "descent": 150, "every": 10},
        },
    ),
    said=(
        "Non-members that come back say that being reproduced is no proof of membership; members "
        "that come back no more easily than non-members are members without being memorized.",
        "InvMM samples by one deterministic sampler, so its steps are varied. Guidance is varied "
        "where the network is told captions, as with --preset tiny-t2i.",
    ),
)
