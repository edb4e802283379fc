"""The options that commands share, and what `--dry-run` and `--json` print."""

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from solidmark.cards import option
from solidmark.cli import told
from solidmark.cli.config import read_config
from solidmark.errors import BadInput
from solidmark.runs import Verdict, say

one_of = told.one_of


def at_least(least: int) -> told.Check:
    """Checks the lower end of a whole number."""
    return told.ranged(option.at_least(least))


a_share, below_one = told.ranged(option.A_SHARE), told.ranged(option.BELOW_ONE)
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
DryRun = Annotated[bool, told.option("Show what would be done, and write nothing.", "--dry-run")]
Json = Annotated[bool, told.option("Print the result as JSON, and nothing else.", "--json")]
Fdr = Annotated[
    float,
    told.option("False-discovery rate at which images are named.", "--fdr", option.BELOW_ONE),
]
Fprs = Annotated[
    list[float] | None,
    told.option(
        "False-positive rate at which detections are reported; may be given again.  "
        "[default: 0.01, 0.001]",
        *("--fpr", "NUMBER", option.BELOW_ONE),
    ),
]
Pictures = Annotated[
    bool,
    told.option(
        "Show pictures of the data and their captions on the page.", "--images/--no-images"
    ),
]
TrustControl = Annotated[
    bool,
    told.option(
        "Name images although the held-out ones can be told from the trained ones without the "
        "model; a warning stays on the page.",
        "--trust-control",
    ),
]
Seed = Annotated[int, told.option("The same seed gives the same numbers.", "--seed")]
Device = Annotated[str, told.option("auto, cpu, cuda, cuda:1, mps ...", "--device", "NAME")]
Out = Annotated[
    Path,
    told.argument("Folder to write: a new one, or that of the same command to go on.", "OUT"),
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
        verdict = Verdict("planned", "Nothing was written.").to_json()
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
