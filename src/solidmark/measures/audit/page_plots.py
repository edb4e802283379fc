"""The curves of an audit: one function each, from the rows of one reader to a drawing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from solidmark.measures.audit.page_run import SPLITS, Audit, title_of
from solidmark.page.beside import detections
from solidmark.page.drawing import GREY, LOOK, Drawing, drawing, legend
from solidmark.page.sections import Plots
from solidmark.scores import curves
from solidmark.scores.scored import Places

POINTS = 2000
"""More points than these say no more and weigh down the page."""


@dataclass(frozen=True)
class _Rows:
    """The rows of a reader and split that could be scored."""

    audit: Audit
    places: Places

    def __len__(self) -> int:
        return len(self.places)

    def numbers(self, name: str) -> Float[np.ndarray, " N"]:
        """A number of each row that has one."""
        found = self.audit.scores.numbers(name, self.places)
        return found[~np.isnan(found)]

    @property
    def read(self) -> Float[np.ndarray, "N M"]:
        return self.audit.scores.vectors("key_read", self.places)

    @property
    def key(self) -> Float[np.ndarray, "N M"]:
        return self.audit.scores.vectors("key", self.places)


Rows = Mapping[str, _Rows]


def curves_section(audit: Audit) -> Plots:
    """Every figure that the rows allow, by reader."""
    found = [(title_of(reader), _of_reader(audit, reader)) for reader in audit.readers]
    groups = tuple((title if found[1:] else "", drawn) for title, drawn in found if drawn)
    said = () if groups else ("There is nothing to draw: no image was scored.",)
    return Plots("curves", "Curves", said, groups=groups)


def _of_reader(audit: Audit, reader: str) -> tuple[Drawing, ...]:
    title = title_of(reader)
    splits = {split: _Rows(audit, audit.of(reader, split)) for split in LOOK}
    trained, held_out = splits["trained"], splits["held_out"]
    drawings = []
    if any(splits.values()):
        drawings.append(_eidetic(reader, title, splits))
    if trained or held_out:
        drawings += [_scatter(reader, title, splits), _histogram(reader, title, splits)]
    if trained and held_out:
        found = curves.roc(trained.numbers("p_value"), held_out.numbers("p_value"))
        name = f"{title}: trained told apart from held-out (ROC)"
        drawings.append(detections(f"{reader}-roc", name, [("by p-value", *found)]))
    return tuple(drawings)


def _eidetic(reader: str, title: str, splits: Rows) -> Drawing:
    deltas = np.linspace(0.0025, 0.3, 120)

    def paint(axes: Any) -> None:
        for split, rows in splits.items():
            if not rows:
                continue
            colour, line, _ = LOOK[split]
            share = curves.within(rows.numbers("distance"), deltas)
            axes.plot(deltas, share, line, color=colour, lw=1.6, label=_label(split, rows))
            if split != "ceiling":
                low, high = curves.band(share, rows.audit.scores.units(rows.places))
                axes.fill_between(deltas, low, high, color=colour, alpha=0.15, lw=0)
        base = splits["trained"] or splits["held_out"] or splits["ceiling"]
        level = curves.chance(base.read, deltas)
        axes.plot(deltas, level, ":", color=GREY, lw=1.6, label="chance")
        axes.set(xlabel="delta (grey levels, 0 to 1)", ylabel="share within delta")
        axes.set(xlim=(0, 0.3), ylim=(-0.02, 1.02))
        legend(axes)

    return drawing(
        paint,
        f"{reader}-eidetic",
        f"{title}: share of keys read within delta",
        "Above the dotted chance line means memorized. Held-out must follow chance; the reference "
        "is an ideal model that memorized all, no bound. Bands are 95 % intervals.",
    )


def _scatter(reader: str, title: str, splits: Rows) -> Drawing:
    pairs = {}
    total = drawn = 0
    for split in ("held_out", "trained"):
        key, read = splits[split].key.ravel(), splits[split].read.ravel()
        chosen = curves.thinned(len(key), POINTS)
        pairs[split] = key[chosen], read[chosen]
        total, drawn = total + len(key), drawn + len(chosen)

    def paint(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], color=GREY, lw=1, zorder=0)
        for split, (x, y) in pairs.items():
            if not len(x):
                continue
            colour, _, marker = LOOK[split]
            label = _label(split, splits[split])
            axes.scatter(x, y, s=14, c=colour, marker=marker, alpha=0.7, lw=1, label=label)
        axes.set(xlabel="true key (grey level)", ylabel="key read (grey level)")
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
        legend(axes)

    some = f" {drawn:,} of {total:,} keys are drawn." if drawn < total else ""
    return drawing(
        paint,
        f"{reader}-keys",
        f"{title}: true key against key read",
        "On the diagonal the key was read right: memorized. Held-out must show no trend." + some,
    )


def _histogram(reader: str, title: str, splits: Rows) -> Drawing:
    edges = np.linspace(0, 1, 21)

    def paint(axes: Any) -> None:
        for split in ("held_out", "trained"):
            values = splits[split].numbers("p_value")
            if not len(values):
                continue
            colour, line, _ = LOOK[split]
            # Relative to the uniform law: 1 is as many as expected by luck.
            height = np.histogram(values, edges)[0] * (len(edges) - 1) / len(values)
            label = _label(split, splits[split])
            axes.stairs(height, edges, color=colour, ls=line, lw=1.6, fill=False, label=label)
            if split == "trained":
                axes.stairs(height, edges, color=colour, alpha=0.15, lw=0, fill=True)
        axes.axhline(1, color=GREY, ls=":", lw=1.6, label="chance (uniform)")
        axes.set(xlabel="p-value", ylabel="times as many as by luck", xlim=(0, 1))
        axes.set_ylim(bottom=0)
        legend(axes)

    return drawing(
        paint,
        f"{reader}-p-values",
        f"{title}: p-values against the uniform law",
        "Without memorization every p-value is equally likely: the dotted line. A peak at the left "
        "means memorized. Held-out must be flat but for noise.",
    )


def _label(split: str, rows: _Rows) -> str:
    return f"{SPLITS[split].lower()} (n = {len(rows):,})"
