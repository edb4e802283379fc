"""The evidence on a card: the path of the energy, the mark as it was read, the differences."""

import base64
import io
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import torch
from PIL import Image
from visiting import section

from solidmark.marks import Segments
from solidmark.measures.audit.page_cards import gallery
from solidmark.measures.audit.page_run import open_audit
from solidmark.page.gaps import HEIGHT, gap_bars, hits
from solidmark.page.paths import (
    BOTTOM,
    EQUAL,
    TOP,
    Falls,
    common_scale,
    compared,
    energy_path,
    left_over,
)
from solidmark.reporting import write_report
from solidmark.scores.curves import luck

Make = Callable[..., Path]
SEGMENTS = {"strengths": {"gradient": 1.0}, "keys": 16, "hostile": False, "failed": 0}


def read(folder: Path, **how: Any) -> str:
    return write_report(folder, **how).read_text(encoding="utf-8")


def points(drawing: str, line: str) -> list[tuple[float, float]]:
    found = re.search(rf'<polyline class="{line}" points="([^"]+)"', drawing)
    assert found is not None
    pairs = (pair.split(",") for pair in found[1].split())
    return [(float(x), float(y)) for x, y in pairs]


def test_a_path_is_drawn_from_its_start_on_the_common_scale() -> None:
    own, mean = [5.0, 4.0, 1.0], [3.0, 3.5, 2.5]
    scale = common_scale([own, mean])
    assert scale == (-4.0, 0.5)
    drawing = str(energy_path(own, mean, scale))
    step = (BOTTOM - TOP) / 4.5
    for line, values in (("own", own), ("mean", mean)):
        drawn = [y for _, y in points(drawing, line)]
        expected = [TOP + step * (0.5 - (value - values[0])) for value in values]
        assert drawn == pytest.approx(expected, abs=0.06)
    assert points(drawing, "own")[0] == points(drawing, "mean")[0]
    assert "<title>Log energy by step, from a neutral grey frame: 5.00, 4.00, 1.00. " in drawing
    assert "Held-out images on average, from their start: 0.00, 0.50, −0.50. Low" in drawing
    assert left_over(own) == "2 %"


@pytest.mark.parametrize("path", [[], [1.0], [1.0, math.nan], [1.0, math.inf, 2.0]])
def test_what_is_no_path_is_not_drawn(path: list[float]) -> None:
    assert energy_path(path, [], common_scale([path])) == ""
    assert common_scale([path]) == (0.0, 0.0)


def test_a_level_path_and_one_without_an_average_are_drawn() -> None:
    drawing = energy_path([2.0, 2.0], [], common_scale([[2.0, 2.0]]))
    assert "nan" not in drawing
    assert 'class="mean"' not in drawing
    assert "average" not in drawing


def test_every_card_has_the_path_beside_that_of_the_held_out_images(make_audit: Make) -> None:
    folder = make_audit(**SEGMENTS)
    page = read(folder)
    drawings = re.findall(r'<svg class="path".*?</svg>', page, re.DOTALL)
    assert len(drawings) == 48 + 6
    assert all('class="mean"' in drawing for drawing in drawings)
    assert len({str(points(drawing, "mean")) for drawing in drawings}) == 1
    paths = paths_of(folder)
    falls = [path[-1] - path[0] for (split, _), path in paths.items() if split == "held_out"]
    left = 100 * math.exp(sum(falls) / len(falls))
    said = re.findall(r"energy left</dt><dd>(.*?)</dd>", page)
    said = [re.sub("<[^>]*>", "", one) for one in said]
    assert len(said) == 54
    assert all(f"(held-out: {left:.0f}" in one for one in said)


def test_a_card_claims_no_fall_that_its_image_does_not_have(make_audit: Make) -> None:
    """Half of the memorized images lie above their own average, and are known all the same."""
    folder = make_audit(**SEGMENTS)
    table = parquet.read_table(folder / "evidence.parquet").to_pylist()
    trained = sorted({row["id"] for row in table if row["split"] == "trained"})
    high = {trained[3], trained[7]}
    for row in table:
        if row["split"] == "trained" and row["id"] in high:
            row["path"] = [3.0, 3.0, 3.0, 3.1]
    parquet.write_table(pa.Table.from_pylist(table), folder / "evidence.parquet")
    audit = open_audit(folder)
    first, more, held_out = gallery(audit, False, 1000)[1].lists
    trained = (*first.cards, *more.cards)
    said = {card.name: dict(card.readings[0].facts)["energy left"] for card in trained}
    assert {id for id, left in said.items() if left.endswith("so no sign here)")} == high
    named = {card.name for card in trained if card.named}
    assert high <= named, "they are named by their keys"
    paths = paths_of(folder)
    falls = [path[-1] - path[0] for (split, _), path in paths.items() if split == "held_out"]
    for card in (*trained, *held_out.cards):
        split = "trained" if card.name in said else "held_out"
        path = paths[split, card.name]
        less = path[-1] - path[0] >= sum(falls) / len(falls) - EQUAL
        left = dict(card.readings[0].facts)["energy left"]
        assert left.endswith("so no sign here)") == less
    assert "average" not in "".join(said.values())


def test_without_held_out_images_there_is_nothing_to_compare_with() -> None:
    falls = Falls()
    assert compared([2.0, 0.0], falls.average) == "14 %"
    for path in ([1.0, 0.0], [1.0, math.nan], [3.0, 1.0]):
        falls.add(path)
    assert falls.average == [0.0, -1.5]


def paths_of(folder: Path) -> dict[tuple[str, str], list[float]]:
    rows = parquet.read_table(folder / "evidence.parquet").to_pylist()
    return {(row["split"], row["id"]): row["path"] for row in rows if row["path"]}


def test_evidence_of_before_the_path_opens_and_draws_none(make_audit: Make) -> None:
    audit = make_audit(**SEGMENTS)
    table = parquet.read_table(audit / "evidence.parquet").drop_columns(["path"])
    parquet.write_table(table, audit / "evidence.parquet")
    page = read(audit)
    assert '<svg class="path"' not in page
    assert "energy left" not in page
    whole = open_audit(audit)
    answers = whole.answers.of({score.id for score in whole.scores})
    assert {answer.path for answer in answers.values()} == {()}


def shown(page: str) -> list[tuple[str, bytes]]:
    """The id of each card and its mark as it was read."""
    cards = re.findall(
        r'<bdi class="id">([^<]+)</bdi>(?:(?!</li>).)*?alt="mark as read',
        page,
        re.DOTALL,
    )
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)"[^>]*alt="mark as read', page)
    return list(zip(cards, map(base64.b64decode, pictures), strict=True))


@pytest.mark.parametrize("keys", [1, 16])
def test_the_mark_as_read_is_what_the_pattern_would_paint(make_audit: Make, keys: int) -> None:
    audit = make_audit(**{**SEGMENTS, "keys": keys, "n": 6, "held_out": 6})
    whole, pattern = open_audit(audit), Segments(3, keys)
    found = shown(section(read(audit), "images"))
    assert len(found) == 12
    for id, data in found:
        score = next(s for s in whole.scores if s.id == id and s.split != "ceiling")
        with Image.open(audit.parent / "marked" / whole.marked.files[id]) as file:
            marked = torch.from_numpy(np.array(file.convert("RGB"))).permute(2, 0, 1) / 255
        expected = pattern.apply(pattern.crop(marked[None]), torch.tensor([score.key_read]))
        with Image.open(io.BytesIO(data)) as picture:
            pixels = np.array(picture)
        np.testing.assert_array_equal(
            pixels, (expected[0].permute(1, 2, 0) * 255).round().numpy().astype(np.uint8)
        )


def test_without_images_no_mark_is_painted_and_the_rest_stays(make_audit: Make) -> None:
    page = read(make_audit(**SEGMENTS), images=False)
    assert "mark as read" not in page.lower()
    assert "data:" not in page
    assert '<svg class="gaps"' in page
    assert '<svg class="path"' in page
    assert "Own key: nearest of 128." in re.sub(r"\s+", " ", page)


@pytest.mark.parametrize(
    "pattern",
    [
        None,
        {},
        [1],
        {"name": "nonsense"},
        {"name": "segments", "thickness": "x"},
        {"name": "segments", "thickness": 3, "count": 5},
        {"name": "border", "thickness": 40},
    ],
)
def test_a_pattern_that_does_not_fit_paints_nothing(make_audit: Make, pattern: Any) -> None:
    audit = make_audit(**{**SEGMENTS, "n": 3, "held_out": 3})
    path = audit.parent / "marked" / "manifest.json"
    path.unlink() if pattern is None else path.write_text(json.dumps({"pattern": pattern}))
    page = read(audit)
    assert "mark as read" not in page
    assert "marked image" in page


def test_another_key_that_is_nearer_is_said(make_audit: Make) -> None:
    page = read(make_audit(**{**SEGMENTS, "strengths": {"gradient": 0.0}}))
    assert re.search(r"Own key: [\d,]+(?:nd|rd|th) nearest of 128\.", page)
    assert "Another image’s key is nearer" in page


def test_bars_show_the_differences_and_luck() -> None:
    drawing = gap_bars([0.0, 1.0, 0.5], [0.5, 1.0, 0.4])
    heights = [float(h) for h in re.findall(r'height="([\d.]+)"/>', drawing)]
    assert heights == pytest.approx([HEIGHT * 0.5, 1.0, HEIGHT * 0.1])
    assert "0.20 on average, from 0.00 to 0.50" in drawing
    line = re.search(r'<polyline points="([^"]+)"', drawing)
    assert line is not None
    tops = [float(pair.split(",")[1]) for pair in line[1].split()]
    assert tops[::2] == pytest.approx([HEIGHT * (1 - luck(r)) for r in (0.5, 1.0, 0.4)])
    assert gap_bars([0.5], [0.5]) == gap_bars([0.5, 0.5], None) == ""


def test_hits_by_luck_are_those_of_random_keys() -> None:
    rng = np.random.default_rng(0)
    read_keys = rng.random(16)
    drawn = rng.integers(0, 256, (20_000, 16)) / 255
    by_luck = (np.abs(drawn - read_keys) <= 0.1 + 1e-9).sum(1).mean()
    found = re.fullmatch(
        r"16 of 16 \(luck: ([\d.]+)\)", hits(read_keys.tolist(), read_keys.tolist())
    )
    assert found is not None
    assert float(found[1]) == pytest.approx(by_luck, abs=0.1)
