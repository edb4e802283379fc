"""Run folders: what was asked, what is done, and how to go on after a kill."""

from solidmark.runs.commands import command_line, path_word, shell_word
from solidmark.runs.contents import recorded, require_whole
from solidmark.runs.devices import check_device, usual_device
from solidmark.runs.figures import Figure, figure_from, find, first
from solidmark.runs.files import (
    fingerprint,
    fingerprint_files,
    move_folder,
    read_json,
    read_ours,
    remove_temporaries,
    visible_files,
    whole_file,
    write_bytes,
    write_json,
    write_once,
)
from solidmark.runs.formats import VERSION, require_version
from solidmark.runs.ledger import Ledger
from solidmark.runs.manifest import (
    HIDDEN_LEDGER,
    Run,
    check_free,
    is_whole,
    made_by,
    open_run,
    read_manifest,
    shown,
)
from solidmark.runs.memory import Room, forget_peak, peak_memory_bytes
from solidmark.runs.offline import asking_the_hub, report_nothing, stay_offline
from solidmark.runs.processes import Processes
from solidmark.runs.progress import progress
from solidmark.runs.results import (
    RESULTS,
    Results,
    open_results,
    read_results,
    scored_before,
    shared,
    write_results,
)
from solidmark.runs.rows import Rows
from solidmark.runs.saying import cell, guard_terminal, say, tame
from solidmark.runs.tables import (
    csv_of,
    doubled,
    read_batches,
    read_table,
    table_bytes,
    typed,
    write_rows,
    write_table,
)
from solidmark.runs.verdict import STATES, TONES, VERDICTS, Finding, Verdict, verdict_from
from solidmark.runs.work import memory_of, work_through

__all__ = [
    "HIDDEN_LEDGER",
    "RESULTS",
    "STATES",
    "TONES",
    "VERDICTS",
    "VERSION",
    "Figure",
    "Finding",
    "Ledger",
    "Processes",
    "Results",
    "Room",
    "Rows",
    "Run",
    "Verdict",
    "asking_the_hub",
    "cell",
    "check_device",
    "check_free",
    "command_line",
    "csv_of",
    "doubled",
    "figure_from",
    "find",
    "fingerprint",
    "fingerprint_files",
    "first",
    "forget_peak",
    "guard_terminal",
    "is_whole",
    "made_by",
    "memory_of",
    "move_folder",
    "open_results",
    "open_run",
    "path_word",
    "peak_memory_bytes",
    "progress",
    "read_batches",
    "read_json",
    "read_manifest",
    "read_ours",
    "read_results",
    "read_table",
    "recorded",
    "remove_temporaries",
    "report_nothing",
    "require_version",
    "require_whole",
    "say",
    "scored_before",
    "shared",
    "shell_word",
    "shown",
    "stay_offline",
    "table_bytes",
    "tame",
    "typed",
    "usual_device",
    "verdict_from",
    "visible_files",
    "whole_file",
    "work_through",
    "write_bytes",
    "write_json",
    "write_once",
    "write_results",
    "write_rows",
    "write_table",
]
