"""The laws of every pattern, over sizes, channels and keys."""

import io
from itertools import product
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Picture

from solidmark.data import to_picture, to_tensor
from solidmark.errors import BadInput, BrokenImage, UnknownName
from solidmark.marks import (
    PATTERNS,
    Border,
    Center,
    Pattern,
    Segments,
    pattern_from_json,
    pattern_to_json,
    read_image,
    write_image,
)
from solidmark.types import Images, Keys

greys = st.integers(0, 255).map(lambda level: level / 255)
any_keys = st.floats(0, 1, width=32)


@st.composite
def cases(draw: st.DrawFn, keys: st.SearchStrategy[float] = any_keys) -> tuple:
    """A pattern, images that it fits, and two rows of keys."""
    height, width = draw(st.integers(2, 24)), draw(st.integers(2, 24))
    batch, channels = draw(st.integers(1, 4)), draw(st.sampled_from([1, 3]))
    pattern = draw(
        st.integers(1, 9).map(Border)
        | st.integers(1, min(height, width) - 1).map(Center)
        | st.builds(Segments, st.integers(1, 5), st.integers(1, 6), st.booleans())
    )
    source = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    images = torch.randint(256, (batch, channels, height, width), generator=source) / 255
    rows = [[[draw(keys) for _ in range(pattern.count)] for _ in range(batch)] for _ in range(2)]
    return pattern, images, torch.tensor(rows[0]), torch.tensor(rows[1])


laws = settings(max_examples=60, deadline=None)


@given(cases())
@laws
def test_what_is_painted_is_read(case: tuple[Pattern, Images, Keys, Keys]) -> None:
    pattern, images, keys, _ = case
    marked = pattern.apply(images, keys)
    assert torch.equal(pattern.read(marked), keys)
    assert marked.shape[-2:] == pattern.marked_size(*images.shape[-2:])
    assert marked.dtype == images.dtype


@given(cases())
@laws
def test_the_image_is_untouched_outside_the_mask(case: tuple) -> None:
    pattern, images, keys, _ = case
    before = images.clone()
    marked = pattern.apply(images, keys)
    assert torch.equal(images, before), "the caller's images were painted"
    mask = pattern.mask(*marked.shape[-2:])
    if isinstance(pattern, Border | Segments):
        assert torch.equal(pattern.crop(marked), images)
    else:
        assert torch.equal(marked[..., ~mask], images[..., ~mask])
        assert torch.equal(pattern.crop(marked), marked)
    shown = pattern.layout(*mask.shape)[mask]
    painted = keys[:, None, shown].expand(-1, images.shape[1], -1)
    assert torch.equal(marked[..., mask], painted)


@given(cases())
@laws
def test_other_keys_can_be_painted_over(case: tuple) -> None:
    pattern, images, keys, others = case
    once = pattern.apply(pattern.crop(pattern.apply(images, keys)), others)
    assert torch.equal(once, pattern.apply(images, others))


@given(cases())
@laws
def test_mask_and_layout_agree(case: tuple) -> None:
    pattern, images, _, _ = case
    height, width = pattern.marked_size(*images.shape[-2:])
    layout, mask = pattern.layout(height, width), pattern.mask(height, width)
    assert layout.shape == mask.shape == (height, width)
    assert torch.equal(mask, layout >= 0)
    assert set(layout[mask].tolist()) == set(range(pattern.count))
    assert mask.any()
    assert not mask.all()


@given(cases(greys))
@laws
def test_a_png_keeps_keys_and_pixels(case: tuple) -> None:
    pattern, images, keys, _ = case
    for marked, key in zip(pattern.apply(images, keys), keys, strict=True):
        file = io.BytesIO()
        to_picture(marked).save(file, "PNG")
        again = to_tensor(Picture.open(file))
        assert torch.equal(again, marked)
        assert torch.equal(pattern.read(again[None])[0], key)


def test_where_each_pattern_paints() -> None:
    def drawn(pattern: Pattern, height: int, width: int) -> list[str]:
        return ["".join(".#"[int(v)] for v in row) for row in pattern.mask(height, width)]

    assert drawn(Border(1), 4, 5) == ["#####", "#...#", "#...#", "#####"]
    assert drawn(Border(2), 5, 5) == ["#####", "#####", "##.##", "#####", "#####"]
    assert drawn(Center(2), 4, 6) == ["......", "..##..", "..##..", "......"]
    assert drawn(Center(1), 3, 3) == ["...", ".#.", "..."]


def test_reading_averages_over_pixels_and_channels() -> None:
    marked = torch.zeros(1, 3, 3, 3)
    marked[0, 0] = 0.75
    marked[0, :, 1, 1] = 1.0
    assert Border(1).read(marked).tolist() == [[0.25]]
    assert Center(1).read(marked).tolist() == [[1.0]]


def test_reading_many_pixels_is_exact() -> None:
    """A float32 sum of 130,000 equal values is not that value times their number."""
    keys = torch.tensor([[77 / 255]])
    marked = Border(64).apply(torch.zeros(1, 3, 448, 448), keys)
    assert torch.equal(Border(64).read(marked), keys)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Border(0), "thickness of 1 or more"),
        (lambda: Border(-1), "Border\\(-1\\)"),
        (lambda: Center(0), "size of 1 or more"),
        (lambda: Segments(2, 0), "count of 1 or more"),
        (lambda: Segments(0), "thickness of 1 or more"),
        (lambda: Segments(1, 40).marked_size(8, 8), "36 pixels into 40 blocks"),
        (lambda: Border(16).layout(32, 40), r"no image inside 32 x 40 pixels. Use .* below 16"),
        (lambda: Border(2).read(torch.zeros(1, 1, 4, 9)), "no image inside 4 x 9"),
        (lambda: Center(8).marked_size(8, 9), "no image in 8 x 9 pixels. Use a size below 8"),
        (lambda: Center(2).apply(torch.zeros(2, 1, 8, 8), torch.zeros(2, 2)), r"shape \(2, 2\)"),
    ],
)
def test_what_cannot_be_painted_is_refused(make, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        make()


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("thickness", [1, 2, 3])
def test_a_size_is_refused_where_the_layout_is(thickness: int, mirrored: bool) -> None:
    """`marked_size` counts the pixels that the layout cuts, without painting them."""
    for height, width in product(range(1, 7), range(1, 7)):
        size = Border(thickness).marked_size(height, width)
        ring = Border(thickness).mask(*size)
        most = int(ring[:, size[1] // 2 if mirrored else 0 :].sum())
        fits, one_more = (Segments(thickness, count, mirrored) for count in (most, most + 1))
        assert fits.marked_size(height, width) == size
        assert int(fits.layout(*size).max()) == most - 1
        with pytest.raises(BadInput, match=f"{most} pixels into {most + 1} blocks"):
            one_more.marked_size(height, width)
        with pytest.raises(BadInput, match=f"{most} pixels into {most + 1} blocks"):
            one_more.layout(*size)


@pytest.mark.parametrize("thickness", [1, 5, 15])
def test_the_thickness_that_an_error_offers_fits(thickness: int) -> None:
    for side in (2 * thickness + 1, 2 * thickness + 2):
        assert Border(thickness).mask(side, side).any()
        with pytest.raises(BadInput, match=f"below {thickness + 1}"):
            Border(thickness + 1).mask(side, side)


@pytest.mark.parametrize("pattern", [Border(3), Center(5)], ids=str)
def test_a_pattern_survives_the_manifest(pattern: Pattern) -> None:
    assert pattern_from_json(pattern_to_json(pattern)) == pattern
    assert pattern_to_json(pattern)["name"] in PATTERNS


def test_a_pattern_that_is_not_known_is_refused() -> None:
    assert pattern_to_json(Border(3)) == {"name": "border", "thickness": 3}
    with pytest.raises(UnknownName, match='Did you mean "border"'):
        pattern_from_json({"name": "bordre", "thickness": 3})
    with pytest.raises(UnknownName):
        pattern_from_json({"thickness": 3})
    with pytest.raises(BadInput, match="cannot be made"):
        pattern_from_json({"name": "border", "size": 3})


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_file_keeps_every_bit(channels: int, tmp_path: Path) -> None:
    image = torch.arange(channels * 16 * 16).reshape(channels, 16, 16) % 256 / 255
    write_image(tmp_path / "a" / "b.png", image)
    assert torch.equal(read_image(tmp_path / "a" / "b.png", channels), image)


def test_a_damaged_file_is_a_broken_image_and_nothing_else(tmp_path: Path) -> None:
    """Cut at every length, and with bytes changed: an image or a BrokenImage, never a warning."""
    path = tmp_path / "a.png"
    write_image(path, torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0)))
    whole = path.read_bytes()
    damaged = [whole[:length] for length in range(0, len(whole) - 12, 7)]
    damaged += [
        bytes([*whole[:place], byte ^ 0xFF, *whole[place + 1 :]])
        for place, byte in enumerate(whole)
        if place % 3 == 0
    ]
    # A picture of 60,000 x 60,000 pixels in 40 bytes.
    bomb = io.BytesIO()
    Picture.new("1", (1, 1)).save(bomb, "PNG")
    large = (60_000).to_bytes(4, "big") * 2
    damaged.append(bomb.getvalue()[:16] + large + bomb.getvalue()[24:])
    reasons = []
    for data in damaged:
        path.write_bytes(data)
        try:
            read_image(path, 3)
        except BrokenImage as error:
            reasons.append(str(error))
    assert len(reasons) > len(damaged) / 2
    assert all(str(path) in reason and "\n" not in reason for reason in reasons)
    path.unlink()
    with pytest.raises(BrokenImage, match="is gone"):
        read_image(path, 3)
    path.mkdir()
    with pytest.raises(BrokenImage, match="cannot be read"):
        read_image(path, 3)


def test_segments_are_equal_blocks_clockwise_from_the_upper_left_corner() -> None:
    layout = Segments(1, 4).layout(6, 6)
    assert ["".join(".0123"[value + 1] for value in row) for row in layout.tolist()] == [
        "000001",
        "3....1",
        "3....1",
        "3....1",
        "3....1",
        "322222",
    ]
    for count in (2, 5, 16):
        sizes = torch.bincount(Segments(2, count).layout(16, 16).flatten() + 1)[1:]
        assert sizes.max() - sizes.min() <= 1


def test_one_segment_is_the_border() -> None:
    for height, width in ((9, 12), (16, 16)):
        assert torch.equal(Segments(3, 1).layout(height, width), Border(3).layout(height, width))


@pytest.mark.parametrize("width", [12, 13])
def test_a_mirrored_frame_is_its_own_mirror_image(width: int) -> None:
    """So a trainer that flips picture and frame together shows the keys that were painted."""
    pattern = Segments(2, 5, mirrored=True)
    layout = pattern.layout(11, width)
    assert torch.equal(layout, layout.flip(1))
    keys = torch.rand(3, 5, generator=torch.Generator().manual_seed(0))
    images = torch.zeros(3, 1, 7, width - 4)
    assert torch.equal(pattern.read(pattern.apply(images, keys).flip(-1)), keys)
