"""The thresholds that papers count within, on the scale that each measure is reported on.

They were chosen by eye for one model, one data set and one size of image, and carry over to no
other: they are for comparing with what was published. `conformal.threshold_at` calibrates one.
"""

from solidmark.cards import EMBEDDERS, MEASURES

UNKNOWN = EMBEDDERS["onnx"].thresholds
"""Of an embedder that has no card: those of the user's own network."""


def fixed_thresholds(measure_name: str) -> tuple[float, ...]:
    """The thresholds of the literature for a measure, several, since one hides where the mass is.

    Arguments:
        measure_name: The measure, as in the tables ("l2") or as it was asked for ("sscd:FILE").

    Returns:
        The thresholds: distances for the l2 family, where close is at most that, and similarities
        for embedders, where close is at least that. A hash of b bits of which h differ has the
        similarity 1 - 2 h / b.

    Example:
        >>> fixed_thresholds("patched-l2"), fixed_thresholds("pdq")
        ((0.5, 0.75, 1.0), (0.7578125, 1.0))
    """
    card = MEASURES.get(measure_name.split(":")[0])
    return card.thresholds if card and card.thresholds else UNKNOWN
