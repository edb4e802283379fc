"""The entry point: finds the command, and turns errors into one line and an exit code.

0 = done, 1 = a fault of ours (with a trace), 2 = something the user can mend, 130 = interrupted.
"""

import os
import sys
from collections.abc import Sequence

import click
import typer

from solidmark.cli import audit, demo, inspect, mark, report, score, train
from solidmark.errors import SolidmarkError

app = typer.Typer(
    name="solidmark",
    help="Which of its training images has a diffusion model memorized, how strongly, and how "
    "sure are we?\n\nStart with: solidmark demo",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command()(demo.demo)
app.command()(mark.mark)
app.command()(train.train)
app.command()(audit.audit)
app.command()(audit.observe)
app.command()(score.score)
app.command()(report.report)
app.command()(inspect.inspect)


@app.callback(invoke_without_command=True)
def _version(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Show the version and exit."),
) -> None:
    if version:
        import solidmark

        typer.echo(f"solidmark {solidmark.__version__}")
        context.exit()


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line and returns its exit code."""
    asked = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = typer.main.get_command(app).main(
            [_dashed(word) for word in asked], prog_name="solidmark", standalone_mode=False
        )
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        return _fail(error.format_message())
    except SolidmarkError as error:
        return _fail(str(error))
    except (KeyboardInterrupt, click.Abort):
        typer.echo("Interrupted. Run the same command again to go on.", err=True)
        return 130
    except BrokenPipeError:
        # The reader of our output has gone; there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        where = f' "{error.filename}"' if error.filename else ""
        return _fail(f"The system refused{where}: {error.strerror or error}. Mend that, run again.")


def _dashed(word: str) -> str:
    """Takes `--batch_size` for `--batch-size`, as the diffusers examples spell it."""
    if not word.startswith("--"):
        return word
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value


def _fail(message: str) -> int:
    typer.echo(f"Error: {' '.join(message.split())}", err=True)
    return 2
