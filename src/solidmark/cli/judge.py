"""`solidmark judge OUT FILE`."""

from pathlib import Path
from typing import Annotated

from solidmark.cli.asked import Asked
from solidmark.cli.command import Said, command


@command(ends=Said)
def judge(asked: Asked, out: Annotated[Path, "OUT"], judgements: Annotated[Path, "FILE"]) -> None:
    """Keep what people say of pairs: which generations are copies.

    Says how many of the judged pairs are copies, and how far each distance agrees. What is judged
    again stands there twice; a pair that was called both is disputed, and counts nowhere.

    Example: solidmark judge nearest/ judgements.csv

    Arguments:
        out: Folder of solidmark nearest, or of an audit without marks.
        judgements: CSV with the columns generation, image, verdict (copy, not, unsure), and perhaps
            who, when and split (null: of a held-out image); the page of OUT makes one.
    """
    from solidmark.measures.nearest import judge as record
    from solidmark.measures.nearest import read_judgements, score_nearest, told
    from solidmark.reporting import renew_pages
    from solidmark.runs import RESULTS, open_results

    added = record(out, read_judgements(judgements))
    score_nearest(added.folder)
    results, renewed = open_results(added.folder), renew_pages(added.folder)
    asked.answer(
        {
            "folder": str(added.folder),
            "added": added.added,
            "there_before": added.before,
            "unknown": [list(pair) for pair in added.unknown],
            "figures": [one.to_json() for one in results.figures if "judged" in one.statistic],
            "pages": list(map(str, renewed.pages)),
            "stale": list(renewed.stale),
        },
        *told(results.figures),
        *added.lines,
        *(str(added.folder / name) for name in ("judged.csv", RESULTS)),
        *(f"The page: {page}" for page in renewed.pages),
        *renewed.stale,
        verdict=results.judged,
    )
