"""What a command refuses, and what it only plans, it says before torch is imported.

torch takes more than a second of a processor, and what builds on it several. Whether it is there is
exact, where a clock on a shared machine is not.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from solidmark.cli.main import COMMANDS, program

SLOW = ("torch", "diffusers", "transformers", "datasets", "accelerate", "matplotlib")
ASK = f"""
import contextlib, io, json, sys
from solidmark.cli import main
for line in json.load(sys.stdin):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = main(line.split())
    found = [name for name in {SLOW} if name in sys.modules]
    print(json.dumps([line, code, found, said.getvalue()]), flush=True)
"""
"""Command lines one after another: what one imports is there for all that follow."""

MISSING = [
    "release none new --marked marked",
    "release model new --marked none",
    "release model new --marked marked --audit none",
    "study duplication new --data none",
    "study all new --data none",
    "mark none new",
    "train none new",
    "generate none new",
    "generate model new --marked none",
    "generate model new --data none",
    "audit none marked new",
    "audit model marked new --epochs none",
    "audit model none new",
    "audit model photos new --held-out none",
    "audit none photos new --held-out photos",
    "observe none marked new",
    "observe model none new",
    "score none",
    "score audit --marked none",
    "report none",
    "signals none marked new",
    "signals model none new",
    "signals model photos new --held-out none",
    "provenance none photos new --held-out photos",
    "provenance model none new --held-out photos",
    "provenance model photos new --held-out none",
    "inpaint none marked new",
    "inpaint model none new",
    "inpaint model photos new --held-out none",
    "invmm none marked new",
    "invmm model none new",
    "invmm model photos new --held-out none",
    "invmm model marked new --triage solidmark --audit none",
    "intent none marked new",
    "intent model none new",
    "intent model photos new --prompts none",
    "intent model photos new --expected none",
    "intent model photos new --feature-file none",
    "intent model photos new --unrelated-prompts none",
    "compare none audit",
    "compare audit none",
    "nearest none photos new",
    "nearest photos none new",
    "nearest photos photos new --held-out none",
    "fit none new",
    "judge none said.csv",
    "judge audit none",
    "duplicates none new",
    "cliques none new",
    "index none new",
    "index photos new --held-out none",
    "guard none photos",
    "guard an-index none --threshold l2=0.1",
    "inspect none",
    "choose none",
    "choose photos --model none",
    "choose photos --held-out none",
    "plan --images 100 --resolution 8 --model none --data photos",
    "plan --images 100 --resolution 8 --model model --data none",
    "demo new --config none",
]
"""Each argument that is a path, where nothing is there."""

UNFIT = [
    "release photos new --marked marked",
    "release model.ckpt new --marked marked",
    "release model new --marked audit",
    "release model new --marked marked --audit marked",
    "study readers new --epochs 3",
    "study none new",
    "mark photos foreign",
    "mark photos new --hash-ids photos",
    "train unfinished new",
    "train audit new",
    "train marked audit",
    "generate model audit",
    "generate model new --marked unfinished",
    "generate model new --marked audit",
    "audit model unfinished new",
    "audit model audit new",
    "audit model marked marked",
    "audit model photos new",
    "audit model photos audit --held-out photos",
    "audit model marked new --held-out photos",
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
    "provenance model marked new --held-out photos",
    "provenance model photos audit --held-out photos",
    "provenance photos photos new --held-out photos",
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
    "fit unfinished new",
    "fit photos audit",
    "judge audit said.csv",
    "judge marked said.csv",
    "judge audit photos",
    "duplicates unfinished new",
    "duplicates photos audit",
    "cliques drawn audit",
    "index unfinished new",
    "index photos audit",
    "guard marked photos",
    "guard foreign photos",
    "inspect foreign",
    "choose unfinished",
    "choose photos --model photos",
    "plan --images 100 --resolution 8 --model photos --data photos",
]
"""A folder that is not finished, is another command's, or is nobody's."""

WRONG_MODEL = [
    f"{command} {model} marked new"
    for command in ("audit", "observe", "signals", "inpaint", "invmm", "intent")
    for model in ("colour-model", "large-model", "text-model", "pickled", "no-weights")
]
"""A model for other images, or one that cannot be opened; its files say so."""

OUT_OF_RANGE = [
    "release model new --marked marked --public",
    "study duplication new --images 4",
    "study duplication new --seeds 0",
    "study duplication new --workers 0",
    "mark photos new --thickness 0",
    "mark photos new --held-out 1",
    "train marked new --learning-rate -1",
    "train marked new --dataloader-num-workers -1",
    "generate model new --steps 0",
    "generate model new --number 0",
    "audit model marked new --repeats 0",
    "audit model marked new --reader energy --energy-t 2",
    "audit model marked new --mitigation none",
    "audit model marked new --perturb none",
    "audit model marked new --perturb crop:2",
    "audit model photos new --held-out photos --budget none",
    "audit model photos new --held-out photos --reader blend",
    "observe model marked new --perturb blur:9",
    "observe model marked new --reader none",
    "observe model marked new --reader recall --recall-t 2",
    "score audit --fdr 2",
    "report audit --top -1",
    "signals model marked new --draws 0",
    "signals model marked new --precision none",
    "provenance model photos new --held-out photos --draws 0",
    "provenance model photos new --held-out photos --signal none",
    "inpaint model marked new --eta 2",
    "inpaint model marked new --draws 0",
    "invmm model marked new --threshold 2",
    "invmm model marked new --budget none",
    "intent model photos new --fpr 2",
    "intent model photos new --steps 0",
    "compare audit audit --delta 2",
    "nearest photos photos new --neighbours 0",
    "nearest photos photos new --distance none",
    "fit photos new --steps 0",
    "judge audit said.csv --none",
    "duplicates photos new --above 2",
    "cliques drawn new --least 1",
    "index photos new --fpr 2",
    "guard an-index photos --threshold none",
    "inspect model --none",
    "choose photos --question none",
    "choose photos --budget none",
    "choose photos --ask",
    "plan --images 1 --resolution 8",
    "demo new --seed none",
]

PLANNED = [
    "demo new",
    "mark photos new --resolution 12",
    "mark photos new --resolution 40 --pattern center",
    "train marked new --preset digits-demo",
    "nearest photos photos new",
    "duplicates photos new",
    "fit drawn new",
    "cliques drawn new",
    "index photos new",
    *(
        f"{command} {model} marked new"
        for command in ("audit", "observe", "signals", "inpaint", "invmm")
        for model in ("model", "memorizer", "average")
    ),
    "signals model photos new --mode L",
    "provenance model photos new --held-out photos --mode L",
    "provenance memorizer photos new --held-out photos --signal loss",
    "inpaint model photos new --held-out photos --mode L",
    "audit model photos new --held-out photos",
    "audit memorizer photos new --held-out photos --budget 20000",
    "invmm memorizer photos new --mode L --triage loss",
    "intent memorizer photos new --caption seven",
    "intent average marked new --caption seven",
    "generate model new",
    "generate model new --marked marked --crop",
    "generate memorizer new --marked marked",
    "study pattern new --quick --images 64",
    "study all new --quick --epochs 2",
    "release model new --marked marked",
]
"""What only plans. A model is judged by its files (`models/foreseen.py`), and not opened."""

UNASKABLE = [
    f"{line} --dry-run"
    for line in (
        "audit model marked new --mitigation rt",
        "audit gaussian marked new --mitigation gni",
        "signals memorizer marked new --signal spread",
        "signals model marked new --signal magnitude",
        "provenance memorizer photos new --held-out photos --signal spread",
        "invmm memorizer marked new --triage spread",
        "invmm model marked new --prompt inverted",
        "intent model photos new --caption seven",
        "generate model new --caption seven",
        "generate model new --resolution 16",
        "generate gaussian new",
        "audit model marked new --lora none",
    )
]
"""What a model cannot be asked for, as its files say."""

NO_PLAN = ("plan", "score", "report", "compare", "guard", "inspect", "choose", "judge")
"""Commands without --dry-run."""

LOOKS = [
    "choose photos",
    "choose marked --model model --question pixel",
    "choose photos --model memorizer --held-out photos --budget 20000",
]
"""What looks at pictures, and computes with nothing but numpy."""


def parameters(command: str) -> set[str]:
    return {one.name for one in program().commands[command].params}


def on_the_cpu(line: str) -> str:
    """With a GPU, `auto` asks torch for it; that is a question of its own."""
    return f"{line} --device cpu" if "device" in parameters(line.split()[0]) else line


REFUSED = [on_the_cpu(line) for line in (*MISSING, *UNFIT, *WRONG_MODEL, *OUT_OF_RANGE, *UNASKABLE)]
DRY = [on_the_cpu(f"{line} --dry-run") for line in PLANNED]
Answers = dict[str, tuple[int, list[str], str]]


@pytest.fixture(scope="module")
def answers(world: Path) -> Answers:
    """What each command line came to: its exit code, what was imported by then, what it said."""
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        input=json.dumps([*REFUSED, *DRY, *LOOKS]),
        cwd=world,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert not (world / "new").exists()
    return {line: (code, *rest) for line, code, *rest in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("line", REFUSED)
def test_a_refusal_comes_before_torch(line: str, answers: Answers) -> None:
    code, found, said = answers[line]
    assert code == 2, said
    assert said.startswith("Error: ")
    assert found == []


@pytest.mark.parametrize("line", DRY)
def test_a_plan_comes_before_torch(line: str, answers: Answers) -> None:
    code, found, said = answers[line]
    assert code == 0, said
    assert "nothing was written" in said
    assert found == []


@pytest.mark.parametrize("line", LOOKS)
def test_pictures_are_looked_at_without_torch(line: str, answers: Answers) -> None:
    code, found, said = answers[line]
    assert code == 0, said
    assert found == []


def test_every_command_is_asked_for_something_wrong() -> None:
    """In each of the three ways; `demo` reads no folder."""
    for lines, spared in ((MISSING, set()), (UNFIT, {"demo"}), (OUT_OF_RANGE, set())):
        assert {line.split()[0] for line in lines} == set(COMMANDS) - spared


def test_every_plan_is_made_without_torch() -> None:
    planned = {line.split()[0] for line in PLANNED}
    for command in COMMANDS:
        has_plan = "dry_run" in parameters(command)
        assert has_plan == (command not in NO_PLAN)
        assert has_plan == (command in planned), command
