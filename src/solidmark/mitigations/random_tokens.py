"""RT: tokens of the caption are replaced by random ones, and random ones are added."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from solidmark.errors import BadInput
from solidmark.late import torch
from solidmark.mitigations.mitigation import Preset
from solidmark.mitigations.words import inserted, require_repeats

LARGEST = 49_400
"""Random tokens are numbered below this, as in the published code (CLIP has 49,408)."""


@dataclass(frozen=True)
class RandomTokens:
    """Random token replacement and addition.

    In each repeat every token is replaced with some chance, then one random token is put in, as
    text, at a random place between words. The paper does not say how large the chance is: 0.1 is
    ours. The published code (preset `dcr`) never replaces, which is a chance of 0.

    Arguments:
        repeats: How often; 4 in the paper, 2 in the code. 0 changes nothing.
        chance: Of a token to be replaced in one repeat, in [0, 1].

    References:
        Somepalli et al., 2023 ("Understanding and mitigating copying in diffusion models"), and
        its code; SolidMark (Kriplani et al., 2025), Appendix H.
    """

    name: ClassVar[str] = "rt"
    strength: ClassVar[str] = "repeats"
    presets: ClassVar[Mapping[str, Preset]] = {
        "paper": {"repeats": 4, "chance": 0.1},
        "dcr": {"repeats": 2, "chance": 0.0},
    }
    repeats: int = 4
    chance: float = 0.1

    def __post_init__(self) -> None:
        require_repeats(self.name, self.repeats)
        if not 0 <= self.chance <= 1:
            raise BadInput(f"rt replaces tokens with a chance in [0, 1], not {self.chance}.")

    def reword(self, caption: str, tokenizer: Any, generator: "torch.Generator") -> str:
        """The caption with random tokens in it."""
        for _ in range(self.repeats):
            if self.chance:
                caption = self._replaced(caption, tokenizer, generator)
            added = random_token(tokenizer, generator)
            caption = " ".join(inserted(caption.split(), added[1], generator))
        return caption

    def _replaced(self, caption: str, tokenizer: Any, generator: "torch.Generator") -> str:
        ids = tokenizer(caption, add_special_tokens=False, verbose=False).input_ids
        hit = torch.rand(len(ids), generator=generator) < self.chance
        if not hit.any():
            return caption
        kept = [
            random_token(tokenizer, generator)[0] if here else id
            for id, here in zip(ids, hit.tolist(), strict=True)
        ]
        return str(tokenizer.decode(kept, skip_special_tokens=True)).strip()


def random_token(tokenizer: Any, generator: "torch.Generator") -> tuple[int, str]:
    """The number and the text of a random token, of those that have a text."""
    while True:
        id = int(torch.randint(min(LARGEST, len(tokenizer)), (), generator=generator))
        text = str(tokenizer.decode([id], skip_special_tokens=True)).strip()
        if text:
            return id, text
