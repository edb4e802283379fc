"""Run folders: what was asked, what is done, and how to go on after a kill."""

from solidmark.runs.devices import check_device
from solidmark.runs.files import fingerprint, read_json, remove_temporaries, write_bytes, write_json
from solidmark.runs.ledger import Ledger
from solidmark.runs.manifest import Run, open_run, read_manifest
from solidmark.runs.processes import Processes
from solidmark.runs.progress import progress

__all__ = [
    "Ledger",
    "Processes",
    "Run",
    "check_device",
    "fingerprint",
    "open_run",
    "progress",
    "read_json",
    "read_manifest",
    "remove_temporaries",
    "write_bytes",
    "write_json",
]
