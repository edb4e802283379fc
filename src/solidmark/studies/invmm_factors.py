"""InvMM against what should move it: training, copies, sampling, guidance; and membership."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from solidmark.runs import Figure
from solidmark.studies.agreement import COUNTS, inverted, with_copies
from solidmark.studies.readouts import area, detected, rows_of, share
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


def sides(made: Made) -> tuple[Rows, Rows]:
    """The images of the arm that InvMM was tried on, each once, and the held-out ones beside them.

    Held-out images are compared with nothing.
    """
    every = rows_of(made["invmm"], "id", "split", "status", "kl", "score", "copy_of")
    tried = [row for row in every if row["score"] is not None and row["copy_of"] is None]
    unseen = [row for row in tried if row["split"] == "held_out"]
    if made.of == HELD_OUT:
        return unseen, []
    known = [row for row in tried if row["split"] == "trained" and row["id"].startswith(made.of)]
    return known, unseen


def told_apart(made: Made) -> Figure | None:
    """How well InvMM tells the images from held-out ones."""
    known, unseen = ([row["score"] for row in side] for side in sides(made))
    return area("invmm", known, unseen, made.seed)


def reproduced(made: Made) -> Figure | None:
    """How many come back; chance is how many held-out ones do."""
    own, unseen = sides(made)
    back, others = (sum(r["status"] == "reproduced" for r in side) for side in (own, unseen))
    return share("reproduced", back, len(own), others / len(unseen) if unseen else None)


def kl(made: Made) -> Figure | None:
    """The median KL of those that come back."""
    values = [row["kl"] for row in sides(made)[0] if row["status"] == "reproduced"]
    own = Figure(measure="invmm", statistic="kl", split="", n=len(values))
    return replace(own, value=median(values)) if values else None


def below(made: Made) -> Figure | None:
    """How many come back more easily than every held-out image."""
    own, unseen = sides(made)
    if not unseen:
        return None
    hits = sum(row["score"] < min(one["score"] for one in unseen) for row in own)
    return share("below", hits, len(own), 1 / (len(unseen) + 1))


STUDY = Study(
    "invmm-factors",
    arms,
    (
        Readout("Area against held-out", "area", "high", told_apart, "chance is .5"),
        Readout("Reproduced", "share", "high", reproduced, "chance is the share of held-out ones"),
        Readout("KL", "nats a dimension", "low", kl, "the median of those that were reproduced"),
        Readout("Below every held-out", "share", "high", below, "the rest are not memorized"),
        detected(rate=0.01),
    ),
    full=Setting(
        images=None,
        epochs=None,
        size={
            **{"epochs": (10, 25, 50, 100), "each": 64, "steps": 50, "sampling": (10, 200)},
            **{"inverted": 60, "descent": 2000, "every": 50},
        },
        seeds=(0, 1, 2),
    ),
    quick=Setting(
        images=None,
        epochs=None,
        seeds=(0, 1, 2, 3, 4),
        size={
            **{"epochs": (10, 40), "each": 10, "steps": 20, "sampling": (5,)},
            **{"inverted": 20, "descent": 120, "every": 10},
        },
    ),
    said=(
        "Non-members that come back say that being reproduced is no proof of membership; members "
        "that come back no more easily than non-members are members without being memorized.",
        "InvMM samples by one deterministic sampler, so its steps are varied. Guidance is varied "
        "where the network is told captions, as with --preset tiny-t2i.",
    ),
)
