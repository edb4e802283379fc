"""Copies are found, different pictures are not, and neither depends on the order."""

import io
import json
import random
from dataclasses import asdict
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from solidmark.data import Signature, group_duplicates, open_data, sign
from solidmark.data.buckets import near_hashes
from solidmark.data.prepare import Preparation, to_picture
from solidmark.errors import BadInput

GREY = Preparation(28, "L")


@cache
def digits(count: int = 600) -> tuple[list[str], list[Signature], list[Image.Image]]:
    data = open_data("digits", limit=count)
    samples = [data[i] for i in range(count)]
    return data.ids, [sign(s) for s in samples], [to_picture(s.image) for s in samples]


def jpeg(picture: Image.Image) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=75)
    return Image.open(file)


def larger(picture: Image.Image) -> Image.Image:
    return picture.resize((84, 84), Image.Resampling.BICUBIC)


def test_different_digits_are_not_merged() -> None:
    ids, signatures, _ = digits()
    assert group_duplicates(ids, signatures) == {id: id for id in ids}


@pytest.mark.parametrize(("change", "share"), [(jpeg, 1.0), (larger, 0.95)])
def test_copies_are_found(change, share: float) -> None:  # type: ignore[no-untyped-def]
    ids, signatures, pictures = digits()
    copies = [sign(GREY(change(picture))[0]) for picture in pictures[:100]]
    names = [f"z{id}" for id in ids[:100]]
    groups = group_duplicates([*ids, *names], [*signatures, *copies])
    found = sum(groups[name] == id for name, id in zip(names, ids, strict=False))
    wrong = sum(groups[name] not in (id, name) for name, id in zip(names, ids, strict=False))
    assert found >= share * 100
    assert wrong == 0


def test_near_can_be_switched_off() -> None:
    _, signatures, pictures = digits()
    copy = sign(GREY(jpeg(pictures[0]))[0])
    three = [signatures[0], copy, signatures[0]]
    assert group_duplicates(["c", "b", "a"], three) == {"a": "a", "b": "a", "c": "a"}
    assert group_duplicates(["c", "b", "a"], three, near=False) == {"a": "a", "b": "b", "c": "a"}


def test_colour_tells_two_equal_greys_apart() -> None:
    red, green = (
        Image.new("RGB", (32, 32), (200, 20, 20)),
        Image.new("RGB", (32, 32), (20, 112, 20)),
    )
    two = [sign(Preparation()(picture)[0]) for picture in (red, green)]
    assert two[0].grey == two[1].grey
    assert group_duplicates(["a", "b"], two) == {"a": "a", "b": "b"}


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_does_not_matter(shuffler: random.Random) -> None:
    ids, signatures, pictures = digits()
    rows = list(zip(ids[:30], signatures, strict=False))
    rows += [(f"0-{n}", sign(GREY(jpeg(pictures[n]))[0])) for n in range(10)]
    expected = group_duplicates(*map(list, zip(*rows, strict=True)))  # type: ignore[arg-type]
    shuffler.shuffle(rows)
    assert group_duplicates(*map(list, zip(*rows, strict=True))) == expected  # type: ignore[arg-type]
    assert sum(id != group for id, group in expected.items()) == 10


def test_groups_are_closed_as_by_hand() -> None:
    """Against all pairs compared one by one and merged until nothing changes."""
    noise = np.random.default_rng(3)
    base = noise.integers(0, 256, (6, 16, 16))
    images = [np.clip(base[n % 6] + noise.normal(0, n // 6, (16, 16)), 0, 255) for n in range(60)]
    signed = [sign(torch.tensor(i.round() / 255, dtype=torch.float32)[None]) for i in images]
    import base64

    def values(text: str) -> np.ndarray:
        return np.frombuffer(base64.b64decode(text), np.uint8).astype(float)

    def near(a: Signature, b: Signature) -> bool:
        bits = (int(a.phash, 16) ^ int(b.phash, 16)).bit_count()
        grey = np.sqrt(((values(a.grey) - values(b.grey)) ** 2).mean())
        colour = np.sqrt(((values(a.colour) - values(b.colour)) ** 2).mean())
        return bool(bits <= 7 and grey < 6 and colour < 10)

    group = list(range(60))
    for _ in range(60):
        for i in range(60):
            for j in range(i):
                if near(signed[i], signed[j]):
                    group[i] = group[j] = min(group[i], group[j])
    ids = [f"{n:02d}" for n in range(60)]
    expected = {ids[n]: ids[group[n]] for n in range(60)}
    assert group_duplicates(ids, signed) == expected
    assert 6 < len(set(expected.values())) < 60


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=30, unique=True), st.data())
def test_no_near_hash_is_missed(numbers: list[int], data: st.DataObject) -> None:
    flips = data.draw(st.lists(st.integers(0, 63), max_size=8))
    numbers = sorted({*numbers, numbers[0] ^ sum(1 << bit for bit in set(flips))})
    found = set(zip(*(a.tolist() for a in near_hashes(np.array(numbers, np.uint64))), strict=True))
    expected = {
        (i, j)
        for j in range(len(numbers))
        for i in range(j + 1)
        if (numbers[i] ^ numbers[j]).bit_count() <= 7
    }
    assert found == expected


def test_many_different_images_stay_cheap() -> None:
    """20,000 pictures are 200 million pairs; a quadratic search would not end here."""
    noise = np.random.default_rng(0)
    hashes = noise.integers(0, 2**63, 20_000)
    template = sign(torch.zeros(1, 8, 8))
    many = [
        Signature(str(n), f"{int(h):016x}", template.grey, template.colour)
        for n, h in enumerate(hashes)
    ]
    ids = [str(n) for n in range(20_000)]
    assert group_duplicates(ids, many) == {id: id for id in ids}


def test_a_crowd_of_equal_hashes_is_one_group() -> None:
    page = torch.rand(1, 32, 32, generator=torch.Generator().manual_seed(0)) * 0.9
    crowd = []
    for n in range(300):
        page[0, n // 32, n % 32] += 1 / 255
        crowd.append(sign(page))
    assert len({signature.content for signature in crowd}) == 300
    groups = group_duplicates([f"{n:03d}" for n in range(300)], crowd)
    assert set(groups.values()) == {"000"}


def test_blank_pictures_differ_by_their_level_only() -> None:
    noise = torch.Generator().manual_seed(0)
    levels = [1.0, 1.0, 0.9, 0.9]
    blank = [sign(level - torch.rand(1, 64, 64, generator=noise) / 99) for level in levels]
    assert list(group_duplicates(list("abcd"), blank).values()) == ["a", "a", "c", "c"]


def test_signatures_survive_json() -> None:
    _, signatures, _ = digits()
    stored = json.loads(json.dumps([asdict(s) for s in signatures[:5]]))
    assert [Signature(**row) for row in stored] == signatures[:5]


def test_nothing_has_no_groups() -> None:
    assert group_duplicates([], []) == {}


def test_ids_and_signatures_must_match() -> None:
    one = sign(torch.zeros(3, 4, 4))
    with pytest.raises(BadInput, match="1 signatures were given for 2"):
        group_duplicates(["a", "b"], [one])
    with pytest.raises(BadInput, match="2 signatures were given for 1"):
        group_duplicates(["a", "a"], [one, one])
