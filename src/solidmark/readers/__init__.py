"""How keys are read out of a model: see docs/readers.md for what each reader asks."""

from solidmark.marks import Pattern
from solidmark.readers.energy import Energy
from solidmark.readers.gradient import Gradient
from solidmark.readers.linear import Linear
from solidmark.readers.outpaint import Outpaint
from solidmark.readers.probe import Probe
from solidmark.readers.reader import Calibration, Query, Reader, Reading

READERS: dict[str, type[Energy] | type[Gradient] | type[Linear] | type[Outpaint] | type[Probe]] = {
    "energy": Energy,
    "gradient": Gradient,
    "linear": Linear,
    "outpaint": Outpaint,
    "probe": Probe,
}


def default_reader(pattern: Pattern) -> Reader:
    """`Energy` for one key an image, `Gradient` for several."""
    return Energy() if pattern.count == 1 else Gradient()


__all__ = [
    "READERS",
    "Calibration",
    "Energy",
    "Gradient",
    "Linear",
    "Outpaint",
    "Probe",
    "Query",
    "Reader",
    "Reading",
    "default_reader",
]
