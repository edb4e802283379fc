"""What an audit without marks asks when nobody says what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from solidmark.choosing.choice import Choice, Step, choose
from solidmark.choosing.commands import sizes
from solidmark.choosing.looking import look_at_model
from solidmark.errors import BadInput
from solidmark.measures.unmarked import MEASURES, Part


@dataclass(frozen=True)
class Together:
    """The measures of an audit without marks.

    Arguments:
        choice: The choice that they come from.
        parts: The measures, with how much of each.
        sized: The size and mode that the model was built for, where the images have others.
    """

    choice: Choice
    parts: tuple[Part, ...]
    sized: Mapping[str, str]

    def parts_within(self, budget: str | None) -> tuple[Part, ...]:
        """The measures, InvMM with another budget where one is given.

        Arguments:
            budget: As it is typed.
        """
        if budget is None:
            return self.parts
        return tuple(replace(p, budget=budget) if p.name == "invmm" else p for p in self.parts)


def choose_unmarked(
    images: str,
    model: str,
    held_out: str,
    *,
    budget: str | None = None,
    measures: Sequence[str] = (),
    number: int | None = None,
    limit: int | None = None,
) -> Together:
    """Chooses among the measures that need no marks.

    Arguments:
        images: What the model was trained on.
        model: The model.
        held_out: Images of the same kind that it never saw.
        budget: What all may cost, as of `choose`.
        measures: Those that are wanted; all that fit when empty.
        number: How many generations; as chosen when not given.
        limit: At most so many images a split; as chosen when not given.

    Raises:
        NotFound: When there is no such data, or no such model.
        BadInput: When nothing is left to ask.
    """
    choice = choose(images, model, held_out=held_out, budget=budget, limit=limit, number=number)
    wanted = [one for one in choice.steps if one.measure.name in (measures or MEASURES)]
    parts = tuple(_part(one) for one in wanted if one.measure.name in MEASURES)
    if not parts:
        raise BadInput(
            "No measure without marks is left to ask: the budget is too small, or none of those "
            'that were named fits. "solidmark choose" says why.'
        )
    _, foreseen = look_at_model(model)
    return Together(choice, parts, sizes(choice.case, foreseen))


def _part(step: Step) -> Part:
    name, pairs = step.measure.name, [*pairwise(step.options)]
    if name == "nearest":
        distances = tuple(value for option, value in pairs if option == "--distance")
        return Part(name, number=step.cost.count, distances=distances)
    if name == "invmm":
        return Part(name, step.cost.limit, budget=dict(pairs).get("--budget"))
    return Part(name, step.cost.limit)
