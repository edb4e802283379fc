"""Which image gets which key, and which are never seen by the model."""

import random
import re
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solidmark.errors import BadInput
from solidmark.marks import Keymap, file_stem
from solidmark.marks.facts import Surveyed
from solidmark.marks.plan import plan
from solidmark.marks.planned import Planned

KEYMAP = Keymap(1)


def lone(count: int) -> list[Surveyed]:
    return [Surveyed(f"image-{n:04d}", f"image-{n:04d}") for n in range(count)]


def by_id(rows: Iterable[Planned]) -> dict[str, Planned]:
    return {row.id: row for row in rows}


@st.composite
def surveys(draw: st.DrawFn) -> list[Surveyed]:
    """Images in duplicate groups and groups of the user's, tangled."""
    count = draw(st.integers(6, 40))
    ids = [f"{n:02d}" for n in range(count)]
    copies = [draw(st.integers(0, n)) if draw(st.booleans()) else n for n in range(count)]
    root = [ids[copies[copies[n]]] if copies[copies[n]] <= n else ids[n] for n in range(count)]
    smallest: dict[str, str] = {}
    for id, name in zip(ids, root, strict=True):
        smallest[name] = min(id, smallest.get(name, id))
    groups = st.sampled_from([None, None, None, "", "patient 1", "patient 2"])
    return [
        Surveyed(id, smallest[name], draw(groups), draw(st.sampled_from([None, "cat", "dog"])))
        for id, name in zip(ids, root, strict=True)
    ]


def planned(images: list[Surveyed], **options: object) -> list[Planned] | None:
    try:
        return list(plan(images, KEYMAP, **options))  # type: ignore[arg-type]
    except BadInput:
        return None


@given(surveys(), st.floats(0, 0.9), st.floats(0.1, 1), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_families_stay_together_whatever_the_order(
    images: list[Surveyed], held_out: float, canaries: float, shuffle: random.Random
) -> None:
    rows = planned(images, held_out=held_out, canaries=canaries)
    if rows is None:
        return
    for trait in ("duplicate_group", "group"):
        for name in {getattr(row, trait) for row in rows} - {None, ""}:
            members = [row for row in rows if getattr(row, trait) == name]
            assert len({row.split for row in members}) == 1, (trait, name)
            assert len({row.marked for row in members}) == 1, (trait, name)
    for row in rows:
        assert row.levels == (KEYMAP.levels(row.duplicate_group) if row.marked else [])
        assert row.marked or row.split == "trained", "a control without a key is no control"
    assert [row.id for row in rows] == sorted(image.id for image in images)
    shuffled = list(images)
    shuffle.shuffle(shuffled)
    assert planned(shuffled, held_out=held_out, canaries=canaries) == rows


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_the_held_out_share_is_the_one_asked_for(share: float) -> None:
    rows = plan(lone(200), KEYMAP, held_out=share)
    held_out = [row for row in rows if row.split == "held_out"]
    assert len(held_out) == round(200 * share)
    assert all(row.file_name.startswith("held_out/") for row in held_out)
    assert {row.file_name.split("/")[0] for row in rows if row not in held_out} == {"train"}
    assert all(row.marked for row in rows)


def test_the_control_set_is_drawn_by_the_seed_and_not_by_the_names() -> None:
    sets = [
        {r.id for r in plan(lone(400), Keymap(seed), held_out=0.25) if r.split == "held_out"}
        for seed in range(4)
    ]
    for one in range(4):
        for other in range(one):
            # 25 of 100 in common on average; 100 would be the same set.
            assert 10 <= len(sets[one] & sets[other]) <= 45
    early = sum(int(id[-4:]) < 200 for found in sets for id in found)
    assert 150 <= early <= 250


def test_a_share_that_divides_a_large_group_keeps_it_whole() -> None:
    images = [Surveyed(f"{n:02d}", f"{n:02d}", "patient" if n < 15 else None) for n in range(20)]
    rows = plan(images, KEYMAP, held_out=0.2)
    assert {row.split for row in rows if row.group} == {"trained"}
    assert sum(row.split == "held_out" for row in rows) == 4


def test_groups_and_copies_chain_into_one_family() -> None:
    """a copies b, b and c are of one patient, c copies d: they go together."""
    images = [
        Surveyed("a", "a"),
        Surveyed("b", "a", "p"),
        Surveyed("c", "c", "p"),
        Surveyed("d", "c"),
        *lone(8),
    ]
    for seed in range(30):
        rows = by_id(plan(images, Keymap(seed), held_out=0.4))
        assert len({rows[id].split for id in "abcd"}) == 1


def test_adding_an_image_moves_no_other_key() -> None:
    before = by_id(plan(lone(50), KEYMAP))
    after = by_id(plan([*lone(50), Surveyed("added", "added")], KEYMAP))
    assert all(after[id].levels == before[id].levels for id in before)
    assert all(
        after[id].file_name.split("/")[1] == before[id].file_name.split("/")[1] for id in before
    )


def test_copies_share_a_key_unless_told_otherwise() -> None:
    images = [Surveyed("b", "a"), Surveyed("a", "a"), *lone(8)]
    shared = by_id(plan(images, KEYMAP, held_out=0))
    assert shared["a"].levels == shared["b"].levels == KEYMAP.levels("a")
    assert shared["b"].key_group == "a"
    alone = by_id(plan(images, KEYMAP, held_out=0, shared_keys=False))
    assert alone["b"].levels == KEYMAP.levels("b") != KEYMAP.levels("a")
    assert alone["b"].key_group == "b"
    assert alone["b"].duplicate_group == "a"


def test_canaries_are_a_share_of_the_training_images() -> None:
    rows = plan(lone(100), KEYMAP, held_out=0.2, canaries=0.25)
    trained = [row for row in rows if row.split == "trained"]
    assert sum(row.marked for row in trained) == 20
    assert all(row.levels == [] for row in trained if not row.marked)
    assert all(row.marked for row in rows if row.split == "held_out")


def test_each_image_gets_a_key_vector() -> None:
    rows = plan(lone(5), Keymap(1, 4), held_out=0)
    assert all(len(row.levels) == 4 for row in rows)


@pytest.mark.parametrize(
    ("count", "options", "message"),
    [
        (0, {}, "no images"),
        (1, {"held_out": 0.5}, "without images"),
        (1, {"held_out": 0.1}, "without images"),
        (1, {"held_out": 0.0, "canaries": 0.1}, "--canaries"),
    ],
)
def test_a_split_without_images_is_refused(count: int, options: dict, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        plan(lone(count), KEYMAP, **options)


def test_one_family_cannot_be_divided() -> None:
    images = [Surveyed(str(n), "0") for n in range(10)]
    with pytest.raises(BadInput, match=r"10 images are copies of one, .* --held-out 0"):
        plan(images, KEYMAP, held_out=0.5)
    with pytest.raises(BadInput, match=r"10 images are copies of one, .* --canaries 1"):
        plan(images, KEYMAP, held_out=0, canaries=0.5)
    patient = [Surveyed(str(n), str(n), "patient") for n in range(10)]
    with pytest.raises(BadInput, match=r"10 images are of one group, .* --held-out 0"):
        plan(patient, KEYMAP)
    with pytest.raises(BadInput, match=r"Give more images"):
        plan(lone(1), KEYMAP)
    assert len(plan(images, KEYMAP, held_out=0)) == 10


def test_few_images_still_have_a_control() -> None:
    rows = plan(lone(3), KEYMAP, held_out=0.1)
    assert sum(row.split == "held_out" for row in rows) == 1


def test_classes_are_numbered_by_name_and_numbers_by_size() -> None:
    images = [
        Surveyed(id, id, None, label)
        for id, label in zip("abcdef", ["10", "9", "cat", None, "Ape", "9"], strict=True)
    ]
    rows = plan(images, KEYMAP, held_out=0)
    assert rows.class_names == ["9", "10", "Ape", "cat"]
    numbers = {row.id: row.class_index for row in rows}
    assert numbers == {"a": 1, "b": 0, "c": 3, "d": None, "e": 2, "f": 0}
    assert plan(lone(2), KEYMAP).class_names == []


def test_a_file_name_is_safe_and_unique_whatever_the_id() -> None:
    ids = ["../../etc/passwd", "a/b.png", "a-b.png", "A-B.png", "", ".", "a\0b", "a\nb", "é", "猫"]
    ids += ["\ud800", "x" * 3000, "con", "a.png", "a.jpg", "-rf", " "]
    stems = [file_stem(id) for id in ids]
    assert len({stem.lower() for stem in stems}) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,60}", stem) for stem in stems)
    assert file_stem("holiday/cat.png").startswith("holiday-cat-")
