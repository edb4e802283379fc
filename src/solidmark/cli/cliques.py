"""`solidmark cliques GENERATED OUT`."""

from typing import Annotated, Any

import typer

from solidmark.cards.embedders import NAMED
from solidmark.cli.answering import FailOn, answer
from solidmark.cli.judging import judged
from solidmark.cli.options import (
    Out,
    Seed,
    at_least,
    below_one,
    ended,
    require_free,
    save_config,
    show_plan,
    within,
)
from solidmark.cli.searching import Tiles, embedded, search_of, sized
from solidmark.cli.sharing import shares


@shares(sized, embedded, ended)
def cliques(
    context: typer.Context,
    generated: Annotated[
        str,
        typer.Argument(
            metavar="GENERATED",
            help="Many generations of each prompt: a folder of solidmark generate --per-prompt, or "
            "any images with captions.",
        ),
    ],
    out: Out,
    distance: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What two generations are compared by, not rescaled: patched-l2, l2, or an "
            f"embedder: {NAMED}.",
        ),
    ] = "patched-l2",
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Generations within this distance are joined (embedders: 1 - similarity).  "
            "[default: 0.15 for patched-l2, which was chosen for 512 pixels]",
            callback=within("above 0", lambda number: number > 0),
        ),
    ] = None,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate", help="Set the threshold on pairs of generations of different prompts."
        ),
    ] = False,
    fpr: Annotated[
        float,
        typer.Option(
            help="The share of those pairs that a calibrated threshold lets through.",
            callback=below_one,
        ),
    ] = 1e-4,
    least: Annotated[
        int, typer.Option(help="Members of a suspicious clique.", callback=at_least(2))
    ] = 10,
    repeats: Annotated[
        int,
        typer.Option(
            help="Draws of generations of different prompts that say what chance gives; 0 = none.",
            callback=at_least(0),
        ),
    ] = 99,
    tiles: Tiles = 4,
    prompt_column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Column that says whose prompt an image is of, else prompt_id, else the caption, "
            "else the class.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(help="At most so many prompts, the first by their ids.", callback=at_least(1)),
    ] = None,
    seed: Seed = 0,
    images: Annotated[bool, typer.Option(help="Show pictures and prompts on the page.")] = True,
    fail_on: FailOn = [],
    **asked: Any,
) -> None:
    """Find prompts that give back the same picture again and again.

    A sign of memory that needs neither keys nor the training set. Writes OUT/cliques.parquet,
    results.json and report.html.

    Example: solidmark cliques drawn/ cliques/ --calibrate
    """
    require_free(out, "cliques")
    from solidmark.nearest import Extraction
    from solidmark.nearest import cliques as find

    wanted = Extraction(
        generated,
        out,
        distance=distance,
        threshold=threshold,
        calibrate=calibrate,
        fpr=fpr,
        least=least,
        repeats=repeats,
        tiles=tiles,
        prompt_column=prompt_column,
        limit=limit,
        seed=seed,
        **search_of(asked),
    )
    if asked["dry_run"]:
        wanted.open_distance()
        prompted = wanted.open_generated()
        return show_plan(
            context,
            prompts=len(prompted.prompts),
            generations=sum(len(prompt.numbers) for prompt in prompted.prompts),
            device_found=wanted.device,
        )
    from solidmark.pages import write_report
    from solidmark.runs import Processes, read_results

    find(wanted)
    if not Processes.here().is_main:
        return None
    results = read_results(out)
    page = write_report(out, images=images)
    save_config(context, out)
    verdict = judged(out)
    return answer(
        results,
        asked["json"],
        verdict.headline,
        f"The page: {page}",
        verdict=verdict,
        fail_on=fail_on,
    )
