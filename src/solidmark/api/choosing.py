"""What is said before anything is asked: which measures fit."""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from solidmark.api.given import images_path, model_path

if TYPE_CHECKING:
    from solidmark.choosing import Choice


def choose(
    data: Any,
    model: Any = None,
    *,
    held_out: Any = None,
    question: str = "both",
    budget: str | int | None = None,
) -> "Choice":
    """Says which measures to ask of a model, in which order, why, and at what cost.

    Arguments:
        data: What it was trained on, or will be: the folder that `mark` made, or any images.
        model: As of `audit`; one of pixels when not given.
        held_out: Images of the same kind that it never sees.
        question: "pixel", "reconstructive" or "both".
        budget: What all may cost, in network calls, or the time of InvMM ("30m").

    Returns:
        The choice: `steps` with their reasons, costs and command lines, `left_out`, `figures`,
        `lines` for people.

    Raises:
        NotFound: When the data or the model are not there.
        UnknownName: When there is no such question.
        BadInput: When none of the images can be read.

    References:
        SolidMark (Kriplani et al., 2025), appendix K.

    Example:
        advice = solidmark.choose(marked, "memorizer", question="pixel")
        advice.names, advice.step("audit").cost.calls
    """
    from solidmark import choosing

    with tempfile.TemporaryDirectory() as folder:  # Live ones are looked at, and not kept.
        here = Path(folder)
        return choosing.choose(
            images_path(data, here, "data"),
            None if model is None else os.fspath(model_path(model, here)),
            held_out=None if held_out is None else images_path(held_out, here, "held-out"),
            question=question,  # type: ignore[arg-type]
            budget=None if budget is None else str(budget),
            named=choosing.Named(
                _called(data, "IMAGES"),
                None if model is None else _called(model, "MODEL"),
                None if held_out is None else _called(held_out, "CONTROL"),
            ),
        )


def _called(given: Any, name: str) -> str:
    """What a command line calls it: a live one has no path."""
    return os.fspath(given) if isinstance(given, str | os.PathLike) else name
