"""Does the key score put images in the order in which other measures do, and their copies?"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from solidmark.studies.copied import copied
from solidmark.studies.ranking import (
    COPIES,
    INPAINTING,
    INVMM,
    KEY,
    LOSS,
    NEAREST,
    VALUES,
    found,
    ranks_like,
)
from solidmark.studies.remarked import firsts
from solidmark.studies.stage import Stage, stage
from solidmark.studies.study import Arm, Setting, Study
from solidmark.studies.training_curve import network

COUNTS = (1, 2, 4, 8, 16)


def arms(setting: Setting, seed: int) -> Iterator[Arm]:
    """One network a seed, trained on images with copies, and every measure of its images."""
    size, common = setting.size, {"device": setting.device, "seed": seed}
    once, model = with_copies(setting, seed)
    steps = {"steps": size["steps"], **common}
    drawn = stage("generate", model, marked=once, crop=True, number=size["number"], **steps)
    made = {
        KEY: setting.audit(model, once, seed),
        NEAREST: stage("nearest", drawn, once, distances=("l2",)),
        INPAINTING: stage("inpaint", model, once, draws=size["draws"], **steps),
        LOSS: stage("signals", model, once, signals=("loss",), **common),
        INVMM: inverted(setting, model, once, seed),
    }
    yield from (Arm(measure, made, of=measure) for measure in VALUES)


def with_copies(setting: Setting, seed: int) -> tuple[Stage, Stage]:
    """Marked images, each once, and a network that was trained on all of their copies."""
    read = {"resolution": setting.resolution, **setting.read}
    each = setting.size["each"]
    data = stage(
        copied, setting.data, counts=COUNTS, each=each, kinds=("exact",), seed=seed, **read
    )
    marked = setting.mark(seed, data.at("images"), held_out=0.3, near_duplicates=False)
    return stage(firsts, marked), network(setting, marked, seed, setting.size["epochs"])


def inverted(setting: Setting, model: Stage, once: Stage, seed: int, **how: Any) -> Stage:
    """InvMM of some of the images, cut to a budget.

    Arguments:
        how: What an inversion has otherwise, as of `inversion.Inversion`.
    """
    from solidmark.measures.invmm.inversion import PRESETS

    size = setting.size
    short = {"steps": size["descent"], "every": size["every"], "sampling_steps": size["steps"]}
    asked = {"limit": size["inverted"], "device": setting.device, "seed": seed}
    return stage(
        "invmm", model, once, inversion=replace(PRESETS["quick"], **{**short, **how}), **asked
    )


STUDY = Study(
    "agreement",
    arms,
    (
        ranks_like(COPIES),
        *(ranks_like(other) for other in VALUES),
        ranks_like(KEY, alike=True),
        ranks_like(KEY, split="held_out"),
        *(found(copies) for copies in COUNTS[::2]),
    ),
    full=Setting(
        images=None,
        epochs=None,
        size={
            **{"epochs": (10, 25, 50), "each": 64, "number": 10000, "steps": 50, "draws": 20},
            **{"inverted": 60, "descent": 2000, "every": 50},
        },
        seeds=(0, 1, 2, 3, 4),
    ),
    quick=Setting(
        images=None,
        epochs=None,
        size={
            **{"epochs": (10, 40), "each": 10, "number": 400, "steps": 20, "draws": 4},
            **{"inverted": 20, "descent": 120, "every": 10},
        },
        seeds=(0, 1, 2, 3, 4),
    ),
    said=(
        "Every picture counts once, whatever its copies. InvMM is dear, and asked of some trained "
        "images alone. Copies make all measures agree; what they have in common beyond that "
        "stands in the column of images with as many copies.",
    ),
)
