"""The words of a sample: captions, classes and JSON that lie beside its picture."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from solidmark.data.inventory import Unused
from solidmark.data.records import quoted
from solidmark.data.samples import WORDS
from solidmark.errors import BrokenImage


@dataclass(frozen=True)
class Words:
    """What is told of a picture.

    Arguments:
        told: By column: "text", "class", and whatever its JSON says.
        flaw: Why it cannot be used, if so.
        from_json: Whether there is JSON among them.
    """

    told: dict[str, Any]
    flaw: str | None = None
    unused: list[Unused] = field(default_factory=list)
    from_json: bool = False


def read_words(names: Iterable[str], read: Callable[[str], bytes], place: str) -> Words:
    """Reads the files that tell of a picture; the first of each kind is believed."""
    told: dict[str, Any] = {}
    unused: list[Unused] = []
    facts: dict[str, Any] = {}
    for name in names:
        extension = "." + name.rsplit(".", 1)[-1].lower()
        column = WORDS[extension]
        try:
            text = read(name).decode("utf-8-sig").strip()
            value = text if column else json.loads(text)
        except UnicodeDecodeError as error:
            why = f"{quoted(name)} in {place} is not UTF-8 ({error.reason}). Save it as UTF-8."
            return Words(told, why, unused)
        except BrokenImage as error:
            return Words(told, f"{quoted(name)} cannot be read. {error}", unused)
        except (ValueError, RecursionError) as error:
            return Words(told, f"{quoted(name)} in {place} cannot be read ({error}).", unused)
        if column in told:
            unused.append(Unused(name, "files beside a stronger one"))
        elif column:
            told[column] = value
        elif isinstance(value, dict):
            facts = {**value, **facts}
        else:
            unused.append(Unused(name, "JSON files without an object"))
    return Words({**facts, **told}, None, unused, bool(facts))
