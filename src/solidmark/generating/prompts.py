"""What a model is told to draw: captions and classes of a data set, or one prompt for all."""

from collections.abc import Sequence
from dataclasses import dataclass

from solidmark.data import Records, Sample
from solidmark.diffusion import Model
from solidmark.errors import BadInput
from solidmark.late import torch
from solidmark.models import LatentModel


@dataclass(frozen=True)
class Prompt:
    """What is told of one image to draw.

    Arguments:
        id: Of the sample that it came from; None where it came from nowhere.
        caption: The text.
        label: The name of the class.
        class_index: Its number, as the model knows it.
    """

    id: str | None = None
    caption: str | None = None
    label: str | None = None
    class_index: int | None = None

    def sample(self, id: str, size: tuple[int, int, int]) -> Sample:
        """As a model takes it: an image of which everything is known but the pixels.

        Arguments:
            id: Of the image to draw.
            size: Its channels, height and width.
        """
        blank = torch.zeros(1, 1, 1).expand(size)
        return Sample(id, blank, "", self.caption, self.label, class_index=self.class_index)


def prompts_of(
    records: Records, caption: str | None = None, classes: Sequence[str | None] | None = None
) -> list[Prompt]:
    """The prompts of a data set, in its order. No image is decoded.

    Arguments:
        records: The data set.
        caption: The caption of images that have none.
        classes: The names of the classes; the place of a name is its number. When None, the numbers
            are those of the data set (`data.class_numbers`).
    """
    numbers = dict(records.classes)
    if classes is not None:
        numbers = {name: number for number, name in enumerate(classes) if name is not None}
    return [
        Prompt(
            record.id,
            caption if record.caption is None else record.caption,
            record.label,
            None if record.label is None else numbers.get(record.label),
        )
        for record in records.records
        if record.flaw is None
    ]


def own_prompts(model: Model) -> list[Prompt]:
    """What a model draws when nobody says what: each of its classes in turn, or just anything.

    Raises:
        BadInput: When it draws from captions.
    """
    if is_captioned(model):
        raise BadInput(
            "The model draws from captions. Give one with --caption, or a data set that has them "
            "with --data or --marked."
        )
    return [Prompt(label=str(n), class_index=n) for n in range(classes_of(model))] or [Prompt()]


def is_captioned(model: Model) -> bool:
    """Whether a model draws from captions: its family embeds texts."""
    return bool(getattr(model, "captioned", False))


def classes_of(model: Model) -> int:
    """How many classes a model draws from; 0 = it is told no class."""
    return int(getattr(model.family if isinstance(model, LatentModel) else model, "classes", 0))


def check_told(model: Model, prompts: Sequence[Prompt], size: tuple[int, int, int]) -> None:
    """Checks that the model can be told all of the prompts, before anything is drawn.

    Raises:
        BadInput: When one lacks the caption or the class that the model needs.
    """
    kinds = {(prompt.caption is None, prompt.class_index): prompt for prompt in prompts}
    for prompt in kinds.values():
        model.condition([prompt.sample(prompt.id or "", size)])


def spread(prompts: Sequence[Prompt], number: int | None, per_prompt: int | None) -> list[Prompt]:
    """Which prompt each image gets.

    Arguments:
        prompts: The prompts, in order.
        number: How many images; None = as many as `per_prompt` makes of all prompts.
        per_prompt: How many images of a prompt, one after the other. When None, the prompts take
            turns, and where there are more prompts than images, every so many-th is taken.

    Raises:
        BadInput: When there are too few prompts for so many images.
    """
    if per_prompt is None:
        number = len(prompts) if number is None else number
        if number < len(prompts):
            prompts = [prompts[i * len(prompts) // number] for i in range(number)]
        return [prompts[i % len(prompts)] for i in range(number)]
    most = per_prompt * len(prompts)
    if number is not None and number > most:
        raise BadInput(
            f"{number} images of {len(prompts)} prompt(s), {per_prompt} of each, are {most} at the "
            "most. Use a larger --per-prompt or a smaller --number."
        )
    return [prompts[i // per_prompt] for i in range(most if number is None else number)]
