"""The same four pictures, written as every kind of data set."""

import csv
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

WORDS = {"a": ("a red fox", "fox"), "b": ("", "owl"), "c": ('çà \n"q"', "fox"), "d": ("4", "owl")}


def picture(seed: int, size: tuple[int, int] = (12, 9)) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3))
    return Image.fromarray(noise.astype(np.uint8))


def png(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def tar_of(path: Path, members: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def _jsonl(folder: Path, data: dict[str, bytes]) -> Path:
    rows = [
        {"file_name": f"{n}.png", "id": n, "text": WORDS[n][0], "label": WORDS[n][1]} for n in data
    ]
    for name, bytes_ in data.items():
        (folder / f"{name}.png").write_bytes(bytes_)
    text = "".join(json.dumps(row) + "\n" for row in reversed(rows))
    (folder / "metadata.jsonl").write_text(text, encoding="utf-8")
    return folder


def _csv(folder: Path, data: dict[str, bytes]) -> Path:
    with open(folder / "metadata.csv", "w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "file_name", "text", "label"])
        for name, bytes_ in data.items():
            (folder / f"{name}.png").write_bytes(bytes_)
            writer.writerow([name, f"{name}.png", *WORDS[name]])
    return folder


def _parquet(folder: Path, data: dict[str, bytes], cell: Callable[[str, bytes], object]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {"image": cell(n, b), "id": n, "caption": WORDS[n][0], "class": WORDS[n][1]}
        for n, b in data.items()
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "part-0.parquet", row_group_size=3)
    return folder


def _parquet_paths(folder: Path, data: dict[str, bytes]) -> Path:
    for name, bytes_ in data.items():
        (folder / f"{name}.bin").write_bytes(bytes_)
    return _parquet(folder, data, lambda n, b: f"{n}.bin") / "part-0.parquet"


def _tar(folder: Path, data: dict[str, bytes]) -> Path:
    members: dict[str, bytes] = {}
    for name, bytes_ in data.items():
        members[f"x/{name}.json"] = json.dumps({"id": name, "text": "not this"}).encode()
        members[f"x/{name}.png"] = bytes_
        members[f"x/{name}.txt"] = WORDS[name][0].encode()
        members[f"x/{name}.cls"] = WORDS[name][1].encode()
    tar_of(folder / "000.tar", members)
    return folder


def _saved(folder: Path, data: dict[str, bytes]) -> Path:
    import datasets

    features = datasets.Features(
        image=datasets.Image(),
        id=datasets.Value("string"),
        text=datasets.Value("string"),
        label=datasets.ClassLabel(names=["owl", "fox"]),
    )
    columns = {
        "image": [{"bytes": b, "path": None} for b in data.values()],
        "id": list(data),
        "text": [WORDS[n][0] for n in data],
        "label": [WORDS[n][1] for n in data],
    }
    datasets.disable_progress_bars()
    datasets.Dataset.from_dict(columns, features=features).save_to_disk(str(folder))
    return folder


SOURCES: dict[str, Callable[[Path, dict[str, bytes]], Path]] = {
    "jsonl": _jsonl,
    "csv": _csv,
    "parquet bytes": lambda f, d: _parquet(f, d, lambda n, b: b),
    "parquet struct": lambda f, d: _parquet(f, d, lambda n, b: {"bytes": b, "path": f"{n}.png"}),
    "parquet paths": _parquet_paths,
    "tar": _tar,
    "saved": _saved,
}
