"""Every study has its table in the documents, made with the command that stands there."""

from pathlib import Path

import pytest

from solidmark.cards import STUDIES
from solidmark.studies import find_study

DOCS = Path(__file__).parents[2] / "docs" / "studies"


@pytest.mark.parametrize("name", STUDIES)
def test_a_table_has_its_command_seeds_and_time(name: str) -> None:
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    study = find_study(name)
    assert text.startswith(f"# {name}: {study.card.asks}")
    assert f"`solidmark study {name} OUT --quick`" in text
    assert f"{len(study.quick.seeds)} seeds" in text
    assert "minutes of a core" in text
    for one in study.published:
        assert f"## {one.source}" in text


def test_no_table_is_left_of_what_is_no_study() -> None:
    assert {path.stem for path in DOCS.iterdir()} == set(STUDIES)
