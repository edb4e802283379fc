"""InvMM: the noise, and the prompt, that give an image back."""

from solidmark.inversion.attempt import Attempt, Look, Outcome, read_attempts, write_attempts
from solidmark.inversion.configuration import PRESETS, Inversion
from solidmark.inversion.examining import Similarity
from solidmark.inversion.inverter import Inverter
from solidmark.inversion.objective import kl_per_dimension
from solidmark.inversion.weight import Weight

__all__ = [
    "PRESETS",
    "Attempt",
    "Inversion",
    "Inverter",
    "Look",
    "Outcome",
    "Similarity",
    "Weight",
    "kl_per_dimension",
    "read_attempts",
    "write_attempts",
]
