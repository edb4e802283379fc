"""The options that commands share."""

from pathlib import Path
from typing import Annotated, Any

import typer

from solidmark.cards import option
from solidmark.cli import told
from solidmark.cli.config import read_config
from solidmark.errors import BadInput
from solidmark.runs import VERDICTS


def memory_bytes(value: Any) -> int:
    """A size such as `500MB` or `2GB`, in bytes; a plain number is bytes."""
    text = str(value).strip().upper().removesuffix("B").removesuffix("I")
    powers = {"K": 10, "M": 20, "G": 30, "T": 40}
    power = powers.get(text[-1:], 0)
    try:
        number = float(text[:-1] if power else text)
    except ValueError:
        number = 0.0
    if not 0 < number < 2**40:
        raise BadInput(f'--memory takes a size like 500MB or 2GB, not "{value}".')
    return int(number * 2**power)


FailOn = Annotated[
    list[str],
    told.option(
        "Exit with code 3 when the verdict is memorized, hint, not-seen, cannot-be-judged, "
        "do-not-trust or failed; may be given again.",
        *("--fail-on", option.Choice("verdict", VERDICTS), "VERDICT"),
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="YAML file with any of these, such as the config.yaml beside a result; "
        "the command line goes first.",
        callback=read_config,
        is_eager=True,
    ),
]
DryRun = Annotated[bool, told.option("Show what would be done, and write nothing.", "--dry-run")]
Json = Annotated[bool, told.option("Print the result as JSON, and nothing else.", "--json")]
Fdr = Annotated[
    float,
    told.option("False-discovery rate at which images are named.", "--fdr", option.BELOW_ONE),
]
Fprs = Annotated[
    list[float] | None,
    told.option(
        "False-positive rate at which detections are reported; may be given again.  "
        "[default: 0.01, 0.001]",
        *("--fpr", "NUMBER", option.BELOW_ONE),
    ),
]
Pictures = Annotated[
    bool,
    told.option(
        "Show pictures of the data and their captions on the page.", "--images/--no-images"
    ),
]
TrustControl = Annotated[
    bool,
    told.option(
        "Name images although the held-out ones can be told from the trained ones without the "
        "model; a warning stays on the page.",
        "--trust-control",
    ),
]
Seed = Annotated[int, told.option("The same seed gives the same numbers.", "--seed")]
Device = Annotated[str, told.option("auto, cpu, cuda, cuda:1, mps ...", "--device", "NAME")]
Out = Annotated[
    Path,
    told.argument("Folder to write: a new one, or that of the same command to go on.", "OUT"),
]
Memory = Annotated[
    int,
    typer.Option(
        metavar="SIZE",
        parser=memory_bytes,
        help="What a search may hold at most, beside the program itself: 500MB, 2GB.",
    ),
]
Positive = option.Positive
Whole = option.Whole
Share = option.Share
BelowOne = Annotated[float, option.BELOW_ONE]
