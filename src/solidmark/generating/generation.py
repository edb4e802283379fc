"""What a run of `solidmark generate` draws: from which model, told what, and how."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from solidmark.cards.asked import Generated, Hashed
from solidmark.cards.option import Positive, check
from solidmark.data import Records, Resolution, open_data, sides_of
from solidmark.diffusion import Model
from solidmark.errors import BadInput, MissingCapability
from solidmark.generating.configuration import open_any, to_plain
from solidmark.generating.prompts import (
    Prompt,
    classes_of,
    is_captioned,
    own_prompts,
    prompts_of,
    spread,
)
from solidmark.marks import FOLDERS, Marked, open_marked
from solidmark.mitigations import Mitigation
from solidmark.models import Opening
from solidmark.models.fit import check_fit, check_stated_fit

NUMBER = 5000
"""How many images are drawn when nobody says how many."""


@dataclass(frozen=True)
class Generation(Generated, Hashed):
    """The whole configuration of a generation.

    Arguments:
        model: A pipeline folder, a hub id, or a control (`memorizer`, `gaussian`, `average`,
            `average-per-caption`; they need `marked`).
        out: The folder to write.
        resolution: The side of the images in pixels, or "HEIGHTxWIDTH"; None = what the model was
            built for.
        batch_size: Images a network call; fewer are tried where they do not fit into the memory.
        seed: Of the noise. Image 17 is the same whatever else is drawn.
        opening: Where and in what the model runs, and what is added to it.
        mitigations: What is done to what the model is told, in this order.
    """

    model: str
    out: Path
    resolution: Resolution | None = None
    batch_size: Positive = 64
    seed: int = 0
    opening: Opening = field(default_factory=Opening)
    mitigations: tuple[Mitigation, ...] = ()

    def __post_init__(self) -> None:
        check(self)
        if self.resolution is not None:
            sides_of(self.resolution)
        if self.marked is None and self.crop:
            raise BadInput("--crop cuts the frames of marked images off. Name them with --marked.")
        if self.marked is not None and self.resolution is not None:
            raise BadInput(
                "--marked and --resolution both say how large the images are. Leave one out."
            )
        if self.data is None and (self.caption_column or self.label_column or self.class_folders):
            raise BadInput(
                "Columns and class folders are those of a data set. Name it with --data."
            )

    def open_marked(self) -> Marked | None:
        """Opens the marked folder, if there is one.

        Raises:
            BadInput: When it holds images of several sizes.
        """
        if self.marked is None:
            return None
        found = open_marked(self.marked)
        found.require_one_size("generate --marked")
        return found

    def open_data(self) -> Records | None:
        """Opens the data set whose captions or classes are drawn, if there is one.

        Raises:
            NotFound: When there is no such data.
        """
        return self._records

    @cached_property
    def _records(self) -> Records | None:
        if self.data is None:
            return None
        return open_data(
            self.data,
            caption_column=self.caption_column,
            label_column=self.label_column,
            class_folders=self.class_folders,
            hash_ids=self.hash_ids,
        )

    def open_model(self, marked: Marked | None) -> Model:
        """Opens the model, without its mitigations.

        Raises:
            BadInput: When there is nothing that a control could be made of.
        """
        self.open_data()  # It is there, or is not, before a model is opened to be told of it.
        if marked is not None:
            check_stated_fit(self.model, marked)
        return open_any(self.model, self.opening, marked, self.seed)

    def size(self, model: Model, marked: Marked | None) -> tuple[int, int]:
        """The height and width to draw, in pixels.

        Raises:
            BadInput: When the model was built for another one, or does not say for which.
        """
        if marked is not None:
            check_fit(model, marked.channels, marked.marked_size, marked)
            return marked.marked_size
        built: tuple[int, int] | None = getattr(model, "sample_size", None)
        if self.resolution is None:
            if built is None:
                raise BadInput(
                    f'"{self.model}" does not say for which size it was built. '
                    "Give the side in pixels with --resolution."
                )
            return built
        size = sides_of(self.resolution)
        if model.factor == 1 and built not in (None, size):
            here, there = (" x ".join(map(str, sides or ())) for sides in (size, built))
            raise BadInput(
                f"The model was built for {there} pixels, not for {here}. Leave --resolution out."
            )
        multiple = getattr(model, "multiple", 1)
        if any(side % multiple for side in size):
            raise BadInput(
                f"The model takes sides that are multiples of {multiple} pixels, "
                f"not {self.resolution}. Give another --resolution."
            )
        return size

    def prompts(self, model: Model, marked: Marked | None) -> list[Prompt]:
        """The prompt of each image, in order.

        Raises:
            BadInput: When the model needs prompts and there are none, or too few.
        """
        number = self.number
        if number is None and self.per_prompt is None:
            number = NUMBER
        return spread(self._sources(model, marked)[: self.limit], number, self.per_prompt)

    def to_json(self) -> dict[str, Any]:
        """The configuration as it stands in the manifest."""
        return to_plain(self)

    def _sources(self, model: Model, marked: Marked | None) -> list[Prompt]:
        """What can be drawn: the first of these that was given."""
        self._refuse_what_is_not_told(model)
        classes = None if marked is None else marked.classes
        if (records := self.open_data()) is not None:
            return prompts_of(records, self.caption, classes)
        if self.caption is not None:
            return [Prompt(caption=self.caption)]
        if marked is not None and (is_captioned(model) or classes_of(model)):
            return prompts_of(open_data(marked.folder / FOLDERS["trained"]), None, classes)
        return own_prompts(model)

    def _refuse_what_is_not_told(self, model: Model) -> None:
        """A prompt that never reaches the network would change nothing, and nobody would know."""
        asked = {"--data": self.data, "--caption": self.caption, "--per-prompt": self.per_prompt}
        given = [option for option, value in asked.items() if value is not None]
        if given and not is_captioned(model) and not classes_of(model):
            raise MissingCapability(
                f"The model is told neither captions nor classes. Leave {' and '.join(given)} out."
            )
        if self.caption is not None and not is_captioned(model):
            raise MissingCapability(
                "The model draws from classes, not from captions. Leave --caption out."
            )
