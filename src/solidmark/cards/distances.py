"""The distances between images of one size, and what is reported of several draws."""

from solidmark.cards.card import Card, by_name
from solidmark.cards.option import ABOVE_ZERO, Option, at_least

_PAPER = "Carlini et al., 2023, section 4; SolidMark (Kriplani et al., 2025), section 3"
_RATIO = "ratio to the mean distance of the neighbourhood"

_N = Option("n", int, 50, "Neighbours that modified and patched l2 are rescaled by.", at_least(1))
_ALPHA = Option("alpha", float, 0.5, "What their mean distance is multiplied with.", ABOVE_ZERO)
TILES = Option("tiles", int, 4, "Patched l2: tiles along a side.", at_least(2))

DISTANCES = by_name(
    Card(
        "l2",
        "Plain l2",
        "Is a training image the same, pixel by pixel? It takes pictures of nearly one colour "
        "for copies, since those are near to many, and misses a copy that is shifted.",
        how="root mean square difference of the pixels, in [0, 1]",
        unit="RMS difference",
        paper=_PAPER,
        # 0.15: Stable Diffusion at 512 px, patched l2 before rescaling (Carlini et al., 2023).
        thresholds=(0.05, 0.1, 0.15),
    ),
    Card(
        "modified-l2",
        "Modified l2",
        "Is one training image much nearer than the others? The distance to the nearest over a "
        "share of the mean distance to its neighbours; below 1 is suspicious. A shifted copy is "
        "missed.",
        how="l2 / (0.5 times the mean l2 to the 50 nearest); with 50 copies of one image in the "
        "set it sees nothing",
        unit=_RATIO,
        paper=_PAPER,
        # Below 1 is nearer than half of the mean distance to the 50 nearest.
        thresholds=(0.5, 0.75, 1.0),
        options=(_N, _ALPHA),
    ),
    Card(
        "patched-l2",
        "Patched l2",
        "Is a training image the same in every part? The largest distance of any two aligned "
        "tiles, rescaled by the neighbours; below 1 is suspicious. A shifted copy is missed.",
        how="the largest l2 of 4 x 4 aligned tiles, rescaled the same way; one tile that differs "
        "is enough to be no copy",
        unit=_RATIO,
        paper=_PAPER,
        thresholds=(0.5, 0.75, 1.0),
        options=(_N, _ALPHA, TILES),
    ),
)
"""The pixel distances, in the order in which they are asked for when none is named."""

OF_DRAWS = by_name(
    Card(
        "inpainting",
        "Best draw",
        "How close is the closest of all draws? What an attacker would show; one lucky draw is "
        "enough.",
    ),
    Card(
        "inpainting-lowest",
        "Mean of the lowest",
        "How close are the closest draws on average? One lucky draw is not enough.",
    ),
    Card(
        "inpainting-mean",
        "Mean of all",
        "How close are all draws on average? What the model makes of the image, whether or not a "
        "draw ever hits it.",
    ),
)
"""What several draws of one image are summed up in."""
