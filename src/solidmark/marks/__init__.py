"""Marks: how keys are painted into images, which key an image gets, and marked folders."""

from solidmark.marks.advice import Frame, advise
from solidmark.marks.again import mark_again
from solidmark.marks.catalogue import (
    PATTERNS,
    Fitted,
    in_buckets,
    pattern_from_json,
    pattern_of,
    pattern_to_json,
)
from solidmark.marks.images import read_image, write_image
from solidmark.marks.keymap import Keymap
from solidmark.marks.marked import (
    Marked,
    bucket_name,
    few_line,
    find_marked,
    keep_ids,
    open_marked,
    require_unmarked,
    sizes_of,
)
from solidmark.marks.marking import Marking, mark_dataset
from solidmark.marks.pattern import Border, Center, Pattern
from solidmark.marks.planned import FOLDERS, file_stem
from solidmark.marks.seed import kept_seed
from solidmark.marks.segments import Segments
from solidmark.marks.transform import MarkTransform

__all__ = [
    "FOLDERS",
    "PATTERNS",
    "Border",
    "Center",
    "Fitted",
    "Frame",
    "Keymap",
    "MarkTransform",
    "Marked",
    "Marking",
    "Pattern",
    "Segments",
    "advise",
    "bucket_name",
    "few_line",
    "file_stem",
    "find_marked",
    "in_buckets",
    "keep_ids",
    "kept_seed",
    "mark_again",
    "mark_dataset",
    "open_marked",
    "pattern_from_json",
    "pattern_of",
    "pattern_to_json",
    "read_image",
    "require_unmarked",
    "sizes_of",
    "write_image",
]
