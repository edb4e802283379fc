"""In which order measures put the images of a study: with each other, and with their copies."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from solidmark.runs import Figure
from solidmark.studies.readouts import area, rows_of
from solidmark.studies.study import Made, Readout

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COPIES, KEY = "copies", "key score"
NEAREST, INPAINTING, LOSS, INVMM = "nearest", "inpainting", "loss", "InvMM"
VALUES: Mapping[str, tuple[str, dict[str, str]]] = {
    KEY: ("p_value", {}),
    NEAREST: ("distance", {"measure": "l2"}),
    INPAINTING: ("distance", {"measure": "inpainting-mean"}),
    LOSS: ("value", {"signal": "loss"}),
    INVMM: ("score", {}),
}
"""The measures: the column that has the value, low = memorized, and whose rows are its own."""


def values_of(made: Made, measure: str, split: str = "trained") -> dict[str, float]:
    """The values of a measure by image, low = memorized."""
    column, whose = VALUES[measure]
    file = "images.parquet" if measure == NEAREST else "scores.parquet"
    rows = rows_of(made[measure], "id", "split", column, *whose, file=file)
    own = [row for row in rows if row["split"] == split and row[column] is not None]
    return {r["id"]: r[column] for r in own if all(r[name] == v for name, v in whose.items())}


def copies_of(id: str) -> int:
    """How often the image of an id of `copied` is there."""
    return int(id.split("-")[1])


def ranks_like(other: str, *, alike: bool = False, split: str = "trained") -> Readout:
    """Spearman's rank correlation of a measure with another one, or with the copies.

    Arguments:
        other: The other measure, or `COPIES`.
        alike: Whether images are only compared with those that have as many copies.
        split: Whose order it is: that of held-out images has nothing to do with memory.
    """

    def read(made: Made) -> Figure | None:
        from solidmark.scores.ranks import spearman

        one = values_of(made, made.of, split)
        two = (
            values_of(made, other, split) if other != COPIES else {id: -copies_of(id) for id in one}
        )
        both = sorted(one.keys() & two.keys())
        counts = [copies_of(id) if alike else 0 for id in both]
        first, second = (places([v[id] for id in both], counts) for v in (one, two))
        found = spearman(first, second)
        if found is None or made.of == other:
            return None
        rho, low, high, p = found
        figure = Figure(measure=made.of, statistic="spearman", split=split, n=len(both))
        return replace(figure, value=rho, chance=0.0, ci_low=low, ci_high=high, p_value=p)

    name = f"With {'the ' * (other in (KEY, LOSS))}{other}{', copies alike' * alike}"
    about = "1 = the same order of the trained images, 0 = nothing in common"
    if split == "held_out":
        name, about = f"{name}, held-out", about.replace("trained", "held-out")
    if alike:
        about += "; images are only compared with those that have as many copies"
    return Readout(name, "rank correlation", "high", read, about)


def places(values: Sequence[float], groups: Sequence[int]) -> "NDArray[np.float64]":
    """The place of each value among those of its group, in (0, 1)."""
    import numpy as np
    from scipy.stats import rankdata

    found, of = np.array(values, float), np.array(groups)
    for group in set(groups):
        own = rankdata(found[of == group])
        found[of == group] = (own - 0.5) / len(own)
    return found


def found(copies: int) -> Readout:
    """How well a measure tells images with so many copies from held-out ones."""

    def read(made: Made) -> Figure | None:
        known, unseen = (values_of(made, made.of, split) for split in ("trained", "held_out"))
        own = [value for id, value in known.items() if copies_of(id) == copies]
        return area(made.of, own, list(unseen.values()), made.seed)

    about = "how well images that are there so often are told from held-out ones; chance is .5"
    return Readout(f"Found, {copies} x", "area", "high", read, about)
