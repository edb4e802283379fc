"""The judge: what a run has come to, from its figures, in sentences that can be defended."""

from solidmark.verdicts.keys import judge_keys
from solidmark.verdicts.known import mirror_note, unknown

__all__ = ["judge_keys", "mirror_note", "unknown"]
