"""RNA: random numbers are put in the caption."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from solidmark.errors import BadInput
from solidmark.late import torch
from solidmark.mitigations.mitigation import Preset
from solidmark.mitigations.words import inserted, require_repeats


@dataclass(frozen=True)
class RandomNumbers:
    """Random numbers addition.

    Arguments:
        repeats: How many numbers; 0 changes nothing.
        largest: The largest number that can be drawn; 10^6 in the paper, 99,999 in the code.

    References:
        Somepalli et al., 2023, and its code; SolidMark (Kriplani et al., 2025), Appendix H.
    """

    name: ClassVar[str] = "rna"
    strength: ClassVar[str] = "repeats"
    presets: ClassVar[Mapping[str, Preset]] = {
        "paper": {"repeats": 4, "largest": 1_000_000},
        "dcr": {"repeats": 2, "largest": 99_999},
    }
    repeats: int = 4
    largest: int = 1_000_000

    def __post_init__(self) -> None:
        require_repeats(self.name, self.repeats)
        if self.largest < 0:
            raise BadInput(f"rna draws numbers from 0 up to 0 or more, not to {self.largest}.")

    def reword(self, caption: str, tokenizer: Any, generator: "torch.Generator") -> str:
        """The caption with numbers between its words."""
        if not self.repeats:
            return caption
        words = caption.split()
        for _ in range(self.repeats):
            number = int(torch.randint(self.largest + 1, (), generator=generator))
            words = inserted(words, str(number), generator)
        return " ".join(words)
