"""Whether the model knows the marked images, asked once a run and kept: `knowing.json`."""

from collections.abc import Sequence
from pathlib import Path

from solidmark.data import Sample
from solidmark.diffusion import Metered, Model
from solidmark.errors import BadInput, BrokenImage
from solidmark.late import torch
from solidmark.marks import Marked, write_image
from solidmark.mitigations.telling import bare
from solidmark.runs import Room, Steps, progress, read_ours, write_ours
from solidmark.scores.knowing import VIEWS, Drawn, Evidence, Knowing, judge_knowing
from solidmark.subjects import choose
from solidmark.subjects.knowing import DRAWN, NOISE, Drawings, Gains, drawings, gains, passes

FILE = "knowing.json"

IMAGES = 32
"""How many trained images the model is asked about: what is looked for is large."""


def keep_knowing(
    folder: Path, marked: Marked, model: Model, ids: Sequence[str], seed: int, room: Room
) -> None:
    """Asks a model about trained marked images, and writes `knowing.json` and what it drew.

    What was written is not asked again. The model is asked without mitigations: they change what a
    model says of what it knows.

    Arguments:
        ids: The trained images that the audit asks about.
    """
    if (folder / FILE).is_file():
        return
    samples = _readable(marked, choose(sorted(ids), IMAGES, seed))
    if len(samples) < 2:
        return
    spent = 0.0

    def ask(size: int) -> tuple[Gains, Drawings]:
        nonlocal spent
        steps.again()
        metered = Metered(bare(model), size, steps)
        found = gains(metered, samples, marked.pattern, seed)
        drawn = drawings(metered, samples[:DRAWN], marked.pattern, seed)
        spent = metered.calls
        return found, drawn

    total = passes(len(samples), marked.pattern, samples[0].image.shape[-2:])
    with progress("asking whether the model knows such pictures", total) as advance:
        steps = Steps(advance)
        found, drawn = room.fit(ask)
        steps.end(total)
    paths = [f"pictures/knowing/{number}.png" for number in range(len(drawn.images))]
    for path, image in zip(paths, drawn.images, strict=True):
        write_image(folder / path, image)
    evidence = Evidence(
        asked=len(samples),
        gains=_finite(found),
        drawn=_flatness(drawn),
        times=tuple(found.times),
        noise=NOISE,
        network_calls=spent,
        pictures=tuple(paths),
        beside=tuple(sample.id for sample in samples[:DRAWN]),
    )
    write_ours(folder / FILE, evidence.to_json())


def knowing_of(folder: Path) -> Knowing | None:
    """Whether the model knows the marked images; None where it was not asked."""
    path = folder / FILE
    if not path.is_file():
        return None
    cure = 'Remove it, then run the same "solidmark audit" again.'
    try:
        kept = read_ours(path, cure, gains=dict)
        kept.pop("version", None)  # Those of before have none.
        return judge_knowing(Evidence.from_json(kept))
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f'"{path}" is not what an audit writes ({error!r}). {cure}') from error


def _readable(marked: Marked, ids: Sequence[str]) -> list[Sample]:
    samples = []
    for id in ids:
        try:
            samples.append(marked.sample(id))
        except BrokenImage:
            continue
    return samples


def _finite(found: Gains) -> dict[str, list[float]]:
    """The gains of the images at which every answer was a number."""
    values = {name: getattr(found, name) for name in VIEWS if getattr(found, name) is not None}
    good = torch.stack([value.isfinite() for value in values.values()]).all(0)
    return {name: value[good].tolist() for name, value in values.items()}


def _flatness(drawn: Drawings) -> Drawn:
    turned = None if drawn.turned is None else float(drawn.turned.mean())
    means = (float(value.mean()) for value in (drawn.spreads, drawn.marked, drawn.unmarked))
    spread, marked, unmarked = means
    alike = (drawn.alike, drawn.alike_marked)
    return Drawn(len(drawn.images), spread, turned, marked, unmarked, *alike)
