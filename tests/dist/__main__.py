"""`python -m tests.dist OUT` builds wheel and sdist into OUT, and tries the wheel."""

import sys
import tempfile
from pathlib import Path

from PIL import Image

from .packing import answer, installed, pack

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as work:
        sdist, wheel = pack(Path(sys.argv[1]), Path(work))
        programs = installed(wheel, Path(work) / "fresh")
        said = answer(programs, "--version", Path(work))
        answer(programs, "--help", Path(work))
        pictures = Path(work) / "pictures"
        pictures.mkdir()
        Image.new("L", (8, 8)).save(pictures / "grey.png")
        answer(programs, f"inspect {pictures}", Path(work))
    sys.stdout.write(f"{sdist}\n{wheel}\n{said}")
