"""The entry point: finds the command, and turns errors into one line and an exit code."""

import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module

import typer
from typer.core import TyperGroup

from solidmark.cli import closing, problems
from solidmark.cli.outcome import CODES, REFUSED
from solidmark.errors import SolidmarkError, UnknownName
from solidmark.runs import guard_terminal, keep_freed, say, stay_offline

app = typer.Typer(
    name="solidmark",
    help="Which of its training images has a diffusion model memorized, how strongly, and how "
    "sure are we?\n\nStart with: solidmark demo\n\nYour own data, in this order: mark, train, "
    "audit; plan says beforehand what they can show. Any command that was interrupted goes on when "
    "it is given again.\n\n" + " ".join(CODES.split()),
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
NAMES = (
    *("demo", "plan", "mark", "train", "generate", "audit", "observe", "score", "report"),
    *("signals", "provenance", "inpaint", "invmm", "intent", "compare", "nearest", "judge"),
    *("duplicates", "cliques", "fit", "index", "guard", "inspect", "choose", "study", "release"),
)
"""The verbs, in the order of the help; each stands in a module of its name."""

MODULES = {"observe": "audit"}
COMMANDS: dict[str, Callable[..., None]] = {
    name: getattr(import_module(f"solidmark.cli.{MODULES.get(name, name)}"), name) for name in NAMES
}

QUIET = ("DIFFUSERS", "TRANSFORMERS", "DATASETS")
"""Libraries whose notes are not for our users, unless their own variable asks for them."""

for command in COMMANDS.values():
    app.command()(command)


@app.callback(invoke_without_command=True)
def _top(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Show the version and exit."),
) -> None:
    if version:
        import solidmark

        say(f"solidmark {solidmark.__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@cache
def program() -> TyperGroup:
    """All commands with their options, made once: that takes as long as a short command does."""
    made = typer.main.get_command(app)
    assert isinstance(made, TyperGroup)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line and returns its exit code."""
    stay_offline()
    if arguments is None:  # The process is ours.
        guard_terminal()
        keep_freed()
    for library in QUIET:
        os.environ.setdefault(f"{library}_VERBOSITY", "error")
    asked = [_dashed(word) for word in (sys.argv[1:] if arguments is None else arguments)]
    closing.take_opened()
    closing.then()
    try:
        code = _run(asked)
        if code in (0, REFUSED):  # 3 is an answer too.
            closing.say_opened(asked)
            closing.say_next(asked)
        sys.stdout.flush()
    except problems.UsageProblem as error:
        return _fail(problems.explain_usage(error, asked))
    except SolidmarkError as error:
        return _fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except BrokenPipeError:
        # The reader of our output has gone; there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        line = problems.explain_system(error)
        if line is None:
            raise
        return _fail(line)
    if code == 130:
        say("Interrupted. Run the same command again to go on.", error=True)
    return code


def _run(asked: Sequence[str]) -> int:
    if asked and not asked[0].startswith("-") and asked[0] not in COMMANDS:
        raise UnknownName("command", asked[0], COMMANDS)
    code = program().main(asked, prog_name="solidmark", standalone_mode=False)
    return code if isinstance(code, int) else 0


def _dashed(word: str) -> str:
    """Takes `--batch_size` for `--batch-size`, as the diffusers examples spell it."""
    if not word.startswith("--"):
        return word
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value


def _fail(message: str) -> int:
    say(f"Error: {' '.join(message.split())}", error=True)
    return 2
