"""The folder of an audit, read whole: what its page is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from solidmark.cards.spelled import in_words
from solidmark.errors import BadInput
from solidmark.measures.audit.observing import ONE_ROW
from solidmark.page.marked import Marked, open_marked
from solidmark.page.paths import average
from solidmark.runs import Results, open_results, read_manifest, read_ours, read_table
from solidmark.scores import SCORES
from solidmark.scores.knowing import Knowing
from solidmark.scores.scored import Score, images_of, named_of, scores_of
from solidmark.scores.written import p_number, plain
from solidmark.verdicts.readers import ORDER, reader

SPLITS = {"trained": "Trained", "held_out": "Held-out", "ceiling": "Reference"}
"""The splits, in the order and with the names of the page."""

FDR = 0.05
"""The false-discovery rate of results that name none."""

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
class Audit:
    """All files of an audit.

    Arguments:
        results: `results.json`.
        calibration: `calibration.json`, empty when it is not there.
        scores: The rows of `scores.parquet`, in the order of the file.
        answers: The rows of `evidence.parquet` by reader, split, id and repeat.
        marked: The marked folder, or why it cannot be used.
    """

    results: Results
    calibration: Mapping[str, Any]
    scores: Sequence[Score]
    answers: Mapping[tuple[str, str, str, int], Answer]
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
        found = {score.reader for score in self.scores}
        found |= {one.reader for one in self.results.figures if one.reader}
        return sorted(found, key=lambda name: ([*ORDER, name].index(name), name))

    @property
    def fdr(self) -> float:
        """The false-discovery rate at which images are named, in (0, 1]."""
        return float(self.results.config.get("fdr") or FDR)

    def of(self, reader: str, split: str) -> list[Score]:
        """The rows that could be scored."""
        return [s for s in self.scores if s.reader == reader and s.split == split and s.ok]

    def images(self, reader: str, split: str) -> list[Score]:
        """One row an image: what is read of it on average over its repeats, with its p and q."""
        return images_of(self.scores, reader, split)

    def named(self, reader: str, split: str) -> list[Score]:
        """The images whose q is at most the chosen rate, the lowest p first."""
        return named_of(self.scores, reader, split, self.fdr)

    def names_of(self, reader: str) -> list[Score]:
        """The trained images that a reader names; none where its verdict is another."""
        return self.named(reader, "trained") if reader in self.results.judged.naming else []

    def names(self, score: Score) -> bool:
        """Whether the reader of a row names its image; none does whose verdict is another."""
        return score.reader in self.results.judged.naming and score.is_named(self.fdr)

    @cached_property
    def usual_path(self) -> Mapping[str, Sequence[float]]:
        """How the energy of held-out images falls on average, by reader; empty where it is none."""
        return {
            reader: average(
                self.answers[score.name].path
                for score in self.of(reader, "held_out")
                if score.name in self.answers
            )
            for reader in self.readers
        }

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
    marked = open_marked(folder, manifest)
    told = {name: one for name, one in calibration.items() if name != "version"}
    return Audit(results, told, scores, _answers(folder), marked)


def _answers(folder: Path) -> dict[tuple[str, str, str, int], Answer]:
    if not (folder / "evidence.parquet").is_file():
        return {}
    again = 'Run the same "solidmark audit" again.'
    table = read_table(folder / "evidence.parquet", ONE_ROW, again, once=ONE_ROW)
    return {
        (row["reader"], row["split"], row["id"], int(row["repeat"] or 0)): Answer(
            tuple(row.get("candidates") or ()),
            tuple(row.get("energies") or ()),
            row.get("picture"),
            tuple(row.get("path") or ()),
        )
        for row in table.to_pylist()
    }
