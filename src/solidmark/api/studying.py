"""The studies of the papers, and ours."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from solidmark.api.result import Result
from solidmark.errors import BadInput
from solidmark.runs import usual_device


def study(
    name: str,
    out: str | os.PathLike[str],
    *,
    quick: bool = False,
    workers: int = 1,
    **setting: Any,
) -> Result:
    """Runs a study: a table of a paper, with chance, intervals and n, on data of your choice.

    Arguments:
        name: Of the study: "duplication", "training-curve" ...
        out: Where studies lie: `NAME/` is the result, `stages/` has what they share.
        quick: Whether the size for minutes of a processor is taken instead of the advised one.
        workers: How many processes do it. With more than one a program must have its own work
            under `if __name__ == "__main__":`, since they begin as it does.
        setting: What is otherwise than there, as of `studies.Setting` (data, images, resolution,
            epochs, seeds, preset, recipe, read, device, size).

    Returns:
        The result: `figures` has each arm and read-out seed by seed, over all seeds, and less the
        first arm; `page` has the table.

    Raises:
        UnknownName: When there is no such study or option.
        NotFound: When there is no such data.
        BadInput: When the size makes no sense.
        RunConflict: When `out/NAME` holds the study at another size.

    Example:
        curve = solidmark.study(
            "training-curve", "studied", quick=True, seeds=(0,), device="cpu",
            size={"images": (8,), "epochs": (1, 2)},
        )
    """
    (found,) = studies({name: setting}, out, quick=quick, workers=workers)
    return found


def studies(
    asked: Mapping[str, Mapping[str, Any]],
    out: str | os.PathLike[str],
    *,
    quick: bool = False,
    workers: int = 1,
) -> Iterator[Result]:
    """Runs several studies as `study` does one; what they share is made for all of them first.

    Arguments:
        asked: What is otherwise in each, by its name.
        out: Where studies lie.
        quick: As of `study`.
        workers: As of `study`.

    Returns:
        The results, in the order of the names.
    """
    import torch

    from solidmark import api
    from solidmark.reporting import write_report
    from solidmark.runs import write_bytes
    from solidmark.studies import find_study, markdown, run_studies, sized

    if workers < 1:
        raise BadInput(f"workers must be 1 or more, not {workers}.")
    every = []
    for name, setting in asked.items():
        found = find_study(name)
        every.append((found, sized(found, quick, **{"device": usual_device(), **setting})))
    before = torch.get_num_threads()
    # With one thread the figures are the same on any number of cores.
    torch.set_num_threads(1)
    try:
        commands = {one: getattr(api, one) for one in api.__all__ if one[0].islower()}
        done = run_studies(every, Path(out), commands, workers)
        for (one, _), results in zip(every, done, strict=True):
            write_bytes(results.folder / "table.md", markdown(one, results).encode())
            write_report(results.folder)
            yield Result(results.folder)
    finally:
        torch.set_num_threads(before)
