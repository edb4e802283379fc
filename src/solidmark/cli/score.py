"""`solidmark score OUT`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from solidmark.cli.answering import FailOn, answer
from solidmark.cli.judging import judged
from solidmark.cli.options import Config, Fdr, Json, a_share, below_one, one_of
from solidmark.cli.renewing import renew_pages
from solidmark.errors import BadInput

STATISTICS = ("l1", "fisher", "energy")
CORRECTIONS = ("bh", "by")


def score(
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="Folder of solidmark observe, audit, nearest, inpaint, signals, invmm or intent.",
        ),
    ],
    delta: Annotated[
        list[float] | None,
        typer.Option(
            metavar="NUMBER",
            help="An image counts as memorized (eidetic) when its key is read within this "
            "distance, in (0, 1]; may be given again.  [default: 0.1, 0.05, 0.01, 0.005]",
            callback=a_share,
        ),
    ] = None,
    fpr: Annotated[
        list[float] | None,
        typer.Option(
            metavar="NUMBER",
            help="Of nearest, inpaint, signals and invmm: false-positive rate at which a threshold "
            "is calibrated on held-out images; may be given again.  [default: those of the run]",
            callback=below_one,
        ),
    ] = None,
    fdr: Fdr = 0.05,
    statistic: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What a p-value ranks: l1 (the distance), fisher (the p-values of the single "
            "keys, multiplied) or energy (the energies of the single keys, added; for readers "
            "that keep them).",
            callback=one_of("statistic", STATISTICS),
        ),
    ] = "l1",
    correction: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="For looking at many images: bh (Benjamini-Hochberg) or by "
            "(Benjamini-Yekutieli, whatever the dependence between images).",
            callback=one_of("correction", CORRECTIONS),
        ),
    ] = "bh",
    marked: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="The marked folder, if it has been moved since."),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="Of intent: the likeness from which a generation is a copy."),
    ] = None,
    frequent: Annotated[
        float | None,
        typer.Option(
            help="Of intent: the least share of a prompt's generations.", callback=a_share
        ),
    ] = None,
    expected: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Of intent: what you expect."),
    ] = None,
    trust_control: Annotated[
        bool | None,
        typer.Option(
            "--trust-control/--no-trust-control",
            help="Of nearest, inpaint, signals, invmm and intent: name images although the control "
            "is of another kind.  [default: as before]",
        ),
    ] = None,
    fail_on: FailOn = [],
    config: Config = None,
    json: Json = False,
) -> None:
    """Score what was observed; no model is needed.

    Writes OUT/scores.parquet, a row an image, and OUT/results.json, and makes the page again where
    there is one; "solidmark report" makes the first.

    Example: solidmark score audit/ --delta 0.1 --delta 0.02
    """
    from solidmark.runs import read_manifest, remove_temporaries

    asked = read_manifest(out)["command"]
    remove_temporaries(out, below=True, dead=True)  # What a killed score has left.
    of_intent = {"threshold": threshold, "frequent": frequent, "expected": expected}
    if asked == "intent":
        given = {"--delta": delta, "--marked": marked}
        results = _score_intent(
            out, fpr, fdr, of_intent | {"trust_control": trust_control}, _named(given)
        )
        return _scored(out, results, "findings.parquet", json, fail_on)
    for name, value in of_intent.items():
        if value is not None:
            raise BadInput(f'--{name} is for folders of intent, and "{out}" is none. Leave it out.')
    if asked in ("nearest", "inpaint", "invmm", "signals"):
        given = {"--delta": delta, "--marked": marked}
        results = _score_distances(out, asked, fpr, fdr, trust_control, _named(given))
        return _scored(out, results, "scores.parquet", json, fail_on)
    if trust_control is not None:
        raise BadInput(
            f'--trust-control is for comparisons with held-out images, and "{out}" holds readings '
            "of keys. Leave it out."
        )
    if fpr:
        raise BadInput(f'--fpr is for distances, and "{out}" holds readings of keys. Leave it out.')
    from typing import cast

    from solidmark.measures.audit import score as score_evidence
    from solidmark.scores import DELTAS, Correction, Statistic

    results = score_evidence(
        out,
        deltas=delta or DELTAS,
        fdr=fdr,
        statistic=cast(Statistic, statistic),
        correction=cast(Correction, correction),
        marked=marked,
    )
    return _scored(out, results, "scores.parquet", json, fail_on)


def _scored(
    out: Path, results: Mapping[str, Any], table: str, json: bool, fail_on: list[str]
) -> None:
    """Makes the pages again that would say something else now, and says what was found."""
    renewed = renew_pages(out)
    verdict = judged(out)
    lines = [verdict.headline, f"{out / table}", f"{out / 'results.json'}"]
    pages = [f"The page: {page}" for page in renewed.pages]
    found = {**results, "pages": list(map(str, renewed.pages)), "stale": list(renewed.stale)}
    answer(found, json, *lines, *pages, *renewed.stale, verdict=verdict, fail_on=fail_on)


def _named(given: dict[str, Any]) -> list[str]:
    """The options that were given."""
    return [name for name, value in given.items() if value]


def _score_distances(
    out: Path,
    command: str,
    fpr: list[float] | None,
    fdr: float,
    trusted: bool | None,
    given: list[str],
) -> dict[str, Any]:
    if given:
        raise BadInput(f'{given[0]} is for readings of keys, and "{out}" holds none. Leave it out.')
    from solidmark.measures.inpaint import score_inpainting
    from solidmark.measures.invmm import score_invmm
    from solidmark.measures.nearest import score_nearest
    from solidmark.measures.signals import score_signals

    if command == "nearest":
        return score_nearest(out, fprs=fpr, fdr=fdr, trust_control=trusted)
    if command == "invmm":
        return score_invmm(out, fprs=fpr, fdr=fdr, trust_control=trusted)
    if command == "signals":
        return score_signals(out, fprs=fpr, fdr=fdr, trust_control=trusted)
    return score_inpainting(out, fprs=fpr, fdr=fdr, trust_control=trusted)


def _score_intent(
    out: Path,
    fpr: list[float] | None,
    fdr: float,
    asked: dict[str, Any],
    given: list[str],
) -> dict[str, Any]:
    if given:
        raise BadInput(f'{given[0]} is for readings of keys, and "{out}" holds none. Leave it out.')
    if fpr and len(fpr) > 1:
        raise BadInput("A folder of intent is scored at one --fpr. Name one.")
    from solidmark.measures.intent import score_intent

    return score_intent(out, fpr=fpr[0] if fpr else None, fdr=fdr, **asked)
