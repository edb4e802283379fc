"""The page in a browser: nothing is fetched, nothing hostile runs, the table works."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from visiting import (
    Visit,
    expect_contrast,
    expect_fitting,
    expect_rows,
    expect_safe,
    expect_without_pictures,
    unfold,
)

from solidmark.reporting import write_report

pytestmark = pytest.mark.browser


def test_nothing_is_fetched_nothing_is_refused_and_nothing_hostile_runs(
    visit: Callable[..., Visit], whole_audit: Path
) -> None:
    one = visit(whole_audit / "report.html")
    unfold(one)
    expect_safe(one)
    assert one.page.evaluate("document.images.length") > 40


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_page_never_scrolls_sideways(
    visit: Callable[..., Visit], whole_audit: Path, width: int
) -> None:
    one = visit(whole_audit / "report.html", viewport={"width": width, "height": 800})
    expect_fitting(one, width)
    one.page.evaluate("window.scrollTo(1000, 0)")
    assert one.page.evaluate("window.scrollX") == 0


@pytest.mark.parametrize("hostile", [True, False])
def test_a_page_of_segments_never_scrolls_sideways(
    visit: Callable[..., Visit], make_audit: Callable[..., Path], hostile: bool
) -> None:
    audit = make_audit(keys=16, strengths={"gradient": 1.0, "outpaint": 0.3}, hostile=hostile)
    page = write_report(audit)
    for width in (320, 390, 1280):
        one = visit(page, viewport={"width": width, "height": 800})
        expect_fitting(one, width)
        assert one.said == []


def test_columns_sort_both_ways_by_keyboard_with_missing_values_last(
    visit: Callable[..., Visit], whole_audit: Path
) -> None:
    one = visit(whole_audit / "report.html")
    unfold(one)
    heads = one.page.locator("#head th")
    names = heads.all_inner_texts()
    number = names.index("Distance") + 1
    one.page.locator("#choose-reader").select_option("energy")
    one.page.locator("#choose-split").select_option("trained")
    button = heads.nth(number - 1).locator("button")
    button.focus()
    one.page.keyboard.press("Enter")
    assert heads.nth(number - 1).get_attribute("aria-sort") == "ascending"
    up = one.column(number)
    assert up[-3:] == ["–"] * 3
    values = [float(text) for text in up[:-3]]
    assert values == sorted(values)
    assert values[0] < values[-1]
    one.page.keyboard.press("Enter")
    assert heads.nth(number - 1).get_attribute("aria-sort") == "descending"
    down = one.column(number)
    assert down[-3:] == ["–"] * 3
    assert [float(text) for text in down[:-3]] == values[::-1]


def test_rows_are_filtered_by_text_choice_and_q(
    visit: Callable[..., Visit], whole_audit: Path
) -> None:
    one = visit(whole_audit / "report.html")
    unfold(one)
    count = one.page.locator("#count")
    assert count.inner_text() == "576 of 576 rows"
    one.page.locator("#choose-split").select_option("held_out")
    assert count.inner_text() == "192 of 576 rows"
    assert set(one.column(3)) == {"Held-out"}
    one.page.locator("#search").fill("ONERROR")
    expect_rows(one, 3)
    assert set(one.column(1)) == {"<img src=x onerror=window.hacked=1> held out"}
    one.page.locator("#search").fill("")
    one.page.locator("#choose-split").select_option("")
    one.page.locator("#choose-status").select_option("failed")
    assert count.inner_text() == "18 of 576 rows"
    one.page.locator("#only-named").check()
    assert count.inner_text() == "0 of 576 rows"


def test_the_rows_can_be_taken_home_as_csv(
    visit: Callable[..., Visit], whole_audit: Path, tmp_path: Path
) -> None:
    one = visit(whole_audit / "report.html", accept_downloads=True)
    unfold(one)
    one.page.locator("#choose-reader").select_option("probe")
    with one.page.expect_download() as download:
        one.page.locator("#download").click()
    download.value.save_as(tmp_path / "rows.csv")
    with open(tmp_path / "rows.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 192
    assert {row["reader"] for row in rows} == {"probe"}
    assert "line one\nline two\ttab" in {row["id"] for row in rows}
    assert "x" * 3000 in {row["id"] for row in rows}
    assert all(0 <= float(row["p_value"]) <= 1 for row in rows if row["status"] == "ok")


def test_text_that_a_spreadsheet_would_run_is_defused(
    visit: Callable[..., Visit], make_audit: Callable[..., Path], tmp_path: Path
) -> None:
    import pyarrow.parquet as parquet
    from audit_folder import table

    audit = make_audit(n=4, held_out=4, failed=0, strengths={"energy": 1.0}, hostile=False)
    rows = parquet.read_table(audit / "scores.parquet").to_pylist()
    table([row | {"id": f"=1+{i}"} for i, row in enumerate(rows)], audit / "scores.parquet")
    one = visit(write_report(audit), accept_downloads=True)
    unfold(one)
    with one.page.expect_download() as download:
        one.page.locator("#download").click()
    download.value.save_as(tmp_path / "rows.csv")
    lines = (tmp_path / "rows.csv").read_text().splitlines()
    assert all(line.startswith("'=1+") for line in lines[1:])


def test_twenty_thousand_rows_stay_fluid(
    visit: Callable[..., Visit], make_audit: Callable[..., Path]
) -> None:
    audit = make_audit(
        n=2000, held_out=18000, ceiling=False, pictures=False, strengths={"energy": 0.5}
    )
    one = visit(write_report(audit))
    unfold(one)
    assert one.page.locator("#count").inner_text() == "20,000 of 20,000 rows"
    assert one.page.locator("#body tr").count() == 200
    took = one.page.evaluate(
        "() => { const t = performance.now();"
        " document.querySelectorAll('#head button')[5].click(); return performance.now() - t }"
    )
    assert took < 2000
    one.page.evaluate("document.getElementById('box').scrollTop = 1e9")
    expect_rows(one, 400)
    one.page.evaluate("document.getElementById('more').click()")
    assert one.page.locator("#body tr").count() >= 600


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_in_light_and_dark(
    visit: Callable[..., Visit], whole_audit: Path, scheme: str
) -> None:
    one = visit(whole_audit / "report.html", color_scheme=scheme)
    assert expect_contrast(one, scheme) > 500


def test_without_images_the_browser_shows_none(
    visit: Callable[..., Visit], make_audit: Callable[..., Path]
) -> None:
    one = visit(write_report(make_audit(n=8, held_out=8), images=False))
    expect_without_pictures(one)
