"""CWR: a word of the caption is put in again, at a random place."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from solidmark.late import torch
from solidmark.mitigations.mitigation import Preset
from solidmark.mitigations.words import chosen, inserted, require_repeats


@dataclass(frozen=True)
class WordRepetition:
    """Caption word repetition.

    Each repeat draws one of the words that the caption had at first. Paper and code define it
    alike; their presets differ in the number of repeats alone.

    Arguments:
        repeats: How often; 0 changes nothing.

    References:
        Somepalli et al., 2023, and its code; SolidMark (Kriplani et al., 2025), Appendix H.
    """

    name: ClassVar[str] = "cwr"
    strength: ClassVar[str] = "repeats"
    presets: ClassVar[Mapping[str, Preset]] = {"paper": {"repeats": 4}, "dcr": {"repeats": 2}}
    repeats: int = 4

    def __post_init__(self) -> None:
        require_repeats(self.name, self.repeats)

    def reword(self, caption: str, tokenizer: Any, generator: "torch.Generator") -> str:
        """The caption with some of its words twice; an empty one stays empty."""
        words = given = caption.split()
        if not given or not self.repeats:
            return caption
        for _ in range(self.repeats):
            words = inserted(words, chosen(given, generator), generator)
        return " ".join(words)
