"""A page from a template: one file, its own code and style only, and what lies beside it."""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from solidmark.page.made import PAGE, making
from solidmark.page.sections import Page
from solidmark.page.values import script_json
from solidmark.runs import remove_temporaries, tame, write_bytes

HERE = Path(__file__).parent


def write_page(folder: Path, page: Page, *, images: bool, top: int) -> Path:
    """Writes `report.html` and `figures/` into the folder of a run.

    The page is one file: it asks nothing of any network, runs no code but its own, and holds the
    pictures it shows. The same folder gives the same bytes.

    Arguments:
        folder: The folder.
        page: What it says.
        images: Whether it may show pictures, which stand in it as data.
        top: How many images it was asked to show, for who makes it again.

    Returns:
        The page.
    """
    for drawing in page.drawings:
        write_bytes(folder / "figures" / f"{drawing.name}.svg", drawing.svg.encode())
        write_bytes(folder / "figures" / f"{drawing.name}.png", drawing.png)
    remove_temporaries(folder, below=True, dead=True)  # What a killed one has left.
    path = folder / PAGE
    write_bytes(path, _drawn(page, images, making(folder, images, top).line))
    return path


def _drawn(page: Page, images: bool, made_with: str) -> bytes:
    """The page, as UTF-8."""
    style = (HERE / "style.css").read_text(encoding="utf-8")
    script = _script(page)
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        f"img-src {'data:' if images else chr(39) + 'none' + chr(39)}; "
        "base-uri 'none'; form-action 'none'"
    )
    text = _template().render(
        page=page,
        table_json=None if page.rows is None else Markup(script_json(page.rows.table)),
        images=images,
        style=Markup(style),
        script=Markup(script),
        policy=policy,
        made_with=made_with,
    )
    # Nothing that we write has controls, so what is there came with a name or a caption.
    # JSON may hold half of a surrogate pair, which no encoding can write.
    return tame(text).encode("utf-8", "replace")


def _script(page: Page) -> str:
    """What the page needs to run: one text, of which the policy holds the hash."""
    parts = ["table"] * (page.rows is not None) + ["judging"] * page.is_judged
    names = ("csv", *parts) if parts else ()
    return "".join((HERE / f"{name}.js").read_text(encoding="utf-8") for name in names)


@cache
def _template() -> Any:
    """The one template, compiled once a process."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"tight": _tight, "json": script_json}
    return environment.get_template("page.html")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _tight(text: str) -> Markup:
    """Keeps a p-value, or a number and its percent sign, on one line."""
    whole = re.compile(r"\bp (?:=|&lt;) [\d.e-]*\d|[\d.e-]*\d %")
    return Markup(whole.sub(r'<span class="whole">\g<0></span>', str(escape(text))))
