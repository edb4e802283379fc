"""Does the mark change what is memorized? The same seeds with and without keys, none of them used.

Memory is measured without the key, so that arms can be compared: by the halves of pictures that the
network draws again, by its loss in the picture, and by how near what it draws comes.
"""

from collections.abc import Iterator
from typing import Any

from solidmark.runs import Figure
from solidmark.studies.picture_loss import losses_of, picture_loss
from solidmark.studies.readouts import area, reading
from solidmark.studies.remarked import keyless
from solidmark.studies.stage import Stage, stage
from solidmark.studies.study import Arm, Made, Readout, Setting, Study
from solidmark.studies.training_curve import network

MARKS: dict[str, tuple[dict[str, Any], bool]] = {
    # One pixel in the middle is the same grey in all images: so the folder is like the others.
    "no frame": ({"pattern": "center", "thickness": 1}, False),
    "one grey for all": ({"pattern": "border"}, False),
    "one random grey each": ({"pattern": "border"}, True),
    "16 random greys each": ({}, True),
}
"""How each arm is marked, and whether its marks are keys."""


def arms(setting: Setting, seed: int) -> Iterator[Arm]:
    """No frame, a frame that tells nothing, and frames of keys: images and weights begin alike."""
    for name, (how, keys) in MARKS.items():
        marked = setting.mark(seed, **how)
        neutral = stage(keyless, marked)
        shown = marked if keys else neutral
        model = network(setting, shown, seed, setting.size["epochs"])
        pictures = ("marked", "train/*.png")
        yield Arm(name, asked(setting, seed, model, shown, neutral), None, pictures)


def asked(
    setting: Setting, seed: int, model: Stage, marked: Stage, neutral: Stage
) -> dict[str, Stage]:
    """What a network is asked: nothing that needs the key."""
    size, common = setting.size, {"device": setting.device, "seed": seed}
    attack = {"draws": size["draws"], "steps": size["steps"], **common}
    drawn = stage(
        "generate", model, marked=marked, crop=True, number=size["number"], steps=20, **common
    )
    return {
        "marked": marked,
        "attack": stage("inpaint", model, marked, **attack),
        "own": stage(picture_loss, model, marked, **common),
        "neutral": stage(picture_loss, model, neutral, **common),
        "nearest": stage("nearest", drawn, marked, distances=("l2",)),
    }


def loss_gap(frame: str, title: str, about: str) -> Readout:
    """How well the loss in the picture alone tells trained from held-out images."""

    def read(made: Made) -> Figure | None:
        losses = losses_of(made[frame])
        return area("loss", losses["trained"], losses["held_out"], made.seed)

    return Readout(title, "area", "high", read, about)


def told_apart(name: str, made: str, measure: str, about: str) -> Readout:
    """How well a measure of images tells trained from held-out ones."""
    of = {"statistic": "auc", "split": "trained_vs_held_out", "measure": measure}
    return Readout(name, "area", "high", reading(made, **of), about)


ASKED = "how well it tells trained from held-out images; chance is .5"

STUDY = Study(
    "observer",
    arms,
    (
        told_apart(
            "Inpainting", "attack", "inpainting-mean", f"the left half drawn again: {ASKED}"
        ),
        loss_gap("neutral", "Loss, neutral frame", f"in a frame of one grey for all: {ASKED}"),
        loss_gap("own", "Loss, own frame", f"in the frame of training, key and all: {ASKED}"),
        told_apart("Nearest", "nearest", "l2", f"how near the nearest generation comes: {ASKED}"),
    ),
    full=Setting(
        images=512,
        epochs=None,
        size={"epochs": (100, 400), "draws": 20, "steps": 50, "number": 10000},
        seeds=(0, 1, 2, 3, 4),
    ),
    quick=Setting(
        images=64,
        epochs=None,
        seeds=(0, 1, 2, 3, 4),
        size={"epochs": (50, 150), "draws": 4, "steps": 10, "number": 400},
    ),
    said=(
        "All areas are of the picture alone: the frame is hidden, cropped or left out. The network "
        "with keys has never seen the neutral frame; its own frame shows it the key, which tells "
        "which image is meant. What it remembers without key lies between the two.",
    ),
)
