"""The intent board: what prompts bring, and whether anybody asked for it."""

from solidmark.report.intents.page import write_intent_report
from solidmark.report.intents.verdict import IntentVerdict, intent_verdict

__all__ = ["IntentVerdict", "intent_verdict", "write_intent_report"]
