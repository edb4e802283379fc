"""A control of another kind, in sentences: what it means for a verdict."""

from collections.abc import Mapping
from dataclasses import dataclass

from solidmark.runs import Figure
from solidmark.scores.control import Control, exceeds_blind
from solidmark.scores.written import p_value, plain

LOOKS_AT: Mapping[str, str] = {
    "texture": "light, colour and fine detail",
    "layout": "where pictures are dark and light",
    "embedding": "what the embedder sees",
}
"""What the families of features look at."""

CURE = (
    "Hold images out at random before training (solidmark mark does), or give others that came the "
    "same way: same source, same size, same program. --trust-control names all the same, under a "
    "warning."
)


@dataclass(frozen=True)
class Sides:
    """What both sides are called, and what to do where they differ."""

    own: str = "trained"
    other: str = "held-out"
    cure: str = CURE


HELD_OUT = Sides()


HEADLINE = "Cannot be judged: the held-out images are of another kind."
"""The verdict of a page whose control is of another kind."""


def why(control: Control) -> str:
    """Why nothing can be judged, with the statistic."""
    return (
        f"Without the model, a look at {looks_at(control)} tells them from the trained ones (area "
        f"{area(control)}; {p_value(control.p_value or 1.0)}), so whatever a measure finds may be "
        "that difference alone. Nobody is named."
    )


def warning(control: Control | None, names: Sides = HELD_OUT) -> str:
    """What stands first on a page whose control is trusted although it is of another kind."""
    if control is None or not (control.is_other and control.trusted):
        return ""
    return (
        f"Warning: the {names.other} images are of another kind than the {names.own} ones: without "
        "the model "
        f"they are told apart with an area of {area(control)} ({p_value(control.p_value or 1.0)}). "
        "You asked to trust them (--trust-control). Every name and number here may be that "
        "difference and nothing else."
    )


def beside(own: Figure | None) -> str:
    """The blind area beside that of a measure."""
    known = None if own is None else own.number("blind_auc")
    if own is None or own.value is None or known is None:
        return ""
    ends = _interval(own.number("blind_ci_low"), own.number("blind_ci_high"))
    blind = f"{plain(known)} ({ends})"
    if exceeds_blind(own):
        return (
            f"For comparison: pictures alone, without the model, tell trained from held-out images "
            f"with an area of {blind}; the measure has {plain(own.value)}."
        )
    return (
        f"The area of {plain(own.value)} is no evidence: pictures alone, without the model, "
        f"tell trained from held-out images with an area of {blind}."
    )


def looks_at(control: Control) -> str:
    """What the classifier that tells most looks at."""
    return LOOKS_AT.get(control.family, control.family)


def area(control: Control) -> str:
    """The blind area with its interval."""
    ends = _interval(control.ci_low, control.ci_high)
    return f"{plain(control.auc or 0.5)}, 95 % interval {ends}"


def _interval(low: float | None, high: float | None) -> str:
    return "not known" if low is None or high is None else f"{plain(low)} to {plain(high)}"
