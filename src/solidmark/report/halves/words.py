"""The words of the page of an `inpaint` run: what is compared, how to read its numbers."""

from solidmark.report.pairs import words

QUESTIONS = (
    ("Trained images against held-out ones", ("trained", "held_out"), "trained_vs_held_out"),
)
"""As `pairs.tables` has them: title, the splits side by side, the comparison of both."""

HALVES = {"left": "left", "right": "right", "top": "upper", "bottom": "lower"}
"""What each half is called in a sentence."""

RULE = (
    "A measure sees memory when its list of named images, its counts within a calibrated threshold "
    "or the area of trained against held-out images has p below {needed}, so that a run in which "
    "nothing was memorized is said to show memory at most once in {once}."
)

_ABOVE = (
    (
        "inpainting",
        "Inpainting",
        "Half of an image is hidden, and the model draws it, many times. A model that knows the "
        "image by heart knows how it goes on; another one can only continue it plausibly.",
    ),
    (
        "null",
        "Held-out images, the null",
        "Images of the same kind that the model never saw. How well it inpaints those is how well "
        "one inpaints without memory: a plain half is easy to draw for anybody. Without them no "
        "inpainting can be judged.",
    ),
    (
        "distance",
        "Distance",
        "The root mean square difference between the truth and the drawing over the hidden half, "
        "in [0, 1]. Low = close. The frames are not scored.",
    ),
    (
        "low_content",
        "Low content",
        "A hidden half nearly of one colour: its pixels vary by less than 0.1 (standard deviation "
        "round the mean of each channel; the contrast in the table). It is easy to draw without "
        "knowing the image.",
    ),
    (
        "p_value",
        "p",
        "How often a held-out image is inpainted at least as closely: with m of them it is never "
        "below 1 in m + 1. Low = closer than chance. Images of equal pixels are one picture, and "
        "have the p and q of one of them.",
    ),
)
_OTHERS = ("generation", "similarity", "augmented", "authpct", "ct", "mifid")
_BELOW = {
    "chance": "What the same number is on the held-out images: what is to be expected where "
    "nothing was memorized.",
    "auc": "The chance that a trained image is inpainted better than a held-out one. 0.5 is a coin "
    "toss, 1 is perfect separation.",
}
"""Where the page of pairs says it of generations."""


def glossary(fdr: float, used: set[str]) -> list[tuple[str, str, str]]:
    """The glossary of a run: anchor, term, explanation.

    Arguments:
        fdr: The false-discovery rate at which its rows are named.
        used: The statistics of the run; explanations of other statistics are left out.
    """
    above = {anchor for anchor, _, _ in _ABOVE}
    rest = [
        (anchor, term, _BELOW.get(anchor, meaning))
        for anchor, term, meaning in words.glossary(fdr, used)
        if anchor not in above and anchor not in _OTHERS
    ]
    return [*_ABOVE, *rest]
