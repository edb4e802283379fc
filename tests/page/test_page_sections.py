"""A page is data: every section is drawn, escaped, and folded where it says so."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from solidmark.page.drawing import drawing
from solidmark.page.pictures import Picture
from solidmark.page.rendering import write_page
from solidmark.page.rows import rows_section
from solidmark.page.sections import (
    Card,
    Cards,
    Cell,
    Figures,
    Gallery,
    Glossary,
    Line,
    Made,
    Note,
    Page,
    Plots,
    Reading,
    Shown,
    Table,
)
from solidmark.runs import Finding, Verdict

EVIL = '<img src=x onerror="alert(1)">'
DOT = "data:image/png;base64,iVBORw0KGgo="


def page(text: str = EVIL) -> Page:
    shown = Shown(Picture(DOT, 8, 8, True), text, text)
    card = Card(
        text,
        (("class", text), ("", text)),
        (shown, shown),
        (shown,),
        (Reading(text, (("p", text),), True, said=text),),
        (text,),
        True,
        (text, "memorized"),
        3,
    )
    table = Table(
        text,
        (Cell("Figure"), Cell(text, (text,)), Cell(text)),
        (
            Line(text, (Cell(text, (text,)), None), text, "p"),
            Line(text, (Cell(text),), tone="unclear"),
        ),
        (text,),
    )
    rows = rows_section(
        [("id", "Image", "text"), ("p_value", "p", "number"), ("q_value", "q", "number")],
        [{"id": text, "p_value": 0.01, "q_value": 0.02}],
        lambda row, name: row[name],
        total=1,
        fdr=0.05,
        order="rows",
        sort="p_value",
        names={},
    )
    plot = drawing(lambda axes: axes.plot([0, 1]), "dots", text, text)
    return Page(
        "probe",
        text,
        (("Model", text),),
        Verdict(
            "memorized",
            text,
            text,
            (text, text, text, "the fourth"),
            rule="the rule",
            findings=(
                Finding("a", text, text, "memorized", text, text, (text,)),
                Finding("b", "B", "asks", "hint", "Hint", "Hints."),
            ),
        ),
        (
            Note("said", "Said", (text,), (text,), points=(text,)),
            Figures("figures", "Figures", tables=(table,), folded=True),
            Plots("curves", "Curves", groups=((text, (plot,)),)),
            Gallery("images", "Images", lists=(Cards(text, (card,), (text,), folded=True),)),
            Gallery("none", "None", empty="There are none."),
            rows,
            Glossary("reading", "How to read", words=(("p", "p", text),)),
            Made("run", "This run", files=((text, text),), parts=((text, ((text, text),)),)),
        ),
        proof=Cards("", (card,), numbered=False),
        notes=(text,),
    )


def written(folder: Path, what: Page, images: bool = True) -> str:
    (folder / "results.json").write_text("{}")
    return write_page(folder, what, images=images, top=3).read_text()


def test_nothing_that_a_page_is_told_becomes_markup(tmp_path: Path) -> None:
    found = written(tmp_path, page())
    assert "<img src=x" not in found
    assert len(re.findall(r"<script(?! type)", found)) == 1
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', found)
    assert policy
    assert "default-src" in policy[1]
    assert "unsafe" not in policy[1]


def test_every_section_has_its_place_in_the_navigation(tmp_path: Path) -> None:
    found = written(tmp_path, page())
    for one in page().sections:
        assert f'href="#{one.anchor}"' in found
        assert f'<section id="{one.anchor}"' in found
    assert found.index('class="headline"') < found.index("<img ") < found.index("What backs this")
    assert found.index("What backs this") < found.index("the fourth") < found.index("the rule")
    assert found.count('<details class="part">') == 2
    assert (tmp_path / "figures" / "dots.png").is_file()


def test_a_page_without_pictures_has_none(tmp_path: Path) -> None:
    found = written(tmp_path, page(), images=False)
    assert "data:image" not in found
    assert "img-src &#39;none&#39;" in found
    assert "without pictures and captions" in found


def test_a_page_without_rows_runs_nothing(tmp_path: Path) -> None:
    found = written(tmp_path, replace(page(), sections=page().sections[:2]))
    assert "<script" not in found


@pytest.mark.parametrize("state", ["memorized", "hint", "not-seen", "cannot-be-judged"])
def test_the_colour_is_that_of_the_state(tmp_path: Path, state: str) -> None:
    what = replace(page("plain"), verdict=Verdict(state, "Said.", "Label"))
    found = written(tmp_path, what)
    green = 'class="verdict not_seen"' in found
    assert green == (state == "not-seen")
