"""The documents hang together: links lead somewhere, the site holds every page."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from solidmark.cli.main import COMMANDS, program

from .blocks import PAGES, ROOT

NAV = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]*)\)")
NOT_MADE_YET = "docs/studies/"
"""Tables that a long run makes; the site leaves out the links to those that it has not made."""


def text_of(page: str) -> str:
    """A document without its blocks of code."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(page: str) -> set[str]:
    """What the headings of a document are called in a link."""
    titles = re.findall(r"^#+ (.*)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", [*PAGES, "CHANGELOG.md"])
def test_every_link_leads_somewhere(page: str) -> None:
    lost = []
    for link in LINK.findall(text_of(page)):
        path, _, anchor = link.partition("#")
        target = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
        if target.startswith(NOT_MADE_YET):
            continue
        if not (ROOT / target).exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert not lost


def paths(nav: Any) -> Iterator[str]:
    for entry in nav if isinstance(nav, list) else nav.values():
        if isinstance(entry, str):
            yield entry
        else:
            yield from paths(entry)


def test_every_page_is_in_the_navigation() -> None:
    """Decisions and studies have a page that lists them."""
    known = set(paths(yaml.safe_load(NAV)["nav"]))
    pages = {page.removeprefix("docs/") for page in PAGES if page.startswith("docs/")}
    listed = {page for page in pages if page.startswith(("decisions/", "studies/"))}
    beside = {"benchmarks/README.md", "CONTRIBUTING.md", "CHANGELOG.md", "decisions/index.md"}
    assert pages - listed == known - beside


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_options_in_a_sentence_are_there(page: str) -> None:
    odd = []
    for code in re.findall(r"`solidmark ([^`]+)`", text_of(page)):
        words = shlex.split(code)
        if words[0] not in COMMANDS:
            odd += [] if words[0] in ("--help", "--version") else [code]
            continue
        parameters = program().commands[words[0]].params
        known = {name for one in parameters for name in (*one.opts, *one.secondary_opts)}
        asked = {word.partition("=")[0] for word in words if word.startswith("--")}
        odd += [code] if asked - known - {"--help"} else []
    assert not odd


def test_the_readme_is_short() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 120
    pictures = list((ROOT / "docs" / "pictures").glob("*.png"))
    assert sum(path.stat().st_size for path in pictures) < 300_000


@pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None, reason="needs the extra docs")
def test_the_site_is_built(tmp_path: Path) -> None:
    """Offline, without a warning; no page asks for anything that lies elsewhere."""
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(tmp_path)]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(words, cwd=ROOT, env=quiet, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for path in tmp_path.rglob("*.html"):
        asks = r"<(?:script|link|img|iframe)[^>]+(?:src|href)=\"?(https?:[^\s\">]+)"
        asked = re.findall(asks, path.read_text(encoding="utf-8"))
        assert not asked, path
