"""Builds sdist and wheel, and installs the wheel in a virtual environment of its own.

The wheel is built from the sdist, and the sdist from a copy of the sources: what an old build has
left in a folder would come along otherwise, and what the sdist lacks would not be missed.
"""

import shutil
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "src")
BACKEND = "import sys; from setuptools import build_meta as b; b.build_{}(sys.argv[1])"


def pack(out: Path, work: Path) -> tuple[Path, Path]:
    """Builds both.

    Arguments:
        out: Where they go.
        work: An empty folder to build in.

    Returns:
        The sdist and the wheel.
    """
    copy = work / "sources"
    copy.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            odd = shutil.ignore_patterns("*.egg-info", "__pycache__")
            shutil.copytree(ROOT / name, copy / name, ignore=odd)
        else:
            shutil.copy(ROOT / name, copy)
    out = out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    sdist = _built("sdist", copy, out, ".tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(work / "unpacked", filter="data")
    (unpacked,) = (work / "unpacked").iterdir()
    return sdist, _built("wheel", unpacked, out, ".whl")


def _built(kind: str, source: Path, out: Path, suffix: str) -> Path:
    for old in out.glob(f"solidmark-*{suffix}"):
        old.unlink()
    code = BACKEND.format(kind)
    subprocess.run([sys.executable, "-c", code, out], cwd=source, check=True, capture_output=True)
    (made,) = out.glob(f"solidmark-*{suffix}")
    return made


def installed(wheel: Path, environment: Path) -> Path:
    """Installs a wheel where nothing else is.

    What it depends on is not downloaded: a line in the environment names the packages of the one
    that runs this. An editable install there is not seen, since it hangs on such lines itself.

    Arguments:
        wheel: The wheel.
        environment: The folder to make.

    Returns:
        The folder of its programs.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    version = "python{}.{}".format(*sys.version_info)
    packages = environment / "lib" / version / "site-packages"
    words = [sys.executable, "-m", "pip", "--python", environment / "bin" / "python", "install"]
    words += ["--quiet", "--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check"]
    subprocess.run([*words, wheel], check=True)
    others = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    others.append(sysconfig.get_path("purelib"))
    (packages / "others.pth").write_text("\n".join(dict.fromkeys(others)), encoding="utf-8")
    return environment / "bin"


def answer(programs: Path, line: str, here: Path) -> str:
    """What the installed program says.

    Arguments:
        programs: The folder of programs of the environment.
        line: What it is asked.
        here: The folder to stand in.
    """
    words = [programs / "solidmark", *line.split()]
    empty = {"PATH": "/usr/bin:/bin", "HOME": str(here), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, cwd=here, env=empty, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"solidmark {line} ends in {done.returncode}: {done.stderr}")
    return done.stdout
