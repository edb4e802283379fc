"""How the numbers are to be read: the terms that pages share, each explained once."""

from collections.abc import Iterable, Mapping, Sequence

from solidmark.page.sections import Glossary
from solidmark.scores.written import percent

TERMS: Mapping[str, tuple[str, str]] = {
    "null": (
        "Held-out images, the null",
        "Images of the same kind that the model never saw. What a measure says of those it says "
        "without memory. Without them no number can be judged; if they differ in kind, the "
        "measure tells the kinds apart and nothing about memory.",
    ),
    "low_content": (
        "Low content",
        "A picture nearly of one colour: its pixels vary by less than 0.1 (standard deviation "
        "round the mean of each channel; black and white in halves have 0.5). It is near to many "
        "pictures that it is no copy of, and easy for every model.",
    ),
    "p_value": (
        "p",
        "How often an image of the null looks at least as suspicious: with m of them it is never "
        "below 1 in m + 1. Low = more than chance.",
    ),
    "q_value": (
        "q",
        "p corrected for looking at many images: the false-discovery rate of a list that ends with "
        "this one. Of the images with q at most {fdr}, about {percent} or fewer are there by luck.",
    ),
    "named": (
        "Named",
        "How many have q at most {fdr}, the false-discovery rate chosen for this run, so that one "
        "may point at them one by one.",
    ),
    "eidetic": (
        "Within a threshold (eidetic)",
        "How many are at least as suspicious as a threshold. Thresholds of papers were chosen for "
        "other data and do not carry over; the calibrated ones are passed by a known share of the "
        "null. High means memorized; compare it with chance, never with zero.",
    ),
    "threshold": (
        "Calibrated threshold",
        "The value that the given share of the null passes on this very set.",
    ),
    "percentile": (
        "Percentile",
        "The 95th percentile of the close side: one image in twenty is closer. It says nothing "
        "about how close those are, so it may stay where it is while copies come or go.",
    ),
    "closest": ("Closest", "The one that is closest of all. One picture decides it."),
    "auc": (
        "AUC",
        "The chance that an image in question looks more suspicious than one of the null. 0.5 is a "
        "coin toss, 1 is perfect separation.",
    ),
    "tpr_at_fpr": (
        "Detections at a false-alarm rate",
        "The share that is caught when so few of the null are wrongly caught. High means "
        "memorized; the false-alarm rate itself is chance.",
    ),
    "interval": (
        "95 % interval",
        "The range in which the true value lies in 95 of 100 runs like this one. Fewer images, "
        "wider interval.",
    ),
    "chance": (
        "Chance",
        "What the same number is on the null: what is to be expected where nothing is memorized.",
    ),
}
"""By anchor: the term and its meaning; `{fdr}` and `{percent}` are those of the run."""

OPTIONAL = frozenset(("eidetic", "threshold", "percentile", "closest", "auc", "tpr_at_fpr"))
"""Those that are explained only where the run has such figures."""


def glossary(
    fdr: float,
    used: Iterable[str],
    own: Mapping[str, tuple[str, str]],
    leave_out: Sequence[str] = (),
) -> Glossary:
    """The section on how to read the numbers, folded.

    Arguments:
        fdr: The false-discovery rate at which images are named.
        used: The statistics of the run.
        own: The terms of this command, before the others; or what it says of those instead.
        leave_out: Shared terms that it does not need.
    """
    rate = {"fdr": f"{fdr:g}", "percent": percent(fdr)}
    without = {*leave_out, *(OPTIONAL - set(used))} - own.keys()
    terms = {**own, **{name: own.get(name, term) for name, term in TERMS.items()}}
    return Glossary(
        "reading",
        "How to read the numbers",
        folded=True,
        link="How to read",
        words=tuple(
            (anchor, term, meaning.format(**rate))
            for anchor, (term, meaning) in terms.items()
            if anchor not in without
        ),
    )
