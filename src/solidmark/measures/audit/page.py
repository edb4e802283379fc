"""The page of an audit: what this model has memorized, whom, and how sure that is."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from solidmark.cards import READERS
from solidmark.measures.audit.page_cards import gallery
from solidmark.measures.audit.page_model import knowing_section, round_trip_section
from solidmark.measures.audit.page_named import named_section
from solidmark.measures.audit.page_plots import curves_section
from solidmark.measures.audit.page_run import SPLITS, Audit, open_audit, title_of
from solidmark.page.comparison import made, page_of
from solidmark.page.glossary import glossary
from solidmark.page.rows import ROWS, rows_section
from solidmark.page.scored import failed
from solidmark.page.sections import (
    Cell,
    Figures,
    Glossary,
    Line,
    Made,
    Page,
    Rows,
    Section,
    Table,
)
from solidmark.page.tabled import Words, table_of_figures
from solidmark.page.values import flat
from solidmark.scores.scored import Score

SHOWN_KEYS = 4
"""Keys of more values than this are left to `scores.parquet`."""

QUARANTINED = 20
"""So many of the images that could not be marked are named."""

PRIVATE = (
    "This page shows keys. Keep it away from whoever trains on the marked images, as you keep "
    "keys.parquet."
)

ORDER = (
    *("eidetic", "named", "share", "correlation", "permutation_z", "averages", "auc"),
    *("tpr_at_fpr", "smallest_share"),
)

NAMES = {
    "eidetic": "Within {delta}",
    "named": "Named, q at most {fdr}",
    "share": "Memorized share",
    "correlation": "Correlation",
    "permutation_z": "Permutation z",
    "averages": "Averages known, groups",
    "auc": "AUC",
    "tpr_at_fpr": "Detections at {fpr} false alarms",
    "smallest_share permutation": "Smallest share, by permutation test",
    "smallest_share best": "Smallest share, by the smallest p",
    "smallest_share named": "Smallest share, half of it named",
}

COUNTED = frozenset(("eidetic", "named", "averages"))

TERMS = {
    "key": (
        "Key",
        "A grey level between 0 (black) and 1 (white), or several, drawn at random for each image "
        "and painted on it as a mark before training. It says nothing about the image, so a model "
        "can only know it by having memorized this very image.",
    ),
    "held_out": (
        "Held-out",
        "The control: images with keys of their own that the model never saw. Everything about "
        "them must be at chance. When it is not, the run is faulty.",
    ),
    "ceiling": (
        "Reference",
        "The same images and reader, asked of an ideal model that has memorized all of them. A "
        "reader that is blind here sees nothing elsewhere. No upper bound: a trained network may "
        "be read better or worse.",
    ),
    "distance": (
        "Distance",
        "The mean absolute difference of the key read and the true key, in grey levels from 0 to "
        "1. Low means memorized.",
    ),
    "eidetic": (
        "Within delta (eidetic)",
        "The share of images whose key is read within a distance of delta. High means memorized; "
        "compare it with chance, never with zero.",
    ),
    "peers": (
        "Peers",
        "The images among which an image’s key is exchanged to test it: those of its class and "
        "caption, or of its class, or all. A model may know what peers have in common, such as "
        "their average frame, and that must not pass for knowing one of them.",
    ),
    "p_value": (
        "p",
        "How often a key handed out at random among its peers would be read as well as the true "
        "one. Low means memorized. One image in a hundred has p below 0.01 by luck.",
    ),
    "exposure_bits": (
        "Exposure",
        "The same as p in bits: 10 bits are ten coin tosses guessed in a row. High means "
        "memorized.",
    ),
    "share": (
        "Memorized share",
        "The share of the images that is memorized, estimated from all p-values together, whoever "
        "can be named. The lower end of its interval holds whatever memory looks like.",
    ),
    "correlation": (
        "Correlation",
        "How closely the keys read follow the true keys within groups of peers, from −1 to 1. 0 is "
        "chance.",
    ),
    "permutation_z": (
        "Permutation z",
        "All images tested together: how much nearer the readings lie to the own keys than to keys "
        "exchanged among peers, in standard deviations. It sees weak memory that no count within "
        "delta shows. Its p is never below 0.0001.",
    ),
    "averages": (
        "Averages known",
        "In how many groups of peers the model knows the average key. It says nothing of a single "
        "image.",
    ),
    "smallest_share": (
        "Smallest share",
        "The smallest share of memorized images that this run would have seen, four times in five. "
        "A run that sees nothing says nothing about shares below it.",
    ),
    "auc": (
        "AUC",
        "The chance that a trained image has a smaller p-value than a held-out one. 0.5 is a coin "
        "toss, 1 is perfect separation.",
    ),
    "tpr_at_fpr": (
        "Detections at a false-alarm rate",
        "The share of trained images that are caught when so few held-out images are wrongly "
        "caught. The false-alarm rate itself is chance.",
    ),
    "own_key": (
        "Own key",
        "Its place among the keys of all images by how near they lie to what was read; 1 is the "
        "nearest. By luck each place is equally likely. Images that share a key count once.",
    ),
    "energy_path": (
        "Energy by step",
        "How much of the image the model takes for noise, as the frame slides from neutral grey to "
        "the keys read, on a log scale. What falls further than held-out images do is better known "
        "in its frame; what does not may be known all the same, by its keys.",
    ),
    "round_trip": (
        "Grey round trip",
        "What comes back of a frame that only goes through the autoencoder of a latent model: how "
        "far greys are off on average (bias), how much one grey varies (spread), and the mean "
        "error left once the bias is taken out (floor). Low is good.",
    ),
    "chance": (
        "Chance",
        "What a model that has memorized nothing would reach, worked out from the very keys that "
        "were read here.",
    ),
}
"""Beside the terms that pages share, or instead of them."""


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
            curves_section(audit),
            *more,
            trip,
            knowing if first is None else None,
            _figures(audit),
            _rows(audit),
            _glossary(audit, trip is not None),
            _made(audit),
        ),
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
    scores = audit.scores
    if len(scores) > ROWS:
        scores = sorted(scores, key=lambda score: score.rank)[:ROWS]
    keys = max((len(score.key) for score in scores), default=0)
    left_out = {
        "repeat": len({score.repeat for score in scores}) < 2,
        "group": not any(score.group for score in scores),
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
    """The terms of this run, and what its readers do."""
    used = {one.statistic for one in audit.results.figures}
    drawn = {
        "round_trip": latent,
        "energy_path": any(answer.path for answer in audit.answers.values()),
        "averages": "averages" in used,
    }
    readers = {
        f"reader-{name}": (READERS[name].title, READERS[name].how)
        for name in audit.readers
        if name in READERS
    }
    own = {name: term for name, term in TERMS.items() if drawn.get(name, True)}
    return glossary(audit.fdr, used, {**readers, **own}, ("null", "low_content"))


def _made(audit: Audit) -> Made:
    """What was left out, and how the run was made."""
    results, quarantined = audit.results, audit.marked.quarantined
    found = Counter(
        (f"{title_of(one.reader)}: {SPLITS.get(one.split, one.split)}", one.note)
        for one in audit.scores
        if not one.ok
    )
    lost = [(of, why or "no reason given", n) for (of, why), n in found.most_common()]
    kept = results.facts.get("quarantined")
    count = kept if isinstance(kept, int) else len(quarantined)
    rest = f"{len(quarantined) - QUARANTINED:,} more are in quarantine.jsonl."
    broken = Table(
        "Quarantined images",
        (Cell("Image"), Cell("Reason")),
        tuple(Line(id, (Cell("", (why,)),)) for id, why in quarantined[:QUARANTINED]),
        (rest,) if len(quarantined) > QUARANTINED else (),
    )
    said = [
        f"Rows that failed: {results.failed:,}. Images quarantined at marking, since they could "
        f"not be read: {count:,}. None of them counts in any figure."
    ]
    section = made(results, said, (failed(lost, "Failed rows"), broken if quarantined else None))
    return replace(section, parts=(*section.parts, ("Calibration", tuple(flat(audit.calibration)))))
