"""What a command refuses, and what it only plans, it says before torch is imported.

torch takes more than a second of a processor, and what builds on it several. Whether it is there is
exact, where a clock on a shared machine is not.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from solidmark.cli.main import COMMANDS

SLOW = ("torch", "diffusers", "transformers", "datasets", "matplotlib")
ASK = f"""
import sys
from solidmark.cli import main
code = main(sys.argv[1:])
found = [name for name in {SLOW} if name in sys.modules]
sys.exit(f"imported: {{found}}" if found else 10 + code)
"""
"""A command line in a process of its own; its exit code comes back with 10 added."""

MISSING = [
    "mark none new",
    "train none new",
    "generate none new",
    "generate model new --marked none",
    "generate model new --data none",
    "audit none marked new",
    "audit model none new",
    "observe none marked new",
    "observe model none new",
    "score none",
    "score audit --marked none",
    "report none",
    "signals none marked new",
    "signals model none new",
    "signals model photos new --held-out none",
    "inpaint none marked new",
    "inpaint model none new",
    "invmm none marked new",
    "invmm model none new",
    "invmm model photos new --held-out none",
    "invmm model marked new --triage solidmark --audit none",
    "intent none marked new",
    "intent model none new",
    "intent model photos new --prompts none",
    "intent model photos new --expected none",
    "intent model photos new --features none",
    "intent model photos new --unrelated-prompts none",
    "compare none audit",
    "compare audit none",
    "nearest none photos new",
    "nearest photos none new",
    "nearest photos photos new --held-out none",
    "duplicates none new",
    "cliques none new",
    "index none new",
    "index photos new --held-out none",
    "guard none photos",
    "guard an-index none",
    "inspect none",
    "plan --images 100 --resolution 8 --model none --data photos",
    "plan --images 100 --resolution 8 --model model --data none",
    "demo new --config none",
]
"""Each argument that is a path, where nothing is there."""

UNFIT = [
    "mark photos foreign",
    "train unfinished new",
    "train audit new",
    "train marked audit",
    "generate model audit",
    "generate model new --marked unfinished",
    "generate model new --marked audit",
    "audit model unfinished new",
    "audit model audit new",
    "audit model marked marked",
    "audit model.ckpt marked new",
    "audit photos marked new",
    "observe model unfinished new",
    "observe model marked foreign",
    "score marked",
    "score foreign",
    "score unfinished",
    "report marked",
    "report foreign",
    "report unfinished",
    "signals model unfinished new",
    "signals model marked audit",
    "signals photos marked new",
    "inpaint model unfinished new",
    "inpaint model marked audit",
    "inpaint photos marked new",
    "invmm model unfinished new",
    "invmm model marked audit",
    "invmm photos marked new",
    "invmm model marked new --triage solidmark --audit marked",
    "intent model unfinished new",
    "intent model photos audit",
    "intent photos photos new",
    "compare audit marked",
    "compare marked audit",
    "nearest photos unfinished new",
    "nearest photos photos audit",
    "duplicates unfinished new",
    "duplicates photos audit",
    "cliques drawn audit",
    "index unfinished new",
    "index photos audit",
    "guard marked photos",
    "guard foreign photos",
    "inspect foreign",
    "plan --images 100 --resolution 8 --model photos --data photos",
]
"""A folder that is not finished, is another command's, or is nobody's."""

OUT_OF_RANGE = [
    "mark photos new --thickness 0",
    "mark photos new --held-out 1",
    "train marked new --learning-rate -1",
    "train marked new --dataloader-num-workers -1",
    "generate model new --steps 0",
    "generate model new --number 0",
    "audit model marked new --repeats 0",
    "audit model marked new --reader energy --energy-t 2",
    "audit model marked new --mitigation none",
    "observe model marked new --reader none",
    "observe model marked new --reader recall --recall-t 2",
    "score audit --fdr 2",
    "report audit --top -1",
    "signals model marked new --draws 0",
    "signals model marked new --precision none",
    "inpaint model marked new --eta 2",
    "inpaint model marked new --draws 0",
    "invmm model marked new --threshold 2",
    "invmm model marked new --budget none",
    "intent model photos new --fpr 2",
    "intent model photos new --steps 0",
    "compare audit audit --delta 2",
    "nearest photos photos new --neighbours 0",
    "nearest photos photos new --distance none",
    "duplicates photos new --above 2",
    "cliques drawn new --least 1",
    "index photos new --fpr 2",
    "guard an-index photos --threshold none",
    "inspect model --none",
    "plan --images 1 --resolution 8",
    "demo new --seed none",
]

DRY = [
    "demo new",
    "mark photos new --resolution 12",
    "train marked new --preset digits-demo",
    "nearest photos photos new",
    "duplicates photos new",
    "cliques drawn new",
    "index photos new",
]
"""What only plans."""

OPENS = ("generate", "audit", "observe", "signals", "inpaint", "invmm", "intent")
"""Their plan says whether this model can be asked about these images, and so they open it."""

DEVICE = ("train", "nearest", "duplicates", "cliques", "index")
"""Their plan names the device that is found; where torch could have one it is asked for it."""
