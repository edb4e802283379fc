"""Memorization that was asked for, and memorization that nobody asked for."""

from solidmark.intent.asking import Intent, Rules
from solidmark.intent.entities import Vocabulary, vocabulary_of
from solidmark.intent.expected import Expected, read_expected
from solidmark.intent.features import Feature, Phrase, features_of, read_phrases
from solidmark.intent.intent import Foresight, Plan, foresee, intent, plan
from solidmark.intent.naming import ByMeaning, exactly, open_encoder
from solidmark.intent.prompts import Prompt, Telling, read_prompts, tellings
from solidmark.intent.scoring import score_intent
from solidmark.intent.types import TYPES, bringing, type_of
from solidmark.intent.words import STOP_WORDS, content_words, is_in, without, words_of

__all__ = [
    "STOP_WORDS",
    "TYPES",
    "ByMeaning",
    "Expected",
    "Feature",
    "Foresight",
    "Intent",
    "Phrase",
    "Plan",
    "Prompt",
    "Rules",
    "Telling",
    "Vocabulary",
    "bringing",
    "content_words",
    "exactly",
    "features_of",
    "foresee",
    "intent",
    "is_in",
    "open_encoder",
    "plan",
    "read_expected",
    "read_phrases",
    "read_prompts",
    "score_intent",
    "tellings",
    "type_of",
    "vocabulary_of",
    "without",
    "words_of",
]
