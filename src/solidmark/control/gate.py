"""The gate: looks at both sides without the model, and keeps what it finds.

One function for `nearest`, `signals`, `invmm`, `inpaint` and `intent`. What it finds lies in
`control.json`; the cheap half of each puts it into `results.json`, and withholds names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from solidmark.control.looking import Look, Side, looks_of
from solidmark.data import Dataset, Sample, to_picture, to_tensor
from solidmark.embed import Embedder
from solidmark.embed.own import NAME as OWN
from solidmark.errors import BadInput
from solidmark.marks import write_image
from solidmark.randomness import digest
from solidmark.runs import RESULTS, progress, read_ours, read_results, write_ours
from solidmark.scores.control import FILE, LEVEL, Control, Shown, Tell, control_from
from solidmark.scores.kinds import LEAST, Told, extremes, normal_scores, single_areas, tell_apart
from solidmark.subjects import Subjects
from solidmark.subjects.looks import FAMILIES, TEXTURE
from solidmark.types import Image

TELLS = 3
"""So many numbers are kept that differ most."""

PICTURES = 6
"""So many images of each side are kept that are most unlike the other side."""

SMALL = 256
"""Larger pictures are made this small."""

EMBEDDED = "embedding"
"""The name of the family that an embedder makes, where one was asked for."""

Rows = Float[np.ndarray, "N D"]

BATCH = 32
"""Images that are embedded at a time."""


def look_at_control(
    folder: Path, trained: Side, held_out: Side, seed: int, embedder: Embedder | None = None
) -> Control | None:
    """Tests whether held-out images are of the same kind, unless the folder knows it already.

    Arguments:
        folder: Of the run; `control.json` and the most telling pictures go there.
        trained: The images that the model was trained on.
        held_out: Those that it never saw.
        seed: Of the choice of images, the folds and the permutations.
        embedder: One that was asked for anyway; it adds a family of features.

    Returns:
        What was found; None where nothing was held out.
    """
    if not held_out.ids or not trained.ids:
        return None
    if (folder / FILE).is_file():
        return _kept(folder)
    if embedder is not None and embedder.card.name == OWN:
        embedder = None  # Fitted to one side, it would tell the sides apart by that alone.
    found = _looked(folder, trained, held_out, seed, embedder)
    write_ours(folder / FILE, found.to_json())
    return found


def control_of(folder: Path, trust: bool | None = None) -> Control | None:
    """What is known of the control of a run.

    Arguments:
        folder: Of the run.
        trust: Whether the user trusts it all the same; None = as the folder was scored before.

    Returns:
        None where nothing was held out, or the run is older than this test.
    """
    if not (folder / FILE).is_file():
        return None
    found = _kept(folder)
    if trust is None:
        trust = bool((_before(folder).get("control") or {}).get("trusted"))
    return found.trusting(trust)


def _kept(folder: Path) -> Control:
    """What `control.json` says.

    Raises:
        BadInput: When it is not what was written.
    """
    path, cure = folder / FILE, "Remove it, and run the same command again."
    try:
        return control_from(read_ours(path, cure, state=str))
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(
            f'"{path}" is not what was found of a control ({error!r}). {cure}'
        ) from error


def _before(folder: Path) -> dict[str, Any]:
    """The results of the last scoring; none where there was none."""
    return read_results(folder) if (folder / RESULTS).is_file() else {}


def side_of(data: Dataset) -> Side:
    """A data set whose images have no frames as a side."""
    places = {id: number for number, id in enumerate(data.ids)}
    return Side(data.ids, lambda id: data[places[id]])


def sides_of(subjects: Subjects) -> tuple[Side, Side]:
    """Both sides of the images that a model is asked about, without their frames.

    All that there are and not only those that are asked about: a limit makes no test weaker.
    """

    sources: dict[str, str] = {}
    if subjects.marked is not None:  # What the pixels were before a key was painted.
        columns = (subjects.marked.keys[name].to_pylist() for name in ("id", "source_content"))
        sources = dict(zip(*columns, strict=True))

    def side(split: str) -> Side:
        ids = sorted(subjects.data[split].ids) if split in subjects.data else []
        return Side(ids, lambda id: _unframed(subjects, subjects.sample(split, id), sources))

    return side("trained"), side("held_out")


def _unframed(subjects: Subjects, sample: Sample, sources: Mapping[str, str]) -> Sample:
    """A sample without its frame; copies with keys of their own are of one group all the same."""
    image = subjects.crop(sample.image[None])[0]
    return replace(sample, image=image, group=sample.group or sources.get(sample.id))


def measured(images: Sequence[Image], embedder: Embedder | None = None) -> dict[str, Rows]:
    """The features of pictures by family, as they are measured.

    Arguments:
        images: The pictures, without frames.
        embedder: One that adds a family.
    """
    rows: dict[str, list[Float[np.ndarray, " D"]]] = {name: [] for name in FAMILIES}
    with progress("looking at the control", len(images)) as advance:
        for image in images:
            for name, family in FAMILIES.items():
                rows[name].append(family(image))
            advance(1)
    found = {name: np.stack(some) for name, some in rows.items()}
    if embedder is not None:
        starts = range(0, len(images), BATCH)
        parts = [embedder.embed(images[start : start + BATCH]).numpy() for start in starts]
        found[EMBEDDED] = np.concatenate(parts).astype(np.float64)
    return found


def told_by(rows: Mapping[str, Rows], first: Bool[np.ndarray, " N"], seed: int) -> Told:
    """Tests whether two sets of pictures can be told apart by what `measured` gave of them."""
    number = int.from_bytes(digest(seed, "control")[:7], "big")
    return tell_apart({**rows, "texture": normal_scores(rows["texture"])}, first, seed=number)


def _looked(
    folder: Path, trained: Side, held_out: Side, seed: int, embedder: Embedder | None
) -> Control:
    own, other = looks_of(trained, held_out, seed)
    counts = len(own), len(other), len(trained.ids), len(held_out.ids)
    if min(counts) < LEAST:
        return Control("too_few", *counts)
    looks = [*own, *other]
    first = np.arange(len(looks)) < len(own)
    rows = measured([look.image for look in looks], embedder)
    with progress("testing the control", 1) as advance:  # Fits again to 1,000 permutations.
        told = told_by(rows, first, seed)
        advance()
    pictures = extremes(told.score, first, PICTURES)
    area = told.auc
    assert area.p_value is not None
    return Control(
        "other_kind" if area.p_value <= LEVEL else "alike",
        *counts,
        auc=area.value,
        ci_low=area.ci_low,
        ci_high=area.ci_high,
        p_value=area.p_value,
        family=told.family,
        areas=told.areas,
        permutations=told.permutations,
        tells=_tells(rows["texture"], first),
        shown_trained=_written(folder, "trained", [looks[n] for n in pictures[0]]),
        shown_held_out=_written(folder, "held_out", [looks[n] for n in pictures[1]]),
    )


def _tells(texture: Rows, first: Bool[np.ndarray, " N"]) -> tuple[Tell, ...]:
    areas = single_areas(texture, first)
    names = list(TEXTURE.values())
    order = np.argsort(-np.abs(areas - 0.5), kind="stable")[:TELLS]
    medians = np.median(texture[first], axis=0), np.median(texture[~first], axis=0)
    return tuple(
        Tell(names[n], float(medians[0][n]), float(medians[1][n]), float(areas[n])) for n in order
    )


def _written(folder: Path, split: str, looks: Sequence[Look]) -> tuple[Shown, ...]:
    found = []
    for number, look in enumerate(looks):
        path = f"pictures/control/{split}-{number}.png"
        picture = to_picture(look.image)
        picture.thumbnail((SMALL, SMALL))
        write_image(folder / path, to_tensor(picture))
        found.append(Shown(look.id, path))
    return tuple(found)
