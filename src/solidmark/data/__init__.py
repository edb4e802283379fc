"""Data sets: ids and samples, from any source, and what is twice in them."""

from solidmark.data.columns import Columns
from solidmark.data.dataset import Dataset, Sample
from solidmark.data.decode import decode
from solidmark.data.duplicates import Signature, group_duplicates, sign
from solidmark.data.examples import EXAMPLES, Example
from solidmark.data.identity import identity_of
from solidmark.data.open import open_data
from solidmark.data.prepare import (
    MODES,
    Mode,
    Preparation,
    content_hash,
    to_picture,
    to_tensor,
)
from solidmark.data.records import Record, Records

__all__ = [
    "EXAMPLES",
    "MODES",
    "Columns",
    "Dataset",
    "Example",
    "Mode",
    "Preparation",
    "Record",
    "Records",
    "Sample",
    "Signature",
    "content_hash",
    "decode",
    "group_duplicates",
    "identity_of",
    "open_data",
    "sign",
    "to_picture",
    "to_tensor",
]
