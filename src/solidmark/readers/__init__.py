"""How a key is read out of a model: `Outpaint` (the paper's), `Energy` (the default), `Probe`."""

from solidmark.readers.energy import Energy
from solidmark.readers.outpaint import Outpaint
from solidmark.readers.probe import Probe
from solidmark.readers.reader import Calibration, Query, Reader, Reading

READERS: dict[str, type[Energy] | type[Outpaint] | type[Probe]] = {
    "energy": Energy,
    "outpaint": Outpaint,
    "probe": Probe,
}

__all__ = ["READERS", "Calibration", "Energy", "Outpaint", "Probe", "Query", "Reader", "Reading"]
