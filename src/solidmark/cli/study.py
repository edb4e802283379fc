"""`solidmark study NAME OUT`."""

from typing import Annotated, Any

from solidmark.cards import STUDIES
from solidmark.cards.option import at_least
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.options import Device, Out, Positive, Whole, a_resolution, show
from solidmark.cli.told import one_of

ALL = "all"


@command()
def study(
    asked: Asked,
    name: Annotated[str, "NAME", one_of("study", (*STUDIES, ALL))],
    where: Out,
    quick: Annotated[bool, "--quick"] = False,
    data: Annotated[str | None, "--data", "DATA"] = None,
    images: Annotated[int | None, at_least(8)] = None,
    resolution: Annotated[str | None, "--resolution", "PIXELS", a_resolution] = None,
    epochs: Whole = None,
    seeds: Whole = None,
    preset: Annotated[str | None, "--preset", "NAME"] = None,
    base: Annotated[str | None, "--base", "MODEL"] = None,
    workers: Positive = 1,
    device: Device = "auto",
) -> None:
    """Run a study: a table of a paper on your data, with chance, intervals and n.

    {studies}

    Example: solidmark study duplication studies/ --quick

    Arguments:
        name: Which study, or all.
        quick: The size for minutes of a processor, not the one that is advised.
        data: What is studied, as in solidmark mark; what the study takes when not given.
        images: How many of the images, held-out ones included.
        resolution: Their side in pixels, or HEIGHTxWIDTH.
        epochs: How long is trained.
        seeds: How many seeds, from 0.
        preset: The recipe of training, as in solidmark train.
        base: A model to fine-tune, as in solidmark train.
        workers: How many processes share the work; the numbers are the same.
    """
    import solidmark
    from solidmark.cli.options import resolve_device

    given = {"data": data, "images": images, "resolution": resolution, "epochs": epochs}
    given |= {"preset": preset, "device": resolve_device(device)}
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if seeds is not None:
        chosen["seeds"] = tuple(range(seeds))
    if base is not None:
        chosen["recipe"] = {"base": base}
    names = list(STUDIES) if name == ALL else [name]
    if asked.dry_run:
        return asked.plan(studies=", ".join(names))
    done = {}
    for one in names:
        found = solidmark.study(one, where, quick=quick, workers=workers, **chosen)
        done[one] = found
        show(None, False, *(() if asked.values["json"] else (f"{one}: {found.verdict.headline}",)))
    pages = {one: str(found.page) for one, found in done.items()}
    lines = [f"The page: {page}" for page in pages.values()]
    verdict = next(iter(done.values())).verdict if len(done) == 1 else None
    return asked.answer({"pages": pages}, *lines, verdict=verdict)
