"""What there is to say of a file or folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Description:
    """What a file or folder is.

    Arguments:
        facts: Names and values, in the order in which they are read.
        auditable: Whether it can be audited, or be part of it, as a sentence.
        missing: What it lacks, as a sentence; empty where it lacks nothing.
        next: The commands that take it, as they can be copied.
    """

    kind: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    auditable: str = ""
    missing: str = ""
    next: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """For people, below the line that names it."""
        said = [f"  {name}: {value}" for name, value in self.facts.items()]
        said += [f"Audit: {self.auditable}"] if self.auditable else []
        said += [f"Missing: {self.missing}"] if self.missing else []
        return said + [f"Next: {command}" for command in self.next]

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "kind": self.kind,
            "facts": dict(self.facts),
            "auditable": self.auditable,
            "missing": self.missing,
            "next": list(self.next),
        }
