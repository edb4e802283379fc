"""What is asked, in which order: every reader on every split and bucket, and on the ceiling."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from solidmark.data import Sample
from solidmark.diffusion import Model
from solidmark.errors import BrokenImage
from solidmark.marks import Marked, bucket_name
from solidmark.measures.audit.question import Question
from solidmark.models.controls import ceiling_model
from solidmark.perturbations import Perturbed
from solidmark.readers import Reader
from solidmark.runs import Room, Steps, progress
from solidmark.subjects import SolidMark, choose

CEILING = 256
"""How many training images the ceiling is measured on; it is a property of the reader."""


@dataclass(frozen=True)
class Task:
    """One reader, one model, and the images to ask about, as (id, repeat); all of one size."""

    measure: SolidMark
    model: Model
    split: str
    units: list[tuple[str, int]]
    size: tuple[int, int]
    bucket: str = ""

    @property
    def reader(self) -> Reader:
        return self.measure.reader

    @property
    def about(self) -> str:
        """Whose calibration it uses: that of the model, or of the ceiling, and in which bucket."""
        asked = "ceiling" if self.split == "ceiling" else "model"
        return " ".join(filter(None, (self.reader.name, asked, self.bucket)))

    def passes(self, images: int) -> int:
        """How many images go through the model when the reader is calibrated on so many."""
        return self.reader.passes(images, self.measure.pattern, self.size)


Unit = tuple[int, str, int]
"""A question to a model: the number of its task, the image's id, which repeat."""


@dataclass(frozen=True)
class Opened:
    """What a question is answered with, in whichever process.

    Arguments:
        pictures: The images as the model is asked about them.
        tasks: All that is asked, in order.
    """

    question: Question
    pictures: Perturbed
    tasks: Sequence[Task]

    @classmethod
    def of(cls, question: Question, marked: Marked, model: Model, room: Room) -> "Opened":
        tasks = list(tasks_of(question, marked, model, room))
        return cls(question, question.pictures(marked), tasks)

    def name(self, unit: Unit) -> str:
        return name_of(self.tasks[unit[0]], *unit[1:])


def tasks_of(question: Question, marked: Marked, model: Model, room: Room) -> Iterator[Task]:
    """Every reader on every split, and on the ceiling."""
    trained = choose(marked.ids("trained"), question.limit, question.seed)
    ceiling_ids = choose(trained, CEILING, question.seed)
    ceiling = None
    if question.ceiling:
        with progress("encoding the images of the ceiling", len(ceiling_ids)) as advance:
            steps = Steps(advance)
            ceiling = room.fit(lambda size: ceiling_model(marked, ceiling_ids, model, size, steps))
            steps.end(len(ceiling_ids))
    sizes = {"": marked.marked_sizes[0], **{bucket_name(one): one for one in marked.marked_sizes}}
    for reader in question.readers:
        measure = SolidMark(reader, marked.pattern)
        for split in question.splits:
            ids = choose(marked.ids(split), question.limit, question.seed)
            for bucket, several in marked.by_bucket(ids).items():
                units = repeated(several, question.repeats)
                yield Task(measure, model, split, units, sizes[bucket], bucket)
        if ceiling is not None:
            for bucket, several in marked.by_bucket(ceiling_ids).items():
                units = repeated(several, 1)
                yield Task(measure, ceiling, "ceiling", units, sizes[bucket], bucket)


def repeated(ids: Sequence[str], repeats: int) -> list[tuple[str, int]]:
    return [(id, repeat) for id in ids for repeat in range(repeats)]


def batches_of(tasks: Sequence[Task], size: int) -> Iterator[list[Unit]]:
    for number, task in enumerate(tasks):
        units = [(number, id, repeat) for id, repeat in task.units]
        yield from (units[start : start + size] for start in range(0, len(units), size))


def name_of(task: Task, id: str, repeat: int) -> str:
    return f"{task.reader.name} {task.split} {repeat} {id}"


def load(marked: Marked | Perturbed, id: str) -> Sample | None:
    try:
        return marked.sample(id)
    except BrokenImage:
        return None
