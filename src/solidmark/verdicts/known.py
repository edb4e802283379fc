"""Whether the model knows the marked images at all, in words: only then may a badge be green."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from solidmark.cards.spelled import in_words
from solidmark.scores.knowing import Gain, Knowing, Reason
from solidmark.scores.written import p_value, percent, plain
from solidmark.subjects.opened import WRONG_PREDICTION

HEADLINES: dict[Reason, str] = {
    "untrained": "Cannot be judged: the model does not know these pictures. It is most likely "
    "untrained, or hardly trained.",
    "folder": "Cannot be judged: the model does not know these pictures in their frames. It was "
    "most likely trained on another folder, or on pictures without frames.",
    "crops": "Cannot be judged: the model knows cut-outs of these pictures, not the whole of them "
    "in their frames. The training most likely cropped.",
    "flips": "Cannot be judged: the model knows these pictures in a mirror, not as they are "
    "stored. The training most likely flipped them.",
}
"""The verdict, by the likely reason."""

NOT_ASKED = (
    "Cannot be judged: no memorization was seen, but the model was not asked whether it knows "
    "these pictures at all."
)
"""The verdict of evidence of before that was asked, or without two trained images to ask about."""

MISREAD = (
    "Cannot be judged: the network does not predict what the configuration of the model says, so "
    "nothing that was read of it shows that it memorized nothing."
)
"""The verdict where the answers of the model speak against its prediction type."""

CURES: dict[Reason, str] = {
    "untrained": "Train it further, or name the weights that were trained; where it was trained, "
    "it was on other pictures. The page of the audit shows what it draws.",
    "folder": "Train on the folder train/ of this marked folder as it is, or name the marked "
    "folder that the model was trained on.",
    "crops": "Switch the crops off, train at the size of the marked images, and audit again.",
    "flips": "Switch the flips off and train again. Random flips, half of the time, leave the "
    "stored pictures known.",
}
"""What to do, by the likely reason."""


@dataclass(frozen=True)
class Unknown:
    """Why nothing can be concluded from keys that were not read.

    Arguments:
        headline: The verdict as a sentence.
        details: What backs it, and what to do.
    """

    headline: str
    details: tuple[str, ...]


def unknown(found: Knowing | None, notes: Sequence[str] = ()) -> Unknown | None:
    """Why nothing can be concluded from keys that were not read; None where something can.

    It is asked before any verdict that no memorization was seen. A verdict that there is some
    stands: who knows a key knows the picture.

    Arguments:
        found: Whether the model knows the images; None where it was not asked.
        notes: What its opening found, and what its answers speak against.
    """
    wrong = tuple(note for note in notes if note.startswith(WRONG_PREDICTION))
    if wrong:
        return Unknown(MISREAD, wrong)
    if found is None:
        return Unknown(NOT_ASKED, ("Audit the model again, into a new folder.",))
    if found.state != "unknown" or found.reason is None:
        return None
    return Unknown(HEADLINES[found.reason], (*asked(found), CURES[found.reason]))


def mirror_note(found: Knowing | None) -> str:
    """What a green verdict must add where mirror images are known as well; empty elsewhere.

    Arguments:
        found: Whether the model knows the images; None where it was not asked.
    """
    if found is None or found.state != "known" or not found.mirrored_too:
        return ""
    return (
        "Mirror images of these pictures are known as well as the stored ones, as they are after "
        "training with random flips. Only the stored side was asked about: what is memorized of "
        "the other is not seen."
    )


def perturbed_note(done: Sequence[Mapping[str, Any]]) -> str:
    """What a verdict that sees nothing must say where pictures were changed before asking.

    Arguments:
        done: What was done to them, as the manifest has it.
    """
    if not done:
        return ""
    return (
        f"The pictures were changed before the model was asked, by {in_words(done)}: what is "
        "memorized of them as they are may not be seen."
    )


def asked(found: Knowing) -> tuple[str, ...]:
    """What was measured, in sentences."""
    if not found.gains:
        broken = f"At {found.failed} of {found.images + found.failed} trained images the model "
        few = f"Only {found.images} trained images were there, too few to know what it knows."
        return (broken + "answered with numbers that are not finite.",) if found.failed else (few,)
    said = [
        f"Noise was added to {found.images} trained images in their frames and the model asked to "
        f"take it off. Inside the frames it does so with {_compared(found.gains['pictures'])} than "
        f"who knows the average picture only ({p_value(found.gains['pictures'].p_value)})."
    ]
    if frames := found.gains.get("frames"):
        said.append(
            f"The frames as they are marked are known with {_compared(frames)} than frames of the "
            f"same greys whose cells lie elsewhere ({p_value(frames.p_value)})."
        )
    drawn = found.drawn
    beside = (
        f"and by {plain(drawn.turned, 3)} in cells that lie elsewhere"
        if drawn.turned is not None
        else f"and by {plain(drawn.unmarked, 3)} at the edges of pictures without a frame"
    )
    said.append(
        f"In {drawn.images} pictures that it draws, the greys vary by {plain(drawn.spread, 3)} "
        f"within a cell of the frame, {beside}; in marked images by {plain(drawn.marked, 3)}."
    )
    return tuple(said)


def _compared(gain: Gain) -> str:
    """A share of an error, in words.

    Example:
        >>> _compared(Gain(0.693, 0.6, 0.8, 0.0)), _compared(Gain(-0.405, -0.5, -0.3, 1.0))
        ('50 % less error', '50 % more error')
    """
    less = "less" if gain.saved >= 0 else "more"
    return f"{percent(abs(gain.saved))} {less} error"
