"""Copies in the training set: Table 2 and appendix F, with the chance of so many keys and tries."""

from collections.abc import Iterator
from dataclasses import replace

from solidmark.studies.copied import KINDS, copied
from solidmark.studies.readouts import any_key_hit, detected
from solidmark.studies.remarked import firsts
from solidmark.studies.stage import stage
from solidmark.studies.study import Arm, Published, Setting, Study
from solidmark.studies.training_curve import network

DELTAS = (0.1, 0.05, 0.005)
COUNTS = (1, 2, 3, 4, 8, 16)
KEYS = ("shared", "independent")


def arms(setting: Setting, seed: int) -> Iterator[Arm]:
    """How often an image is there, how alike its copies are, and whether they share a key.

    Exact and near copies are data of their own: a network learns from one kind of them.
    """
    from solidmark.readers import Outpaint

    size, audits = setting.size, {}
    epochs = (setting.epochs or 1,)
    asked = {"resolution": setting.resolution, **setting.read, "each": size["each"], "seed": seed}
    published = {"readers": (Outpaint(steps=size["steps"]),), "repeats": size["repeats"]}
    for kind in KINDS:
        data = stage(copied, setting.data, counts=COUNTS, kinds=(kind,), **asked)
        for keys in KEYS:
            marks = {"held_out": 0.3, "keys_per_copy": keys, "near_duplicates": False}
            greys = setting.mark(seed, data.at("images"), **size["frame"], **marks)
            model = network(setting, greys, seed, epochs)
            # Of many greys one copy is asked: what is read of it needs no other.
            blend = setting.audit(model, stage(firsts, greys), seed, readers=("blend",))
            audits[keys, kind] = {"data": data, "blend": blend}
            if kind == "exact":  # The paper has copies that are alike.
                grey = setting.mark(
                    seed, data.at("images"), pattern="border", **size["frame"], **marks
                )
                drawn = setting.audit(network(setting, grey, seed, epochs), grey, seed, **published)
                audits[keys, kind]["published"] = drawn
    for (keys, kind), made in audits.items():
        for count in COUNTS:
            of = f"{kind}-{count:02d}-"
            name = f"{kind}, {keys} key{'s' * (keys == 'independent')}, {count} x"
            yield Arm(name, made, count, ("data", f"images/{of}0000-*.png"), of)


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
        seeds=(0, 1, 2, 3, 4),
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
        "Copies with keys of their own teach a network no key but their mean: keys that copies "
        "share, the default, are read the better the more copies there are.",
    ),
)
