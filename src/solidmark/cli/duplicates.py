"""`solidmark duplicates DATA OUT`."""

from typing import Annotated, Any

import typer

from solidmark.cards import DISTANCES
from solidmark.cards.embedders import NAMED
from solidmark.cli.answering import answer
from solidmark.cli.judging import judged
from solidmark.cli.options import (
    Out,
    Seed,
    a_share,
    at_least,
    ended,
    one_of,
    require_free,
    save_config,
    show_plan,
)
from solidmark.cli.searching import Memory, embedded, search_of, sized
from solidmark.cli.sharing import shares


@shares(sized, embedded, ended)
def duplicates(
    context: typer.Context,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A training set: any data that solidmark mark takes, or a folder of solidmark "
            "mark, of which the training half is taken, without the frames.",
        ),
    ],
    out: Out,
    near: Annotated[
        bool,
        typer.Option(help="Count re-encoded and resized copies as copies, or exact ones only."),
    ] = True,
    embedder: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"Count images as copies too that an embedder sees alike: {NAMED}.",
        ),
    ] = None,
    above: Annotated[
        float,
        typer.Option(
            help="How alike: similarity of at least this. It carries over to no other embedder: "
            "look at the groups.",
            callback=a_share,
        ),
    ] = 0.9,
    distance: Annotated[
        list[str],
        typer.Option(
            "--distance",
            metavar="NAME",
            help=f"Say how close each image comes to its nearest other one: "
            f"{', '.join(DISTANCES)}; may be given again. It groups nothing.",
            callback=one_of("distance", tuple(DISTANCES)),
        ),
    ] = [],
    limit: Annotated[
        int | None,
        typer.Option(help="At most so many images, the first by their ids.", callback=at_least(1)),
    ] = None,
    seed: Seed = 0,
    images: Annotated[bool, typer.Option(help="Show pictures of the data on the page.")] = True,
    memory: Memory = 2**30,
    **asked: Any,
) -> None:
    """Find the copies in a training set, and say which to remove.

    Writes OUT/remove.txt, the ids to remove; duplicates.parquet, results.json and report.html.

    Example: solidmark duplicates photos/ duplicates/
    """
    require_free(out, "duplicates")
    from solidmark.nearest import Deduplication
    from solidmark.nearest import duplicates as find

    wanted = Deduplication(
        data,
        out,
        near=near,
        embedder=embedder,
        above=above,
        distances=tuple(distance),
        limit=limit,
        seed=seed,
        memory=memory,
        **search_of(asked),
    )
    if asked["dry_run"]:
        wanted.open_distances()
        return show_plan(context, images=len(wanted.open_data()), device_found=wanted.device)
    from solidmark.pages import write_report
    from solidmark.runs import Processes, read_results

    find(wanted)
    if not Processes.here().is_main:
        return None
    results = read_results(out)
    page = write_report(out, images=images)
    save_config(context, out)
    verdict = judged(out)
    removed = [f"Ids to remove: {out / 'remove.txt'}"] if verdict.finding == "copies" else []
    lines = (verdict.headline, *removed, f"The page: {page}")
    return answer(results, asked["json"], *lines, verdict=verdict)
