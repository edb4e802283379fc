"""What of the repository beside `docs/` stands on the site: benchmarks, changelog, contributing.

Pages link to each other as they lie in the repository, so that they can be read there too. On the
site the folder `docs` is gone; links across its border are made anew here.
"""

import os
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
BESIDE = ("CHANGELOG.md", "CONTRIBUTING.md", "CITATION.cff", "LICENSE")
TABLE = re.compile(r"\[([^]]+)\]\((studies/[\w-]+\.md)\)")
LINK = re.compile(r"(?<=\]\()(?!https?:|#|mailto:)([^)#\s]+)")


def on_files(files: Files, config: Any) -> Files:
    """Takes in what lies beside `docs/`, and lists the decisions."""
    paths = [ROOT / name for name in BESIDE]
    paths += [path for path in (ROOT / "benchmarks").iterdir() if path.suffix in (".md", ".png")]
    for path in sorted(paths):
        name = path.relative_to(ROOT).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(path)))
    files.append(File.generated(config, "decisions/index.md", content=_decisions()))
    return files


def _decisions() -> str:
    lines = ["# Decisions", "", "What could have been otherwise, and why it is not.", ""]
    for path in sorted((ROOT / "docs" / "decisions").glob("*.md")):
        title = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        lines.append(f"- [{title}]({path.name})")
    return "\n".join(lines) + "\n"


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Turns links between files of the repository into links between pages of the site.

    A study whose table has not been made yet is no link.
    """
    uri = page.file.src_uri
    place = "" if uri in BESIDE or uri.startswith("benchmarks/") else "docs"

    def moved(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(place, posixpath.dirname(uri), link[1]))
        if not (ROOT / target).exists():
            return link[0]
        on_site = "index.md" if target == "README.md" else target.removeprefix("docs/")
        on_site = {"benchmarks": "benchmarks/README.md"}.get(on_site, on_site)
        return os.path.relpath(on_site, posixpath.dirname(uri) or ".")

    def made(link: re.Match[str]) -> str:
        return link[0] if (ROOT / "docs" / link[2]).exists() else link[1]

    return LINK.sub(moved, TABLE.sub(made, markdown))
