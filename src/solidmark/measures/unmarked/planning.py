"""What an audit without marks would cost, measure by measure."""

from dataclasses import dataclass

from solidmark.diffusion import Model
from solidmark.measures.invmm import Budget
from solidmark.measures.invmm.inversion import PRESETS
from solidmark.measures.signals.measuring import able
from solidmark.measures.unmarked.configuration import Part, Unmarked
from solidmark.subjects import Subjects


@dataclass(frozen=True)
class Planned:
    """The plan of one measure.

    Arguments:
        units: How many images or generations.
        calls: The network calls of all; None where only a time is given.
        bound: Whether it may be fewer: "at most".
    """

    name: str
    units: int
    calls: float | None
    bound: str = ""

    def __str__(self) -> str:
        what = "generations" if self.name == "nearest" else "images"
        calls = "as long as it may" if self.calls is None else f"{self.calls:,.0f} network calls"
        return f"{self.units:,} {what}, {calls}{f' {self.bound}' if self.bound else ''}"


def plan_unmarked(asked: Unmarked) -> tuple[Planned, ...]:
    """Foresees every measure; the model is opened as its opening says.

    Raises:
        BadInput: When model and images do not fit.
    """
    subjects = asked.open_subjects()
    model = asked.open_model(subjects)
    return tuple(_planned(asked, part, subjects, model) for part in asked.parts)


def _planned(asked: Unmarked, part: Part, subjects: Subjects, model: Model) -> Planned:
    limit = part.limit or len(subjects.ids("trained")) + len(subjects.ids("held_out"))
    count = sum(min(limit, len(subjects.ids(split))) for split in subjects.splits)
    if part.name == "signals":
        found, _ = able(asked.measuring(part).open_signals(), model, subjects)
        calls = sum(one.card.network_calls for one in found.values())
        shared = any(one.card.per == "prompt" for one in found.values())
        return Planned(part.name, count, count * calls, "at most" if shared else "")
    if part.name == "nearest":
        return Planned(part.name, part.number, part.number * asked.steps)
    if part.name == "inpaint":
        return Planned(part.name, count, count * part.draws * asked.steps)
    if part.budget is not None:
        budget = Budget.parse(part.budget)
        return Planned(part.name, count, budget.calls, "at most" if budget.calls else "")
    inversion = PRESETS[asked.preset]
    rounds = range(0, inversion.steps, inversion.every)
    return Planned(
        part.name, count, count * round(sum(map(inversion.most_calls, rounds))), "at most"
    )
