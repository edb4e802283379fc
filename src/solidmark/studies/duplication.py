"""Copies in the training set: Table 2 and appendix F, with the chance of so many keys and tries."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from solidmark.studies.copied import KINDS, copied
from solidmark.studies.readouts import any_key_hit, detected
from solidmark.studies.remarked import firsts
from solidmark.studies.stage import stage
from solidmark.studies.study import Arm, Published, Setting, Study

DELTAS = (0.1, 0.05, 0.005)
COUNTS = (1, 2, 3, 4, 8, 16)
KEYS = ("shared", "independent")


def arms(setting: Setting, seed: int) -> Iterator[Arm]:
    """How often an image is there, how alike its copies are, and whether they share a key."""
    from solidmark.readers import Outpaint

    size = setting.size
    asked = {"resolution": setting.resolution, **setting.read, "seed": seed}
    data = stage(copied, setting.data, counts=COUNTS, each=size["each"], **asked)
    audits = {}
    for keys in KEYS:
        shared: dict[str, Any] = {"held_out": 0.25, "keys_per_copy": keys, "near_duplicates": False}
        grey, greys = (
            setting.mark(seed, data.at("images"), pattern=pattern, **size["frame"], **shared)
            for pattern in ("border", "segments")
        )
        published = {
            "readers": (Outpaint(steps=size["steps"]),),
            "repeats": size["repeats"],
        }
        audits[keys] = {
            "published": setting.audit(setting.train(grey, seed), grey, seed, **published),
            # Of many greys one copy is asked: what is read of it needs no other.
            "blend": setting.audit(
                setting.train(greys, seed), stage(firsts, greys), seed, readers=("blend",)
            ),
            "data": data,
        }
    for keys in KEYS:
        for kind in KINDS:
            for count in COUNTS:
                of = f"{kind}-{count:02d}-"
                name = f"{kind}, {keys} key{'s' * (keys == 'independent')}, {count} x"
                yield Arm(name, audits[keys], count, ("data", f"images/{of}0000-*.png"), of)


by_blend = tuple(
    replace(one, name=f"{one.name} by Blend", about=f"{one.about}; 16 greys, one copy asked")
    for one in (detected("blend"), detected("blend", split="held_out"))
)

STUDY = Study(
    "duplication",
    arms,
    (
        *by_blend,
        *(any_key_hit(delta) for delta in DELTAS),
        any_key_hit(0.05, above=True),
        any_key_hit(0.05, "held_out", above=True),
    ),
    full=Setting(
        images=None,
        epochs=50,
        size={"each": 67, "frame": {"thickness": 2}, "steps": 250, "repeats": 10},
    ),
    quick=Setting(
        images=None,
        epochs=40,
        size={"each": 10, "frame": {"thickness": 2}, "steps": 20, "repeats": 2},
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
