"""A stage: one call of a command, with all that it takes. Where its folder lies follows from that.

Studies share what they ask for alike: a network that two of them train is trained once.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

Command = Callable[..., Any]
"""Makes a folder: `command(*inputs, out, **options)`, as the functions of `import solidmark`."""


@dataclass(frozen=True)
class Stage:
    """One call of a command.

    Arguments:
        command: Its name, or a function that makes a folder as the commands do.
        inputs: What it takes: stages, or plain values.
        options: Its options by name, in the order of the names; stages too.
        part: What of its folder is meant, such as the weights of an epoch; the folder when empty.
    """

    command: str | Command
    inputs: tuple[Any, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()
    part: str = ""

    @property
    def name(self) -> str:
        """What it is called, in words."""
        return self.command if isinstance(self.command, str) else self.command.__name__

    @property
    def folder(self) -> str:
        """The name of its folder: other inputs or options, another folder."""
        asked = (self.name, *map(_told, self.inputs), *((n, _told(v)) for n, v in self.options))
        return f"{self.name}-{sha256(repr(asked).encode()).hexdigest()[:12]}"

    def at(self, part: str) -> "Stage":
        """The same with a part of its folder meant."""
        return Stage(self.command, self.inputs, self.options, part)

    def before(self) -> Iterator["Stage"]:
        """The stages that it needs, each behind those that it needs itself."""
        for value in (*self.inputs, *(value for _, value in self.options)):
            if isinstance(value, Stage):
                yield from value.before()
                yield value


def stage(command: str | Command, *inputs: Any, **options: Any) -> Stage:
    """A call of a command.

    Arguments:
        command: Its name, or a function that makes a folder as the commands do.
        inputs: What it takes, but for the folder that it makes.

    Example:
        >>> marked = stage("mark", "digits", seed=0)
        >>> stage("train", marked).folder == stage("train", marked).folder
        True
    """
    return Stage(command, inputs, tuple(sorted(options.items())))


def make(asked: Stage, root: Path, commands: Mapping[str, Command]) -> Path:
    """Makes the folder of a stage, or resumes and verifies it, as its command does.

    Arguments:
        asked: The stage; those that it needs are there.

    Returns:
        Its folder, or the part of it that is meant.
    """
    call = commands[asked.command] if isinstance(asked.command, str) else asked.command

    def own(value: Any) -> Any:
        return str(_place(value, root)) if isinstance(value, Stage) else value

    out = root / asked.folder
    call(*map(own, asked.inputs), out, **{name: own(value) for name, value in asked.options})
    return _place(asked, root)


def _place(asked: Stage, root: Path) -> Path:
    return root / asked.folder / asked.part


def _told(value: Any) -> str:
    if isinstance(value, Stage):
        return os.path.join(value.folder, value.part)
    return repr(value)
