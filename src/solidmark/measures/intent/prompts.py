"""The prompts that are asked, and those that have nothing to do with them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from solidmark.errors import BadInput, NotFound
from solidmark.measures.intent.entities import Vocabulary
from solidmark.measures.intent.features import json_objects, texts_in
from solidmark.measures.intent.words import is_in, without
from solidmark.randomness import uniform

Role = Literal["prompt", "without", "unrelated"]

LONGEST = 100_000
"""So many characters of a prompt are read; encoders take some hundred."""


@dataclass(frozen=True)
class Prompt:
    """A prompt.

    Arguments:
        id: The user's, or that of the first training image that has this caption.
        text: What the model is told.
        entities: What is taken out of it, one at a time, in small letters.
        role: Whether it is asked about, or only shows what comes anyhow.
    """

    id: str
    text: str
    entities: tuple[str, ...] = ()
    role: Role = "prompt"

    def is_related(self, text: str) -> bool:
        """Whether a text contains one of the entities."""
        return any(is_in(entity, text) for entity in self.entities)


@dataclass(frozen=True)
class Telling:
    """One thing that the model is told, and what for.

    Arguments:
        role: What its generations are for.
        prompt: The id of the prompt.
        entity: What was taken out of it; None for the prompt itself.
        text: What the model is told.
    """

    role: Role
    prompt: str
    entity: str | None
    text: str


def tellings(prompts: Sequence[Prompt]) -> list[Telling]:
    """All that the model is told: each prompt, then it without each of its entities."""
    found = []
    for prompt in prompts:
        found.append(Telling(prompt.role, prompt.id, None, prompt.text))
        if prompt.role == "prompt":
            for entity in prompt.entities:
                text = without(prompt.text, entity)
                found.append(Telling("without", prompt.id, entity, text))
    return found


def read_prompts(path: Path) -> list[Prompt]:
    """Reads prompts: a text a line; or, in a `.jsonl`, objects with `text`, `id`, `entities`.

    Raises:
        NotFound: When there is no such file.
        BadInput: When it cannot be read, or there is no prompt in it.
    """
    if not path.is_file():
        raise NotFound(f'There is no file of prompts "{path}". Check the path.')
    if path.suffix.lower() in (".jsonl", ".json"):
        found = [_prompt(row, f'"{path}", {place}', place) for place, row in json_objects(path)]
    else:
        try:
            lines = path.read_text(encoding="utf-8").split("\n")
        except UnicodeDecodeError as error:
            raise BadInput(f'"{path}" is not text in UTF-8. Save it as such.') from error
        found = [
            Prompt(f"line-{number}", line.strip())
            for number, line in enumerate(lines, 1)
            if line.strip()
        ]
    if not found:
        raise BadInput(f'"{path}" has no prompt. Write one a line.')
    return _distinct(found, f'"{path}"')


def prompts_from(texts: Sequence[str]) -> list[Prompt]:
    """Prompts of the command line.

    Raises:
        BadInput: When one is empty or comes twice.
    """
    if not all(text.strip() for text in texts):
        raise BadInput('--caption "" is no prompt. Give it a text.')
    found = [Prompt(f"caption-{number}", text) for number, text in enumerate(texts, 1)]
    return _distinct(found, "--caption")


def prompts_of(captions: Mapping[str, str]) -> list[Prompt]:
    """The distinct captions of the training images, each with the first image that has it."""
    first: dict[str, str] = {}
    for id in sorted(captions):
        if captions[id].strip():
            first.setdefault(captions[id], id)
    return [Prompt(id, text) for text, id in first.items()]


def drawn(prompts: Sequence[Prompt], number: int | None, seed: int, purpose: str) -> list[Prompt]:
    """A random but fixed choice of prompts, in their order."""
    if number is None or number >= len(prompts):
        return list(prompts)
    order = sorted(prompts, key=lambda prompt: uniform(seed, purpose, prompt.text))[:number]
    kept = {prompt.id for prompt in order}
    return [prompt for prompt in prompts if prompt.id in kept]


def with_entities(prompts: Sequence[Prompt], vocabulary: Vocabulary, role: Role) -> list[Prompt]:
    """The prompts with their entities, where the user did not name them."""
    return [Prompt(p.id, p.text, p.entities or vocabulary.entities(p.text), role) for p in prompts]


def _prompt(row: Mapping[str, object], place: str, where: str) -> Prompt:
    texts = texts_in(row, "text", place)
    if len(texts) != 1:
        raise BadInput(f'{place} has no "text". Write {{"text": "a prompt"}}.')
    ids = texts_in(row, "id", place) or (re.sub(r"\W", "-", where),)
    entities = texts_in(row, "entities", place)
    for entity in entities:
        if not is_in(entity, texts[0]):
            raise BadInput(f'{place}: the entity "{entity}" does not stand in the text. Mend it.')
    return Prompt(ids[0], texts[0], tuple(dict.fromkeys(e.casefold() for e in entities)))


def _distinct(prompts: list[Prompt], where: str) -> list[Prompt]:
    ids: set[str] = set()
    texts: set[str] = set()
    for prompt in prompts:
        if len(prompt.text) > LONGEST:
            raise BadInput(
                f'{where}: the prompt "{prompt.id}" has {len(prompt.text):,} characters, and no '
                f"model is told so many. Use {LONGEST:,} or fewer."
            )
        if prompt.id in ids or prompt.text in texts:
            raise BadInput(
                f'{where} has the prompt "{prompt.id}" ("{prompt.text}") twice. '
                "Give each id and each text once."
            )
        ids.add(prompt.id)
        texts.add(prompt.text)
    return prompts
