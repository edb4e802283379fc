"""What a choice of measures rests on: the data, the model, and the question."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Question = Literal["pixel", "reconstructive", "both"]
"""Whether pixels come back, what a picture shows, or either."""

QUESTIONS: tuple[Question, ...] = get_args(Question)

FLAT = 0.5
"""Of drawings more neighbouring pixels are equal than this share; measured: .09 of satellite tiles,
.92 of OpenMoji, .81 of digits."""
COPYABLE = 64
"""Smaller pictures say nothing to a network that finds copies (benchmarks/embedders.md)."""
PLAIN = 0.25
"""From this share of plain pictures on, pixel distances find them first."""
FITTABLE = 200
"""Fewer images are none to fit an embedder to."""
MANY = 50
"""So many copies of one image hide it from distances that are rescaled by 50 neighbours."""


@dataclass(frozen=True)
class DataFacts:
    """What a look at some images has shown.

    Arguments:
        images: How many the model was, or will be, trained on.
        held_out: How many of the same kind it never sees.
        looked: How many were looked at.
        broken: How many of them cannot be read.
        copies: How many of them have the pixels of another one.
        near: How many are re-encoded or resized copies of another one, beside those.
        largest: The images of the largest group of copies.
        plain: How many are nearly of one colour.
        flat: The mean share of neighbouring pixels that are equal.
        grey: Whether they are grey.
        sides: The smallest and the largest side in pixels.
        captions: How many of the images have a caption.
        classes: How many classes they have.
        marked: Whether they are a folder of `solidmark mark`.
        bucketed: Whether they were marked in buckets.
        embedders: Which embedders are at hand, beside those of files of one's own.
    """

    images: int
    held_out: int = 0
    looked: int = 0
    broken: int = 0
    copies: int = 0
    near: int = 0
    largest: int = 1
    plain: int = 0
    flat: float = 0.0
    grey: bool = False
    sides: tuple[int, int] = (0, 0)
    captions: int = 0
    classes: int = 0
    marked: bool = False
    bucketed: bool = False
    embedders: tuple[str, ...] = ()

    @property
    def seen(self) -> int:
        """How many could be looked at."""
        return self.looked - self.broken


@dataclass(frozen=True)
class ModelFacts:
    """What the heads of a model say; the defaults are those of one that is not named.

    Arguments:
        where: As it was named; None where none was.
        latent: Whether it works on latents.
        captioned: Whether it is told captions.
        classes: How many classes it is told; 0 = none.
        control: Whether it is a control in closed form.
    """

    where: str | None = None
    latent: bool = False
    captioned: bool = False
    classes: int = 0
    control: bool = False


@dataclass(frozen=True)
class Case:
    """All of it.

    Arguments:
        data: The images.
        model: The model.
        question: What is asked.
    """

    data: DataFacts
    model: ModelFacts = ModelFacts()
    question: Question = "both"

    def holds(self, condition: str) -> bool:
        """Whether one of `CONDITIONS` holds, or, after "no ", does not."""
        name = condition.removeprefix("no ")
        return CONDITIONS[name](self) != (name != condition)

    @property
    def words(self) -> dict[str, str]:
        """What reasons are filled with."""
        data = self.data
        return {
            "images": f"{data.images:,}",
            "looked": f"{data.seen:,}",
            "copies": f"{data.copies + data.near:,}",
            "plain": f"{100 * data.plain / max(1, data.seen):.0f} %",
            "side": f"{data.sides[0]:,}",
            "largest": f"{data.largest:,}",
        }


CONDITIONS: Mapping[str, Callable[[Case], bool]] = {
    "marks": lambda one: one.data.marked,
    "buckets": lambda one: one.data.bucketed,
    "control": lambda one: one.data.held_out > 0,
    "copies": lambda one: one.data.copies + one.data.near > 0,
    "exact copies": lambda one: one.data.copies > 0,
    "many copies": lambda one: one.data.largest >= MANY,
    "unlooked": lambda one: one.data.looked < one.data.images,
    "plain": lambda one: one.data.plain >= PLAIN * max(1, one.data.seen),
    "colour": lambda one: not one.data.grey,
    "drawn": lambda one: one.data.flat >= FLAT,
    "niche": lambda one: one.data.grey or one.data.sides[0] < COPYABLE,
    "many": lambda one: one.data.images >= FITTABLE,
    "large": lambda one: one.data.sides[0] >= COPYABLE,
    "captions": lambda one: one.data.captions > 1,
    "sscd": lambda one: "sscd-onnx" in one.data.embedders,
    "pdq": lambda one: "pdq" in one.data.embedders,
    "model": lambda one: one.model.where is not None,
    "told text": lambda one: one.model.captioned or one.model.where is None,
    "pixels": lambda one: one.question in ("pixel", "both"),
    "meaning": lambda one: one.question in ("reconstructive", "both"),
}
"""What rules ask, by name."""
