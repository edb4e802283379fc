"""`solidmark compare RUN RUN`."""

from pathlib import Path
from typing import Annotated

from solidmark.cards.option import A_SHARE
from solidmark.cli.asked import Asked
from solidmark.cli.command import Said, command
from solidmark.cli.options import Fdr


@command(ends=Said)
def compare(
    asked: Asked,
    first: Annotated[Path, "RUN"],
    second: Annotated[Path, "RUN"],
    delta: Annotated[list[float] | None, "--delta", "NUMBER", A_SHARE] = None,
    fdr: Fdr = 0.05,
    out: Annotated[Path | None, "OUT"] = None,
) -> None:
    """Say what differs between two audits of the same images.

    Image by image, such as without and with a mitigation. Differences are second
    less first, with 95 % intervals and two-sided p-values of no difference.

    Example: solidmark compare audit/ mitigated/ --out changed/

    Arguments:
        first: Folder of solidmark audit that differences are taken from.
        second: Another audit of the same marked images.
        delta: Compare the shares of keys read within this distance, in (0, 1]; may be given again.
            [default: 0.1, 0.05, 0.01, 0.005]
        out: Folder to write the figures and the page, report.html, into; nothing is written
            without it.
    """
    from solidmark.measures.audit import compare as compare_audits

    found = asked.fill(compare_audits)
    result, lines = found.to_json(), [*found.lines, found.verdict.headline]
    if out is not None:
        from solidmark.reporting import write_report

        result["report"] = str(write_report(out))
        lines.append(f"The page: {result['report']}")
    asked.answer(result, *lines, verdict=found.verdict)
