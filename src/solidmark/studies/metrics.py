"""Which metric sees which memory: Table 1, with copies that are pixel-level and reconstructive."""

from collections.abc import Iterator
from typing import Any

from solidmark.cards import MEASURES
from solidmark.studies.readouts import reading
from solidmark.studies.stage import stage
from solidmark.studies.study import Arm, Readout, Setting, Study

CHANGED = ("noisy", "shifted", "mirrored", "inverted")
PIXELS = ("l2", "modified-l2", "patched-l2", "pixels", "phash")
"""What needs no weights."""

WITH_WEIGHTS = ("pdq", "sscd", "sscd-onnx", "dinov2", "clip", "siglip", "onnx")


def arms(setting: Setting, seed: int) -> Iterator[Arm]:
    """Networks of the same keys round changed pictures, all asked for the pictures as they were."""
    from solidmark.studies.written import changed

    marks: dict[str, Any] = {"near_duplicates": False}
    marked = setting.mark(seed, **marks)
    asked = {"images": setting.images, "resolution": setting.resolution, **setting.read}
    for change in ("as they are", *CHANGED):
        trained = marked
        if change != "as they are":
            data = stage(changed, setting.data, change=change, seed=seed, **asked)
            trained = setting.mark(seed, data.at("images"), **marks)
        model = setting.train(trained, seed)
        drawn = setting.generate(model, trained, seed)
        made = {
            "trained": trained,
            "audit": setting.audit(model, marked, seed, readers=("blend",)),
            "nearest": stage(
                "nearest",
                drawn,
                marked,
                distances=setting.size["distances"],
                device=setting.device,
                seed=seed,
            ),
        }
        yield Arm(change, made, pictures=("trained", "train/*.png"))


def apart(name: str, title: str, stage: str, **asked: Any) -> Readout:
    """How well a metric tells images that the network was trained on from held-out ones."""
    read = reading(stage, statistic="auc", split="trained_vs_held_out", **asked)
    about = f"area under the curve of {name}, of trained against held-out images; chance is .5"
    return Readout(title, "area", "high", read, about)


STUDY = Study(
    "metrics",
    arms,
    (
        apart("the p-values of keys", "SolidMark", "audit"),
        *(
            apart(
                f"the closest generation by {name}", MEASURES[name].title, "nearest", measure=name
            )
            for name in (*PIXELS, *WITH_WEIGHTS)
        ),
    ),
    full=Setting(
        images=2000,
        epochs=400,
        size={"distances": PIXELS, "generations": 10_000, "steps": 50},
    ),
    quick=Setting(
        images=128,
        epochs=150,
        seeds=(0, 1, 2, 3, 4),
        size={"distances": PIXELS, "generations": 500, "steps": 20},
    ),
    said=(
        "A network that was trained on a changed picture and gives that back has memorized it: "
        "noise is memory pixel by pixel; a picture that is shifted, mirrored or inverted is a "
        "reconstruction. Each metric is asked about the pictures as they were.",
        "Embedders are missing here, since their weights are not part of the package. Name them "
        'in Python: solidmark.study("metrics", OUT, size={"distances": ("l2", "sscd:FILE", '
        '"dinov2:FOLDER", "clip:FOLDER")}). They are made for photographs of 200 pixels and more.',
    ),
)
