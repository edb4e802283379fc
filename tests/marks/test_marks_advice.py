"""Advice on frames: they fit the image, the network and the blocks, at every size."""

import doctest

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from solidmark.errors import BadInput
from solidmark.marks import Frame, Segments, advice, advise
from solidmark.marks.advice import COUNTS, fitting_thickness, most_greys

SIDES = st.integers(2, 2048)
MULTIPLES = st.sampled_from([1, 2, 4, 8, 16, 32, 64])


@given(SIDES, SIDES, MULTIPLES)
def test_the_marked_size_is_a_multiple(height: int, width: int, multiple: int) -> None:
    possible = any(
        (height + 2 * t) % multiple == 0 and (width + 2 * t) % multiple == 0
        for t in range(1, 2 * multiple + 1)
    )
    if not possible:  # odd sides, or sides that leave different remainders
        with pytest.raises(BadInput, match="multiple"):
            advise(height, width, multiple=multiple)
        return
    frame = advise(height, width, multiple=multiple)
    assert frame.fits_the_network
    assert all(side % multiple == 0 for side in frame.marked_size)
    assert frame.pattern.thickness >= min(height, width) / 16
    assert frame.extra == pytest.approx(
        frame.marked_size[0] * frame.marked_size[1] / (height * width) - 1
    )


@settings(deadline=None, max_examples=60)
@given(st.integers(4, 200), st.integers(4, 200), st.integers(1, 20), st.integers(1, 64))
def test_blocks_are_those_of_the_pattern(height: int, width: int, t: int, count: int) -> None:
    assume(count <= 2 * t * (height + width + 2 * t))
    frame = Frame((height, width), Segments(t, count))
    assert frame.marked_size == frame.pattern.marked_size(height, width)
    layout = frame.pattern.layout(*frame.marked_size).numpy()
    pixels = np.bincount(layout[layout >= 0], minlength=count)
    assert pixels.sum() == frame.ring_pixels
    assert pixels.min() == frame.block_pixels
    assert pixels.max() <= frame.block_pixels + 1


@given(SIDES)
def test_the_advised_blocks_are_large_enough(side: int) -> None:
    assume(side % 2 == 0)
    frame = advise(side, side)
    t, count = frame.pattern.thickness, frame.pattern.count
    assert count in COUNTS
    if count > COUNTS[0]:
        assert frame.block_pixels >= max(t * t, 4)
    assert not frame.has_small_blocks
    assert advise(side, side, enough=4).pattern.count == min(count, 16)
    assert advise(side, side, enough=32).pattern.count == min(count, 32)


def test_known_sizes() -> None:
    found = {side: advise(side, side) for side in (12, 28, 32, 64, 96, 256, 512, 1024)}
    thickness = {side: frame.pattern.thickness for side, frame in found.items()}
    assert thickness == {12: 2, 28: 2, 32: 4, 64: 4, 96: 8, 256: 16, 512: 32, 1024: 64}
    counts = [frame.pattern.count for frame in found.values()]
    assert counts == [16, 32, 32, 64, 32, 64, 64, 64]
    assert [side for side, frame in found.items() if not frame.is_extrapolated] == [12, 28, 32]
    assert [side for side, frame in found.items() if frame.is_thick] == [12]
    assert advise(512, 512, multiple=64).marked_size == (576, 576)


def test_what_is_asked_for_is_taken() -> None:
    frame = advise(300, 300, thickness=5, count=7)
    assert frame.pattern == Segments(5, 7)
    assert not frame.fits_the_network
    assert advise(28, 28, count=240).has_small_blocks


def test_a_ring_has_room_for_its_greys() -> None:
    assert most_greys(2, 2, 1) == 4
    with pytest.raises(BadInput, match="240 pixels, too few for 241 greys"):
        advise(28, 28, count=241)


def test_no_frame_helps_an_odd_image() -> None:
    with pytest.raises(BadInput, match="--resolution 24"):
        fitting_thickness(27, 27)
    assert fitting_thickness(27, 27, multiple=1) == 2
    with pytest.raises(BadInput, match="multiple is 0"):
        advise(28, 28, multiple=0)
    with pytest.raises(BadInput, match="height is 0"):
        advise(0, 28)


def test_the_examples_in_the_docstrings() -> None:
    done = doctest.testmod(advice)
    assert done.attempted > 0
    assert done.failed == 0
