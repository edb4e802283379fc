"""The doors that stay shut, looked for in the source itself."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "solidmark"
FILES = sorted(SOURCE.rglob("*.py"))

FORBIDDEN = {
    "torch.load": set(),
    "pickle.load": set(),
    "pickle.loads": set(),
    "torch.jit.load": {"embed/torchscript.py"},  # Of what `read_archive` packed.
    "eval": set(),
    "exec": set(),
    "os.system": set(),
    "yaml.load": set(),
    "snapshot_download": {"models/finding.py"},
    "hf_hub_download": set(),
    "datasets.load_dataset": {"data/hub.py"},
    "onnxruntime.InferenceSession": {"embed/onnx.py"},
}
"""What is called, and where alone it may be."""

OWN_FOLDERS = {"training/parts.py"}
"""They read what the same run has just written."""


def calls() -> Iterator[tuple[str, ast.Call, str]]:
    """Every call: its file, itself, and what is called."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield path.relative_to(SOURCE).as_posix(), node, ast.unparse(node.func)


@pytest.mark.parametrize("called", FORBIDDEN)
def test_what_could_run_code_is_called_in_its_one_place(called: str) -> None:
    assert {where for where, _, name in calls() if name == called} <= FORBIDDEN[called]


def test_models_come_in_by_one_door() -> None:
    """`from_pretrained` reads more than weights; `models.trusted` looks first."""
    found = {where for where, _, name in calls() if name.endswith(".from_pretrained")}
    assert found == {"models/trusted.py", *OWN_FOLDERS}


def test_no_array_is_unpickled() -> None:
    loads = [node for _, node, name in calls() if name in ("np.load", "numpy.load")]
    assert loads
    for node in loads:
        told = {word.arg: ast.unparse(word.value) for word in node.keywords}
        assert told.get("allow_pickle") == "False", ast.unparse(node)


def test_pickle_is_imported_to_read_stand_ins_only() -> None:
    importing = {
        path.relative_to(SOURCE).as_posix()
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import)
        and {"pickle", "dill", "joblib"} & {a.name for a in node.names}
    }
    assert importing == {"embed/archive.py"}
