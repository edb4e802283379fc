"""Features: what a generation may show. A training image, a class, or what the user knows by name.

A feature is a set of training pictures and the words that ask for it. A generation shows it when
the nearest of all training pictures belongs to the set, and is close enough.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from solidmark.errors import BadInput, NotFound

Kind = Literal["image", "class", "phrase"]


@dataclass(frozen=True)
class Feature:
    """One feature.

    Arguments:
        kind: What it is.
        name: The id of the image, the class, or the user's name of it.
        names: The words that ask for it.
        images: The training images that show it; of `image` it is the picture and its copies.
    """

    kind: Kind
    name: str
    names: tuple[str, ...]
    images: tuple[str, ...]

    @property
    def id(self) -> str:
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True)
class Phrase:
    """A feature as the user's file names it.

    Arguments:
        name: What the user calls it.
        names: The words that ask for it; its name where the file gives none.
        images: Training images that show it.
        caption_contains: Words; every training image whose caption has them shows it.
    """

    name: str
    names: tuple[str, ...]
    images: tuple[str, ...] = ()
    caption_contains: str | None = None


def read_phrases(path: Path) -> list[Phrase]:
    """Reads a file of features: a JSON list, or a JSON object a line.

    `{"feature": "minaret", "images": ["a.png"], "names": ["minaret", "tower"]}`, or
    `{"feature": "minaret", "caption_contains": "mosque"}`.

    Raises:
        NotFound: When there is no such file.
        BadInput: When it is not JSON, or a feature says not what shows it; says which.
    """
    found = [_phrase(line, f'"{path}", {place}') for place, line in json_objects(path)]
    names = [phrase.name for phrase in found]
    for name in names:
        if names.count(name) > 1:
            raise BadInput(f'"{path}" has the feature "{name}" twice. Give each a name of its own.')
    return found


def json_objects(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """The objects of a JSON file (a list, or an object a line) with the places they stand at.

    Raises:
        NotFound: When there is no such file.
        BadInput: When it cannot be read as such.
    """
    if not path.is_file():
        raise NotFound(f'There is no file "{path}". Check the path.')
    try:
        text = path.read_text(encoding="utf-8")
        if text.lstrip().startswith("["):
            rows = [(f"entry {n}", row) for n, row in enumerate(json.loads(text), 1)]
        else:
            lines = [(f"line {n}", line) for n, line in enumerate(text.split("\n"), 1)]
            rows = [(place, json.loads(line)) for place, line in lines if line.strip()]
    except (ValueError, RecursionError) as error:
        raise BadInput(f'"{path}" is not readable JSON ({error}). Mend it.') from error
    for place, row in rows:
        if not isinstance(row, dict):
            raise BadInput(f'"{path}", {place} is no JSON object. Write {{"name": "value"}}.')
    return rows


def texts_in(row: Mapping[str, Any], name: str, place: str) -> tuple[str, ...]:
    """A field that holds a text or a list of texts.

    Raises:
        BadInput: When it holds something else.
    """
    value = row.get(name)
    values = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(v, str) and v.strip() for v in values):
        raise BadInput(f'{place}: "{name}" must be a text or a list of texts. Mend it.')
    return tuple(values)


def _phrase(row: Mapping[str, Any], place: str) -> Phrase:
    known = {"feature", "images", "caption_contains", "names"}
    if unknown := sorted(set(row) - known):
        raise BadInput(f'{place} has a "{unknown[0]}". A feature has {", ".join(sorted(known))}.')
    named = texts_in(row, "feature", place)
    if len(named) != 1:
        raise BadInput(f'{place} has no "feature", the name of what it is about. Add one.')
    contained = texts_in(row, "caption_contains", place)
    images = texts_in(row, "images", place)
    if len(contained) > 1 or bool(contained) == bool(images):
        raise BadInput(
            f'{place}: "{named[0]}" needs either "images", ids of training images that show it, or '
            '"caption_contains", a text.'
        )
    names = texts_in(row, "names", place) or named
    return Phrase(named[0], names, images, contained[0] if contained else None)


def features_of(
    clusters: Mapping[str, str],
    labels: Mapping[str, str],
    captions: Mapping[str, str],
    phrases: Iterable[Phrase],
) -> list[Feature]:
    """All features of a training set.

    A picture has no words of its own: its caption describes it, and whoever writes it does not
    ask for a copy. So words ask for a picture only if the user's file says that they mean it, or
    if they name a class that has no other picture.

    Arguments:
        clusters: For each training image the first of its near-duplicates.
        labels: The classes, by image.
        captions: The captions, by image.
        phrases: The user's features.

    Raises:
        BadInput: When a phrase names an image that is not there, or no caption has its words.
    """
    from solidmark.measures.intent.words import is_in

    sets: list[Feature] = []
    for label in sorted(set(labels.values())):
        members = tuple(sorted(id for id in clusters if labels.get(id) == label))
        sets.append(Feature("class", label, (label,), members))
    for phrase in phrases:
        missing = [id for id in phrase.images if id not in clusters]
        if missing:
            raise BadInput(
                f'The feature "{phrase.name}" names the image "{missing[0]}", which is not among '
                "the training images that can be read. Use their ids."
            )
        contained = phrase.caption_contains
        images = phrase.images or tuple(
            sorted(id for id in clusters if contained and is_in(contained, captions.get(id, "")))
        )
        if not images:
            raise BadInput(
                f'No caption of a training image has "{contained}", the words of the feature '
                f'"{phrase.name}". Name others, or its "images".'
            )
        sets.append(Feature("phrase", phrase.name, phrase.names, images))
    return [*_pictures(clusters, sets), *sets]


def _pictures(clusters: Mapping[str, str], sets: Iterable[Feature]) -> list[Feature]:
    names: dict[str, list[str]] = {}
    for feature in sets:
        roots = {clusters[id] for id in feature.images}
        if feature.kind == "phrase" or len(roots) == 1:
            for root in roots:
                names.setdefault(root, []).extend(feature.names)
    members: dict[str, list[str]] = {}
    for id in sorted(clusters):
        members.setdefault(clusters[id], []).append(id)
    return [
        Feature("image", root, tuple(dict.fromkeys(names.get(root, ()))), tuple(ids))
        for root, ids in members.items()
    ]
