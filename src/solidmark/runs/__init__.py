"""Run folders: what was asked, what is done, and how to go on after a kill."""

from solidmark.runs.commands import command_line, path_word, shell_word
from solidmark.runs.contents import recorded, require_whole
from solidmark.runs.devices import check_device, usual_device
from solidmark.runs.engines import (
    AUTO,
    Answer,
    Away,
    Engine,
    Job,
    Work,
    engine_named,
    require_same,
    using,
    works_here,
)
from solidmark.runs.figures import Figure, figure_from, find, first
from solidmark.runs.files import (
    fingerprint,
    fingerprint_files,
    move_folder,
    read_json,
    read_ours,
    remove_temporaries,
    visible_files,
    write_bytes,
    write_json,
)
from solidmark.runs.formats import VERSION, require_version
from solidmark.runs.ledger import Ledger
from solidmark.runs.manifest import (
    HIDDEN_LEDGER,
    Run,
    check_free,
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
from solidmark.runs.saying import cell, guard_terminal, say, tame
from solidmark.runs.tables import (
    csv_of,
    doubled,
    read_table,
    table_bytes,
    typed,
    write_rows,
    write_table,
)
from solidmark.runs.verdict import STATES, TONES, VERDICTS, Finding, Verdict, verdict_from
from solidmark.runs.work import memory_of, work_through

__all__ = [
    "AUTO",
    "HIDDEN_LEDGER",
    "RESULTS",
    "STATES",
    "TONES",
    "VERDICTS",
    "VERSION",
    "Answer",
    "Away",
    "Engine",
    "Figure",
    "Finding",
    "Job",
    "Ledger",
    "Processes",
    "Results",
    "Room",
    "Run",
    "Verdict",
    "Work",
    "asking_the_hub",
    "cell",
    "check_device",
    "check_free",
    "command_line",
    "csv_of",
    "doubled",
    "engine_named",
    "figure_from",
    "find",
    "fingerprint",
    "fingerprint_files",
    "first",
    "forget_peak",
    "guard_terminal",
    "made_by",
    "memory_of",
    "move_folder",
    "open_results",
    "open_run",
    "path_word",
    "peak_memory_bytes",
    "progress",
    "read_json",
    "read_manifest",
    "read_ours",
    "read_results",
    "read_table",
    "recorded",
    "remove_temporaries",
    "report_nothing",
    "require_same",
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
    "using",
    "usual_device",
    "verdict_from",
    "visible_files",
    "work_through",
    "works_here",
    "write_bytes",
    "write_json",
    "write_results",
    "write_rows",
    "write_table",
]
