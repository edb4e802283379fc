"""The words of the page of a `nearest` run: its splits, its figures, how to read them."""

from solidmark.page.comparison import NAMES, ON_SCALE, ORDER
from solidmark.page.glossary import USUAL
from solidmark.page.tabled import Words

SIDES = {
    "generated": ("generated", "training"),
    "null": ("held_out", "training"),
    "trained": ("training", "generated"),
}
"""For each split that is shown, whose pictures its rows are about, and whose are the nearest."""

CALLED = {"generated": "generation", "training": "training image", "held_out": "held-out image"}

SPLITS = {
    "generated": "Generations",
    "null": "Held-out to training",
    "trained": "Training images",
    "held_out": "Held-out to generations",
}
AMONG_TRAINING = {**SPLITS, "null": "Training to training"}
"""The same where training images among themselves stand for held-out ones."""

QUESTIONS = (
    ("generations against the training set", ("generated", "null"), "generated_vs_null"),
    ("training images against the generations", ("trained", "held_out"), "trained_vs_held_out"),
)

_OF_FEATURES = {"authpct": "AuthPct", "ct": "C_T", "mifid": "MiFID"}

WORDS = Words(
    SPLITS,
    {**NAMES, **_OF_FEATURES},
    (*ORDER, "low_content", *_OF_FEATURES),
    close=ON_SCALE,
)

CHANGES = {
    "jpeg": "recompressed (JPEG, quality 75)",
    "noise": "with a little noise",
    "brighter": "a tenth brighter",
    "blurred": "a little blurred",
    "shifted": "shifted by a thirtieth",
    "cropped": "cropped to nine tenths",
    "flipped": "mirrored",
}

TERMS = (
    *("null", "distance/nearest", "search_recall", "augmented", *_OF_FEATURES, "low_content"),
    *USUAL,
)
