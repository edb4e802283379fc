"""The options that commands share, and what `--dry-run` and `--json` print."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from solidmark.cards import Range, option
from solidmark.cli.config import read_config
from solidmark.cli.outcome import Outcome
from solidmark.errors import BadInput, UnknownName
from solidmark.runs import say

Check = Callable[..., Any]


@dataclass(frozen=True)
class Choice:
    """The names that an option takes.

    Arguments:
        kind: What they are names of, when one is refused.
        names: The names.
    """

    kind: str
    names: Sequence[str]


def one_of(kind: str, names: Sequence[str]) -> Check:
    """Checks that each value of an option is one of some names."""

    def check(value: Any) -> Any:
        for word in _several(value):
            if word not in names:
                raise UnknownName(kind, word, names)
        return value

    return check


def ranged(wanted: Range) -> Check:
    """Checks that each value of an option is in a range."""

    def check(parameter: typer.CallbackParam, value: Any) -> Any:
        for number in _several(value):
            if not wanted.holds(number):
                found = f"{number:g}" if isinstance(number, float) else number
                raise BadInput(f"{parameter.opts[0]} must be {wanted.words}, not {found}.")
        return value

    return check


def at_least(least: int) -> Check:
    """Checks the lower end of a whole number."""
    return ranged(option.at_least(least))


a_share, below_one = ranged(option.A_SHARE), ranged(option.BELOW_ONE)
"""Check that each value of an option is in (0, 1], and in (0, 1)."""


def a_resolution(value: str | None) -> int | str | None:
    """A side in pixels as a number, or HEIGHTxWIDTH as it is."""
    if value is None:
        return None
    found = re.fullmatch(r"([1-9]\d*)(x[1-9]\d*)?", value)
    if found is None:
        raise BadInput(
            f'--resolution takes a side in pixels, or HEIGHTxWIDTH such as 480x640, not "{value}".'
        )
    return value if found[2] else int(value)


def a_window(value: str) -> str:
    """Checks which values of deep pictures are black and white."""
    if value not in ("full", "used"):
        low, colon, high = value.partition(":")
        try:
            fits = bool(colon) and float(low) < float(high)
        except ValueError:
            fits = False
        if not fits:
            raise BadInput(
                "--window takes LOW:HIGH (the values of black and white, such as 0:4095), used or "
                f'full, not "{value}".'
            )
    return value


def memory_bytes(value: Any) -> int:
    """A size such as `500MB` or `2GB`, in bytes; a plain number is bytes."""
    text = str(value).strip().upper().removesuffix("B").removesuffix("I")
    powers = {"K": 10, "M": 20, "G": 30, "T": 40}
    power = powers.get(text[-1:], 0)
    try:
        number = float(text[:-1] if power else text)
    except ValueError:
        number = 0.0
    if not 0 < number < 2**40:
        raise BadInput(f'--memory takes a size like 500MB or 2GB, not "{value}".')
    return int(number * 2**power)


def _several(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="YAML file with any of these, such as the config.yaml beside a result; "
        "the command line goes first.",
        callback=read_config,
        is_eager=True,
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be done, and write nothing.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")]
Fdr = Annotated[
    float,
    typer.Option(
        "--fdr", help="False-discovery rate at which images are named.", callback=below_one
    ),
]
Fprs = Annotated[
    list[float] | None,
    typer.Option(
        "--fpr",
        metavar="NUMBER",
        help="False-positive rate at which detections are reported; may be given again.  "
        "[default: 0.01, 0.001]",
        callback=below_one,
    ),
]
Pictures = Annotated[
    bool,
    typer.Option(
        "--images/--no-images", help="Show pictures of the data and their captions on the page."
    ),
]
TrustControl = Annotated[
    bool,
    typer.Option(
        "--trust-control",
        help="Name images although the held-out ones can be told from the trained ones without the "
        "model; a warning stays on the page.",
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same numbers.")]
Device = Annotated[
    str, typer.Option("--device", metavar="NAME", help="auto, cpu, cuda, cuda:1, mps ...")
]
Out = Annotated[
    Path,
    typer.Argument(
        metavar="OUT", help="Folder to write: a new one, or that of the same command to go on."
    ),
]
Memory = Annotated[
    int,
    typer.Option(
        metavar="SIZE",
        parser=memory_bytes,
        help="What a search may hold at most, beside the program itself: 500MB, 2GB.",
    ),
]
Positive = Annotated[int, option.at_least(1)]
Whole = Annotated[int | None, option.at_least(1)]
Share = Annotated[float, option.A_SHARE]
BelowOne = Annotated[float, option.BELOW_ONE]


def options(context: typer.Context) -> dict[str, Any]:
    """The whole command line, resolved, as plain values in the order of the help."""
    hidden = {"config", "dry_run", "json", "fail_on", "help_all"}
    values = {str(p.name): context.params.get(str(p.name)) for p in context.command.params}
    return {
        name: _plain(value)
        for name, value in values.items()
        if name not in hidden and value is not None
    }


def show_plan(context: typer.Context, **facts: Any) -> None:
    """Prints the resolved options and what would be done with them."""
    import yaml

    plan = {"command": context.info_name, **options(context)}
    if context.params["json"]:
        verdict = Outcome("planned", "Nothing was written.").to_json()
        return show({"dry_run": True, "options": plan, "plan": facts, "verdict": verdict}, True)
    text = yaml.safe_dump(plan, sort_keys=False, allow_unicode=True)
    show(None, False, *text.rstrip().split("\n"))
    for name, value in facts.items():
        show(None, False, f"# {name.replace('_', ' ')}: {value}")
    return show(None, False, "# dry run: nothing was written")


def save_config(context: typer.Context, folder: Path) -> None:
    """Keeps the command line beside the result, for `--config`."""
    import yaml

    from solidmark.runs import VERSION, Processes, tame, write_bytes

    if Processes.here().is_main:
        plan = {"version": VERSION, "command": context.info_name, **options(context)}
        text = yaml.safe_dump(plan, sort_keys=False, allow_unicode=True)
        if tame(text) != text:  # Who reads the file in a terminal must not obey it.
            text = yaml.safe_dump(plan, sort_keys=False)
        write_bytes(folder / "config.yaml", text.encode())


def show(result: Any, as_json: bool, *lines: str) -> None:
    """Prints a result: a few lines for people, or JSON for programs."""
    if as_json:
        say(json.dumps(result, sort_keys=True, default=str))
    else:
        for line in lines:
            say(line)


def resolve_device(device: str) -> str:
    """The device that `auto` means here; each of several processes gets its own GPU."""
    from solidmark.runs import usual_device

    return usual_device() if device == "auto" else device


def require_free(folder: Path, command: str) -> None:
    """Fails at once, before anything is opened, where a folder cannot be written by a command.

    Raises:
        RunConflict: When it holds a run of another command, or files of somebody else.
    """
    from solidmark.runs import check_free

    check_free(folder, command)


def require_marked(folder: Path) -> None:
    """Fails at once, before anything slow is imported, where there is no marked folder.

    Raises:
        NotFound: When it is not there.
        RunConflict: When it is not finished, or was made by another command.
    """
    from solidmark.errors import NotFound
    from solidmark.runs import read_manifest

    if not folder.is_dir():
        raise NotFound(f'There is no folder "{folder}". "solidmark mark DATA {folder}" makes one.')
    read_manifest(folder, "mark")


def require_model(model: str) -> None:
    """Fails before torch is imported where there is no model, or what is there cannot be one.

    Raises:
        NotFound: When nothing is there.
        UnsafeCheckpoint: When it is a pickle.
        BadInput: When it is not a model that can be opened.
    """
    from solidmark.models import is_latent

    is_latent(model)


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
