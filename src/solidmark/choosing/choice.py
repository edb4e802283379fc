"""Which measures to ask, in which order, why, at what cost, and with which command lines."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from solidmark.choosing.commands import Named, command_lines, of_all
from solidmark.choosing.costs import Cost, cost_of
from solidmark.choosing.facts import FLAT, QUESTIONS, Case, Question
from solidmark.choosing.looking import look_at_data, look_at_model
from solidmark.choosing.rules import DISTANCES, MEASURES, RULES, Measure, Rule
from solidmark.diffusion import Model
from solidmark.errors import UnknownName
from solidmark.measures.invmm import Budget
from solidmark.runs import Figure, Finding, Verdict
from solidmark.verdicts.together import SCOPE

FIRST = (
    "Held-out images must be of the same kind: every measure tests that first, without the model."
)
TIME = (
    "What a network call takes here, nobody knows before one was made: the time is for InvMM, the "
    "others are in order of their use for their cost."
)


@dataclass(frozen=True)
class Step:
    """A measure that is to be asked.

    Arguments:
        options: What its command line has, beside the images.
        limited: Whether the budget made it smaller.
        lines: The commands, as they can be copied.
    """

    measure: Measure
    reason: str
    source: str
    cost: Cost
    options: tuple[str, ...] = ()
    limited: bool = False
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """What to ask of a model.

    Arguments:
        case: The data, the model and the question.
        steps: What to ask, in this order.
        left_out: What is not asked, and why.
        notes: What must be known of all.
        all_at_once: One command for all that needs no marks; empty where there is none.
    """

    case: Case
    steps: tuple[Step, ...]
    left_out: tuple[tuple[Measure, str], ...]
    notes: tuple[str, ...] = ()
    all_at_once: str = ""

    def step(self, name: str) -> Step | None:
        """The step of a measure; None where it is not asked."""
        return next((one for one in self.steps if one.measure.name == name), None)

    @property
    def names(self) -> tuple[str, ...]:
        """The measures that are asked, in their order."""
        return tuple(one.measure.name for one in self.steps)

    @property
    def figures(self) -> tuple[Figure, ...]:
        """What was counted in the data, and what each measure costs."""
        data = self.case.data
        seen = {"n": data.seen, "failed": data.broken, "unit": "share"}
        found = [
            Figure(measure="data", split="trained", statistic=name, value=value, **more)
            for name, value, more in (
                ("images", data.images, {"unit": "images"}),
                ("held_out", data.held_out, {"unit": "images"}),
                ("copies", data.copies / data.seen, {"count": data.copies, **seen}),
                ("near_copies", data.near / data.seen, {"count": data.near, **seen}),
                ("low_content", data.plain / data.seen, {"count": data.plain, **seen}),
                ("flat", round(data.flat, 6), seen),
            )
        ]
        for one in self.steps:
            found.append(
                Figure(
                    measure=one.measure.name,
                    split=f"{one.cost.unit}s",
                    statistic="network_calls",
                    value=one.cost.calls,
                    unit="network calls",
                    n=one.cost.count,
                    note=one.cost.bound or None,
                    facts={f"network_calls_per_{one.cost.unit}": one.cost.each},
                )
            )
        return tuple(found)

    @property
    def verdict(self) -> Verdict:
        """The advice, in the shape of every answer."""
        titles = [one.measure.title for one in self.steps]
        findings = [
            Finding(
                name=one.measure.name,
                title=one.measure.title,
                asks=one.reason,
                state="planned",
                label=str(one.cost),
                headline=one.reason,
                details=(one.measure.blind, *one.lines),
            )
            for one in self.steps
        ]
        said = f"Ask in this order: {', '.join(titles)}." if titles else "There is nothing to ask."
        return Verdict("done", said, details=self.notes, findings=tuple(findings))

    @property
    def lines(self) -> list[str]:
        """For people."""
        said = [_about(self.case), self.verdict.headline]
        for number, one in enumerate(self.steps, 1):
            fewer = ", to stay within the budget" if one.limited else ""
            said += [
                f"{number}. {one.measure.title}. {one.reason}",
                f"   Cost: {one.cost}{fewer}. {one.measure.blind}",
                *(f"   {line}" for line in one.lines),
            ]
        said += [f"Not asked: {measure.title}. {reason}" for measure, reason in self.left_out]
        said += self.notes
        return said + ([f"All of these at once: {self.all_at_once}"] if self.all_at_once else [])

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "question": self.case.question,
            "steps": [
                {
                    "measure": one.measure.name,
                    "reason": one.reason,
                    "source": one.source,
                    "blind": one.measure.blind,
                    "network_calls": one.cost.calls,
                    "bound": one.cost.bound,
                    "limited": one.limited,
                    "commands": list(one.lines),
                }
                for one in self.steps
            ],
            "left_out": {measure.name: reason for measure, reason in self.left_out},
            "notes": list(self.notes),
            "all_at_once": self.all_at_once,
            "rows": [one.to_json() for one in self.figures],
        }


def choose(
    data: str,
    model: str | None = None,
    *,
    held_out: str | None = None,
    question: Question = "both",
    budget: str | None = None,
    named: Named | None = None,
    limit: int | None = None,
    number: int | None = None,
) -> Choice:
    """Says which measures to ask; nothing is asked, and nothing written.

    Arguments:
        data: What a model was trained on, or will be: a folder of `solidmark mark`, or any data.
        model: The model.
        held_out: Images of the same kind that it never sees.
        question: Whether pixels come back ("pixel"), what pictures show
            ("reconstructive"), or both.
        budget: What all may cost: network calls ("20000"), or minutes ("30m") for InvMM.
        named: What the command lines call data and model, where that is something else.
        limit: At most so many images a split; as many as each measure takes when not given.
        number: How many generations; the same.

    Raises:
        NotFound: When there is no such data, or no such model.
        UnknownName: When there is no such question.
        BadInput: When none of the images can be read, or the budget is no number.
    """
    if question not in QUESTIONS:
        raise UnknownName("question", question, QUESTIONS)
    spent = None if budget is None else Budget.parse(budget)
    about, foreseen = look_at_model(model)
    case = Case(look_at_data(data, held_out), about, question)
    named = named or Named(data, model, held_out)
    return chosen(case, foreseen, spent, named, limit, number)


def chosen(
    case: Case,
    model: Model,
    budget: Budget | None,
    named: Named,
    limit: int | None = None,
    number: int | None = None,
) -> Choice:
    """The same, once all has been looked at.

    Arguments:
        case: The data, the model and the question.
        model: The model, foreseen.
        budget: What all may cost.
        named: What data and model are called.
        limit: At most so many images a split.
        number: How many generations.
    """
    steps: list[Step] = []
    left_out: list[tuple[Measure, str]] = []
    rules = {measure: _first(RULES, measure.name, case) for measure in MEASURES}
    asked = [measure for measure, rule in rules.items() if rule is not None and rule.asked]
    left = None if budget is None else budget.calls
    for measure, rule in rules.items():
        if rule is None or not rule.asked:
            left_out.append((measure, _said(rule, case) if rule else ""))
            continue
        cost = cost_of(measure.name, case, model).asked(limit, number)
        step = Step(measure, _said(rule, case), rule.source, cost, rule.options)
        if measure.name == "nearest":
            step = _with_distances(step, case)
        if left is not None:
            # None takes more than half of what is left, while others are to follow.
            within = cost.within(left if measure is asked[-1] else left / 2)
            if within is None:
                left_out.append((measure, f"{cost}: more than the budget leaves ({left:,.0f})."))
                continue
            step = replace(step, cost=within, limited=within != cost)
            left -= within.calls
        if measure.name == "invmm" and budget is not None and budget.seconds is not None:
            step = replace(step, options=("--budget", f"{budget.seconds:.0f}s"))
        steps.append(replace(step, lines=command_lines(measure.name, step, case, model, named)))
    notes = [FIRST] if case.data.held_out else []
    notes += [] if case.data.marked else [SCOPE]
    notes += [TIME] if budget is not None and budget.seconds else []
    names = [one.measure.name for one in steps]
    return Choice(case, tuple(steps), tuple(left_out), tuple(notes), of_all(names, case, named))


def _first(rules: Sequence[Rule], of: str, case: Case) -> Rule | None:
    """The first rule of a thing whose conditions hold."""
    held = (one for one in rules if one.of == of and all(map(case.holds, one.when)))
    return next(held, None)


def _said(rule: Rule, case: Case) -> str:
    return rule.reason.format(**case.words)


def _with_distances(step: Step, case: Case) -> Step:
    """The step of `nearest`, with its distances and why these."""
    held = [_first(DISTANCES, of, case) for of in dict.fromkeys(one.of for one in DISTANCES)]
    rules = [one for one in held if one is not None]
    said = "; ".join(_said(one, case) for one in rules)
    asked = [word for one in rules if one.asked for word in ("--distance", one.of)]
    reason = f"{step.reason} Distances: {said}."
    return replace(step, reason=reason, options=(*step.options, *asked))


def _about(case: Case) -> str:
    """What was found, in a line."""
    data, model = case.data, case.model
    small, large = data.sides
    said = [
        f"{data.images:,} images",
        "grey" if data.grey else "colour",
        f"{small:,} pixels" if small == large else f"{small:,} to {large:,} pixels",
        *([f"{data.classes:,} classes"] if data.classes else []),
        *([f"{data.captions:,} captions"] if data.captions else []),
        "like drawings" if data.flat >= FLAT else "like photographs",
        f"of {data.seen:,} looked at {data.copies:,} exact and {data.near:,} near copies, "
        f"{data.plain:,} nearly of one colour",
        "marked" if data.marked else "not marked",
        f"{data.held_out:,} held out" if data.held_out else "none held out",
    ]
    told = "captions" if model.captioned else f"{model.classes} classes" if model.classes else ""
    what = "a control" if model.control else "of latents" if model.latent else "of pixels"
    about = "not named" if model.where is None else f"{what}, told {told or 'nothing'}"
    return f"Data: {', '.join(said)}. Model: {about}."
