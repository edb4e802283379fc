"""How a command says what it has come to, to people and to programs."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from solidmark.cli.options import one_of, show
from solidmark.cli.outcome import REFUSED
from solidmark.runs import VERDICTS, Verdict

FailOn = Annotated[
    list[str],
    typer.Option(
        "--fail-on",
        metavar="VERDICT",
        help="Exit with code 3 when the verdict is memorized, hint, not-seen, cannot-be-judged, "
        "do-not-trust or failed; may be given again.",
        callback=one_of("verdict", VERDICTS),
    ),
]


def answer(
    result: Mapping[str, Any],
    as_json: bool,
    *lines: str,
    verdict: Verdict | None = None,
    fail_on: Sequence[str] = (),
) -> None:
    """Prints what a command has come to.

    Arguments:
        result: For programs, whole.
        as_json: Whether it is printed for them.
        lines: For people.
        verdict: What it means; that it is done, where nothing was judged.
        fail_on: The verdicts that end in the exit code 3.

    Raises:
        typer.Exit: When the verdict is one of them.
    """
    said = verdict or Verdict("done", " ".join(lines[:1]))
    show({**result, "verdict": said.to_json()}, as_json, *lines)
    if said.is_any(fail_on):
        raise typer.Exit(REFUSED)
