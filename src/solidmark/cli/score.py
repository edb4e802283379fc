"""`solidmark score OUT`."""

import inspect
from pathlib import Path
from typing import Annotated

from solidmark.cards.option import A_SHARE, ABOVE_ZERO, BELOW_ONE, Choice
from solidmark.cli.asked import Asked
from solidmark.cli.command import Reread, command
from solidmark.cli.options import FailOn, Fdr
from solidmark.errors import BadInput

STATISTICS = ("l1", "fisher", "energy")
CORRECTIONS = ("bh", "by")
OF_SOME = (
    *("delta", "fpr", "statistic", "correction", "marked"),
    *("claimed_epsilon", "threshold", "frequent", "expected", "trust_control"),
)
"""Options that say nothing to some of the folders."""


@command(ends=Reread)
def score(
    asked: Asked,
    out: Annotated[Path, "OUT"],
    delta: Annotated[list[float] | None, "--delta", "NUMBER", A_SHARE] = None,
    fpr: Annotated[list[float] | None, "--fpr", "NUMBER", BELOW_ONE] = None,
    fdr: Fdr = 0.05,
    statistic: Annotated[str | None, Choice("statistic", STATISTICS)] = None,
    correction: Annotated[str | None, Choice("correction", CORRECTIONS)] = None,
    marked: Annotated[Path | None, "FOLDER"] = None,
    claimed_epsilon: Annotated[float | None, "NUMBER", ABOVE_ZERO] = None,
    threshold: float | None = None,
    frequent: Annotated[float | None, A_SHARE] = None,
    expected: Annotated[Path | None, "FILE"] = None,
    trust_control: bool | None = None,
    fail_on: FailOn = [],
) -> None:
    """Score what was observed; no model is needed.

    Writes OUT/scores.parquet, a row an image, and OUT/results.json, and makes the page again where
    there is one; "solidmark report" makes the first.

    Example: solidmark score audit/ --delta 0.1 --delta 0.02

    Arguments:
        out: Folder of solidmark observe, audit, nearest, inpaint, signals, provenance, invmm or
            intent.
        delta: Of keys: an image counts as memorized (eidetic) when its key is read within this
            distance, in (0, 1]; may be given again. [default: 0.1, 0.05, 0.01, 0.005]
        fpr: Of nearest, inpaint, signals and invmm: false-positive rate at which a threshold is
            calibrated on held-out images; may be given again. [default: those of the run]
        statistic: Of keys: what a p-value ranks: l1 (the distance), fisher (the p-values of the
            single keys, multiplied) or energy (the energies of the single keys, added; for readers
            that keep them). [default: l1]
        correction: Of keys: for looking at many images: bh (Benjamini-Hochberg) or by
            (Benjamini-Yekutieli, whatever the dependence between images). [default: bh]
        marked: Of keys: the marked folder, if it has been moved since.
        claimed_epsilon: Of keys: the epsilon that a differentially private training is said to
            keep, with delta 0; the keys are asked whether they refute it.
        threshold: Of intent: the likeness from which a generation is a copy.
        frequent: Of intent: the least share of a prompt's generations.
        expected: Of intent: what you expect.
        trust_control: Of nearest, inpaint, signals, provenance, invmm and intent: name images, or
            judge the set, although the control is of another kind. [default: as before]
    """
    from solidmark.api.result import TABLES
    from solidmark.reporting import renew_pages, scorer_of
    from solidmark.runs import open_results, remove_temporaries

    score_again = scorer_of(out)
    remove_temporaries(out, below=True, dead=True)  # What a killed score has left.
    known = inspect.signature(score_again).parameters
    for name in OF_SOME:
        if asked.values[name] is not None and not {name, f"{name}s"} & set(known):
            option = name.replace("_", "-")
            raise BadInput(f'--{option} says nothing to the results of "{out}". Leave it out.')
    if "fpr" in known and fpr and len(fpr) > 1:
        raise BadInput(f'"{out}" is scored at one --fpr. Name one.')
    results = asked.fill(score_again, folder=out, manifest=None, fpr=fpr[0] if fpr else None)
    table = TABLES.get(results["command"], "scores.parquet")
    verdict, renewed = open_results(out).judged, renew_pages(out)
    asked.answer(
        {**results, "pages": list(map(str, renewed.pages)), "stale": list(renewed.stale)},
        verdict.headline,
        *(str(out / name) for name in (table, "results.json")),
        *(f"The page: {page}" for page in renewed.pages),
        *renewed.stale,
        verdict=verdict,
    )
