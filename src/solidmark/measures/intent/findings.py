"""The findings: every feature that a prompt shows or names, with its frequencies and its type."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from solidmark.measures.intent.asking import Rules
from solidmark.measures.intent.counting import (
    Pools,
    Share,
    among,
    describe,
    fisher,
    recurrence,
    share_of,
)
from solidmark.measures.intent.expected import Expected
from solidmark.measures.intent.prompts import Prompt
from solidmark.measures.intent.shown import Shown, Threshold
from solidmark.measures.intent.types import Removal, Type, bringing, falls, intended, type_of
from solidmark.measures.intent.why import why
from solidmark.measures.intent.words import is_in, without

ANYHOW = 0.5
"""A copy of one picture comes whatever is asked when it comes at this share of what is frequent."""


@dataclass(frozen=True)
class Scene:
    """All that findings are made of.

    Arguments:
        prompts: All prompts, asked and unrelated.
        named: By the text of a prompt: the features that it names, and by which words.
        known: The rows of `known.parquet`, by feature.
        shown: What the generations of each text show.
    """

    prompts: Sequence[Prompt]
    named: Mapping[str, Mapping[str, str]]
    known: Mapping[str, Mapping[str, Any]]
    shown: Mapping[str, Shown]
    thresholds: Mapping[str, Threshold]
    rules: Rules
    expected: Expected

    @property
    def images(self) -> int:
        """How many training images there are."""
        return sum(len(row["images"]) for row in self.known.values() if row["kind"] == "image")

    @property
    def asked(self) -> list[Prompt]:
        """The prompts that are asked about."""
        return [prompt for prompt in self.prompts if prompt.role == "prompt"]


@dataclass(frozen=True)
class Frequency:
    """How often a prompt shows a feature, and whether that is often."""

    prompt: Prompt
    feature: str
    share: Share
    unrelated: Share
    p_value: float | None
    q_value: float | None
    recurs_p: float | None
    recurs_q: float | None
    frequent: bool
    recurs: bool

    @property
    def often(self) -> bool:
        """Whether it comes often: more than for unrelated prompts, or as one copy for any."""
        return self.frequent or self.recurs


def frequencies(scene: Scene) -> list[Frequency]:
    """The first look: each pair of a prompt and a feature that it shows or names.

    Frequent is more than unrelated prompts show it, and more than the training images do: a model
    that draws them whatever it is told shows a class as often as it is among them.

    A copy of ONE training picture that comes for any prompt is the worst case, and more than for
    unrelated prompts it does not come. So it recurs under a prompt that shows it often when it
    comes clearly, `ANYHOW` of what is frequent, in the generations of this prompt and of all
    unrelated ones together. A test of the prompt alone would not do: a model that gives back any
    of its training pictures, whatever it is told, gives many of them to some prompt several times,
    by luck, and no prompt brings one of them.
    """
    pools = Pools(scene.prompts, scene.shown, scene.named)
    pairs: list[tuple[Prompt, str, Share, Share]] = []
    looked_at = 0
    for prompt in scene.asked:
        pooled = pools.pooled(prompt)
        mine = set(scene.shown[prompt.text].counts)
        looked_at += len(mine | pools.shown_by(prompt))
        for feature in sorted(mine | set(scene.named[prompt.text])):
            share = share_of(scene.shown[prompt.text], feature)
            pairs.append((prompt, feature, share, pooled(feature)))
    p = [fisher(share, unrelated) for _, _, share, unrelated in pairs]
    copies = [
        recurrence(
            Share(share.count + unrelated.count, share.n + unrelated.n), _at_most(scene, feature)
        )
        if scene.known[feature]["kind"] == "image"
        else None
        for _, feature, share, unrelated in pairs
    ]
    pictures = sum(row["kind"] == "image" for row in scene.known.values())
    q = among(p, looked_at)
    copies_q = among(copies, pictures * len(scene.asked))
    return [
        Frequency(
            *pair,
            p[number],
            q[number],
            copies[number],
            copies_q[number],
            _above(pair[2], _anyhow(scene, pair[1], pair[3]), q[number], scene.rules),
            _above(pair[2], scene.thresholds[pair[1]].rate, copies_q[number], scene.rules),
        )
        for number, pair in enumerate(pairs)
    ]


def _at_most(scene: Scene, feature: str) -> float | None:
    """How often a picture comes at most that does not come whatever is asked; None = unknown."""
    rate = scene.thresholds[feature].rate
    return None if rate is None else max(rate, ANYHOW * scene.rules.frequent)


def _anyhow(scene: Scene, feature: str, unrelated: Share) -> float | None:
    """How often a feature comes from a model that looks at no prompt; None where unknown."""
    if unrelated.value is None:
        return None
    return max(unrelated.value, len(scene.known[feature]["images"]) / scene.images)


def _above(share: Share, chance: float | None, q_value: float | None, rules: Rules) -> bool:
    """Whether a share is large, and beyond chance by a test and by its interval."""
    if share.value is None or chance is None or q_value is None:
        return False
    if share.value < rules.frequent or q_value > rules.fdr:
        return False
    low, _ = share.interval
    return low is not None and low > chance


def reach(scene: Scene) -> float | None:
    """The smallest share of a prompt's generations at which one picture that comes again is seen.

    Returns:
        None where not even a prompt that gives nothing else would be seen: too few generations, or
        no threshold that is known to hold.
    """
    drawn = [scene.shown[prompt.text].n for prompt in scene.asked]
    n = min((count for count in drawn if count), default=0)
    pictures = [id for id, row in scene.known.items() if row["kind"] == "image"]
    rate = scene.thresholds[pictures[0]].rate if pictures else None
    for count in range(1, n + 1):
        share = Share(count, n)
        (q,) = among([recurrence(share, rate)], len(pictures) * len(scene.asked))
        if _above(share, rate, q, scene.rules):
            return count / n
    return None


def find(scene: Scene) -> list[dict[str, Any]]:
    """The rows of `findings.parquet`, without their pictures, in no order."""
    looks = frequencies(scene)
    often: dict[str, set[str]] = {}
    for look in looks:
        if look.often:
            often.setdefault(look.feature, set()).add(look.prompt.text)
    removals = _removals(scene, looks, often)
    brought = [
        bringing(found, len(often.get(look.feature, set()) - {look.prompt.text}))
        for look, found in zip(looks, removals, strict=True)
    ]
    through = _through_phrases(scene, looks, brought)
    return [
        _row(scene, look, found, entity, through.get((look.prompt.text, look.feature)))
        for look, found, entity in zip(looks, removals, brought, strict=True)
    ]


def _through_phrases(
    scene: Scene, looks: Sequence[Frequency], brought: Sequence[str | None]
) -> dict[tuple[str, str], tuple[str, str]]:
    """Pictures that come since an entity brings what the user says they show.

    Returns:
        The entity and the name of the phrase, by the text of the prompt and the feature.
    """
    found = {}
    for look, entity in zip(looks, brought, strict=True):
        known = scene.known[look.feature]
        if known["kind"] == "phrase" and entity is not None and look.often:
            for picture in known["pictures"]:
                found[look.prompt.text, f"image:{picture}"] = (entity, known["name"])
    return found


def _removals(
    scene: Scene, looks: Sequence[Frequency], often: Mapping[str, set[str]]
) -> list[list[Removal]]:
    """What is left of each feature without each entity, tested all together."""
    tests: list[tuple[int, str, Share]] = []
    looked_at = 0
    for number, look in enumerate(looks):
        for entity in look.prompt.entities:
            left = scene.shown[without(look.prompt.text, entity)]
            tests.append((number, entity, share_of(left, look.feature)))
    for prompt in scene.asked:
        mine = set(scene.shown[prompt.text].counts)
        for entity in prompt.entities:
            looked_at += len(mine | set(scene.shown[without(prompt.text, entity)].counts))
    p = [fisher(looks[number].share, share) for number, _, share in tests]
    q = among(p, looked_at)
    found: list[list[Removal]] = [[] for _ in looks]
    for (number, entity, share), p_value, q_value in zip(tests, p, q, strict=True):
        look = looks[number]
        others = [
            prompt.text
            for prompt in scene.asked
            if prompt.text != look.prompt.text and is_in(entity, prompt.text)
        ]
        showing = often.get(look.feature, set())
        found[number].append(
            Removal(
                entity,
                share,
                p_value,
                q_value,
                falls(look.share, share, q_value, scene.rules.fdr),
                sum(text in showing for text in others),
                len(others),
            )
        )
    return found


def _row(
    scene: Scene,
    look: Frequency,
    removals: Sequence[Removal],
    entity: str | None,
    through: tuple[str, str] | None,
) -> dict[str, Any]:
    known = scene.known[look.feature]
    named_by = scene.named[look.prompt.text].get(look.feature)
    phrase = None
    if known["kind"] == "image" and through is not None:
        entity, phrase = through
    asked_for = entity if known["kind"] != "image" or phrase else None
    kind: Type = type_of(named_by is not None, look.often, asked_for)
    images = known["images"] if known["kind"] == "image" else []
    expected = scene.expected.of(look.prompt.id, look.feature, images)
    reason = why(
        kind,
        known["kind"],
        known["name"],
        named_by,
        look.share,
        look.unrelated,
        removals,
        entity,
        phrase,
        scene.rules.frequent,
        expected,
    )
    return {
        "prompt": look.prompt.id,
        "text": look.prompt.text,
        "feature": look.feature,
        "kind": known["kind"],
        "name": known["name"],
        "named": named_by is not None,
        "named_by": named_by,
        **describe(look.share),
        "unrelated_count": look.unrelated.count,
        "unrelated_n": look.unrelated.n,
        "unrelated_frequency": look.unrelated.value,
        "p_value": look.p_value,
        "q_value": look.q_value,
        "recurs_p": look.recurs_p,
        "recurs_q": look.recurs_q,
        "without": [
            {
                "entity": one.entity,
                "count": one.share.count,
                "n": one.share.n,
                "frequency": one.share.value,
                "p_value": one.p_value,
                "q_value": one.q_value,
                "falls": one.falls,
                "elsewhere": one.elsewhere,
                "elsewhere_n": one.elsewhere_n,
                "bound": one.entity == entity,
            }
            for one in removals
        ],
        "entity": entity,
        "frequent": look.frequent,
        "recurs": look.recurs,
        "type": kind,
        "expected": expected,
        "intended": intended(kind, expected),
        "why": reason,
    }
