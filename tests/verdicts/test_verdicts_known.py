"""What is said where a model does not know the marked images, or answers other than it is set."""

import pytest

from solidmark.scores.knowing import Reason
from solidmark.subjects.opened import WRONG_PREDICTION
from solidmark.verdicts.known import CURES, HEADLINES, MISREAD, NOT_ASKED, mirror_note, unknown

from .knowing import KNOWN, knowing


@pytest.mark.parametrize(
    ("reason", "means"),
    [
        ("untrained", {"pictures": -0.7}),
        ("folder", {"unmarked": 1.0}),
        ("crops", {"cropped": 1.0, "unmarked": 0.5}),
        ("flips", {"mirrored": 1.0}),
    ],
)
def test_each_reason_has_its_sentence_and_its_cure(reason: Reason, means: dict[str, float]) -> None:
    found = unknown(knowing(**means))
    assert found is not None
    assert found.headline == HEADLINES[reason]
    assert found.headline.startswith("Cannot be judged: ")
    assert found.details[-1] == CURES[reason]


def test_it_says_what_was_measured() -> None:
    found = unknown(knowing(pictures=-0.7, frames=0.3))
    assert found is not None
    said = " ".join(found.details)
    assert "32 trained images" in said
    assert "101 % more error" in said  # exp(.7) - 1
    assert "26 % less error" in said  # 1 - exp(-.3)
    assert "vary by 0.200 within a cell of the frame, and by 0.210 in cells" in said


def test_who_knows_is_not_spoken_of() -> None:
    assert unknown(KNOWN) is None


def test_without_the_question_nothing_can_be_judged() -> None:
    """Evidence of before it was asked must not be green."""
    found = unknown(None)
    assert found is not None
    assert found.headline == NOT_ASKED
    assert found.headline.startswith("Cannot be judged")
    assert mirror_note(None) == ""


def test_a_green_verdict_says_that_mirror_images_are_known() -> None:
    both = knowing(frames=1.0, pictures=1.0)
    assert unknown(both) is None
    assert mirror_note(both).startswith("Mirror images of these pictures are known as well")


def test_answers_that_speak_against_the_prediction_type_shut_the_verdict() -> None:
    note = f"{WRONG_PREDICTION}epsilon, but what it says of these images is much nearer to sample."
    found = unknown(KNOWN, ["It was opened as it is.", note])
    assert found is not None
    assert found.headline == MISREAD
    assert found.headline.startswith("Cannot be judged")
    assert found.details == (note,)
    assert unknown(KNOWN, ["It was opened as it is."]) is None
