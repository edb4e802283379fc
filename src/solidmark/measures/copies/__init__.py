"""Images that are one picture: copies in a training set, and cliques of generations."""

from solidmark.measures.copies.clique import largest_clique
from solidmark.measures.copies.cliques import cliques
from solidmark.measures.copies.deduplication import Deduplication
from solidmark.measures.copies.duplicates import duplicates
from solidmark.measures.copies.extraction import Extraction

__all__ = ["Deduplication", "Extraction", "cliques", "duplicates", "largest_clique"]
