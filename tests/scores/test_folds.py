"""Who learns from whom: what must not be parted is not, and nothing but names decides."""

import numpy as np
import pyarrow as pa
import pytest

from solidmark.scores.folds import FEWEST, MOST, Folds, folds_of
from solidmark.scores.keys import image_keys
from solidmark.scores.peers import peers_of

Row = dict[str, object]


def images(count: int, split: str = "trained", **more: list[str | None]) -> list[Row]:
    random = np.random.default_rng(0)
    rows: list[Row] = []
    for number in range(count):
        name = f"{split}-{number}"
        key = (random.integers(256, size=2) / 255).tolist()
        row: Row = {"id": name, "split": split, "group": None, "key_group": name, "key": key}
        row |= {"caption": None, "class": None}
        rows.append(row | {column: values[number] for column, values in more.items()})
    return rows


def folded(rows: list[Row]) -> Folds:
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("id", "split", "group", "key_group")),
            ("key", pa.list_(pa.float64())),
            *((name, pa.string()) for name in ("caption", "class")),
        ]
    )
    known = image_keys(pa.Table.from_pylist(rows, schema=schema))
    return folds_of(known, peers_of(known))


def test_the_folds_are_of_one_size_and_held_out_images_are_in_none() -> None:
    found = folded(images(400) + images(50, "held_out"))
    assert found.count == MOST
    assert np.bincount(found.of_image[:400]).tolist() == [40] * MOST
    assert (found.of_image[400:] == -1).all()


@pytest.mark.parametrize(("count", "folds"), [(5, 1), (2 * FEWEST, 2), (100, 6)])
def test_few_images_have_few_folds(count: int, folds: int) -> None:
    found = folded(images(count))
    assert found.count == folds
    assert set(found.of_image.tolist()) == set(range(folds))


def test_an_image_exchanges_its_key_within_its_fold_alone() -> None:
    rows = images(400) + images(50, "held_out")
    found = folded(rows)
    for place, row in enumerate(rows):
        units = found.peers.pools[found.peers.of_image[place]].units
        fold = found.of_image[place]
        own = [one["key_group"] for one, other in zip(rows, found.of_image, strict=True)]
        expected = {
            u
            for u, f, r in zip(own, found.of_image, rows, strict=True)
            if f == fold and r["split"] == row["split"]
        }
        assert set(pa.array(units).to_pylist()) == expected


def test_subjects_copies_and_small_groups_are_not_parted() -> None:
    groups: list[str | None] = [f"patient-{number // 3}" for number in range(300)]
    captions: list[str | None] = [f"caption-{number // 5}" for number in range(300)]
    found = folded(images(300, group=groups)).of_image
    assert all(len(set(found[3 * n : 3 * n + 3].tolist())) == 1 for n in range(100))
    found = folded(images(300, caption=captions)).of_image
    assert all(len(set(found[5 * n : 5 * n + 5].tolist())) == 1 for n in range(60))
    copies: list[str | None] = [f"picture-{number // 4}" for number in range(300)]
    rows = images(300, key_group=copies)
    for number, row in enumerate(rows):
        row["key"] = rows[number - number % 4]["key"]
    found = folded(rows).of_image
    assert all(len(set(found[4 * n : 4 * n + 4].tolist())) == 1 for n in range(75))


def test_a_picture_that_nobody_shares_a_caption_with_keeps_peers_in_its_fold() -> None:
    """Of one class, whose only picture with a caption of its own is alone in its group."""
    captions: list[str | None] = ["same"] * 199 + ["alone"]
    rows = images(200, caption=captions)
    found = folded(rows)
    pool = found.peers.pools[found.peers.of_image[199]]
    same = found.of_image == found.of_image[199]
    assert len(pool.units) == same.sum() > 1


def test_a_large_group_that_a_model_is_told_has_no_average_in_its_folds() -> None:
    captions: list[str | None] = ["one" if number % 2 else "other" for number in range(400)]
    found = folded(images(400, caption=captions))
    asked = [found.peers.pools[number] for number in found.peers.of_image]
    assert not any(pool.told for pool in asked)
    assert {len(pool.units) for pool in asked} <= set(range(12, 29))


def test_neither_keys_nor_the_order_of_the_table_decide() -> None:
    rows = images(200)
    fold = dict(zip([row["id"] for row in rows], folded(rows).of_image.tolist(), strict=True))
    drawn = np.random.default_rng(1).permutation(200)
    again = [rows[place] | {"key": [0.0, 1.0]} for place in drawn]
    other = dict(zip([row["id"] for row in again], folded(again).of_image.tolist(), strict=True))
    assert fold == other
