"""The intent board: what prompts bring, and whether anybody asked for it."""

from solidmark.report.intents.page import write_intent_report

__all__ = ["write_intent_report"]
