"""`solidmark study NAME OUT`."""

from typing import Annotated, Any

from solidmark.cards import STUDIES
from solidmark.cards.asked import a_resolution
from solidmark.cards.option import Choice, at_least
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.options import Device, Out, Positive, Whole
from solidmark.runs import Verdict, say

ALL = "all"


@command()
def study(
    asked: Asked,
    name: Annotated[str, "NAME", Choice("study", (*STUDIES, ALL))],
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
    """Run a study: a table of the papers, on your data.

    It has chance, intervals and n, and the published table beside it.

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
    chosen: dict[str, Any] = {
        "data": data,
        "images": images,
        "resolution": resolution,
        "epochs": epochs,
        "seeds": None if seeds is None else tuple(range(seeds)),
        "preset": preset,
        "recipe": None if base is None else {"base": base},
        "device": None if device == "auto" else device,
    }
    names = list(STUDIES) if name == ALL else [name]
    takes = {one: _taken(one, quick, chosen, spare=name == ALL) for one in names}
    if asked.dry_run:
        return asked.plan(**{one: _size(one, quick, options) for one, options in takes.items()})
    from solidmark.api.studying import studies

    pages, verdict = {}, Verdict("done", f"{len(names)} studies are done.")
    done = studies(takes, where, quick=quick, workers=workers)
    for one, found in zip(takes, done, strict=True):
        pages[one] = str(found.page)
        verdict = found.verdict if len(names) == 1 else verdict
        if not asked.values["json"]:
            say(f"{one}: {found.verdict.headline}")
    lines = [f"The page: {page}" for page in pages.values()]
    return asked.answer({"pages": pages}, *lines, verdict=verdict)


def _taken(name: str, quick: bool, chosen: dict[str, Any], spare: bool) -> dict[str, Any]:
    """The options that were given, refused here if they make no sense.

    Of all studies each takes those that it has a use for.
    """
    from solidmark.data import open_data
    from solidmark.studies import find_study, sized

    study = find_study(name)
    own = study.quick if quick else study.full
    given = {one: value for one, value in chosen.items() if value is not None}
    if spare:
        given = {one: value for one, value in given.items() if getattr(own, one) is not None}
    setting = sized(study, quick, **given)
    open_data(setting.data, resolution=setting.resolution, **setting.read)
    return given


def _size(name: str, quick: bool, options: dict[str, Any]) -> str:
    from solidmark.studies import find_study, sized

    one = sized(find_study(name), quick, **options)
    counts = {"images": one.images, "epochs": one.epochs, "seeds": len(one.seeds), **one.size}
    told = (f"{name} = {value}" for name, value in counts.items() if value is not None)
    return ", ".join((f"{one.data} at {one.resolution} px", *told))
