"""The verdicts on pictures that come again: prompts with cliques, and a set with copies."""

from collections.abc import Mapping, Sequence

from solidmark.runs import Figure, Verdict, find, first
from solidmark.scores.written import number, percent, plural
from solidmark.verdicts.searched import BLIND, LABEL, blind_measures, search_lines, too_blind

OUTCOMES: Mapping[str, tuple[str, str]] = {
    "too_wide": ("cannot-be-judged", "threshold too wide"),
    "suspicious": ("hint", "suspicious"),
    "plain": ("hint", "suspicious"),
    "too_few": ("cannot-be-judged", "too few generations"),
    "nothing": ("not-seen", "no clique"),
}
"""What prompts come to: as all commands call it, and in a word or two. Whether what comes back is a
training image, `nearest` says."""

TOO_WIDE = 0.05
"""Where chance gives this share of suspicious prompts, the threshold is too wide."""


def judge_cliques(figures: Sequence[Figure]) -> Verdict:
    """Puts the figures of a search for cliques into a verdict.

    Arguments:
        figures: The figures; `suspicious` is among them.
    """
    (found,) = find(figures, "suspicious")
    low = first(figures, "low_content")
    plain = low.count or 0 if low else 0
    state = _state(found, plain)
    judged, label = OUTCOMES[state]
    details = tuple(_details(state, found, plain))
    return Verdict(judged, _headline(state, found), label, details, state)


def judge_duplicates(figures: Sequence[Figure]) -> Verdict:
    """Puts the figures of a search for copies into an answer; it judges no model.

    Arguments:
        figures: The figures; `copies` and `groups` are among them.
    """
    copies = next(one for one in find(figures, "copies") if one.facts["kind"] is None)
    groups, chained = (first(figures, name) for name in ("groups", "chained"))
    n, count = copies.n or 0, copies.count or 0
    lines, blind = search_lines(figures), blind_measures(figures)
    if not count:
        headline = f"None of {plural(n, 'image')} is a copy of another."
        if blind:
            headline = f"Cannot be judged: {too_blind(blind)}"
            return Verdict("cannot-be-judged", headline, LABEL, tuple(lines), BLIND)
        return Verdict("done", headline, "no copies", tuple(lines), "no_copies")
    headline = (
        f"{count:,} of {plural(n, 'image')} ({percent(count / n)}) can go: they are copies of "
        f"others, in {plural(groups.count or 0 if groups else 0, 'group')}."
    )
    details = [
        "An image that comes often is memorized first. remove.txt names all copies but one of each "
        "group; look at the groups before you remove them."
    ]
    if chained and chained.count:
        details.append(
            f"{chained.count:,} of these are tied to the kept image of their group by way of "
            "others only, and less similar to it than the threshold."
        )
    if blind:
        details.append(f"There may be more: {too_blind(blind)}")
    return Verdict("done", headline, "copies found", (*details, *lines), "copies")


def _state(found: Figure, plain: int) -> str:
    if found.chance is not None and found.chance >= TOO_WIDE:
        return "too_wide"
    if found.count:
        # Plain pictures alone are no sign of memory.
        return "suspicious" if plain < found.count else "plain"
    return "nothing" if found.number("able") else "too_few"


def _headline(state: str, found: Figure) -> str:
    count, prompts = found.count or 0, plural(found.n or 0, "prompt")
    least = found.facts["least"]
    within = f"within {number(found.threshold)} of one another"
    if state == "too_wide":
        return (
            f"{count:,} of {prompts} have a clique of {least} or more, but so have "
            f"{percent(found.chance or 0.0)} of draws from different prompts: this threshold tells "
            "nothing."
        )
    if state == "too_few":
        return (
            f"Cannot be judged: none of {prompts} has as many generations as a clique of {least} "
            "takes."
        )
    if state == "nothing":
        return f"None of {prompts} has {least} or more generations {within}."
    return (
        f"{count:,} of {prompts} {'gives' if count == 1 else 'give'} back the same picture: "
        f"{least} or more generations {within}."
    )


def _details(state: str, found: Figure, plain: int) -> list[str]:
    if state == "too_wide":
        return ["Use a smaller --threshold, or --calibrate."]
    if state == "too_few":
        return ["Draw more pictures of each prompt, or ask for smaller cliques (--least)."]
    said = []
    if plain:
        said.append(
            f"{plain:,} of these cliques {'is' if plain == 1 else 'are'} nearly of one colour, and "
            "so close without being copies."
        )
    if found.chance is None:
        said.append("There is no chance level: there are too few prompts to draw it from.")
    else:
        said.append(f"Chance: {percent(found.chance)} of draws from different prompts.")
    if state == "nothing":
        return [*said, "A picture that comes back more rarely, or changed, is not seen this way."]
    return [
        *said,
        "Whether these pictures are training images, the training set says: solidmark nearest.",
    ]
