"""What an audit without marks asks: which measures, of which images, how much of each."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from solidmark.diffusion import Model
from solidmark.errors import BadInput, UnknownName
from solidmark.generating import Generation
from solidmark.generating.configuration import check_counts
from solidmark.generating.prompts import classes_of, is_captioned
from solidmark.measures.inpaint import Inpainting
from solidmark.measures.invmm import Budget, InvMM
from solidmark.measures.invmm.inversion import PRESETS
from solidmark.measures.nearest import Comparison
from solidmark.measures.signals import Measuring
from solidmark.neighbours import PIXEL_DISTANCES
from solidmark.subjects import Asking

MEASURES = ("signals", "nearest", "inpaint", "invmm")
"""The measures that need no marks, each in a folder of its name."""

GENERATED = "generated"
"""The folder of what the model draws for `nearest`."""


@dataclass(frozen=True)
class Part:
    """How much is asked of one measure.

    Arguments:
        name: Of `MEASURES`.
        limit: At most so many images a split, drawn at random; None = all.
        number: Of `nearest`: how many generations.
        distances: Of `nearest`: by what they are compared.
        draws: Of `inpaint`: how often each image is inpainted.
        budget: Of `invmm`: what it may spend, as it is typed.
    """

    name: str
    limit: int | None = None
    number: int = 1000
    distances: tuple[str, ...] = tuple(PIXEL_DISTANCES)
    draws: int = 10
    budget: str | None = None

    def __post_init__(self) -> None:
        if self.name not in MEASURES:
            raise UnknownName("measure without marks", self.name, MEASURES)
        check_counts(limit=self.limit, number=self.number, draws=self.draws)


@dataclass(frozen=True)
class Unmarked(Asking):
    """The whole configuration of an audit without marks.

    Arguments:
        parts: The measures, in the order in which they are asked.
        steps: Sampling steps of generations and inpaintings.
        preset: How InvMM inverts an image.
        fdr: The false-discovery rate at which images are named.
        trust_control: Whether images are named although the held-out ones are of another kind.
    """

    command = "unmarked"
    held_out: str = field(kw_only=True)
    parts: tuple[Part, ...]
    steps: int = 50
    preset: str = "quick"
    fdr: float = 0.05
    trust_control: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.parts:
            raise BadInput("No measure without marks was named. Give one with --measure.")
        if self.preset not in PRESETS:
            raise UnknownName("preset", self.preset, PRESETS)
        names = [one.name for one in self.parts]
        if len(names) != len(set(names)):
            raise BadInput("A measure was named twice. Name each once.")

    def measuring(self, part: Part) -> Measuring:
        """The run of `signals`."""
        return Measuring(**self._asked(part), batch_size=self.batch_size)

    def inpainting(self, part: Part) -> Inpainting:
        """The run of `inpaint`."""
        return Inpainting(
            **self._asked(part),
            draws=part.draws,
            steps=self.steps,
            batch_size=self.batch_size,
        )

    def inversion(self, part: Part) -> InvMM:
        """The run of `invmm`."""
        budget = None if part.budget is None else Budget.parse(part.budget)
        preset = PRESETS[self.preset]
        return InvMM(**self._asked(part), inversion=preset, budget=budget)

    def generation(self, part: Part, model: Model, size: tuple[int, int]) -> Generation:
        """What is drawn for `nearest`: prompts take turns where the model is told any.

        Arguments:
            part: How much.
            model: The model.
            size: The height and width of the images in pixels.
        """
        is_told = is_captioned(model) or classes_of(model) > 0
        return Generation(
            self.model,
            self.out / GENERATED,
            number=part.number,
            data=self.images if is_told else None,
            caption=self.caption if is_captioned(model) else None,
            steps=self.steps,
            resolution=f"{size[0]}x{size[1]}",
            hash_ids=self.hash_ids,
            batch_size=self.batch_size,
            seed=self.seed,
            opening=self.opening,
        )

    def comparison(self, part: Part) -> Comparison:
        """The run of `nearest`."""
        return Comparison(
            str(self.out / GENERATED),
            self.images,
            self.out / part.name,
            distances=part.distances,
            held_out=self.held_out,
            fdr=self.fdr,
            resolution=self.resolution,
            mode=self.mode,
            window=self.window,
            hash_ids=self.hash_ids,
            seed=self.seed,
            device=self.opening.device,
            trust_control=self.trust_control,
        )

    def _asked(self, part: Part) -> dict[str, Any]:
        """What all measures of single images are asked alike."""
        same = ("model", "images", "held_out", "seed", "caption", "resolution", "mode", "window")
        found = {name: getattr(self, name) for name in (*same, "hash_ids", "opening")}
        return {**found, "out": self.out / part.name, "limit": part.limit}

    def to_json(self) -> dict[str, Any]:
        """The configuration as it stands in the manifest; what is only scored is no part of it."""
        left_out = ("parts", "fdr", "trust_control")
        plain = {name: v for name, v in super().to_json().items() if name not in left_out}
        parts = [asdict(one) | {"distances": list(one.distances)} for one in self.parts]
        return plain | {"parts": parts}


def names_of(config: Mapping[str, Any]) -> list[str]:
    """The measures of a configuration as it stands in a manifest, in their order."""
    return [str(part["name"]) for part in config["parts"]]
