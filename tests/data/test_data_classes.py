"""Classes: the same name and number whatever a data set is kept in; folders as classes."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from solidmark.data import Records, class_numbers, names_by_number, open_data
from solidmark.generating.prompts import prompts_of
from solidmark.marks import Marking, Segments, mark_dataset, open_marked
from solidmark.subjects import open_subjects

from .sources import picture, png

NAMES = ["airplane", "bird", "cat"]


def classes(data: Records) -> list[tuple[str | None, int | None]]:
    return [(data[n].label, data[n].class_index) for n in range(len(data))]


def labelled(path: Path, labels: list[object], names: list[str] | None = None) -> Path:
    table = pa.table({"image": [png(picture(n)) for n in range(len(labels))], "label": labels})
    if names is not None:
        feature = {"names": names, "_type": "ClassLabel"}
        told = json.dumps({"info": {"features": {"label": feature}}})
        table = table.replace_schema_metadata({"huggingface": told})
    pq.write_table(table, path)
    return path


def test_parquet_and_save_to_disk_agree(tmp_path: Path) -> None:
    import datasets

    datasets.disable_progress_bars()
    labels = [2, 0, 2, None, -1]
    features = datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(names=NAMES))
    cells = [{"bytes": png(picture(n)), "path": None} for n in range(5)]
    saved = datasets.Dataset.from_dict({"image": cells, "label": labels}, features=features)
    saved.save_to_disk(str(tmp_path / "saved"))
    expected = [("cat", 2), ("airplane", 0), ("cat", 2), (None, None), (None, None)]
    assert classes(open_data(tmp_path / "saved")) == expected
    path = labelled(tmp_path / "a.parquet", labels, NAMES)
    assert classes(open_data(path)) == expected
    assert [p.class_index for p in prompts_of(open_data(path))] == [2, 0, 2, None, None]


@pytest.mark.parametrize("labels", [[10.0, 2.0, None, -1.0], ["10", "2.0", "", "-1"]])
def test_whole_numbers_keep_their_value(tmp_path: Path, labels: list[object]) -> None:
    path = labelled(tmp_path / "a.parquet", labels)
    expected = [("10", 10), ("2", 2), (None, None), (None, None)]
    assert classes(open_data(path)) == expected
    # Neither a limit nor a marking moves them.
    assert classes(open_data(path, limit=1)) == expected[:1]
    subjects = open_subjects(str(path))
    assert subjects.sample("trained", "a.parquet/00000000").class_index == 10
    marking = Marking(Segments(3, 4), seed=1, held_out=0)
    manifest = mark_dataset(open_data(path), tmp_path / "marked", marking, {})
    marked = open_marked(tmp_path / "marked")
    by_mark = [
        (marked.sample(id).label, marked.sample(id).class_index) for id in marked.ids("trained")
    ]
    assert by_mark == expected
    assert manifest["classes"] == [None, None, "2", *[None] * 7, "10"]
    assert manifest["inventory"]["data"]["classes"] == 2
    # The training folder alone, as any other data, says the same.
    assert classes(open_data(tmp_path / "marked" / "train")) == expected


def test_names_stay_and_are_numbered_in_order() -> None:
    assert class_numbers([(name, None) for name in ("owl", "cat", "10", "9")]) == {
        "9": 0,
        "10": 1,
        "cat": 2,
        "owl": 3,
    }
    # Two names of one number cannot both have it.
    assert class_numbers([("7", None), ("007", None)]) == {"007": 0, "7": 1}
    assert class_numbers([("owl", 4), ("cat", 4)]) == {"cat": 0, "owl": 1}
    assert class_numbers([("owl", 4), ("cat", None)]) == {"cat": 0, "owl": 1}
    assert names_by_number({"b": 2, "a": 0}) == ["a", None, "b"]


def folders(root: Path, names: list[str], each: int) -> Path:
    for place, name in enumerate(names):
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(each):
            (root / name / f"{number}.png").write_bytes(png(picture(100 * place + number, (4, 4))))
    return root


def test_few_folders_that_hold_many_are_classes(tmp_path: Path) -> None:
    data = open_data(folders(tmp_path, ["owl", "cat"], 10))
    assert {record.label for record in data.records} == {"cat", "owl"}
    assert data.inventory is not None
    assert data.inventory.line == (
        "20 images, 0 captions, 2 classes (the folders; --no-class-folders takes none)"
    )
    none = open_data(tmp_path, class_folders=False)
    assert {record.label for record in none.records} == {None}


@pytest.mark.parametrize(
    ("names", "each", "root"),
    [
        (["owl", "cat"], 9, False),
        (["owl", "cat"], 10, True),
        (["owl"], 30, False),
        (["train", "cat"], 10, False),
    ],
)
def test_other_folders_are_none(tmp_path: Path, names: list[str], each: int, root: bool) -> None:
    folders(tmp_path, names, each)
    if root:
        (tmp_path / "loose.png").write_bytes(png(picture(1)))
    data = open_data(tmp_path)
    assert {record.label for record in data.records} == {None}
    asked = open_data(tmp_path, class_folders=True)
    assert {record.label for record in asked.records} >= set(names)
