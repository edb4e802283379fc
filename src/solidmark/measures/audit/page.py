"""The page of an audit: what this model has memorized, whom, and how sure that is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from solidmark.cards import READERS
from solidmark.measures.audit.naming import OF_SUBJECTS
from solidmark.measures.audit.page_cards import gallery
from solidmark.measures.audit.page_model import knowing_section, round_trip_section
from solidmark.measures.audit.page_named import named_section
from solidmark.measures.audit.page_perturbed import perturbed_section
from solidmark.measures.audit.page_plots import curves_section
from solidmark.measures.audit.page_run import SPLITS, Audit, open_audit, title_of
from solidmark.page.comparison import NAMES as COMPARED_NAMES
from solidmark.page.comparison import made, page_of
from solidmark.page.glossary import glossary
from solidmark.page.marked import unmarked
from solidmark.page.rows import rows_section, rows_shown
from solidmark.page.scored import failed
from solidmark.page.sections import Figures, Glossary, Made, Page, Rows, Section
from solidmark.page.tabled import Words, table_of_figures
from solidmark.scores.scored import Score

SHOWN_KEYS = 4
"""Keys of more values than this are left to `scores.parquet`."""

PRIVATE = (
    "This page shows keys. Keep it away from whoever trains on the marked images, as you keep "
    "keys.parquet."
)

ORDER = (
    *("eidetic", "named", "named_subjects", "share", "correlation", "permutation_z"),
    *("averages", "auc", "tpr_at_fpr", "epsilon", "claimed_epsilon", "smallest_share"),
)

NAMES = {
    **COMPARED_NAMES,
    "eidetic": "Within {delta}",
    "share": "Memorized share",
    "correlation": "Correlation",
    "permutation_z": "Permutation z",
    "averages": "Averages known, groups",
    "epsilon": "Epsilon at least",
    "claimed_epsilon": "Epsilon as claimed",
    "named_subjects": "Subjects named, q at most {fdr}",
    "smallest_share permutation": "Smallest share, by permutation test",
    "smallest_share best": "Smallest share, by the smallest p",
    "smallest_share named": "Smallest share, half of it named",
}

COUNTED = frozenset(("eidetic", "named", "named_subjects", "averages"))

TERMS = (
    *("key", "held_out", "ceiling", "distance/key", "eidetic/key", "peers", "p_value/key"),
    *("q_value", "named", "named_subjects", "exposure_bits", "share", "correlation"),
    *("permutation_z", "averages", "epsilon"),
    *("smallest_share", "auc", "tpr_at_fpr", "own_key", "interval", "chance"),
)


def audit_page(folder: Path, images: bool, top: int, more: Sequence[Section] = ()) -> Page:
    """The page of an audit, as a `Maker` of pages.

    Arguments:
        folder: The folder of the audit.
        images: Whether pictures and captions may stand on the page.
        top: How many images the gallery shows.
        more: What other measures in the folder say, below the curves.
    """
    audit = open_audit(folder)
    proof, cards = gallery(audit, images, top)
    knowing = knowing_section(audit, images)
    first = knowing if knowing and not knowing.folded else None
    trip = round_trip_section(audit.folder, audit.readers)
    return page_of(
        audit.results,
        "What has this model memorized?",
        {"Model": "model", "Images": "marked"},
        (
            first,  # Where it decides, it comes before all else.
            named_section(audit, images),
            cards,
            perturbed_section(audit, images),
            curves_section(audit),
            *more,
            trip,
            knowing if first is None else None,
            _figures(audit),
            _rows(audit),
            _glossary(audit, trip is not None),
            _made(audit),
        ),
        (("Pictures changed", audit.perturbed),) if audit.perturbed else (),
        proof=proof,
        notes=tuple(map(str, audit.results.facts.get("notes") or ())),
        private=PRIVATE,
    )


def _figures(audit: Audit) -> Figures:
    tables = []
    for reader in audit.readers:
        found = [one for one in audit.results.figures if one.reader == reader]
        # Counts within delta are the published figure for one key, and next to nothing for several.
        several = any((one.keys or 1) > 1 for one in found)
        words = Words(SPLITS, NAMES, ORDER[several:], counted=COUNTED)
        calls = next((one.network_calls_per_image for one in found), None)
        title = title_of(reader)
        if calls is not None:
            title += f"; network calls per image: {calls:g}"
        if found:
            tables.append(table_of_figures(title, found, words))
    said = () if tables else ("There are no figures in this run.",)
    return Figures("figures", "Key figures", said, tables=tuple(tables), folded=True)


def _rows(audit: Audit) -> Rows:
    """Every row, or those with the lowest p, folded."""
    every = np.arange(len(audit.scores))
    most = rows_shown(len(every))
    scores = audit.scores.rows(every if most == len(every) else audit.scores.ranked(every, most))
    keys = max((len(score.key) for score in scores), default=0)
    alone = not any(score.group for score in scores)
    left_out = {
        "repeat": len({score.repeat for score in scores}) < 2,
        **dict.fromkeys(OF_SUBJECTS, alone),
        "key": keys > SHOWN_KEYS,
        "key_read": keys > SHOWN_KEYS,
    }
    columns = [
        ("id", "Image", "text"),
        ("reader", "Reader", "choice"),
        ("split", "Split", "choice"),
        ("repeat", "Repeat", "whole"),
        ("group", "Group", "text"),
        ("key", "True key", "keys"),
        ("key_read", "Key read", "keys"),
        ("distance", "Distance", "number"),
        ("p_value", "p", "number"),
        ("q_value", "q", "number"),
        ("exposure_bits", "Exposure (bits)", "number"),
        ("group_p_value", "p of the group", "number"),
        ("group_q_value", "q of the group", "number"),
        ("status", "Status", "choice"),
        ("note", "Note", "text"),
    ]
    return rows_section(
        [one for one in columns if not left_out.get(one[0])],
        scores,
        _value,
        total=len(audit.scores),
        fdr=audit.fdr,
        order="rows with the lowest p",
        sort="p_value",
        names={"reader": {name: title_of(name) for name in audit.readers}, "split": SPLITS},
    )


def _value(score: Score, name: str) -> Any:
    if name == "status":
        return "ok" if score.ok else "failed"
    value = getattr(score, name)
    return [float(f"{v:.4g}") for v in value] if isinstance(value, tuple) else value


def _glossary(audit: Audit, latent: bool) -> Glossary:
    """What its readers do, and the terms of this run."""
    readers = [
        (f"reader-{name}", READERS[name].title, READERS[name].how)
        for name in audit.readers
        if name in READERS
    ]
    drawn = ["energy_path"] * audit.answers.have_paths
    drawn += ["round_trip"] * latent
    used = {one.statistic for one in audit.results.figures}
    return glossary((*TERMS, *drawn), used, audit.fdr, readers)


def _made(audit: Audit) -> Made:
    """What was left out, and how the run was made."""
    results = audit.results
    lost = [
        (f"{title_of(reader)}: {SPLITS.get(split, split)}", why or "no reason given", n)
        for reader, split, why, n in audit.scores.failures()
    ]
    kept = results.facts.get("quarantined")
    count = kept if isinstance(kept, int) else len(audit.marked.quarantined)
    said = [
        f"Rows that failed: {results.failed:,}. Images quarantined at marking, since they could "
        f"not be read: {count:,}. None of them counts in any figure."
    ]
    tables = failed(lost, "Failed rows"), unmarked(audit.marked)
    return made(results, said, tables, calibration=audit.calibration)
