"""A model that is told something else than it was asked with."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from solidmark.data import Sample
from solidmark.diffusion import Condition, Metered, Model, Schedule
from solidmark.late import torch
from solidmark.mitigations.mitigation import Mitigation, Reembedding, Rewording
from solidmark.mitigations.telling import require_told, tokenizer_of
from solidmark.models import Conditions
from solidmark.models.conditions import CLASS_SHIFT
from solidmark.models.text import captions
from solidmark.randomness import generator
from solidmark.types import Images, Latents, Times


@dataclass
class Mitigated:
    """Passes everything on to a model, and changes only what the network is told.

    What is told of an image is a function of the seed and its id, whatever batch it stands in; all
    repeats of an evaluation share it. Words are changed before they are embedded, whatever the
    order of the mitigations; within each kind they are applied in the order given.

    Arguments:
        model: The model.
        mitigations: What is done to its captions or classes.
        seed: Of everything that the mitigations draw.
        calls: Network calls that they made so far.

    Raises:
        MissingCapability: When the model is not told what a mitigation changes.
    """

    model: Model
    mitigations: tuple[Mitigation, ...]
    seed: int = 0
    calls: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        for mitigation in self.mitigations:
            require_told(self.model, mitigation)

    @property
    def schedule(self) -> Schedule:
        return self.model.schedule

    @property
    def channels(self) -> int:
        return self.model.channels

    @property
    def factor(self) -> int:
        return self.model.factor

    def encode(self, images: Images) -> Latents:
        return self.model.encode(images)

    def decode(self, latents: Latents) -> Images:
        return self.model.decode(latents)

    def reword(self, samples: Sequence[Sample]) -> list[Sample]:
        """The same images with the captions that the model is told.

        Raises:
            BadInput: When an image has no caption to change.
        """
        reworded, tokenizer = list(samples), tokenizer_of(self.model)
        for number, mitigation in enumerate(self.mitigations):
            if isinstance(mitigation, Rewording):
                texts = zip(reworded, captions(reworded), strict=True)
                reworded = [
                    replace(
                        sample,
                        caption=mitigation.reword(
                            text, tokenizer, self._generator(sample.id, number)
                        ),
                    )
                    for sample, text in texts
                ]
        return reworded

    def condition(self, samples: Sequence[Sample]) -> Condition:
        """What the model is told in place of captions or classes."""
        samples = self.reword(samples)
        told = self.model.condition(samples)
        metered = Metered(self.model, len(samples))
        for number, mitigation in enumerate(self.mitigations):
            if isinstance(mitigation, Reembedding):
                generators = [self._generator(sample.id, number) for sample in samples]
                told = mitigation.reembed(metered, told, samples, generators)
        self.calls += metered.calls
        return told

    def unconditional(self, condition: Condition) -> Condition:
        """What says nothing is told as it is: only the words of an image are mitigated."""
        if isinstance(condition, Conditions):
            condition = Conditions(
                {name: row for name, row in condition.tensors.items() if name != CLASS_SHIFT}
            )
        return self.model.unconditional(condition)

    def denoise(self, z_t: Latents, t: Times, condition: Condition) -> Latents:
        return self.model.denoise(z_t, t, condition)

    def _generator(self, id: str, number: int) -> "torch.Generator":
        return generator(self.seed, id, purpose=f"{self.mitigations[number].name} {number}")
