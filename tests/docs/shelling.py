"""What stands in the shell blocks of the documents, a line at a time, asked of the real programs.

A line of ours is planned with `--dry-run` in a prepared folder; where a command has no such option
it is run. Of `make`, `pip` and `pytest` it is looked up that there is what they are asked for.
"""

import re
import shlex
import tomllib

from solidmark.cli import main
from solidmark.cli.main import program

from .blocks import ROOT, Block

STANDS_FOR = {
    "MODEL": "text-model",
    "stable-diffusion-v1-5/stable-diffusion-v1-5": "text-model",
    "my-model.safetensors": "text-model",
    "DATA": "photos",
}
"""What a document calls by a name that is nobody's, or that is on the hub."""

TOLD = {"docs/intent.md": {"model/": "text-model"}}
"""Documents whose model is one that draws from captions."""

LAUNCHED = re.compile(r"^(torchrun --nproc_per_node \d+|accelerate launch --num_processes \d+) -m ")
NO_PLAN = {"plan", "choose", "score", "report", "compare", "guard", "inspect", "judge"}


def lines_of(block: Block) -> list[str]:
    """The command lines of a block, without comments and prompts, continued lines joined."""
    text = re.sub(r" *\\\n *", " ", block.code)
    lines = [shlex.join(shlex.split(line, comments=True)) for line in text.splitlines()]
    return [part.strip() for line in lines if line for part in re.split(r" '&&' ", line)]


def is_ours(line: str) -> bool:
    """Whether a line asks solidmark, alone or in several processes."""
    return LAUNCHED.sub("", line).startswith("solidmark ")


def foreseen(line: str, page: str) -> list[str]:
    """A line of ours as it is tried: planned, or run where nothing can be planned.

    Arguments:
        line: The line.
        page: The document that it stands in.
    """
    name, *words = shlex.split(LAUNCHED.sub("", line).removeprefix("solidmark "))
    words = words[: words.index("||")] if "||" in words else words
    names = STANDS_FOR | TOLD.get(page, {})
    words = [names.get(word, word) for word in words]
    if name in NO_PLAN or "--dry-run" in words:
        return [name, *words]
    command = program().commands[name]
    with command.make_context(name, list(words)) as context:
        out = context.params.get("out", context.params.get("index"))
    # The folder that it writes may be there already, made from something else.
    words = ["new" if word.rstrip("/") == str(out) else word for word in words]
    return [name, *words, "--dry-run"]


def ask(line: str, page: str) -> int:
    """Asks solidmark what a document asks, and returns its exit code."""
    words = foreseen(line, page)
    parameters = {one.name for one in program().commands[words[0]].params}
    if "device" in parameters and "--device" not in words:
        words += ["--device", "cpu"]
    return main(words)


def is_there(line: str) -> bool:
    """Whether another program is asked for what there is.

    Arguments:
        line: A line of a document that does not ask solidmark.
    """
    program_name, *words = shlex.split(line)
    if program_name == "make":
        targets = (ROOT / "Makefile").read_text(encoding="utf-8")
        return all(re.search(rf"^{word}:", targets, re.MULTILINE) for word in words)
    if program_name == "pip":
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        extras = re.findall(r"\[(.*?)\]", line)
        return all(
            extra in project["project"]["optional-dependencies"]
            for one in extras
            for extra in one.split(",")
        )
    if program_name == "pytest":
        paths = [word for word in words if not word.startswith("-")]
        return all((ROOT / path).exists() for path in paths)
    return line == ". .venv/bin/activate"
