"""Names with one picture, names with many, and names with a picture that none of them asks for."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from solidmark.data import Sample
from solidmark.randomness import uniform
from solidmark.runs import open_run
from solidmark.studies.written import write_images

FEW, MANY, OTHER = "few", "many", "other"
"""Names of one picture, names of many, and names under which the foreign picture stands too."""

FOREIGN = "foreign"


@dataclass(frozen=True)
class Name:
    """A name, and which pictures stand under it.

    Arguments:
        text: The name: a word, which is the caption of its pictures.
        own: Its pictures, by their places in the data.
        foreign: How often the foreign picture stands under it.
    """

    id: str
    text: str
    own: tuple[int, ...]
    foreign: int = 0


def planted(
    data: str | os.PathLike[str], out: Path, *, names: int, pictures: int, seed: int
) -> None:
    """Writes an image folder, with prompts and features for `intent`.

    One picture stands as often under each of the other names as all of their own pictures.

    Arguments:
        data: Pictures with captions; the names are words of them.
        out: The folder to write: `images/`, `prompts.jsonl`, `features.jsonl`.
        pictures: How many a name has that has many.
    """
    from solidmark.data import open_data

    config = {"data": str(data), "names": names, "pictures": pictures, "seed": seed}
    run = open_run(out, "planted", config)
    if run.finished:
        return
    opened = open_data(data)
    order = sorted(range(len(opened)), key=lambda n: uniform(seed, "planted", opened.ids[n]))
    names_of = plan(order, [str(one.caption) for one in opened.records], names, pictures)

    def shown() -> Iterator[Sample]:
        for name in names_of:
            for number, place in enumerate(name.own):
                own = opened[place]
                yield replace(own, id=f"{name.id}-{number:03d}", caption=name.text)
            for number in range(name.foreign):
                foreign = opened[order[-1]]
                yield replace(foreign, id=f"{name.id}-{FOREIGN}-{number:03d}", caption=name.text)

    write_images(out, shown())
    own = {name.text: [f"{name.id}-{n:03d}" for n in range(len(name.own))] for name in names_of}
    _write(out / "prompts.jsonl", [{"id": one.id, "text": one.text} for one in names_of])
    features = [{"feature": name, "images": ids, "names": [name]} for name, ids in own.items()]
    _write(out / "features.jsonl", features)
    run.finish("images", "prompts.jsonl", "features.jsonl")


def plan(order: Sequence[int], captions: Sequence[str], names: int, pictures: int) -> list[Name]:
    """Which pictures stand under which name; the last of the order is the foreign one.

    Arguments:
        order: The places of the pictures, in the order in which they are taken.
        captions: Their captions.
        names: How many names of each kind.
        pictures: How many pictures a name has that has many.

    Raises:
        BadInput: When there are too few pictures, or too few different words in their captions.
    """
    from solidmark.errors import BadInput

    left, words, planned = list(order[:-1]), set[str](), []
    for kind, count in ((FEW, 1), (MANY, pictures), (OTHER, pictures)):
        for number in range(names):
            own, left = left[:count], left[count:]
            fresh = [w for place in own for w in _words(captions[place]) if w not in words]
            if len(own) < count or not fresh:
                raise BadInput(
                    f"{3 * names} names need {names * (1 + 2 * pictures) + 1} pictures, and a word "
                    "each in their captions. Take more images."
                )
            words.add(fresh[0])
            foreign = pictures if kind == OTHER else 0
            planned.append(Name(f"{kind}-{number:02d}", fresh[0], tuple(own), foreign))
    return planned


def _words(caption: str) -> list[str]:
    """The words of a caption that could name something, the longest first."""
    return sorted((w for w in caption.split() if w.isalpha() and len(w) > 2), key=len, reverse=True)


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
