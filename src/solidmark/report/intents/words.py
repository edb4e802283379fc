"""The words of the intent board: what the types are called, and how to read the numbers."""

from collections.abc import Mapping

from solidmark.report.intents.run import TYPES
from solidmark.verdicts import intent

LABELS = intent.TYPES
SIDES = intent.SIDES

TONES: Mapping[str, str] = {
    "unintended": "memorized",
    "implicit": "unclear",
    "explicit": "plain",
    "not memorized": "not_seen",
}
"""Their colours on the page, which never stand without the words."""

HEADINGS: Mapping[str, str] = {
    "unintended": "Unintended: neither named nor brought by an entity",
    "implicit": "Implicit intended: not named, but bound to an entity of the prompt",
    "explicit": "Explicit intended: the prompt names it, and gets it",
    "not memorized": "Not memorized: too rare, or no more than comes anyhow",
}

NONE: Mapping[str, str] = {
    "unintended": "No prompt brought back anything that it neither names nor implies.",
    "implicit": "No entity of any prompt brought back anything that was not named.",
    "explicit": "No prompt brought back what it names.",
    "not memorized": "Everything that was looked at is memorized.",
}

NONE_THAT_STANDS = "None among the findings that stand; the others are withheld."
"""The same where the unrelated prompts are about pictures of another kind."""

WORDS: Mapping[str, str] = {"yes": "expected", "no": "not expected"}
"""What the user's file says of a finding."""

ANCHORS: Mapping[str, str] = {type: type.replace(" ", "-") for type in TYPES}

KINDS: Mapping[str, str] = {
    "image": "training picture",
    "class": "class",
    "phrase": "the user's phrase",
}

PAPERS = (
    "The three types, and that they are told apart by what a user expects of a prompt: Naseh, Roh "
    "and Houmansadr, 2023. The paper gives examples, no numbers."
)
OURS = (
    "All numbers: how many generations, from which likeness a generation shows a feature, from "
    "which share on it is frequent, which prompts it is compared with, every p and q, the type "
    '"not memorized", and the rule below that decides between the types.'
)


CONTROL = "Are the unrelated prompts about pictures of the same kind?"
"""The title of the section on the control."""


GLOSSARY = (
    (
        "feature",
        "Feature",
        "What a generation may show: a training picture with its copies, a class, or a phrase of "
        "the user's file. A generation shows it when its nearest training picture belongs to it "
        "and is close enough.",
    ),
    (
        "entity",
        "Entity",
        "A word or phrase of a prompt that may bring a picture: it is taken out, and the rest is "
        "asked for again. Words of grammar, and those of most captions, are none. Underlined in "
        "the prompts.",
    ),
    (
        "frequency",
        "Frequency",
        "The share of the generations of a prompt that show the feature, with a 95 % interval "
        "(Clopper-Pearson). In the drawings: the bar, and the line over it.",
    ),
    (
        "without",
        "Without",
        "The same share when one entity is taken out of the prompt. Low beside the prompt = this "
        "entity brings the feature.",
    ),
    (
        "unrelated",
        "Unrelated prompts",
        "The same share under prompts about other things: what comes anyhow.",
    ),
    (
        "likeness",
        "Likeness",
        "How alike a generation and its nearest training picture look; high = alike, 1 = equal. "
        "The threshold is calibrated on pairs of different training pictures.",
    ),
    (
        "p_value",
        "p",
        "How often luck alone would do as much: more under the prompt than under unrelated "
        "prompts, or than without the entity (Fisher, one-sided). Low = more than luck.",
    ),
    (
        "recurs_p",
        "p of coming back",
        "Of a single training picture: how often so many generations of this prompt and of all "
        "unrelated ones together would show it, if it came in half of the frequent share of them "
        "at most. Low = it comes back, whatever is asked.",
    ),
    (
        "q_value",
        "q",
        "p after correction for the number of tests of its kind (Benjamini-Hochberg). Low = more "
        "than luck.",
    ),
    (
        "expected",
        "Expected, not expected",
        "What the user's file (--expected) says of a feature. It has the last word on whether a "
        "memorized feature is intended; the type stays as it was found.",
    ),
)
"""Anchor, term, explanation."""
