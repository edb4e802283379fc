"""Words that the pages of before take from the judge."""

from solidmark.verdicts.words import because as because
from solidmark.verdicts.words import counted_once as counted_once
from solidmark.verdicts.words import expect_wrong as expect_wrong
