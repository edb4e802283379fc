"""The folder of a search for groups, read whole: what its page is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from solidmark.report.opening import open_pictures, open_results, open_table, verdict_in
from solidmark.report.pictures import Picture, embed
from solidmark.runs import Verdict, read_manifest


@dataclass(frozen=True)
class GroupRun:
    """All files of such a folder.

    Arguments:
        folder: Where it lies.
        results: `results.json`.
        verdict: What it has come to, which stands there.
        lines: The rows of its table, in their order.
        pictures: By id, where a picture lies below the folder.
    """

    folder: Path
    results: Mapping[str, Any]
    verdict: Verdict = field(repr=False)
    lines: Sequence[Mapping[str, Any]] = field(repr=False)
    pictures: Mapping[str, str] = field(repr=False)

    @property
    def config(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.results.get("config") or {}
        return found

    def find(self, statistic: str, **where: Any) -> Mapping[str, Any]:
        """The first aggregate of this kind; an empty one where there is none."""
        for row in self.results["rows"]:
            if row.get("statistic") == statistic and all(row.get(k) == v for k, v in where.items()):
                found: Mapping[str, Any] = row
                return found
        return {}

    def count(self, statistic: str, **where: Any) -> int:
        """Its count; 0 where there is none."""
        return int(self.find(statistic, **where).get("count") or 0)

    def picture(self, id: str, largest: int) -> Picture:
        """The picture of an image; an empty one where it cannot be shown."""
        return embed(self.folder, self.pictures.get(id), largest) or Picture()


def open_group_run(folder: Path, command: str, columns: Sequence[str]) -> GroupRun:
    """Reads the folder of `duplicates` or `cliques`.

    Arguments:
        folder: The folder.
        command: Which of them; its table has this name.
        columns: What the page needs of the table.

    Raises:
        NotFound: When a file is missing.
        RunConflict: When it is not finished, or was made by another command.
        BadInput: When a file cannot be read.
    """
    read_manifest(folder, command)
    again = f'Run "solidmark {command}" again.'
    results = open_results(folder, again)
    return GroupRun(
        folder,
        results,
        verdict_in(folder, results, f'Run the same "solidmark {command}" into a new folder.'),
        open_table(folder, f"{command}.parquet", again, columns).to_pylist(),
        open_pictures(folder, again, str),
    )
