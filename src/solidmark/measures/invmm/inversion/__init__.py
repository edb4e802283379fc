"""InvMM: the noise, and the prompt, that give an image back."""

from solidmark.measures.invmm.inversion.attempt import Attempt, read_attempts, write_attempts
from solidmark.measures.invmm.inversion.configuration import PRESETS, Inversion
from solidmark.measures.invmm.inversion.inverter import Inverter
from solidmark.measures.invmm.inversion.objective import kl_per_dimension
from solidmark.measures.invmm.inversion.weight import Weight

__all__ = [
    "PRESETS",
    "Attempt",
    "Inversion",
    "Inverter",
    "Weight",
    "kl_per_dimension",
    "read_attempts",
    "write_attempts",
]
