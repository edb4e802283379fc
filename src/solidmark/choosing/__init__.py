"""Which measures to ask of a model: by what the data are, what the model is, and what is asked."""

from solidmark.choosing.choice import Choice, choose
from solidmark.choosing.commands import Named
from solidmark.choosing.facts import QUESTIONS, Case, DataFacts, ModelFacts
from solidmark.choosing.looking import look_at_model
from solidmark.choosing.rules import MEASURES, RULES
from solidmark.choosing.together import choose_unmarked

__all__ = [
    "MEASURES",
    "QUESTIONS",
    "RULES",
    "Case",
    "Choice",
    "DataFacts",
    "ModelFacts",
    "Named",
    "choose",
    "choose_unmarked",
    "look_at_model",
]
