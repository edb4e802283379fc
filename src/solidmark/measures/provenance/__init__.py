"""Was a set of images used for training? Signals of several kinds, one test over the set."""

from solidmark.measures.provenance.asking import ask_provenance
from solidmark.measures.provenance.configuration import Provenance
from solidmark.measures.provenance.scoring import score_provenance

__all__ = [
    "Provenance",
    "ask_provenance",
    "score_provenance",
]
