"""Tars, tables and configurations that lead out, lie, or are bombs."""

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .case import INSPECT, MARK, REFUSED, SET_APART, TAKEN, Case, Make
from .pictures import PNG, png_of

Member = tuple[str, bytes | None, dict[str, Any]]
"""The name, the bytes, and what the header says beside."""


def tar_of(*members: Member) -> bytes:
    """A tar of good pictures and these members."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as tar:
        good = [(f"{n}.png", png_of(9 + n, 9), {}) for n in range(4)]
        for name, content, said in [*good, *members]:
            member = tarfile.TarInfo(name)
            member.size = len(content or b"")
            for key, value in said.items():
                setattr(member, key, value)
            tar.addfile(member, io.BytesIO(content) if content is not None else None)
    return data.getvalue()


def _link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> Member:
    return name, None, {"type": kind, "linkname": target}


def _huge(size: int) -> bytes:
    """A member whose header says more than the file holds."""
    data = bytearray(tar_of())
    head = bytearray(tarfile.TarInfo("x.png").tobuf())
    head[124:136] = f"{size:011o}\0".encode()
    head[148:156] = b" " * 8
    head[148:156] = f"{sum(head):06o}\0 ".encode()
    return bytes(data[:-1024].rstrip(b"\0")) + b"\0" * 512 + bytes(head) + bytes(1024)


SPARSE = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "x.png"}
TARS: dict[str, Callable[[], bytes]] = {
    "a name that leads out": lambda: tar_of(("../../canary.png", PNG, {})),
    "an absolute name": lambda: tar_of(("/tmp/canary.png", PNG, {})),
    "a link that leads out": lambda: tar_of(_link("x.png", "../../../../etc/passwd")),
    "an absolute link": lambda: tar_of(_link("x.png", "/etc/passwd")),
    "a hard link that leads out": lambda: tar_of(_link("x.png", "/etc/passwd", tarfile.LNKTYPE)),
    "links in a circle": lambda: tar_of(_link("a.png", "b.png"), _link("b.png", "a.png")),
    "a link to itself": lambda: tar_of(_link("a.png", "a.png")),
    "a device": lambda: tar_of(
        ("x.png", None, {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 5})
    ),
    "a pipe": lambda: tar_of(("x.png", None, {"type": tarfile.FIFOTYPE})),
    "a sparse member of 8 EB": lambda: tar_of(
        (
            "x.png",
            b"1\n0\n512\n" + bytes(504),
            {"pax_headers": SPARSE | {"GNU.sparse.realsize": f"{2**63}"}},
        )
    ),
    "a sparse map that lies": lambda: tar_of(
        ("x.png", b"99999999\n", {"pax_headers": SPARSE | {"GNU.sparse.realsize": "9"}})
    ),
    "a member of 8 GB that is not there": lambda: _huge(8**11 - 1),
    "a header that says a word for a size": lambda: tar_of(
        ("x.png", PNG, {"pax_headers": {"size": "many"}})
    ),
    "a header that says a negative size": lambda: tar_of(
        ("x.png", PNG, {"pax_headers": {"size": "-512"}})
    ),
    "a time that is no time": lambda: tar_of(("x.png", PNG, {"pax_headers": {"mtime": "nan"}})),
    "a name with escapes": lambda: tar_of(("\x1b[31m\n.png", PNG, {})),
    "a name of 100,000 letters": lambda: tar_of(("x" * 100_000 + ".png", PNG, {})),
    "a name that is empty": lambda: tar_of(("", PNG, {})),
    "a name of dots": lambda: tar_of(("./././.", PNG, {}), ("..", PNG, {})),
    "a caption of 50 MB": lambda: tar_of(("x.png", PNG, {}), ("x.txt", b"w " * 25_000_000, {})),
    "deep JSON": lambda: tar_of(("x.png", PNG, {}), ("x.json", b"[" * 200_000, {})),
    "a broken picture": lambda: tar_of(("x.png", PNG[:50], {})),
    "a bomb": lambda: tar_of(("x.png", png_of(30_000, 30_000), {})),
    "a tar in the tar": lambda: tar_of(("x.tar", tar_of(), {})),
    "the half of it": lambda: tar_of(("x.png", PNG, {}))[:3000],
    "nothing": lambda: b"",
    "zeros only": lambda: bytes(10240),
    "20,000 empty members": lambda: tar_of(*((f"{n}.txt", b"", {}) for n in range(20_000))),
}
ROWS = [{"file_name": f"{n:02}.png", "text": f"caption {n}"} for n in range(8)]


def _lines(*more: str) -> bytes:
    return "\n".join([*map(json.dumps, ROWS), *more]).encode("utf-8", "surrogatepass")


JSON_LINES: dict[str, bytes] = {
    "a path that leads out": _lines('{"file_name": "../photos/50.png"}'),
    "an absolute path": _lines('{"file_name": "/etc/passwd"}'),
    "a device": _lines('{"file_name": "/dev/zero"}'),
    "a path out by a detour": _lines('{"file_name": "a/../../photos/50.png"}'),
    "a path with a NUL": _lines('{"file_name": "a\\u0000.png"}'),
    "half a surrogate": _lines('{"file_name": "00.png\\ud800"}'),
    "the folder itself": _lines('{"file_name": "."}'),
    "a web address": _lines('{"file_name": "http://127.0.0.1:9/x.png"}'),
    "a file address": _lines('{"file_name": "file:///etc/passwd"}'),
    "a path twice": _lines('{"file_name": "00.png"}'),
    "a path twice, spelt otherwise": _lines('{"file_name": "./00.png"}'),
    "a number for a path": _lines('{"file_name": 7}'),
    "a list for a path": _lines('{"file_name": ["00.png"]}'),
    "a deep list": _lines("[" * 100_000),
    "a deep object": _lines('{"a":' * 50_000),
    "a long number": _lines('{"file_name": "00.png", "label": ' + "9" * 100_000 + "}"),
    "NaN and infinity": _lines('{"file_name": "a.png", "text": NaN, "label": Infinity}'),
    "a list for a caption": _lines('{"file_name": "a.png", "text": ["a", {"b": 1}]}'),
    "a name twice in a line": _lines('{"file_name": "00.png", "file_name": "../x.png"}'),
    "no UTF-8": _lines() + b'\n{"file_name": "\xff.png"}',
    "UTF-16": _lines().decode().encode("utf-16"),
    "NUL bytes": bytes(10_000),
    "empty": b"",
    "one line of 30 MB": _lines('{"file_name": "a.png", "text": "' + "x" * 30_000_000 + '"}'),
    "100,000 columns": _lines(json.dumps({f"c{n}": n for n in range(100_000)})),
    "a list": b"[]",
    "code in names": _lines('{"__class__": "os.system", "file_name": "00.png", "py/object": "os"}'),
}
CSVS: dict[str, bytes] = {
    "formulas": b"file_name,text\n"
    + b"".join(b"%02d.png,=cmd|'/C calc'!A0\n" % n for n in range(8)),
    "an open quote": b'file_name,text\n00.png,"open\n01.png,b\n',
    "NUL": b"file_name,text\n00.png,a\0b\n",
    "a cell of 1 MB": b"file_name,text\n00.png," + b"x" * 10**6 + b"\n",
    "too many cells": b"file_name,text\n00.png,a,b,c\n01.png,a\n",
    "columns twice": b"file_name,text,text\n00.png,a,b\n01.png,c,d\n",
    "no head": b"00.png,a\n01.png,b\n",
    "empty": b"",
    "no UTF-8": b"file_name,text\n00.png,\xff\n01.png,b\n",
    "a path that leads out": b"file_name,text\n../photos/50.png,x\n01.png,b\n",
    "carriage returns": b"file_name,text\r00.png,a\r01.png,b\r",
}


def _parquets() -> dict[str, Callable[[], Any]]:
    import pyarrow as pa

    def images(*values: Any) -> Any:
        return pa.table(
            {"image": [{"bytes": png_of(9 + n, 9), "path": None} for n in range(4)] + list(values)}
        )

    feature = b'{"info": {"features": {"label": {"_type": "ClassLabel", "names": ["a"]}}}}'
    good = [png_of(9 + n, 9) for n in range(4)]
    return {
        "a path that leads out": lambda: images({"bytes": None, "path": "../photos/50.png"}),
        "an absolute path": lambda: images({"bytes": None, "path": "/etc/passwd"}),
        "no bytes": lambda: images({"bytes": b"", "path": None}, None),
        "a bomb": lambda: images({"bytes": png_of(30_000, 30_000), "path": None}),
        "numbers for images": lambda: pa.table({"image": [1, 2, 3]}),
        "lists for images": lambda: pa.table({"image": [[1], [2]]}),
        "a class that has no name": lambda: pa.table(
            {"image": good, "label": [0, 99, -1, 0]}
        ).replace_schema_metadata({b"huggingface": feature}),
        "a class of text among named": lambda: pa.table(
            {"image": good, "label": ["a", "x", "y", "z"]}
        ).replace_schema_metadata({b"huggingface": feature}),
        "features that are no JSON": lambda: pa.table({"image": good}).replace_schema_metadata(
            {b"huggingface": b"{"}
        ),
        "deep features": lambda: pa.table({"image": good}).replace_schema_metadata(
            {b"huggingface": b"[" * 100_000}
        ),
        "captions of structs": lambda: pa.table({"image": good, "text": [{"a": [1]}] * 4}),
        "captions of times": lambda: pa.table(
            {"image": good, "text": pa.array([1, 2, 3, 4], pa.timestamp("ns"))}
        ),
        "captions of decimals and nulls": lambda: pa.table({"image": good, "text": pa.nulls(4)}),
        "times before the first year": lambda: pa.table(
            {"image": good, "id": pa.array([-(2**62), 1, 2, 3], pa.timestamp("us"))}
        ),
        "columns twice": lambda: pa.Table.from_arrays(
            [pa.array(good), pa.array(good)], names=["image", "image"]
        ),
        "no rows": lambda: pa.table({"image": pa.array([], pa.binary())}),
        "no columns": lambda: pa.table({}),
        "text that is no UTF-8": lambda: pa.table(
            {"image": good, "text": pa.array([b"\xff"] * 4).view(pa.string())}
        ),
    }


def _write(name: str, content: Callable[[], bytes]) -> Make:
    return lambda here: (here / "data" / name).write_bytes(content())


def _alone(name: str, content: Callable[[], bytes]) -> Make:
    def make(here: Path) -> None:
        for path in (here / "data").iterdir():
            path.unlink()
        (here / "data" / name).write_bytes(content())

    return make


def _table(make_table: Callable[[], Any]) -> Callable[[], bytes]:
    def content() -> bytes:
        import pyarrow.parquet as pq

        data = io.BytesIO()
        pq.write_table(make_table(), data)
        return data.getvalue()

    return content


PARQUET_BYTES: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda whole: whole[: len(whole) // 2],
    "a footer that claims 2 GB": lambda whole: whole[:-8] + b"\xff\xff\xff\x7fPAR1",
    "a footer of zeros": lambda whole: whole[:-200] + bytes(192) + whole[-8:],
    "pages of zeros": lambda whole: whole[:10] + bytes(300) + whole[310:],
    "the magic alone": lambda whole: b"PAR1PAR1",
}
BILLION = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
YAMLS: dict[str, tuple[str, tuple[str, ...]]] = {
    "a command": ("seed: !!python/object/apply:os.system ['touch canary']", (REFUSED,)),
    "an object": ("seed: !!python/object/new:os.system ['touch canary']", (REFUSED,)),
    "a name": ("seed: !!python/name:os.system", (REFUSED,)),
    "a module": ("!!python/module:os : 1", (REFUSED,)),
    "billion laughs in an unknown key": (BILLION, (REFUSED,)),
    "billion laughs in a value": (BILLION.replace("i: &i", "pattern: &i"), (REFUSED,)),
    "a list that holds itself": ("pattern: &a [*a]", (REFUSED,)),
    "an object that holds itself": ("&a pattern: &b {x: *b}", (REFUSED,)),
    "a deep list": ("pattern: " + "[" * 5_000, (REFUSED,)),
    "an unknown key": ("__class__: x", (REFUSED,)),
    "a list": ("- 1\n- 2", (REFUSED,)),
    "a text": ("hello", (REFUSED,)),
    "a word for a number": ("thickness: wide", (REFUSED,)),
    "a list for a number": ("thickness: [1, 2]", (REFUSED,)),
    "an object for a number": ("thickness: {a: 1}", (REFUSED,)),
    "a date for a number": ("thickness: 2026-01-01", (REFUSED,)),
    "a truth for a number": ("thickness: true", (REFUSED,)),
    "a number for a name": ("pattern: 7", (REFUSED,)),
    "infinity": ("held_out: .inf", (REFUSED,)),
    "NaN": ("held_out: .nan", (REFUSED,)),
    "a huge number": ("thickness: " + "9" * 5_000, (REFUSED,)),
    "a number in 60 parts": ("thickness: 1" + ":59" * 60, (REFUSED,)),
    "bytes": ("pattern: !!binary aGVsbG8=", (REFUSED,)),
    "a set": ("pattern: !!set {a, b}", (REFUSED,)),
    "two documents": ("seed: 1\n---\nseed: 2", (REFUSED,)),
    "controls": ("pattern: \x1b[31m", (REFUSED,)),
    "escapes": ('pattern: "\\e[31m\\a"', (REFUSED,)),
    "escapes in a key": ('"\\e[31m\\a": 1', (REFUSED,)),
    "another version": ("version: 99", (REFUSED,)),
    "a list for a version": ("version: [1]", (REFUSED,)),
    "an object for a version": ("version: {1: 2}", (REFUSED,)),
    "a list for a command": ("command: [mark]", (REFUSED,)),
    "a key that is a list": ("? [a, b]\n: 1", (REFUSED,)),
    "a key that is null": ("~: 1", (REFUSED,)),
    "empty": ("", (TAKEN, REFUSED)),
    "a merge of a text": ("<<: x", (REFUSED,)),
    "OUT elsewhere": ("out: ../elsewhere", (REFUSED, TAKEN)),
    "the file itself": ("config: config.yaml", (REFUSED,)),
}


def _config(text: str) -> Make:
    return lambda here: (here / "config.yaml").write_text(text, encoding="utf-8")


def cases() -> Iterator[Case]:
    """Everything that holds images or words of images, and configurations."""
    for name, content in TARS.items():
        make = _alone("shard.tar", content)
        yield Case("tars", name, make, MARK)
        yield Case("tars", name, make, INSPECT)
    for kind, table in (("jsonl", JSON_LINES), ("csv", CSVS)):
        for name, text in table.items():
            make = _write(f"metadata.{kind}", lambda text=text: text)  # type: ignore[misc]
            yield Case(kind, name, make, MARK)
            yield Case(kind, name, make, INSPECT)
    parquets = _parquets()
    for name, build in parquets.items():
        yield Case("parquet", name, _alone("shard.parquet", _table(build)), MARK)
        yield Case("parquet", name, _alone("shard.parquet", _table(build)), INSPECT)
    whole = _table(parquets["a path that leads out"])
    for name, damage in PARQUET_BYTES.items():
        make = _alone("shard.parquet", lambda damage=damage: damage(whole()))  # type: ignore[misc]
        yield Case("parquet", name, make, MARK, (REFUSED, SET_APART))
        make = _write("metadata.parquet", lambda damage=damage: damage(whole()))  # type: ignore[misc]
        yield Case("parquet", f"{name}, metadata", make, MARK)
    for name, (text, ends) in YAMLS.items():
        yield Case(
            "configurations",
            name,
            _config(text),
            ("mark", "data", "OUT", "--config", "config.yaml"),
            ends,
        )
