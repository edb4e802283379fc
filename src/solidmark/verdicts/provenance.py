"""The verdict on a set of images: was it used for training?

The rule, fixed before looking. The set was used when the permutation test of all signals together
has p of at most 1 %; there is a hint at 5 %. Nothing was seen only where a share of a half, beyond
every held-out image, would have been. Where both sides can be told apart without the model nothing
is judged.
"""

from collections.abc import Mapping, Sequence

from solidmark.runs import Figure, Verdict, find, first
from solidmark.scores.control import Control, exceeds_blind
from solidmark.scores.level import ALPHA, HINT
from solidmark.scores.written import area, at_least, at_most, p_value, plural
from solidmark.verdicts.control import HEADLINE, Sides, beside, looks_at, warning
from solidmark.verdicts.control import area as blind_area
from solidmark.verdicts.judge import REACH

CURE = (
    "Give held-out images that came the same way: same source, same size, same program. The best "
    "were set aside at random before anybody trained. --trust-control judges all the same, under a "
    "warning."
)
SIDES = Sides("suspect", "held-out", CURE)
"""What both sides are called."""

OUTCOMES: Mapping[str, tuple[str, str]] = {
    "too_few": ("cannot-be-judged", "Too few images"),
    "other_kind": ("cannot-be-judged", "Control of another kind"),
    "no_more_than_blind": ("cannot-be-judged", "No more than pictures say"),
    "used": ("hint", "Used for training"),
    "unclear": ("hint", "Perhaps used"),
    "weak": ("cannot-be-judged", "Too few images"),
    "nothing": ("not-seen", "No trace of use"),
}
"""What a set comes to: as all commands call it, and in a word or two. That a set was used is no
memory of any picture, so the strongest is a hint."""

RULE = (
    f"A set is said to be used when the permutation test of all its signals has p at most "
    f"{ALPHA:g}: a set that was not used, of the same kind as the held-out images, is called so at "
    f"most once in {round(1 / ALPHA)}."
)

PROOF = (
    "That images were used is not yet memory: whether one can be brought back is asked by "
    "solidmark inpaint, invmm and nearest."
)


def judge_provenance(figures: Sequence[Figure], control: Control | None) -> Verdict:
    """Puts the figures of a run into a verdict.

    Arguments:
        figures: The figures; the area of all signals together is the first.
        control: Whether both sides are of one kind; None where that was not tested.
    """
    whole = find(figures, "auc", measure="provenance")[0]
    sees = first(figures, "smallest_share")
    outcome = _outcome(whole, sees, control)
    state, label = OUTCOMES[outcome]
    used, enough = first(figures, "used"), first(figures, "enough")
    details = [warning(control, SIDES)]
    if outcome == "other_kind" and control is not None:
        p = p_value(control.p_value or 1.0)
        details.append(
            f"Without the model, a look at {looks_at(control)} tells them from the suspect ones "
            f"(area {blind_area(control)}; {p}), so whatever the signals find may be that "
            "difference alone."
        )
        details.append(SIDES.cure)
    if outcome in ("used", "unclear"):
        details += [_share(used), _enough(enough)]
    if outcome == "weak":
        details.append(_enough(enough))
    if outcome in ("nothing", "weak") and sees is not None:
        details.append(_sight(sees))
    details += [beside(whole), *_left_out(whole)]
    details.append(PROOF if outcome in ("used", "unclear") else "")
    return Verdict(
        state,
        _headline(outcome, whole),
        label,
        tuple(one for one in details if one),
        outcome,
        RULE,
    )


def _outcome(whole: Figure, sees: Figure | None, control: Control | None) -> str:
    if whole.p_value is None:
        return "too_few"
    if control is not None and control.is_shut:
        return "other_kind"
    if whole.p_value <= HINT:
        if not exceeds_blind(whole):
            return "no_more_than_blind"
        return "used" if whole.p_value <= ALPHA else "unclear"
    if control is not None and control.is_other:
        return "other_kind"
    share = None if sees is None else sees.value
    return "weak" if share is None or share > REACH else "nothing"


def _headline(outcome: str, whole: Figure) -> str:
    n, m = (int(whole.number(name) or 0) for name in ("suspect", "held_out"))
    sides = f"{plural(n, 'suspect picture')} and {m:,} held-out"
    if outcome == "too_few":
        return f"Cannot be judged: {sides} ones are too few for any test."
    if outcome == "other_kind":
        return HEADLINE
    found = f"area {area(whole.value or 0.5)}, {p_value(whole.p_value or 1.0)}"
    if outcome == "used":
        return (
            f"The suspect images were used for training, or some of them: {plural(n, 'picture')} "
            f"look more trained on than {m:,} held-out ones ({found})."
        )
    if outcome == "unclear":
        return f"The suspect images may have been used for training, which is not proved ({found})."
    if outcome == "no_more_than_blind":
        return f"Cannot be judged: the signals say no more than the pictures do ({found})."
    if outcome == "weak":
        return f"Cannot be judged: {sides} ones are too few to miss nothing ({found})."
    return f"No trace that the suspect images were used for training ({found})."


def _share(used: Figure | None) -> str:
    if used is None or not used.value:
        return (
            "How large a share of them was used cannot be said from below: so few pictures, or so "
            "faint a trace, are consistent with any."
        )
    return (
        f"At least {at_least(used.value)} of them were used (one end of a 95 % interval; the other "
        "is 100 %, since images may have been used and leave no trace)."
    )


def _enough(enough: Figure | None) -> str:
    if enough is None or enough.value is None:
        return ""
    if enough.by:
        return (
            f"If the area is the true one, {enough.value:,.0f} pictures a side would show it four "
            "times in five."
        )
    return (
        f"{enough.value:,.0f} pictures a side would have done: four in five random choices of so "
        f"many have p at most {ALPHA:g}."
    )


def _sight(sees: Figure) -> str:
    if sees.value is None:
        return "Even if all of them lay beyond every held-out image, that would often be missed."
    return (
        f"Had {at_most(sees.value)} of them been used and lain beyond every held-out image, that "
        "would have been seen four times in five. Use that leaves a fainter trace is missed."
    )


def _left_out(whole: Figure) -> list[str]:
    copies, both = (int(whole.number(name) or 0) for name in ("copies", "on_both_sides"))
    said = []
    if copies:
        said.append(
            f"{plural(copies, 'image')} came with another one (a copy, or of the same group) and "
            f"{'counts' if copies == 1 else 'count'} with it."
        )
    if both:
        said.append(
            f"{plural(both, 'image')} {'is' if both == 1 else 'are'} on both sides, as a copy or "
            "by group, and left out."
        )
    if whole.failed:
        said.append(f"{plural(whole.failed, 'image')} could not be scored.")
    return said
