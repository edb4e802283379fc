"""The table of a study as Markdown, for `docs/studies/`."""

from collections.abc import Iterator

from solidmark.page.sections import Cell, Table
from solidmark.runs import Results
from solidmark.studies.page import our_table, published_table
from solidmark.studies.study import Study


def markdown(study: Study, results: Results) -> str:
    """Question, command, what came of it, our table and the published ones."""
    return "\n".join(_lines(study, results)) + "\n"


def _lines(study: Study, results: Results) -> Iterator[str]:
    config, facts = results.config, results.facts
    seeds = config.get("seeds") or []
    weights = ", ".join(f"{one:,}" for one in facts.get("weights") or []) or "none trained"
    yield f"# {study.name}: {study.card.asks}"
    yield ""
    yield (
        f"`solidmark study {study.name} OUT{' --quick' if _is_quick(study, results) else ''}`, "
        f"made in {float(facts.get('seconds') or 0) / 60:.0f} minutes of a core. Follows: "
        f"{study.card.paper}. Data: {config.get('data')}; {len(seeds)} seeds; weights of the "
        f"networks: {weights}."
    )
    yield ""
    yield from ((" ".join(study.said), "") if study.said else ())
    verdict = results.judged
    yield f"**{verdict.headline}**"
    yield ""
    yield from (f"- {one}" for one in verdict.details)
    yield ""
    yield from _table(our_table(study, results.figures))
    yield "\nIn brackets: the 95 % interval over the seeds, and what is not the same for all."
    for one in study.published:
        yield from ("", f"## {one.source}", "")
        yield from _table(published_table(one))
        yield from ("", one.said) if one.said else ()


def _is_quick(study: Study, results: Results) -> bool:
    return list(results.config.get("seeds") or []) == list(study.quick.seeds) and all(
        results.config.get(name) == getattr(study.quick, name)
        for name in ("data", "images", "epochs", "resolution")
    )


def _table(table: Table) -> Iterator[str]:
    yield f"| {' | '.join(map(_cell, table.heads))} |"
    yield "|---" * len(table.heads) + "|"
    for line in table.lines:
        name = f"{line.name} ({line.meaning})" if line.meaning else line.name
        yield f"| {name} | {' | '.join(map(_cell, line.cells))} |"
    yield from (f"\n{note}" for note in table.notes)


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return ""
    return f"{cell.value} ({'; '.join(cell.facts)})" if cell.facts else cell.value
