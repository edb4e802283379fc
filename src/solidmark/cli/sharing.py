"""Options that several commands have, written once."""

import inspect
from collections.abc import Callable
from typing import TypeVar

Command = TypeVar("Command", bound=Callable[..., None])


def shares(*groups: Callable[..., None]) -> Callable[[Command], Command]:
    """Gives a command the options of some groups, behind its own.

    Typer learns options from signatures. A group is a function that does nothing but hold some in
    its signature, with their defaults; the command takes them as keywords.

    Arguments:
        groups: In the order of the help.

    Raises:
        ValueError: When two of them, or one and the command, have an option of the same name.

    Example:
        >>> def seeded(seed: int = 0) -> None: ...
        >>> @shares(seeded)
        ... def draw(out: str, **asked: int) -> None: ...
        >>> str(inspect.signature(draw))
        '(out: str, seed: int = 0)'
    """

    def share(command: Command) -> Command:
        signatures = [inspect.signature(command), *map(inspect.signature, groups)]
        found = [parameter for one in signatures for parameter in one.parameters.values()]
        offered = [parameter for parameter in found if parameter.kind is not parameter.VAR_KEYWORD]
        # Arguments have no default, and Python wants what has none in front.
        offered.sort(key=lambda parameter: parameter.default is not parameter.empty)
        command.__signature__ = inspect.Signature(offered)  # type: ignore[attr-defined]
        command.__annotations__ = {one.name: one.annotation for one in offered}
        return command

    return share
