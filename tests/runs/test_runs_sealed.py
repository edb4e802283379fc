"""What a run has written says so itself: a bit turned over anywhere is seen, or changes nothing."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from solidmark.errors import BadInput
from solidmark.runs import (
    Figure,
    open_results,
    read_ours,
    read_tensors,
    require_scored,
    write_bytes,
    write_json,
    write_ours,
    write_results,
    write_tensors,
)
from solidmark.runs.sealed import CHECKSUM

CURE = "Make it again."
VALUE: dict[str, Any] = {"look": 3, "rate": 0.125, "names": ["ä", "\ud800"], "none": None}
MANIFEST: dict[str, Any] = {
    "command": "audit",
    "config": {"seed": 0},
    "versions": {},
    "fingerprints": {},
}


def bits(data: bytes) -> list[bytes]:
    """The same with each of its bits turned over, one at a time."""
    return [
        data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]
        for place in range(len(data))
        for bit in range(8)
    ]


def test_each_bit_of_a_json_file_is_seen_or_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "look.json"
    write_ours(path, VALUE)
    whole = path.read_bytes()
    assert read_ours(path, CURE) == {**VALUE, "version": 1}
    seen = 0
    for damaged in bits(whole):
        path.write_bytes(damaged)
        found = None
        with suppress(BadInput):
            found = read_ours(path, CURE)
        seen += found is None
        if found is not None:  # The name of the checksum is hit, and nothing else has changed.
            assert {name: found[name] for name in VALUE} == VALUE
    assert seen > 0.8 * 8 * len(whole)


def test_a_json_file_of_before_is_taken_as_it_is(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", VALUE)
    assert read_ours(tmp_path / "a.json", CURE) == VALUE


def test_another_number_under_the_same_checksum_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_ours(path, VALUE)
    path.write_text(json.dumps({**json.loads(path.read_text()), "look": 2}))
    with pytest.raises(BadInput, match=r"is not what was written: its checksum differs\. Make it"):
        read_ours(path, CURE)


TENSORS = {
    "a": torch.arange(6.0).reshape(2, 3),
    "b": torch.tensor(2, dtype=torch.bfloat16),
    "c": torch.empty(0, 4, dtype=torch.int64),
}


def test_each_bit_of_a_tensor_file_is_seen_or_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS, {"of": "a test"})
    for damaged in bits(path.read_bytes()):
        path.write_bytes(damaged)
        with suppress(BadInput):
            found, head = read_tensors(path, CURE)
            assert all(torch.equal(found[name], value) for name, value in TENSORS.items())
            assert head.get("of", "a test") == "a test"  # Or the name of the head itself is hit.


def test_a_tensor_file_of_before_is_taken_as_it_is(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "a.safetensors")
    found, head = read_tensors(tmp_path / "a.safetensors", CURE)
    assert torch.equal(found["a"], TENSORS["a"])
    assert head == {}


def scored(folder: Path, value: float) -> None:
    write_bytes(folder / "scores.parquet", f"{value}".encode())
    write_bytes(folder / "named.csv", f"{value}".encode())
    figure = Figure(measure="solidmark", statistic="auc", split="trained", value=value)
    files = ("scores.parquet", "named.csv")
    write_results(folder, MANIFEST, [figure], failed=0, files=files)


def test_tables_of_another_scoring_than_the_figures_are_refused(tmp_path: Path) -> None:
    require_scored(tmp_path)  # Nothing was scored.
    scored(tmp_path, 0.5)
    require_scored(tmp_path)
    assert "files" not in open_results(tmp_path).facts
    (tmp_path / "named.csv").write_bytes(b"saved by a spreadsheet")
    require_scored(tmp_path)  # No table; who reads it asks for it by its name.
    with pytest.raises(BadInput, match=r'named\.csv" is not what was scored .*solidmark score'):
        require_scored(tmp_path, "named.csv")
    (tmp_path / "scores.parquet").write_bytes(b"0.6")  # Killed before it wrote its results.
    with pytest.raises(BadInput, match=r'scores\.parquet" is not what was scored'):
        require_scored(tmp_path)
    (tmp_path / "scores.parquet").unlink()
    require_scored(tmp_path)  # Who reads it says that it is missing.


def test_results_of_before_vouch_for_nothing(tmp_path: Path) -> None:
    scored(tmp_path, 0.5)
    results = json.loads((tmp_path / "results.json").read_text())
    del results["files"], results[CHECKSUM]
    write_json(tmp_path / "results.json", results)
    (tmp_path / "scores.parquet").write_bytes(b"another")
    require_scored(tmp_path)
    assert open_results(tmp_path).figures[0].value == 0.5
