"""Data sets: ids and samples, from any source, and what is twice in them."""

from solidmark.cards.asked import MODES, Mode, Resolution, sides_of
from solidmark.data.aspect import AspectBuckets, parse_buckets
from solidmark.data.classes import class_numbers, names_by_number
from solidmark.data.dataset import Dataset, Sample
from solidmark.data.decode import decode
from solidmark.data.duplicates import Signature, group_duplicates, group_places, sign
from solidmark.data.examples import EXAMPLES
from solidmark.data.identity import identity_of
from solidmark.data.inventory import Opened, take_inventories
from solidmark.data.open import open_data
from solidmark.data.prepare import (
    NOTES,
    Preparation,
    content_hash,
    lost_lines,
    to_picture,
    to_tensor,
)
from solidmark.data.records import Record, Records, inventories
from solidmark.data.source import Source

__all__ = [
    "EXAMPLES",
    "MODES",
    "NOTES",
    "AspectBuckets",
    "Dataset",
    "Mode",
    "Opened",
    "Preparation",
    "Record",
    "Records",
    "Resolution",
    "Sample",
    "Signature",
    "Source",
    "class_numbers",
    "content_hash",
    "decode",
    "group_duplicates",
    "group_places",
    "identity_of",
    "inventories",
    "lost_lines",
    "names_by_number",
    "open_data",
    "parse_buckets",
    "sides_of",
    "sign",
    "take_inventories",
    "to_picture",
    "to_tensor",
]
