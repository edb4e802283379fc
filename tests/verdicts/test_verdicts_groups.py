"""The verdicts on prompts with cliques and on a set with copies: every state."""

from typing import Any

import pytest

from solidmark.runs import VERDICTS, Figure
from solidmark.verdicts.groups import OUTCOMES, judge_cliques, judge_duplicates


def searched(
    count: int, plain: int = 0, chance: float | None = 0.01, able: int = 12
) -> list[Figure]:
    about: dict[str, Any] = {"measure": "patched-l2", "split": "generated", "threshold": 0.15}
    facts = {"least": 10, "able": able}
    return [
        Figure(**about, statistic="suspicious", n=12, count=count, chance=chance, facts=facts),
        Figure(**about, statistic="low_content", n=count, count=plain),
    ]


@pytest.mark.parametrize(
    ("figures", "own", "said"),
    [
        (searched(2), "suspicious", "2 of 12 prompts give back the same picture: 10 or more gen"),
        (searched(1), "suspicious", "1 of 12 prompts gives back the same picture"),
        (searched(2, plain=2), "plain", "2 of 12 prompts give back the same picture"),
        (searched(3, chance=0.05), "too_wide", "3 of 12 prompts have a clique of 10 or more, but"),
        (searched(0), "nothing", "None of 12 prompts has 10 or more generations within 0.15"),
        (searched(0, able=0), "too_few", "Cannot be judged: none of 12 prompts has as many"),
    ],
)
def test_every_state_of_cliques(figures: list[Figure], own: str, said: str) -> None:
    found = judge_cliques(figures)
    assert (found.finding, found.state, found.label) == (own, *OUTCOMES[own])
    assert found.headline.startswith(said)
    assert (found.tone == "not_seen") == (own == "nothing")


def test_green_is_one_state_only() -> None:
    assert {state for state, _ in OUTCOMES.values()} <= set(VERDICTS)
    assert [own for own, (state, _) in OUTCOMES.items() if state == "not-seen"] == ["nothing"]


def test_plain_pictures_and_chance_are_said() -> None:
    assert judge_cliques(searched(3, plain=1)).details == (
        "1 of these cliques is nearly of one colour, and so close without being copies.",
        "Chance: 1 % of draws from different prompts.",
        "Whether these pictures are training images, the training set says: solidmark nearest.",
    )
    assert judge_cliques(searched(0, chance=None)).details[0].startswith("There is no chance level")


def copied(count: int, chained: int = 0) -> list[Figure]:
    about: dict[str, Any] = {"measure": "duplicates", "split": "training", "n": 18}
    return [
        Figure(**about, statistic="groups", count=2),
        Figure(**about, statistic="copies", count=count, facts={"kind": None}),
        Figure(**about, statistic="copies", count=1, facts={"kind": "exact"}),
        Figure(**about, statistic="chained", count=chained),
    ]


def test_copies_are_an_answer_and_no_judgement() -> None:
    found = judge_duplicates(copied(10, chained=3))
    assert (found.state, found.finding, found.tone) == ("done", "copies", "plain")
    assert found.headline == (
        "10 of 18 images (56 %) can go: they are copies of others, in 2 groups."
    )
    assert found.details[1].startswith("3 of these are tied to the kept image of their group")
    assert len(judge_duplicates(copied(10)).details) == 1
    none = judge_duplicates(copied(0))
    assert (none.state, none.finding) == ("done", "no_copies")
    assert none.headline == "None of 18 images is a copy of another."
