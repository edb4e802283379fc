"""Why a feature of a prompt got its type, in one sentence."""

from collections.abc import Sequence

from solidmark.measures.intent.counting import Share
from solidmark.measures.intent.features import Kind
from solidmark.measures.intent.types import Removal, Type


def why(
    type: Type,
    kind: Kind,
    name: str,
    named_by: str | None,
    share: Share,
    unrelated: Share,
    removals: Sequence[Removal],
    entity: str | None,
    phrase: str | None,
    frequent: float,
    expected: str | None,
) -> str:
    """The reason for a type.

    Arguments:
        named_by: The words of the prompt that name it.
        phrase: What the user says the picture shows, where the entity brings that.
    """
    what = {"image": f'A copy of "{name}"', "class": f'The class "{name}"'}.get(kind, f'"{name}"')
    came = f"{what} came in {_of(share)}"
    if unrelated.n:
        came += f", and in {_of(unrelated)} of unrelated prompts"
    named = "" if named_by is None else f'the prompt names it ("{named_by}")'
    if type == "not memorized":
        reason = _too_little(share, frequent, unrelated)
        text = f"{came}: {f'{named}, but ' if named else ''}{reason}"
    elif type == "explicit":
        text = f"{came}; {named}"
    elif type == "implicit":
        text = f"{came}; nothing names it, but {_brought(entity, removals, phrase)}"
    else:
        text = f"{came}; nothing names it and {_not_brought(removals, entity)}"
    if expected is not None and type != "not memorized":
        says = "expects it" if expected == "yes" else "does not expect it"
        text += f", and the user's file {says}"
    return f"{text}."


def _of(share: Share) -> str:
    return f"{share.count:,} of {share.n:,} generations"


def _too_little(share: Share, frequent: float, unrelated: Share) -> str:
    if not share.n:
        return "no generation could be used"
    if share.count < frequent * share.n:
        return f"below {100 * frequent:g} % it does not count as frequent"
    if not unrelated.n:
        return "without unrelated prompts nothing says how often it comes anyhow"
    return "that is not clearly more than comes anyhow"


def _brought(entity: str | None, removals: Sequence[Removal], phrase: str | None) -> str:
    if phrase is not None:
        return f'"{entity}" brings "{phrase}", which is what it shows'
    found = next(one for one in removals if one.entity == entity)
    text = f'"{entity}" brings it: without, {_of(found.share)}'
    if found.elsewhere_n:
        text += f"; with it, {found.elsewhere:,} of {found.elsewhere_n:,} other prompts show it too"
    return text


def _not_brought(removals: Sequence[Removal], entity: str | None) -> str:
    if entity is not None:
        return f'"{entity}" brings it, but does not ask for a copy of one picture'
    falling = [f'"{one.entity}"' for one in removals if one.falls]
    if not removals:
        return "the prompt has no entity that could bring it"
    if not falling:
        return "it stays when any of the entities is taken out"
    if len(falling) == len(removals) > 1:
        return "it hangs on the whole prompt, not on one of its entities"
    words = " and ".join(falling)
    return (
        f"it falls without {words}, which does not bring it in other prompts or is not needed there"
    )
