"""What the pages of `duplicates` and `cliques` share: the folder, and groups of pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from solidmark.page.comparison import card_lists
from solidmark.page.pictures import IN_CARD, embed, open_pictures
from solidmark.page.sections import Card, Gallery, Shown
from solidmark.runs import Results, open_results, read_manifest, read_table


@dataclass(frozen=True)
class GroupRun:
    """All files of such a folder.

    Arguments:
        results: `results.json`.
        lines: The rows of its table, in their order.
        pictures: By id, where a picture lies below the folder.
    """

    results: Results
    lines: Sequence[Mapping[str, Any]] = field(repr=False)
    pictures: Mapping[str, str] = field(repr=False)

    def shown(self, id: str, what: str, images: bool, *, outlined: bool = False) -> Shown:
        """An image of a group; an empty picture where it cannot be shown."""
        found = embed(self.results.folder, self.pictures.get(id), IN_CARD)
        return Shown(found if images else None, what, id, outlined)

    def counted(self, name: str) -> int:
        """A count that the results hold beside their figures."""
        return int(self.results.facts.get(name) or 0)


def open_group_run(folder: Path, command: str, columns: Sequence[str]) -> GroupRun:
    """Reads the folder of `duplicates` or `cliques`.

    Arguments:
        command: Which of them; its table has this name.

    Raises:
        NotFound: When a file is missing.
        RunConflict: When it is not finished, or was made by another command.
        BadInput: When a file cannot be read, or holds no verdict.
    """
    read_manifest(folder, command)
    again = f'Run "solidmark {command}" again.'
    results = open_results(folder, again)
    _ = results.judged  # Old folders have no verdict: that is said at once.
    table = read_table(folder / f"{command}.parquet", columns, again)
    return GroupRun(results, table.to_pylist(), open_pictures(folder, again, str))


def groups_section(title: str, said: str, cards: Sequence[Card], empty: str) -> Gallery:
    """The groups, the first ones open."""
    lists = tuple(replace(one, wide=True) for one in card_lists(cards, ()))
    return Gallery("groups", title, (said,) if cards else (), lists=lists, empty=empty)
