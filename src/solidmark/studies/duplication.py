"""Copies in the training set: Table 2 and appendix F, with the chance of so many keys and tries."""

from collections.abc import Iterator

from solidmark.runs import Figure
from solidmark.studies.copied import KINDS, copied
from solidmark.studies.readouts import rows_of
from solidmark.studies.stage import stage
from solidmark.studies.study import Arm, Made, Published, Readout, Setting, Study

DELTAS = (0.1, 0.05, 0.005)
COUNTS = (1, 2, 3, 4, 8, 16)
KEYS = ("shared", "independent")


def arms(setting: Setting, seed: int) -> Iterator[Arm]:
    """How often an image is there, how alike its copies are, and whether they share a key."""
    from solidmark.readers import Outpaint

    asked = {"resolution": setting.resolution, **setting.read, "seed": seed}
    data = stage(copied, setting.data, counts=COUNTS, each=setting.size["each"], **asked)
    audits = {}
    for keys in KEYS:
        marked = setting.mark(
            seed,
            data.at("images"),
            pattern="border",
            thickness=setting.size["thickness"],
            held_out=0.25,
            keys_per_copy=keys,
            near_duplicates=False,
        )
        audits[keys] = setting.audit(
            setting.train(marked, seed),
            marked,
            seed,
            readers=(Outpaint(steps=setting.size["steps"]),),
            repeats=setting.size["repeats"],
        )
    for keys in KEYS:
        for kind in KINDS:
            for count in COUNTS:
                made = {"audit": audits[keys], "data": data}
                of = f"{kind}-{count:02d}-"
                name = f"{kind}, {keys} key{'s' * (keys == 'independent')}, {count} x"
                yield Arm(name, made, count, ("data", f"images/{of}0000-*.png"), of)


def any_key_hit(delta: float, split: str) -> Readout:
    """The share of images of which any key is read to within delta in any try."""

    def read(made: Made) -> Figure | None:
        import numpy as np

        from solidmark.scores import any_key

        columns = ("id", "split", "group", "key_group", "key_read", "distance", "status")
        every = [r for r in rows_of(made["audit"], *columns) if r["split"] == split]
        own = [r for r in every if r["id"].startswith(made.of)]
        rows = [r for r in own if r["status"] == "ok"]
        if not rows:
            return None
        (found,) = any_key(
            np.array([r["distance"] for r in rows]),
            np.array([r["key_read"] for r in rows]),
            [r["key_group"] for r in rows],
            [r["group"] for r in rows],
            [delta],
        )
        return Figure(
            measure="solidmark",
            statistic="any_key",
            split=split,
            value=found.count / found.n,
            n=found.n,
            count=found.count,
            failed=len(own) - len(rows),
            chance=found.chance,
            delta=delta,
        )

    title = "Any key" if split == "trained" else "Held-out, any key"
    about = "images of which any copy's key is hit by any try; chance knows how many there are"
    return Readout(f"{title} within {delta:g}", "share", "high", read, about)


STUDY = Study(
    "duplication",
    arms,
    (*(any_key_hit(delta, "trained") for delta in DELTAS), any_key_hit(0.05, "held_out")),
    full=Setting(
        images=None,
        epochs=50,
        size={"each": 67, "thickness": 2, "steps": 250, "repeats": 10},
        seeds=(0, 1, 2),
    ),
    quick=Setting(
        images=None, epochs=30, size={"each": 14, "thickness": 2, "steps": 20, "repeats": 4}
    ),
    axis="copies",
    published=(
        Published(
            "SolidMark, Table 2: images of about 50 with any key hit, in percent",
            tuple(f"within {delta:g}" for delta in DELTAS),
            (
                ("2 copies", (50, 36, 10)),
                ("3 copies", (56, 60, 26)),
                ("4 copies", (56, 56, 24)),
                ("5 copies", (68, 72, 36)),
                ("6 copies", (78, 74, 32)),
            ),
            (36, 19, 2),
            "2 keys, one try: 1 - (1 - 2 delta)^2",
            "With 3, 4, 5 and 6 keys chance alone is 49, 59, 67 and 74 % within .1 in one try, and "
            "more in ten: the published rise is that of chance, as far as it can be told.",
        ),
    ),
    said=(
        "One grey is hit by luck the more often the more keys and tries there are, so a share "
        "means something only beside its own chance.",
    ),
)
