"""How keys are read out of a model: see docs/readers.md for what each reader asks."""

from solidmark.marks import Pattern
from solidmark.readers.blend import Blend
from solidmark.readers.energy import Energy
from solidmark.readers.fitted import Fitted
from solidmark.readers.gradient import Gradient
from solidmark.readers.latent_outpaint import LatentOutpaint
from solidmark.readers.linear import Linear
from solidmark.readers.outpaint import Outpaint
from solidmark.readers.probe import Probe
from solidmark.readers.reader import Query, Reader, Reading
from solidmark.readers.recall import Recall
from solidmark.readers.roundtrip import (
    RoundTrip,
    measure_round_trip,
    round_trip_passes,
    sent_round,
)

READERS: dict[str, type[Reader]] = {
    "blend": Blend,
    "energy": Energy,
    "fitted": Fitted,
    "gradient": Gradient,
    "latent-outpaint": LatentOutpaint,
    "linear": Linear,
    "outpaint": Outpaint,
    "probe": Probe,
    "recall": Recall,
}


DESCENDING = (Blend, Fitted, Gradient, Linear)
"""The readers that take a gradient, through the network and the autoencoder before it."""


def default_reader(pattern: Pattern) -> Reader:
    """`Energy` for one key an image, `Blend` for several."""
    return Energy() if pattern.count == 1 else Blend()


__all__ = [
    "DESCENDING",
    "READERS",
    "Blend",
    "Energy",
    "Fitted",
    "Gradient",
    "LatentOutpaint",
    "Linear",
    "Outpaint",
    "Probe",
    "Query",
    "Reader",
    "Reading",
    "Recall",
    "RoundTrip",
    "default_reader",
    "measure_round_trip",
    "round_trip_passes",
    "sent_round",
]
