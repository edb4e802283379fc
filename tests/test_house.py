"""The rules of the house: layers, sizes, names, documents."""

import ast
import importlib
import importlib.util
import inspect
import pkgutil
import re
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pytest

import solidmark
from solidmark import errors
from solidmark.cli.main import COMMANDS

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "solidmark"
FILES = sorted(SOURCE.rglob("*.py"))
BANNED = ("torchvision", "timm", "open_clip", "lpips", "cleanfid", "torch_fidelity")
"""What would bring another torch along."""


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(solidmark.__path__, "solidmark."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def names(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def imports(path: Path) -> Iterator[str]:
    """The packages that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def test_a_module_imports_from_lower_layers_only() -> None:
    pytest.importorskip("importlinter")
    words = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    done = subprocess.run([*words, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_no_module_is_longer_than_400_lines() -> None:
    long = {
        names(path): count
        for path in FILES
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long


def test_no_module_is_called_after_nothing() -> None:
    nameless = {"utils", "util", "helpers", "helper", "misc", "common", "base"}
    assert not [names(path) for path in FILES if nameless & set(path.with_suffix("").parts)]


def test_one_place_prints() -> None:
    """So that no name or caption speaks to a terminal."""
    printing = re.compile(r"(?<![\w.])print\(|\becho\(|std(?:out|err)\.write|Console\(")
    found = [
        f"{names(path)}: {line.strip()}"
        for path in FILES
        for line in path.read_text(encoding="utf-8").splitlines()
        if printing.search(line) and ">>>" not in line and path.name != "saying.py"
    ]
    # The help of typer is ours, and the bar of rich shows what went through `tame`.
    assert sorted(line.split(": ")[0] for line in found) == ["cli/main.py", "runs/progress.py"]


@pytest.mark.parametrize("package", BANNED)
def test_what_brings_another_torch_is_neither_there_nor_imported(package: str) -> None:
    assert importlib.util.find_spec(package) is None
    assert not [names(path) for path in FILES if package in imports(path)]


def test_every_import_is_a_declared_dependency() -> None:
    """What another package happens to bring along may be gone with its next version."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    declared = re.search(r"^dependencies = \[(.*?)^\]", project, re.MULTILINE | re.DOTALL)
    assert declared
    known = {re.split(r"[><=\[ ]", name)[0] for name in re.findall(r'"([^"]+)"', declared[1])}
    known |= {"huggingface_hub", "PIL", "yaml", "solidmark"}
    optional = {"faiss", "fontTools", "onnxruntime", "pdqhash", "pydicom", "ray", "resvg_py"}
    optional |= {"lightning", "pytorch_lightning"}  # Of who trains with it.
    optional |= {"markupsafe"}  # jinja2 is made of it.
    used = {package for path in FILES for package in imports(path)}
    assert used - set(sys.stdlib_module_names) - known - optional == set()


def test_every_public_name_exists_and_says_what_it_is() -> None:
    silent = []
    for module in modules():
        if not module.__doc__:
            silent.append(module.__name__)
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            described = inspect.isclass(value) or inspect.isroutine(value)
            if described and (not value.__doc__ or _is_generated(value)):
                silent.append(f"{module.__name__}.{name}")
    assert not silent


def _is_generated(value: object) -> bool:
    """Whether a docstring is the one that `dataclass` makes of the fields."""
    return inspect.isclass(value) and str(value.__doc__).startswith(f"{value.__name__}(")


def test_packages_say_what_they_offer() -> None:
    for module in modules():
        if hasattr(module, "__path__"):
            assert module.__all__ == sorted(module.__all__, key=_isort), module.__name__


def _isort(name: str) -> tuple[int, str]:
    """CONSTANTS, then Classes, then functions, as ruff sorts them."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def test_nothing_of_the_package_is_ignored_by_git() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    paths = [str(path) for path in [*FILES, *sorted((ROOT / "tests").rglob("*.py"))]]
    done = subprocess.run(
        ["git", "check-ignore", "--stdin"],
        cwd=ROOT,
        input="\n".join(paths),
        capture_output=True,
        text=True,
    )
    assert done.stdout == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme(command: str) -> None:
    assert f"solidmark {command}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_speaks_of_no_other_command() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL))
    spoken = set(re.findall(r"^(?:\$ )?solidmark ([a-z]+)", code, re.MULTILINE))
    spoken |= set(re.findall(r"`solidmark ([a-z]+)", text))
    assert spoken <= set(COMMANDS)


def test_every_package_is_in_the_architecture() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for found in pkgutil.iter_modules(solidmark.__path__):
        if found.name != "__main__":
            assert f"`{found.name}`" in text, found.name


def test_the_tree_of_errors_is_the_tree_of_errors() -> None:
    """The drawing at the top of the module names every class, under its parent."""
    drawn: dict[str, str] = {}
    stack: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"([│├└─ ]*)([A-Z][A-Za-z]+)  +", line):
            depth, name = len(found[1]), found[2]
            while stack and stack[-1][0] >= depth:
                stack.pop()
            drawn[name] = stack[-1][1] if stack else "Exception"
            stack.append((depth, name))
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, Exception)]
    assert drawn == {c.__name__: c.__bases__[0].__name__ for c in classes}


def test_every_error_that_is_raised_is_of_the_tree() -> None:
    """Nothing else may reach a user; what a caller in Python may do wrong is not theirs."""
    known = {name for name, _ in inspect.getmembers(errors, inspect.isclass)}
    # Of `__getattr__`, Python itself expects an AttributeError, and of a Mapping a KeyError.
    known |= {"KeyboardInterrupt", "NotImplementedError", "Exit", "AttributeError", "KeyError"}
    odd = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                called = node.exc.func
                name = called.attr if isinstance(called, ast.Attribute) else ast.unparse(called)
                if name[0].isupper() and name not in known:
                    odd.append(f"{names(path)}: {name}")
    assert not odd


UNKNOWN = re.compile(
    r'There is no [\w .-]+ "[^"]*"\.( Did you mean "[^"]+"\?)? Available: [\w.-]+(, [\w.-]+)*\.'
)


def unknown_names() -> dict[str, typing.Callable[[], object]]:
    """Every table of names, asked for one that is not in it."""
    from solidmark.data import Preparation, open_data
    from solidmark.diffusion import beta_schedule
    from solidmark.embed import open_embedder
    from solidmark.marks import pattern_from_json
    from solidmark.measures.nearest import Comparison
    from solidmark.measures.nearest.distances import open_distances
    from solidmark.mitigations import parse
    from solidmark.perturbations import parse as parse_perturbation
    from solidmark.scores import score_table
    from solidmark.training import Recipe, preset

    nothing = pa.table({})
    return {
        "example": lambda: open_data("example:digit"),
        "image mode": lambda: Preparation(mode="RBG"),  # type: ignore[arg-type]
        "pattern": lambda: pattern_from_json({"name": "boarder"}),
        "mitigation": lambda: parse("gnu:0.1"),
        "preset of a mitigation": lambda: parse("rt:papr"),
        "perturbation": lambda: parse_perturbation("crp:0.8"),
        "embedder": lambda: open_embedder("dinov3"),
        "distance": lambda: open_distances(("phas",)),
        "null": lambda: Comparison("drawn", "train", Path("out"), null="trian"),
        "schedule": lambda: beta_schedule("cosin"),  # type: ignore[arg-type]
        "statistic": lambda: score_table(nothing, nothing, "fischer"),  # type: ignore[arg-type]
        "correction": lambda: score_table(nothing, nothing, correction="bhy"),  # type: ignore[arg-type]
        "preset": lambda: preset("ddmp-32"),
        "field of a preset": lambda: preset("ddpm-32", num_train_epoch=3),
        "field of a recipe": lambda: Recipe.from_json({"num_train_epoch": 3}),
        "choice of a recipe": lambda: Recipe(prediction_type="epsilo"),  # type: ignore[arg-type]
    }


@pytest.mark.parametrize("name", unknown_names())
def test_an_unknown_name_is_answered_with_those_that_are_known(name: str) -> None:
    with pytest.raises(errors.UnknownName) as raised:
        unknown_names()[name]()
    assert UNKNOWN.fullmatch(str(raised.value)), str(raised.value)
    assert "Did you mean" in str(raised.value)


def test_a_name_that_is_like_no_other_gets_no_suggestion() -> None:
    message = str(errors.UnknownName("reader", "xyz", ["probe", "energy"]))
    assert message == 'There is no reader "xyz". Available: energy, probe.'
    assert UNKNOWN.fullmatch(message)


def test_what_benchmarks_and_documents_take_from_the_package_is_there() -> None:
    """They are run by hand, so nothing else would say that a name has moved."""
    codes = [path.read_text(encoding="utf-8") for path in (ROOT / "benchmarks").glob("*.py")]
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        codes += re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    gone = []
    for node in (node for code in codes for node in ast.walk(ast.parse(code))):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("solidmark"):
            module = importlib.import_module(str(node.module))
            for name in node.names:
                inner = f"{node.module}.{name.name}"
                if not hasattr(module, name.name) and importlib.util.find_spec(inner) is None:
                    gone.append(inner)
    assert not gone
