"""The wheel holds all of the package, and works where nothing but it has been installed."""

import zipfile
from pathlib import Path

import pytest
from PIL import Image

import solidmark

from .packing import ROOT, answer, installed, pack


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("built"))[1]


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    source = ROOT / "src"
    files = {
        path.relative_to(source).as_posix()
        for path in (source / "solidmark").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("solidmark/")}
    assert inside == files


def test_the_version_is_said_once(wheel: Path) -> None:
    assert wheel.name.startswith(f"solidmark-{solidmark.__version__}-")
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {solidmark.__version__}\n" in cited
    heading = f"\n## {solidmark.__version__.partition('.dev')[0]} "
    assert heading in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_it_works_in_a_fresh_environment(wheel: Path, tmp_path: Path) -> None:
    programs = installed(wheel, tmp_path / "fresh")
    assert answer(programs, "--version", tmp_path) == f"solidmark {solidmark.__version__}\n"
    assert "inspect" in answer(programs, "--help", tmp_path)
    for number in range(4):
        (tmp_path / "photos").mkdir(exist_ok=True)
        Image.new("L", (8, 8), 40 * number).save(tmp_path / "photos" / f"{number}.png")
    assert "images: 4" in answer(programs, "inspect photos", tmp_path)
    answer(programs, "duplicates photos copies", tmp_path)
    assert "<html" in (tmp_path / "copies" / "report.html").read_text(encoding="utf-8")
    (package,) = (tmp_path / "fresh").rglob("site-packages/solidmark")
    assert sorted(package.rglob("*.pyc")), "another solidmark was asked"
