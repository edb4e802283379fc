"""Data sets: ids and samples, from any source, and what is twice in them."""

from solidmark.data.columns import Columns
from solidmark.data.dataset import Dataset, Sample
from solidmark.data.decode import decode
from solidmark.data.duplicates import Signature, group_duplicates, sign
from solidmark.data.examples import EXAMPLES, Example
from solidmark.data.open import open_data
from solidmark.data.prepare import (
    MODES,
    NOTES,
    Mode,
    Preparation,
    Resolution,
    content_hash,
    sides_of,
    to_picture,
    to_tensor,
)
from solidmark.data.records import Record, Records

__all__ = [
    "EXAMPLES",
    "MODES",
    "NOTES",
    "Columns",
    "Dataset",
    "Example",
    "Mode",
    "Preparation",
    "Record",
    "Records",
    "Resolution",
    "Sample",
    "Signature",
    "content_hash",
    "decode",
    "group_duplicates",
    "open_data",
    "sides_of",
    "sign",
    "to_picture",
    "to_tensor",
]
