"""The options that commands share, and what `--config`, `--dry-run` and `--json` do."""

import json
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from solidmark.errors import BadInput, NotFound


def _read_config(context: typer.Context, path: Path | None) -> Path | None:
    """Makes the values of a YAML file the defaults of the command line."""
    if path is None:
        return None
    import yaml

    if not path.is_file():
        raise NotFound(f'There is no configuration file "{path}". Check the path.')
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise BadInput(f'"{path}" is not readable YAML ({reason}).') from error
    if not isinstance(values, dict):
        raise BadInput(f'"{path}" must hold "option: value" lines.')
    values = {str(name).replace("-", "_"): value for name, value in values.items()}
    values.pop("command", None)
    known = {parameter.name for parameter in context.command.params}
    for name in values:
        if name not in known:
            raise BadInput(
                f'"{path}" sets "{name}", which "solidmark {context.info_name}" does not have. '
                f'See "solidmark {context.info_name} --help".'
            )
    context.default_map = {**(context.default_map or {}), **values}
    return path


Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="YAML file with any of these options; the command line goes first.",
        callback=_read_config,
        is_eager=True,
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same numbers.")]
Device = Annotated[
    str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps ...", show_default=True)
]


def options(context: typer.Context) -> dict[str, Any]:
    """The whole command line, resolved, as plain values."""
    hidden = {"config", "dry_run", "json"}
    return {
        name: _plain(value)
        for name, value in context.params.items()
        if name not in hidden and value is not None
    }


def show_plan(context: typer.Context, **facts: Any) -> None:
    """Prints the resolved options and what would be done with them."""
    import yaml

    plan = {"command": context.info_name, **options(context)}
    typer.echo(yaml.safe_dump(plan, sort_keys=False, allow_unicode=True).rstrip())
    for name, value in facts.items():
        typer.echo(f"# {name.replace('_', ' ')}: {value}")
    typer.echo("# dry run: nothing was done")


def save_config(context: typer.Context, folder: Path) -> None:
    """Keeps the command line beside the result, for `--config`."""
    import yaml

    from solidmark.runs import Processes, write_bytes

    if Processes.here().is_main:
        plan = {"command": context.info_name, **options(context)}
        text = yaml.safe_dump(plan, sort_keys=False, allow_unicode=True)
        write_bytes(folder / "config.yaml", text.encode())


def show(result: Any, as_json: bool, *lines: str) -> None:
    """Prints a result: a few lines for people, or JSON for programs."""
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False, sort_keys=True))
    else:
        for line in lines:
            typer.echo(line)


def resolve_device(device: str) -> str:
    """The device that `auto` means here; each of several processes gets its own GPU."""
    if device != "auto":
        return device
    import os

    import torch

    if torch.cuda.is_available():
        return f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


__all__ = [
    "Config",
    "Device",
    "DryRun",
    "Json",
    "Seed",
    "options",
    "resolve_device",
    "save_config",
    "show",
    "show_plan",
]
