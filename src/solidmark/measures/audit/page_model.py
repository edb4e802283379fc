"""What an audit says of the model itself: whether it knows such pictures, what it does to greys."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from solidmark.errors import BadInput
from solidmark.measures.audit.page_run import Audit, title_of
from solidmark.measures.audit.roundtrip import FILE
from solidmark.page.drawing import BLUE, GREY, Drawing, drawing, legend
from solidmark.page.pictures import embed
from solidmark.page.sections import Card, Cards, Cell, Gallery, Line, Plots, Shown, Table
from solidmark.readers import RoundTrip
from solidmark.runs import read_ours
from solidmark.scores.knowing import Gain, Knowing
from solidmark.scores.written import p_value, percent, plain
from solidmark.verdicts.known import asked
from solidmark.verdicts.words import listed

GAINS = {
    "frames": "Frames as marked, over frames whose cells lie elsewhere",
    "pictures": "Pictures in the frames, over their average",
    "marked": "Whole marked images, over their average",
    "cropped": "Cut-outs of three quarters of a side, over their average",
    "unmarked": "Pictures without their frames, over their average",
    "mirrored": "Marked images in a mirror, over the stored ones",
}
"""What each gain is of; the first two decide."""

DECIDES = (
    "The first two decide: both must lie above 5 % (one-sided t-test at 5 %). This cost {calls} "
    "network calls."
)

TOLD = "A model that is told captions or classes was told those of the marked images."

MUCH = 0.05
"""A floor above it is more than the error of a frame that is known by heart."""

TREATED = (
    (("latent-outpaint", "recall"), "what is read of decoded pictures is corrected by this curve"),
    (
        ("energy", "blend", "gradient"),
        "no correction is needed, since frames are tried that went through the encoder as the "
        "marks did",
    ),
    (
        ("fitted", "linear", "probe"),
        "no correction is needed, since images are placed among reference images that went the "
        "same way",
    ),
)
"""What the round trip means for readers."""


def knowing_section(audit: Audit, images: bool) -> Gallery | None:
    """Whether the model knows the marked images, and what it draws; None where it was not asked.

    Raises:
        BadInput: When the part "knowing" of the results cannot be used.
    """
    found = audit.knowing
    if found is None:
        return None
    lines = tuple(
        Line(
            name,
            (
                Cell(_share(gain.value)),
                Cell(f"{_share(gain.ci_low)} to {_share(gain.ci_high)}"),
                Cell(p_value(gain.p_value)) if key in ("frames", "pictures") else None,
            ),
        )
        for key, name in GAINS.items()
        if (gain := found.gains.get(key)) is not None
    )
    heads = tuple(map(Cell, ("Of what", "Saved", "95 % interval", "Test")))
    notes = (DECIDES.format(calls=f"{found.network_calls:,.0f}"),)
    title = "Share of the error that is saved: high = known, 0 = not"
    # Where it is the verdict, that has said it, and what the model draws must be seen.
    verdict = audit.results.judged
    decides = verdict.finding == "unknown"
    said = () if decides and len(verdict.findings) == 1 else asked(found)
    drawn = _drawn(audit, found) if images else ()
    draws = Cards("What the model draws", drawn, (TOLD,), wide=True, numbered=False)
    return Gallery(
        "knowing",
        "Does the model know these pictures at all?",
        said,
        tables=(Table(title, heads, lines, notes),) if lines else (),
        folded=not decides,
        link="What it knows",
        lists=(draws,) if drawn else (),
    )


def _drawn(audit: Audit, found: Knowing) -> tuple[Card, ...]:
    """The drawings, and below each the marked image whose caption the model was told."""
    marked = audit.marked
    rows = {
        "Drawings": [embed(audit.folder, path) for path in found.pictures],
        "Marked images": [embed(marked.folder, marked.files.get(id)) for id in found.beside],
    }
    return tuple(
        Card(name, strip=tuple(Shown(picture, "") for picture in row))
        for name, row in rows.items()
        if found.pictures
    )


def _share(value: float) -> str:
    """The share of an error that a gain saves, with its sign."""
    shown = Gain(value, value, value, 1.0).saved
    return f"{'' if shown >= 0 else '−'}{percent(abs(shown))}"


def round_trip_section(folder: Path, readers: Sequence[str]) -> Plots | None:
    """What the autoencoder of a latent model does to greys; None for a model of pixels.

    Raises:
        BadInput: When its file cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    again = "Observe again."
    kept = read_ours(path, again, images=int, factor=int)
    try:
        trip = RoundTrip.from_json(kept)
        drawn, bucket = _round_trip(trip, kept["images"]), kept.get("bucket")
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f'"{path}" is not a grey round trip ({error!r}). {again}') from error
    factor, sized = kept["factor"], f" of the bucket {bucket}" if bucket else ""
    said = [
        f"An autoencoder turns every {factor} x {factor} pixels into one cell. Of frames of "
        f"{len(trip.keys)} greys round {kept['images']} images{sized}, sent through it and back, "
        f"a grey comes back {plain(trip.bias, 3)} off on average and varies by "
        f"{plain(trip.spread, 3)} from picture to picture (0 is black, 1 is white).",
        f"With this curve undone, an error of {plain(trip.floor, 3)} is left. No reader of decoded "
        "pictures can be without it, however well the model remembers.",
    ]
    for names, how in TREATED:
        if some := [title_of(name) for name in names if name in readers]:
            said.append(f"{listed(some)}: {how}.")
    thicker = (
        "The autoencoder loses much of the greys. A thicker frame, a multiple of "
        f"{factor} pixels, may come back better: solidmark plan --model tries some."
    )
    return Plots(
        "round-trip",
        "Grey round trip",
        tuple(said),
        warnings=(thicker,) if trip.floor > MUCH else (),
        folded=trip.floor <= MUCH,
        groups=(("", (drawn,)),),
    )


def _round_trip(found: RoundTrip, images: int) -> Drawing:
    """The greys that come back from an autoencoder, over those that were painted."""
    means, spreads = np.array(found.means), np.array(found.spreads)

    def paint(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], ":", color=GREY, lw=1.6, label="as painted")
        axes.fill_between(found.keys, means - spreads, means + spreads, color=BLUE, alpha=0.2, lw=0)
        axes.plot(found.keys, means, "-o", color=BLUE, lw=1.6, ms=3.5, label="comes back")
        axes.set(xlabel="key painted (grey level)", ylabel="key that comes back (grey level)")
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
        legend(axes)

    return drawing(
        paint,
        "round-trip",
        "Grey round trip of the autoencoder",
        "On the dotted diagonal a grey comes back as it was painted. The line is the mean over "
        f"{images} images, the band one standard deviation: the wider, the less can be read.",
    )
