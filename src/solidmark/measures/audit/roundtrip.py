"""The grey round trip of an audit: measured once on reference images, kept, and counted.

A model of pixels gives greys back as they went in, so it has none.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from solidmark.data import Sample
from solidmark.diffusion import Model
from solidmark.marks import pattern_to_json
from solidmark.readers import RoundTrip, sent_round
from solidmark.runs import Figure, read_ours, write_ours
from solidmark.subjects import SolidMark

FILE = "round_trip.json"
STATISTICS = ("bias", "spread", "floor")


def keep_round_trip(
    folder: Path,
    measure: SolidMark,
    model: Model,
    samples: Sequence[Sample],
    calibrations: Mapping[str, Any],
    bucket: str = "",
) -> None:
    """Measures the round trip of a latent model and writes `round_trip.json`.

    Arguments:
        measure: Knows the pattern; its reader is not asked.
        samples: The reference images, blind to their keys once the measure has cut them off.
        calibrations: What the readers chose on these very images; one of them may have it already.
        bucket: The bucket of these images, where they were sorted into some.
    """
    if model.factor == 1:
        return
    known = [found["round_trip"] for found in calibrations.values() if "round_trip" in found]
    found = RoundTrip.from_json(known[0]) if known else measure.round_trip(model, samples)
    pattern = pattern_to_json(measure.pattern)
    write_ours(
        folder / FILE,
        {
            "images": sent_round(len(samples), samples[0].image.shape[-2:]),
            **({"bucket": bucket} if bucket else {}),
            "pattern": pattern,
            "thickness": pattern.get("thickness"),
            "factor": model.factor,
            **{name: getattr(found, name) for name in STATISTICS},
            **found.to_json(),
        },
    )


def round_trip_rows(folder: Path) -> list[Figure]:
    """The figures of the round trip; none for a model of pixels."""
    if not (folder / FILE).is_file():
        return []
    cure = 'Remove it, then run the same "solidmark audit" again.'
    kept = read_ours(folder / FILE, cure, images=int, pattern=dict)
    return [
        Figure(
            measure="round_trip",
            split="reference",
            statistic=name,
            n=kept["images"],
            keys=kept["pattern"].get("count", 1),
            value=kept[name],
            unit="grey level",
            direction="low",
            note="Of the autoencoder, not of the model: low is good.",
        )
        for name in STATISTICS
    ]
