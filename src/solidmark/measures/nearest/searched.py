"""What all commands share that compare images with each other."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from solidmark.cards.asked import Sized
from solidmark.cards.option import check


@dataclass(frozen=True, kw_only=True)
class Searched(Sized):
    """What images are brought to, and what a search may take.

    Arguments:
        memory: The most bytes that a search holds, beside Python and its libraries.
        cache: Where vectors are kept from run to run; None = the user's cache folder.
        device: Where embedders and matrix products run.
    """

    memory: int = 2**30
    cache: Path | None = None
    device: str = "cpu"

    def __post_init__(self) -> None:
        check(self)

    def to_json(self) -> dict[str, Any]:
        """The configuration as it stands in the manifest, without what changes no number."""
        plain = asdict(self)
        for name in ("out", "memory", "cache", "device", "hash_ids"):
            plain.pop(name, None)
        if plain.get("search") == "auto":  # Which it is, the images say.
            del plain["search"]
        return plain
