"""A data set is recognised by the pictures that it holds, wherever they lie."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from solidmark.data import identity_of, open_data

Save = Callable[[Path, list[bytes]], Path]


def png(side: int) -> bytes:
    held = io.BytesIO()
    Image.effect_noise((side, side), 60).save(held, "PNG")
    return held.getvalue()


def folder(here: Path, pictures: list[bytes]) -> Path:
    (here / "data").mkdir(exist_ok=True)
    for number, data in enumerate(pictures):
        (here / "data" / f"{number}.png").write_bytes(data)
    return here / "data"


def tar(here: Path, pictures: list[bytes]) -> Path:
    with tarfile.open(here / "data.tar", "w") as file:
        for number, data in enumerate(pictures):
            entry = tarfile.TarInfo(f"{number}.png")
            entry.size = len(data)
            file.addfile(entry, io.BytesIO(data))
    return here / "data.tar"


def parquet(here: Path, pictures: list[bytes]) -> Path:
    rows = [{"bytes": data, "path": f"{number}.png"} for number, data in enumerate(pictures)]
    pq.write_table(pa.table({"image": rows}), here / "data.parquet")
    return here / "data.parquet"


@pytest.mark.parametrize("save", [folder, tar, parquet])
def test_another_picture_under_the_same_name_is_another_data_set(
    save: Save, tmp_path: Path
) -> None:
    first, second = [png(16), png(16)], png(17)
    before = identity_of(open_data(str(save(tmp_path, first))))
    assert identity_of(open_data(str(save(tmp_path, first)))) == before
    size = save(tmp_path, first).stat().st_size
    where = save(tmp_path, [first[0], second])
    if save is tar:
        assert where.stat().st_size == size, "the file as a whole has not grown"
    assert identity_of(open_data(str(where))) != before
