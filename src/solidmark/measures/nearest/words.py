"""The words of the page of a `nearest` run: its splits, its figures, how to read them."""

from solidmark.page.comparison import NAMES, ON_SCALE, ORDER
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

TERMS = {
    "null": (
        "Held-out images, the null",
        "Images of the same kind that the model never saw. How close they come to the training "
        "images is how close one comes without copying. Without them no distance can be judged: on "
        "a set of portraits everything is close.",
    ),
    "distance": (
        "Distance, similarity",
        "How far an image is from its nearest on the other side (low = close), or how alike an "
        "embedder finds the two, from −1 to 1 (high = close); the distance is 1 less that.",
    ),
    "augmented": (
        "Recognised",
        "The share of changed copies of training images whose nearest is their original, closer "
        "than fresh images come. What a measure misses here it misses among generations too.",
    ),
    "authpct": (
        "AuthPct",
        "The share of generations that are further from their nearest training image than that "
        "one is from its own nearest. High = authentic; low speaks of copying.",
    ),
    "ct": (
        "C_T",
        "Whether generations are nearer to training images than held-out images are, in standard "
        "deviations. Clearly below 0 speaks of copying, above 0 of a model that fits poorly.",
    ),
    "mifid": (
        "MiFID",
        "The Fréchet distance between generations and data, made worse where generations lie too "
        "near to training images. Low is good.",
    ),
}
"""By anchor: the term and its meaning."""

ALWAYS = frozenset(("null", "distance"))
"""Those that are explained whatever figures there are."""
