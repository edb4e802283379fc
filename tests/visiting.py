"""A page as a browser makes it, for tests: its elements, what it says and asks for."""

import html
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

HOSTILE = (
    "</script><script>window.hacked=1</script>.png",
    "<img src=x onerror=window.hacked=1>",
    "\"quoted\" & 'quoted' `tick` ${x} {{ 7*7 }}",
    "line one\nline two\ttab",
    "\u202emirrored \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "emoji \U0001f9ea\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2028 \u2029",
    "x" * 3000,
    "<!--<script>-->]]> =cmd|' /C calc'!A0",
)
"""Names of images that somebody made to break a page."""

VOID = {"meta", "link", "img", "br", "input", "hr"}
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""Of the browser: nothing that it would fetch by itself."""


def section(page: str, name: str) -> str:
    """One section of a page."""
    return page[page.index(f'<section id="{name}"') :].split("</section>")[0]


def plain(text: str) -> str:
    """The text of a piece of a page."""
    text = re.sub(r"</?(?:span|a|b|bdi|code)\b[^>]*>", "", text)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)))


class Tree(HTMLParser):
    """What a browser would make of the page: elements, attributes, text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        self.text.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


class Visit:
    """A page that is open, and everything it said and asked for."""

    def __init__(self, browser: Any, path: Path, **how: Any) -> None:
        self.context = browser.new_context(**how)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.url = path.as_uri()
        self.page.route("**/*", self._route)
        self.page.goto(self.url)

    def _route(self, route: Any) -> None:
        allowed = route.request.url == self.url or route.request.url.startswith("data:")
        route.continue_() if allowed else route.abort()

    def column(self, number: int) -> list[str]:
        cells = self.page.locator(f"#body tr td:nth-child({number})")
        found: list[str] = cells.all_inner_texts()
        return found


def expect_rows(one: Visit, count: int) -> None:
    from playwright.sync_api import expect

    expect(one.page.locator("#body tr")).to_have_count(count)


def luminance(colour: str) -> float:
    channels = [int(part) / 255 for part in colour[4:-1].split(",")[:3]]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def unfold(one: Visit) -> None:
    """Opens whatever is folded, and loads every picture."""
    one.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    one.page.evaluate("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
    one.page.wait_for_timeout(300)


def expect_safe(one: Visit) -> None:
    """Nothing is fetched, nothing refused, nothing hostile runs, and every picture is shown."""
    assert [url for url in one.asked if not url.startswith("data:")] == [one.url]
    # A refused style or script would be said on the console.
    assert one.said == []
    assert one.page.evaluate("window.hacked") is None
    assert one.page.evaluate("[...document.images].filter(i => !i.naturalWidth).length") == 0


def expect_without_pictures(one: Visit) -> None:
    assert one.asked == [one.url]
    assert one.said == []
    assert one.page.evaluate("document.images.length") == 0


def expect_fitting(one: Visit, width: int, boxes: str = ".card, .strip li, .plot") -> None:
    """The page is not wider than the window, and nothing is wider than the box around it."""
    assert one.page.evaluate("document.documentElement.scrollWidth") <= width
    wide = f"""[...document.querySelectorAll('{boxes}')].filter((box) =>
        box.scrollWidth > box.clientWidth + 1).length"""
    assert one.page.evaluate(wide) == 0


def expect_contrast(one: Visit, scheme: str) -> int:
    """The page is light or dark as it was asked to be, and all text can be read.

    Returns:
        How many pieces of text were looked at.
    """
    paper = one.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (luminance(paper) < 0.1) == (scheme == "dark")
    pairs = one.page.evaluate(
        """() => [...document.querySelectorAll('p, dd, dt, td, th, a, span, button, text, li, h5')]
        .filter((e) => e.getClientRects().length).map((e) => {
          let back = e;
          const clear = () => getComputedStyle(back).backgroundColor === 'rgba(0, 0, 0, 0)';
          while (clear() && back.parentElement) back = back.parentElement;
          const style = getComputedStyle(e);
          return [e.tagName === 'text' ? style.fill : style.color,
                  getComputedStyle(back).backgroundColor];
        })"""
    )
    assert min(contrast(*pair) for pair in {tuple(pair) for pair in pairs}) >= 4.5
    return len(pairs)
