"""Whom a model is asked about, how it is asked for keys, and how alike two pictures look."""

from solidmark.subjects.agreement import Agreement
from solidmark.subjects.asking import Asking, AskingSome
from solidmark.subjects.likeness import (
    TIE,
    EmbedderLikeness,
    Likeness,
    PixelLikeness,
    embedder_of,
    open_likeness,
    require_likeness,
    unrelated,
    weights_of,
)
from solidmark.subjects.solidmark import Evidence, SolidMark
from solidmark.subjects.subjects import (
    MarkedSplit,
    Numbered,
    Subjects,
    check_subjects_fit,
    choose,
    first_for,
    open_subject_model,
    open_subjects,
)
from solidmark.subjects.whose import Whose, groups_of, keep_groups, keep_groups_of

__all__ = [
    "TIE",
    "Agreement",
    "Asking",
    "AskingSome",
    "EmbedderLikeness",
    "Evidence",
    "Likeness",
    "MarkedSplit",
    "Numbered",
    "PixelLikeness",
    "SolidMark",
    "Subjects",
    "Whose",
    "check_subjects_fit",
    "choose",
    "embedder_of",
    "first_for",
    "groups_of",
    "keep_groups",
    "keep_groups_of",
    "open_likeness",
    "open_subject_model",
    "open_subjects",
    "require_likeness",
    "unrelated",
    "weights_of",
]
