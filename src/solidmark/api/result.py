"""What a function gives back: the verdict, the figures, the rows and the page of a folder."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from solidmark.errors import BadInput
from solidmark.runs import (
    Figure,
    Results,
    Verdict,
    open_results,
    read_manifest,
    read_table,
    require_scored,
)

if TYPE_CHECKING:
    import pyarrow

TABLES = {
    "intent": "findings.parquet",
    "duplicates": "duplicates.parquet",
    "cliques": "cliques.parquet",
    "watch": "watch.parquet",
}
"""The tables of commands whose rows lie elsewhere than in `scores.parquet`."""

COLOURS = {"memorized": "#9b1c1c", "unclear": "#7a4b00", "not_seen": "#1b5e3a"}


@dataclass(frozen=True)
class Rows:
    """A table on disk.

    Arguments:
        path: A Parquet file of a result.
    """

    path: Path

    def to_arrow(self) -> "pyarrow.Table":
        """The table of Arrow."""
        return read_table(self.path, (), "Make the result again.")

    def to_pandas(self) -> Any:
        """The table as a `pandas.DataFrame`.

        Raises:
            ImportError: When pandas is not installed.
        """
        return self.to_arrow().to_pandas()

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return iter(self.to_arrow().to_pylist())

    def __len__(self) -> int:
        return int(self.to_arrow().num_rows)


@dataclass(frozen=True)
class Folder:
    """A folder that a function has made; it may be given wherever a path may.

    Arguments:
        folder: Where it is.
    """

    folder: Path

    def __post_init__(self) -> None:
        # A notebook may go elsewhere before it looks.
        object.__setattr__(self, "folder", self.folder.absolute())

    def __fspath__(self) -> str:
        return os.fspath(self.folder)

    @property
    def manifest(self) -> Mapping[str, Any]:
        """What it was made from, and what came of it."""
        return read_manifest(self.folder)


@dataclass(frozen=True)
class Result(Folder):
    """A scored run."""

    @cached_property
    def results(self) -> Results:
        """All that stands in `results.json`."""
        return open_results(self.folder)

    @property
    def verdict(self) -> Verdict:
        """What the run has come to.

        Raises:
            BadInput: When it was scored by an older version, or judges nothing.
        """
        return self.results.judged

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Every number, with its unit, direction, chance level, interval and n."""
        return self.results.figures

    @property
    def rows(self) -> Rows:
        """A row an image, each with its scores."""
        return Rows(self.folder / TABLES.get(self.results.command, "scores.parquet"))

    @cached_property
    def named(self) -> tuple[Mapping[str, str], ...]:
        """The images that may be named one by one, as `named.csv` has them; most often none."""
        import csv

        path = self.folder / "named.csv"
        if not path.is_file():
            return ()
        require_scored(self.folder, path.name)
        with open(path, encoding="utf-8", newline="") as file:
            return tuple(csv.DictReader(file))

    @property
    def page(self) -> Path:
        """The page; it is made when it is first asked for.

        Raises:
            NotFound: When the run is not scored.
        """
        from solidmark.page.made import PAGE
        from solidmark.reporting import write_report

        path = self.folder / PAGE
        return path if path.is_file() else write_report(self.folder)

    def __str__(self) -> str:
        try:
            return f"{self.verdict.label}: {self.verdict.headline}"
        except BadInput:
            return f"{self.results.command}: {self.folder}"

    def _repr_html_(self) -> str:
        """What a notebook shows: the verdict, and where the page is."""
        verdict, page = self.verdict, escape(str(self.page))
        colour = COLOURS.get(verdict.tone, "#4a4f55")
        details = "".join(f"<li>{escape(one)}</li>" for one in verdict.details[:3])
        return (
            f'<div style="border-left:5px solid {colour};padding:.3em 1em">'
            f'<b style="color:{colour}">{escape(verdict.label)}</b>'
            f"<p>{escape(verdict.headline)}</p><ul>{details}</ul>"
            f'<p>The page: <a href="{page}">{page}</a></p></div>'
        )
