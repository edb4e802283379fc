"""What a mitigation is: a change of what a model is told, and of nothing else.

There are two kinds. A `Rewording` changes the words of a caption before they are embedded, a
`Reembedding` changes the numbers that came of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

from solidmark.cards.spelled import Preset, to_json
from solidmark.data import Sample
from solidmark.diffusion import Model
from solidmark.late import torch
from solidmark.models import Conditions

__all__ = ["Mitigation", "Preset", "Reembedding", "Rewording", "to_json"]


@runtime_checkable
class Rewording(Protocol):
    """Changes captions."""

    name: ClassVar[str]
    strength: ClassVar[str]
    presets: ClassVar[Mapping[str, Preset]]

    def reword(self, caption: str, tokenizer: Any, generator: "torch.Generator") -> str:
        """Another caption.

        Arguments:
            caption: Words with spaces between them.
            tokenizer: That of the model, of transformers.
            generator: That of the image.
        """
        ...


@runtime_checkable
class Reembedding(Protocol):
    """Changes what captions or classes have become."""

    name: ClassVar[str]
    strength: ClassVar[str]
    presets: ClassVar[Mapping[str, Preset]]
    takes_classes: ClassVar[bool]

    def reembed(
        self,
        model: Model,
        condition: Conditions,
        samples: Sequence[Sample],
        generators: "Sequence[torch.Generator]",
    ) -> Conditions:
        """Another condition, of the same shape; no row depends on another.

        Arguments:
            model: The model that will be told, to be asked about what it would say.
            condition: What it would be told.
            samples: The images of the batch, of the size that they are drawn at.
            generators: One an image.
        """
        ...


Mitigation = Rewording | Reembedding
"""`strength` names the field that says how strong it is, `presets` what was published."""
