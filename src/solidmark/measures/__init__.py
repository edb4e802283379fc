"""The measures: one folder a command family, each with its question, its scores and its page."""

__all__: list[str] = []
