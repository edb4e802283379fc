"""The folder of an audit, read whole: what its page is made from."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from solidmark.cards.spelled import in_words
from solidmark.errors import BadInput
from solidmark.measures.audit.evidence import ONE_ROW
from solidmark.page.marked import Marked, open_marked
from solidmark.page.paths import Falls
from solidmark.runs import (
    Results,
    open_results,
    read_batches,
    read_manifest,
    read_ours,
    read_table,
)
from solidmark.scores import SCORES
from solidmark.scores.knowing import Knowing
from solidmark.scores.own_key import Name
from solidmark.scores.scored import Images, Places, Score, Scores, scores_of
from solidmark.scores.written import p_number, plain
from solidmark.verdicts.readers import ORDER, reader

SPLITS = {"trained": "Trained", "held_out": "Held-out", "ceiling": "Reference"}
"""The splits, in the order and with the names of the page."""

FDR = 0.05
"""The false-discovery rate of results that name none."""

AUDIT_AGAIN = 'Run the same "solidmark audit" again.'

_NEEDED = (*ONE_ROW, "status", "key", "key_read", "distance", "p_value", "q_value")
"""Columns that scores of every age have."""


@dataclass(frozen=True)
class Answer:
    """What the page needs of one row of `evidence.parquet`."""

    candidates: tuple[float, ...] = ()
    energies: tuple[float, ...] = ()
    picture: str | None = None
    path: tuple[float, ...] = ()


@dataclass(frozen=True)
class Answers:
    """What `evidence.parquet` holds beside the readings: gone through for what is shown.

    Arguments:
        path: The file; None where there is none.
    """

    path: Path | None = None

    def of(self, ids: Collection[str]) -> dict[Name, Answer]:
        """The answers about some images, by reader, split, id and repeat."""
        found: dict[Name, Answer] = {}
        wanted = pa.array(list(ids), pa.string())
        for batch in self._batches("candidates", "energies", "picture", "path"):
            some = pc.is_in(pc.cast(batch["id"], pa.string()), value_set=wanted)
            for row in batch.filter(some).to_pylist():
                found[row["reader"], row["split"], row["id"], int(row["repeat"] or 0)] = Answer(
                    tuple(row.get("candidates") or ()),
                    tuple(row.get("energies") or ()),
                    row.get("picture"),
                    tuple(row.get("path") or ()),
                )
        return found

    @cached_property
    def usual_paths(self) -> Mapping[str, Sequence[float]]:
        """How the energy of held-out images falls on average, by reader; none where it is none."""
        falls: dict[str, Falls] = {}
        for batch in self._batches("path"):
            if "path" not in batch.schema.names:
                return {}
            of_split = pc.and_(pc.equal(batch["split"], "held_out"), batch["path"].is_valid())
            for row in batch.select(["reader", "path"]).filter(of_split).to_pylist():
                falls.setdefault(row["reader"], Falls()).add(row["path"])
        return {reader: found.average for reader, found in falls.items()}

    @cached_property
    def have_paths(self) -> bool:
        """Whether any reader said how the energy fell."""
        return any(
            "path" in batch.schema.names
            and pc.any(pc.greater(pc.list_value_length(batch["path"]), 0)).as_py()
            for batch in self._batches("path")
        )

    def _batches(self, *names: str) -> Iterator[pa.RecordBatch]:
        if self.path is None:
            return iter(())
        return read_batches(self.path, ONE_ROW, AUDIT_AGAIN, optional=names)


@dataclass(frozen=True)
class Audit:
    """All files of an audit.

    Arguments:
        results: `results.json`.
        calibration: `calibration.json`, empty when it is not there.
        scores: The rows of `scores.parquet`, in the order of the file.
        answers: The rows of `evidence.parquet`.
        marked: The marked folder, or why it cannot be used.
    """

    results: Results
    calibration: Mapping[str, Any]
    scores: Scores
    answers: Answers
    marked: Marked = field(default_factory=Marked)

    @property
    def folder(self) -> Path:
        return self.results.folder

    @property
    def perturbed(self) -> str:
        """What was done to the pictures that the model was asked about; empty where nothing."""
        return in_words(self.results.config.get("perturb") or ())

    @cached_property
    def readers(self) -> list[str]:
        """The readers of this run, the default one first."""
        found = set(self.scores.readers)
        found |= {one.reader for one in self.results.figures if one.reader}
        return sorted(found, key=lambda name: ([*ORDER, name].index(name), name))

    @property
    def fdr(self) -> float:
        """The false-discovery rate at which images are named, in (0, 1]."""
        return float(self.results.config.get("fdr") or FDR)

    def of(self, reader: str, split: str) -> Places:
        """The rows that could be scored."""
        return self.scores.where(reader, split)

    def images(self, reader: str, split: str) -> Images:
        """One row an image: what is read of it on average over its repeats, with its p and q."""
        if (reader, split) not in self._images:
            self._images[reader, split] = self.scores.images(reader, split)
        return self._images[reader, split]

    @cached_property
    def _images(self) -> dict[tuple[str, str], Images]:
        """Those that were asked for."""
        return {}

    def names_of(self, reader: str) -> Images | None:
        """The trained images that a reader names; None where its verdict is another, or of none."""
        if reader not in self.results.judged.naming:
            return None
        return self.images(reader, "trained").named(self.fdr) or None

    def names(self, score: Score) -> bool:
        """Whether the reader of a row names its image; none does whose verdict is another."""
        return score.reader in self.results.judged.naming and score.is_named(self.fdr)

    @cached_property
    def knowing(self) -> Knowing | None:
        """Whether the model knows the images; None where it was not asked.

        Raises:
            BadInput: When the results say something else of it.
        """
        found = self.results.facts.get("knowing")
        try:
            return None if found is None else Knowing.from_json(found)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(
                'The part "knowing" of results.json is not one of solidmark '
                f"({error}). Score again."
            ) from error


def title_of(name: str) -> str:
    """The title of a reader; one without a card keeps its name."""
    return reader(name).title


def numbers_of(score: Score) -> dict[str, str]:
    """The numbers of a row as they are written, by their names on the page."""
    distance, p, q = score.distance, score.p_value, score.q_value
    bits = score.exposure_bits
    return {
        "distance": "failed" if distance is None else plain(distance, 3),
        "p": "–" if p is None else p_number(p),
        "q": "–" if q is None else p_number(q),
        "bits": "–" if bits is None else plain(bits, 1),
    }


def open_audit(folder: Path) -> Audit:
    """Reads the folder of an audit.

    Raises:
        NotFound: When a file that every audit has is missing.
        BadInput: When one cannot be read.
    """
    unfinished = (
        'It is not a finished audit: "solidmark audit" makes one, and "solidmark score" makes its '
        "tables again."
    )
    results = open_results(folder, unfinished)
    manifest = read_manifest(folder)
    optional = folder / "calibration.json"
    again = 'Remove it, then run the same "solidmark audit" again.'
    calibration = read_ours(optional, again) if optional.is_file() else {}
    scored = f'"solidmark score {folder}" makes it again.'
    needed = {name: SCORES.field(name).type for name in _NEEDED}
    scores = scores_of(read_table(folder / "scores.parquet", needed, scored, once=ONE_ROW))
    evidence = folder / "evidence.parquet"
    if evidence.is_file():
        read_table(evidence, ONE_ROW, AUDIT_AGAIN, once=ONE_ROW, only=True)
    marked = open_marked(folder, manifest)
    told = {name: one for name, one in calibration.items() if name != "version"}
    answers = Answers(evidence if evidence.is_file() else None)
    return Audit(results, told, scores, answers, marked)
