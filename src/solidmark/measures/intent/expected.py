"""What the user expects: a file that has the last word on what is intended."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from solidmark.errors import BadInput, NotFound
from solidmark.measures.intent.features import json_objects

YES = ("yes", "true", "1", "expected")
NO = ("no", "false", "0", "not expected", "not_expected", "unexpected")


@dataclass(frozen=True)
class Expected:
    """What the user expects of features, of all prompts or of single ones.

    Arguments:
        words: "yes" or "no", by the name of the feature and the id of the prompt ("" = all).
    """

    words: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def of(self, prompt: str, feature: str, images: Iterable[str]) -> str | None:
        """What the user said of a feature of a prompt: "yes", "no", or None for nothing.

        A word on this prompt goes before one on all prompts, the feature before its images.

        Arguments:
            prompt: The id of the prompt.
            feature: The id of the feature, such as `image:a.png`.
            images: Its images; only for a feature of kind `image`.

        Raises:
            BadInput: When its images are both expected and not.
        """
        name = feature.partition(":")[2]
        for where in (prompt, ""):
            for key in (feature, name):
                if (key, where) in self.words:
                    return self.words[key, where]
            said = {self.words[id, where] for id in images if (id, where) in self.words}
            if len(said) > 1:
                raise BadInput(
                    f'The file of --expected has copies of "{name}" both as expected and as not. '
                    "They are one picture: say one of the two."
                )
            if said:
                return said.pop()
        return None


def read_expected(path: Path, known: Iterable[str]) -> Expected:
    """Reads what the user expects: `.csv` or `.jsonl`, with `feature` (or `image`) and `expected`.

    `{"image": "a.png", "expected": "no"}`; a `prompt` with the id of one says it of that alone.

    Arguments:
        path: The file.
        known: All that can be named: ids of images and features, and the names of these.

    Raises:
        NotFound: When there is no such file.
        BadInput: When a line cannot be used, or names what there is not; says which.
    """
    require_file(path)
    rows = _csv(path) if path.suffix.lower() == ".csv" else json_objects(path)
    names = set(known)
    words: dict[tuple[str, str], str] = {}
    for place, row in rows:
        here = f'"{path}", {place}'
        name = row.get("feature") or row.get("image") or row.get("id")
        if not isinstance(name, str):
            raise BadInput(f'{here} names no "feature" and no "image". Add one.')
        if name not in names:
            raise BadInput(f'{here}: there is no feature and no training image "{name}".')
        key = (name, str(row.get("prompt") or ""))
        word = _word(row.get("expected"), here)
        if words.setdefault(key, word) != word:
            raise BadInput(f'{here}: "{name}" is both expected and not. Say one of the two.')
    return Expected(words)


def require_file(path: Path) -> None:
    """Checks that there is a file of expectations, long before anything is compared with it.

    Raises:
        NotFound: When there is none.
    """
    if not path.is_file():
        raise NotFound(f'There is no file "{path}". Check the path.')


def _word(value: object, here: str) -> str:
    text = str(value).strip().casefold()
    if text in YES:
        return "yes"
    if text in NO:
        return "no"
    raise BadInput(f'{here}: "expected" must be yes or no, not "{value}".')


def _csv(path: Path) -> list[tuple[str, dict[str, Any]]]:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return [(f"line {n}", dict(row)) for n, row in enumerate(csv.DictReader(file), 2)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f'"{path}" is not a readable table ({error}). Mend it.') from error
