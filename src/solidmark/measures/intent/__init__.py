"""Memorization that was asked for, and memorization that nobody asked for."""

from solidmark.measures.intent.asking import Intent, Rules
from solidmark.measures.intent.entities import Vocabulary, vocabulary_of
from solidmark.measures.intent.expected import read_expected
from solidmark.measures.intent.features import Feature, Phrase, features_of, read_phrases
from solidmark.measures.intent.intent import foresee, intent, plan
from solidmark.measures.intent.naming import ByMeaning, exactly, open_encoder
from solidmark.measures.intent.prompts import Prompt, read_prompts, tellings
from solidmark.measures.intent.scoring import score_intent
from solidmark.measures.intent.types import bringing, type_of
from solidmark.measures.intent.words import STOP_WORDS, content_words, is_in, without, words_of

__all__ = [
    "STOP_WORDS",
    "ByMeaning",
    "Feature",
    "Intent",
    "Phrase",
    "Prompt",
    "Rules",
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
