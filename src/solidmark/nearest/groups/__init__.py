"""Images that are one picture: copies in a training set, and cliques of generations."""

from solidmark.nearest.groups.clique import Clique, largest_clique
from solidmark.nearest.groups.cliques import cliques
from solidmark.nearest.groups.deduplication import Deduplication
from solidmark.nearest.groups.duplicates import duplicates
from solidmark.nearest.groups.extraction import Extraction

__all__ = ["Clique", "Deduplication", "Extraction", "cliques", "duplicates", "largest_clique"]
