"""Ids as keyed hashes: the same in every command, and nobody is named without the secret."""

import csv
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from solidmark.__main__ import main
from solidmark.data import hashed as hashing
from solidmark.data import identity_of, inventories, open_data
from solidmark.data.hashed import DIGITS, Pseudonyms, open_pseudonyms
from solidmark.data.records import Record, unnamed
from solidmark.errors import BadInput, BrokenImage


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Eight pictures of four people, one of which is broken, and a note."""
    folder = tmp_path / "people"
    folder.mkdir()
    lines = []
    for number in range(8):
        pixels = np.random.default_rng(number).integers(0, 256, (12, 12, 3), np.uint8)
        Picture.fromarray(pixels).save(folder / f"doe-{number}.png")
        lines.append({"file_name": f"doe-{number}.png", "group": f"doe-{number // 2}"})
    (folder / "doe-5.png").write_bytes(b"nothing")
    (folder / "doe.txt").write_text("a note")
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return folder


def test_a_hash_is_that_of_kind_and_name_under_the_secret() -> None:
    one, other = Pseudonyms(b"one"), Pseudonyms(b"other")
    found = {one.of("id", "a"), one.of("id", "b"), one.of("group", "a"), other.of("id", "a")}
    assert len(found) == 4
    assert all(len(text) == DIGITS and int(text, 16) >= 0 for text in found)
    assert one.of("id", "\udcff") != one.of("id", "\udcfe")


def test_the_same_secret_gives_the_same_ids(people: Path, tmp_path: Path) -> None:
    plain = open_data(people)
    one = open_data(people, hash_ids=tmp_path / "secret")
    again = open_data(str(people), hash_ids=str(tmp_path / "secret"))
    other = open_data(people, hash_ids=tmp_path / "another")
    assert one.ids == again.ids == sorted(one.ids)
    assert identity_of(one) == identity_of(again) != identity_of(other)
    assert not set(one.ids) & set(other.ids) & set(plain.ids)
    some = open_data(people, hash_ids=tmp_path / "secret", limit=3)
    assert some.ids == one.ids[:3]
    # Images of one person still belong together, and pictures are those that they were.
    groups = [record.group for record in one.records]
    assert sorted(groups.count(group) for group in set(groups)) == [2, 2, 2, 2]
    contents = {sample.content for sample in map(plain.__getitem__, (0, 1, 2, 3, 4, 6, 7))}
    good = [number for number, id in enumerate(one.ids) if id != _broken(one)]
    assert {one[number].content for number in good} == contents


def _broken(data: object) -> str:
    for number, id in enumerate(data.ids):  # type: ignore[attr-defined]
        try:
            data[number]  # type: ignore[index]
        except BrokenImage:
            return str(id)
    raise AssertionError


def test_the_list_beside_the_secret_says_who_is_who(people: Path, tmp_path: Path) -> None:
    secret = tmp_path / "kept" / "secret"
    data = open_data(people, hash_ids=secret)
    (people / "more.png").write_bytes((people / "doe-0.png").read_bytes())
    (people / "metadata.jsonl").write_text('{"file_name": "more.png", "id": "=1+1"}')
    open_data(people, hash_ids=secret)
    kept = secret.with_name("secret.csv")
    with open(kept, newline="") as lines:
        rows = list(csv.DictReader(lines))
    called = {row["hashed"]: row["name"] for row in rows if row["kind"] == "id"}
    assert {called[id] for id in data.ids} == {f"doe-{number}.png" for number in range(8)}
    assert len(rows) == 8 + 4 + 1
    assert {path.stat().st_mode & 0o777 for path in (secret, kept)} == {0o600}
    before = kept.read_bytes()
    open_data(people, hash_ids=secret)
    assert kept.read_bytes() == before


def test_what_two_commands_add_at_once_is_all_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    pseudonyms = open_pseudonyms(secret)
    read = hashing._rows

    def slowly(path: Path) -> list[tuple[str, ...]]:
        found = list(read(path))
        time.sleep(0.1)  # Long enough for all the others to have read the same.
        return found

    monkeypatch.setattr(hashing, "_rows", slowly)
    with ThreadPoolExecutor(4) as several:
        asked = ([Record(f"{number}.png", f"{number}.png")] for number in range(4))
        list(several.map(lambda one: hashing.hashed(one, pseudonyms, secret), asked))
    with open(f"{secret}.csv", encoding="utf-8", newline="") as file:
        assert {row["name"] for row in csv.DictReader(file)} == {f"{n}.png" for n in range(4)}


def test_no_reason_and_no_inventory_names_anybody(people: Path, tmp_path: Path) -> None:
    data = open_data(people, hash_ids=tmp_path / "secret")
    broken = _broken(data)
    with pytest.raises(BrokenImage) as raised:
        data[data.ids.index(broken)]
    assert broken in str(raised.value)
    assert "doe" not in str(raised.value)
    found = inventories(data=data)["data"]
    assert "doe" not in json.dumps(found)
    assert found["left_out"] == [{"reason": "texts", "count": 1, "names": ()}] or found["left_out"]


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ('There is no file "a/b.png".', 'There is no file "...".'),
        ('Line 7 of "x \\" y" has no "file_name".', 'Line 7 of "..." has no "...".'),
        ("It cannot be decoded (of (Jane) Doe).", "It cannot be decoded."),
        ("It is gone.", "It is gone."),
    ],
)
def test_a_reason_without_names(reason: str, said: str) -> None:
    assert unnamed(reason) == said


@pytest.mark.parametrize("held", ["nothing", "[]", '{"version": 1}', '{"secret": "no"}'])
def test_what_holds_no_secret_is_refused(held: str, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(held)
    with pytest.raises(BadInput, match="secret"):
        open_pseudonyms(path)


def test_a_plan_makes_no_secret(people: Path, tmp_path: Path) -> None:
    words = ["mark", str(people), str(tmp_path / "out"), "--hash-ids", str(tmp_path / "secret")]
    assert main([*words, "--dry-run"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"people"}


def test_marked_images_keep_their_ids(
    people: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out, secret = str(tmp_path / "out"), ["--hash-ids", str(tmp_path / "secret")]
    assert main(["mark", str(people), out, "--thickness", "2", "--held-out", "0.3", *secret]) == 0
    assert main(["mark", str(people), out, "--thickness", "2", "--held-out", "0.3", *secret]) == 0
    new = str(tmp_path / "new")
    for words in (["signals", "gaussian", out], ["duplicates", out], ["nearest", str(people), out]):
        capfd.readouterr()
        assert main([*words, new, "--device", "cpu", *secret]) == 2
        assert "--hash-ids" in capfd.readouterr().err
    assert main(["audit", "gaussian", out, new, "--device", "cpu", *secret]) == 2
    assert "--hash-ids" in capfd.readouterr().err


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a,b,c\r\n1,2,3\r\n",
        b'hashed,kind,name\r\n"aa,id,x',
        b"hashed,kind,name\r\naa,id,\xff",
    ],
    ids=["empty", "other columns", "cut off", "saved by a spreadsheet"],
)
def test_a_list_that_is_not_ours_is_refused_and_kept(
    content: bytes, people: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret.csv").write_bytes(content)
    with pytest.raises(BadInput, match=r"secret\.csv.*the hashes stay as they are"):
        open_data(people, hash_ids=tmp_path / "secret")
    assert (tmp_path / "secret.csv").read_bytes() == content


def test_a_name_of_any_length_is_read_again(tmp_path: Path) -> None:
    long, secret = "n" * 200_000, tmp_path / "secret"
    for name in (long, "short"):
        hashing.hashed([Record(name, bytes)], open_pseudonyms(secret), secret)
    rows = hashing._rows(tmp_path / "secret.csv")
    assert {row[2] for row in rows} == {long, "short"}
    assert csv.field_size_limit() < 200_000


@pytest.mark.parametrize("secret", ["", "5a", "z" * 64, "5a " * 32, "5a" * 33])
def test_a_secret_that_is_none_is_refused(secret: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(json.dumps({"version": 1, "secret": secret}))
    with pytest.raises(BadInput, match="holds no secret of ours"):
        open_pseudonyms(tmp_path / "secret")


def test_a_digit_that_was_turned_over_is_no_secret(tmp_path: Path) -> None:
    """Other hashes, unsaid, would call every image by another name."""
    kept = open_pseudonyms(tmp_path / "secret")
    assert open_pseudonyms(tmp_path / "secret") == kept
    text = (tmp_path / "secret").read_text()
    digit = kept.secret.hex()[-1]
    (tmp_path / "secret").write_text(text.replace(f'{digit}"', f'{int(digit, 16) ^ 1:x}"'))
    with pytest.raises(BadInput, match="its checksum differs"):
        open_pseudonyms(tmp_path / "secret")
