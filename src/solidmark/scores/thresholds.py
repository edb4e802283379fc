"""The thresholds that papers count within, on the scale that each measure is reported on.

They were chosen by eye for one model, one data set and one size of image, and carry over to no
other: they are for comparing with what was published. `conformal.threshold_at` calibrates one.
"""

L2_THRESHOLDS = (0.05, 0.1, 0.15)
"""0.15: Stable Diffusion at 512 px, patched l2 before rescaling (Carlini et al., 2023)."""

RESCALED_THRESHOLDS = (0.5, 0.75, 1.0)
"""Below 1 is nearer than half of the mean distance to the 50 nearest (Carlini et al., 2023)."""

SSCD_THRESHOLDS = (0.5, 0.6, 0.7, 0.75)
"""In use with three models of SSCD and four sizes of input: 0.5 (Somepalli et al., 2023), 0.7, and
0.75 (Pizzi et al., 2022, for edited copies of full-size photos)."""

EMBEDDING_THRESHOLDS = (0.9, 0.95, 0.99)
"""Embedders of meaning, where two pictures of one thing are alike: ours, near the top."""

HASH_DISTANCES = {"pdq": (256, (31, 0)), "phash": (64, (5, 0))}
"""Bits, and how many of them may differ. PDQ: 31, the authors' confident match (ThreatExchange);
pHash: 5, "probably close enough to be similar" (Krawetz, 2011, "Looks like it")."""

_DISTANCES = {
    "l2": L2_THRESHOLDS,
    "modified-l2": RESCALED_THRESHOLDS,
    "patched-l2": RESCALED_THRESHOLDS,
}


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
    name = measure_name.split(":")[0]
    if name in _DISTANCES:
        return _DISTANCES[name]
    if name in HASH_DISTANCES:
        bits, differing = HASH_DISTANCES[name]
        return tuple(1 - 2 * h / bits for h in differing)
    return SSCD_THRESHOLDS if name.startswith("sscd") else EMBEDDING_THRESHOLDS
