"""The page of a `nearest` run in a browser: nothing is fetched, it fits, the table works."""

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

from solidmark.pages import write_report

pytestmark = pytest.mark.browser


def test_nothing_is_fetched_nothing_is_refused_and_nothing_hostile_runs(
    visit: Callable[..., Visit], whole_nearest: Path
) -> None:
    one = visit(whole_nearest / "report.html")
    unfold(one)
    expect_safe(one)
    assert one.page.evaluate("document.images.length") > 400


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_page_never_scrolls_sideways(
    visit: Callable[..., Visit], whole_nearest: Path, width: int
) -> None:
    one = visit(whole_nearest / "report.html", viewport={"width": width, "height": 800})
    unfold(one)
    expect_fitting(one, width)


def test_the_first_measure_is_open_and_the_others_open_without_scripts(
    visit: Callable[..., Visit], whole_nearest: Path
) -> None:
    one = visit(whole_nearest / "report.html", java_script_enabled=False)
    lists = one.page.locator("#pairs details")
    assert lists.count() == 4
    shown = [lists.nth(i).locator(".card").first.is_visible() for i in range(4)]
    assert shown == [True, False, False, False]
    lists.nth(2).locator("summary").click()
    assert lists.nth(2).locator(".card").first.is_visible()
    assert one.page.locator("noscript").is_visible()


def test_rows_are_sorted_and_filtered(visit: Callable[..., Visit], whole_nearest: Path) -> None:
    one = visit(whole_nearest / "report.html")
    count = one.page.locator("#count")
    assert count.inner_text() == "1,728 of 1,728 rows"
    one.page.locator("#choose-measure").select_option("l2")
    one.page.locator("#choose-split").select_option("generated")
    assert count.inner_text() == "240 of 1,728 rows"
    heads = one.page.locator("#head button").all_inner_texts()
    number = heads.index("Distance") + 1
    one.page.locator("#head button").nth(number - 1).click()
    found = one.column(number)
    values = [float(text) for text in found]
    assert len(values) == 200
    assert values == sorted(values)
    assert values[0] < values[-1]
    one.page.locator("#choose-content").select_option("low")
    assert count.inner_text() == "20 of 1,728 rows"
    one.page.locator("#choose-content").select_option("")
    one.page.locator("#choose-status").select_option("failed")
    assert count.inner_text() == "3 of 1,728 rows"
    one.page.locator("#choose-status").select_option("")
    one.page.locator("#only-named").check()
    assert count.inner_text() == "97 of 1,728 rows"
    one.page.locator("#search").fill("0042")
    expect_rows(one, 1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_in_light_and_dark(
    visit: Callable[..., Visit], whole_nearest: Path, scheme: str
) -> None:
    one = visit(whole_nearest / "report.html", color_scheme=scheme)
    assert expect_contrast(one, scheme) > 500


def test_without_images_the_browser_shows_none(
    visit: Callable[..., Visit], make_nearest: Callable[..., Path]
) -> None:
    folder = make_nearest(n=30, training=16, held_out=16, copied=3, monochrome=2, measures=("l2",))
    one = visit(write_report(folder, images=False))
    expect_without_pictures(one)
