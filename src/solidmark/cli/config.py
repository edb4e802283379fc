"""`--config`: a YAML file as the whole command line."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import typer

from solidmark.errors import BadInput, NotFound
from solidmark.runs import require_version


def read_config(context: typer.Context, path: Path | None) -> Path | None:
    """Makes the values of a YAML file the defaults of the command line.

    Raises:
        NotFound: When there is no such file.
        BadInput: When it is not YAML, is of another command, or sets what there is not.
    """
    if path is None:
        return None
    values = _load(path)
    require_version(path, values.pop("version", None))
    command = values.pop("command", context.info_name)
    if command != context.info_name:
        raise BadInput(
            f'"{path}" is a command line of "solidmark {command}". '
            f'Give it to that command, or take its "command" line out.'
        )
    parameters = {parameter.name: parameter for parameter in context.command.params}
    for name in ("config", "help"):
        parameters.pop(name, None)
    for name in values:
        if name not in parameters:
            close = get_close_matches(name, [str(known) for known in parameters], n=1)
            hint = f' Did you mean "{close[0]}"?' if close else ""
            raise BadInput(
                f'"{path}" sets "{name}", which "solidmark {context.info_name}" does not have.'
                f'{hint} See "solidmark {context.info_name} --help".'
            )
    fitting = {name: _fit(name, parameters[name], value) for name, value in values.items()}
    context.default_map = {**(context.default_map or {}), **fitting}
    return path


def _load(path: Path) -> dict[str, Any]:
    """The names and values of a file, without those that are null."""
    import yaml

    if not path.is_file():
        raise NotFound(f'There is no configuration file "{path}". Check the path.')
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise BadInput(f'"{path}" is not readable YAML ({reason}). Mend it.') from error
    if not isinstance(values or {}, Mapping):
        raise BadInput(f'"{path}" holds no options. Write a line like "seed: 1" for each.')
    return {
        str(name).lstrip("-").replace("-", "_"): value
        for name, value in (values or {}).items()
        if value is not None
    }


def _fit(name: str, parameter: Any, value: Any) -> Any:
    """A value as the command line would give it: lists stay lists where an option is repeated."""
    several = getattr(parameter, "multiple", False)
    if isinstance(value, Mapping):
        raise BadInput(f'"{name}" of the configuration takes a value, not "{value}".')
    if several:
        return value if isinstance(value, list) else [value]
    if isinstance(value, bool) and not getattr(parameter, "is_flag", False):
        raise BadInput(f'"{name}" of the configuration takes a value, not "{value}".')
    return ",".join(map(str, value)) if isinstance(value, list) else value
