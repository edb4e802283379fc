"""A study is data: its arms, what is read out of them, and what was published of the same."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from solidmark.cards import STUDIES, Card
from solidmark.runs import Figure
from solidmark.studies.stage import Stage, stage


@dataclass(frozen=True)
class Made:
    """What was made for an arm at a seed.

    Arguments:
        folders: The folders of its stages, by the names that the arm gives them.
        of: Which rows are the arm's, where it has a part of what a stage has.
    """

    folders: Mapping[str, Path]
    of: str = ""
    seed: int = 0

    def __getitem__(self, stage: str) -> Path:
        return self.folders[stage]

    def __contains__(self, stage: str) -> bool:
        return stage in self.folders


@dataclass(frozen=True)
class Setting:
    """At which size a study is run.

    Arguments:
        data: The images, as `mark` takes them.
        images: How many of them, held-out ones included; None where a study has numbers of its own.
        resolution: Their side in pixels.
        epochs: How long is trained; None the same.
        seeds: Of keys, halves, weights and noise; everything is done once for each.
        preset: The recipe of training.
        recipe: What it has otherwise, by the names of `training.Recipe`.
        read: How the images are read, by the names of `data.open_data`.
        device: Where networks run.
        size: What else a study asks at another size: its own numbers, by name.
    """

    data: str = "digits"
    images: int | None = 256
    resolution: int = 12
    epochs: int | None = 200
    seeds: tuple[int, ...] = (0, 1, 2)
    preset: str = "digits-demo"
    recipe: Mapping[str, Any] = field(default_factory=dict)
    read: Mapping[str, Any] = field(default_factory=dict)
    device: str = "cpu"
    size: Mapping[str, Any] = field(default_factory=dict)

    def but(self, **changes: Any) -> "Setting":
        """The same with some fields otherwise."""
        return replace(self, **changes)

    def mark(self, seed: int, data: Any = None, **options: Any) -> Stage:
        """Marks the images, half of them held out; other data are taken whole."""
        reads: dict[str, Any] = {"resolution": self.resolution, **self.read}
        if data is None:
            reads["limit"] = self.images
        chosen = {"held_out": 0.5, "seed": seed, **reads, **options}
        return stage("mark", self.data if data is None else data, **chosen)

    def train(self, marked: Stage, seed: int, **recipe: Any) -> Stage:
        """Trains a network on marked images."""
        asked = {"num_train_epochs": self.epochs, **self.recipe, **recipe}
        return stage("train", marked, preset=self.preset, device=self.device, seed=seed, **asked)

    def audit(self, model: Any, marked: Stage, seed: int, **options: Any) -> Stage:
        """Asks a model for the keys of marked images."""
        asked = {"ceiling": False, "device": self.device, "seed": seed, **options}
        return stage("audit", model, marked, **asked)

    def generate(self, model: Any, marked: Stage, seed: int, **options: Any) -> Stage:
        """Draws as many images as the size says from a model of marked images."""
        number, steps = self.size["generations"], self.size["steps"]
        asked = {"number": number, "steps": steps, "device": self.device, "seed": seed, **options}
        return stage("generate", model, marked=marked, **asked)


@dataclass(frozen=True)
class Arm:
    """One thing that is tried.

    Arguments:
        name: Its name in the table.
        stages: What must be made for it, by the names that the read-outs ask for.
        level: Where it stands on the axis of the study; None where there is none.
        pictures: Files that show what it is: the name of a stage, and a pattern of `glob` in it.
        of: Which rows of its stages are its own, where arms share them: what ids begin with.
    """

    name: str
    stages: Mapping[str, Stage]
    level: float | None = None
    pictures: tuple[str, str] | None = None
    of: str = ""


@dataclass(frozen=True)
class Readout:
    """What is read out of every arm, once a seed.

    Arguments:
        name: Its name in the table.
        direction: Which way means memorized; None where neither does.
        read: Reads it: its value with n, chance and interval where these are known. None where
            this arm has no such thing.
        about: What it is, in a sentence.
    """

    name: str
    unit: str
    direction: Literal["low", "high"] | None
    read: Callable[[Made], Figure | None]
    about: str = ""


@dataclass(frozen=True)
class Published:
    """A table that was published of the same question.

    Arguments:
        lines: Its lines, a value a column; None where there is none.
        chance: What chance alone gives, a value a column; empty where it does not apply.
        arithmetic: How chance was worked out.
        said: What must be known of it.
    """

    source: str
    heads: tuple[str, ...]
    lines: tuple[tuple[str, tuple[float | None, ...]], ...]
    chance: tuple[float, ...] = ()
    arithmetic: str = ""
    said: str = ""


@dataclass(frozen=True)
class Study:
    """A study.

    Arguments:
        name: That of its card, which has its question and the paper that it follows.
        arms: The arms at a setting and a seed; the same names at every seed. The first is what
            the others are compared with.
        readouts: What is read out of them; the first is the one that the headline speaks of.
        full: The size that is advised.
        quick: The size for minutes of two cores.
        axis: What the levels of the arms are; empty where they have none.
        published: What was published of it.
        said: What a reader must know, in few sentences.
    """

    name: str
    arms: Callable[[Setting, int], Iterable[Arm]]
    readouts: tuple[Readout, ...]
    full: Setting
    quick: Setting
    axis: str = ""
    published: tuple[Published, ...] = ()
    said: tuple[str, ...] = ()

    @property
    def card(self) -> Card:
        """What it asks, and which paper it follows."""
        return STUDIES[self.name]
