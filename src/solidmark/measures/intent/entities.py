"""The entities of a prompt: what may bring a picture, and is taken out to see whether it does."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from solidmark.measures.intent.words import STOP_WORDS, content_words, is_in, without, words_of

COMMON = 0.5
"""Words that stand in more than this share of all texts tell no prompt from another."""

LEAST_TEXTS = 5
"""With fewer texts than this no word counts as common."""


@dataclass(frozen=True)
class Vocabulary:
    """What counts as an entity.

    Arguments:
        phrases: Phrases that the user knows features by, which are never cut into words.
        common: Words that stand in most texts, in small letters.
    """

    phrases: tuple[str, ...] = ()
    common: frozenset[str] = frozenset()

    def entities(self, text: str) -> tuple[str, ...]:
        """The entities of a text, in small letters, each once: known phrases, then content words.

        Where nothing but common words carries a meaning, those are the entities.

        Example:
            >>> Vocabulary(("Eiffel tower",)).entities("a picture of the Eiffel Tower at night")
            ('eiffel tower', 'night')
        """
        found: list[str] = []
        rest = text
        for phrase in self.phrases:
            if is_in(phrase, rest):
                found.append(" ".join(words_of(phrase)))
                rest = without(rest, phrase)
        words = content_words(rest)
        found += [word for word in words if word not in self.common]
        return tuple(dict.fromkeys(found or words))


def vocabulary_of(texts: Iterable[str], phrases: Sequence[str]) -> Vocabulary:
    """The vocabulary of a run.

    Arguments:
        texts: All prompts and all training captions.
        phrases: What the user knows features by. The longest that fits is taken.
    """
    distinct = list(dict.fromkeys(texts))
    counts: Counter[str] = Counter()
    for text in distinct:
        counts.update({*words_of(text)} - STOP_WORDS)
    many = len(distinct) >= LEAST_TEXTS
    common = {w for w, count in counts.items() if many and count > COMMON * len(distinct)}
    sized = {phrase: len(words_of(phrase)) for phrase in phrases}
    longest = sorted((p for p in sized if sized[p]), key=lambda p: (-sized[p], p))
    return Vocabulary(tuple(longest), frozenset(common))
