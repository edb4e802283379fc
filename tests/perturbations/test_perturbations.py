"""What is done to pictures: laws of all, and each against somebody else's implementation."""

import io
from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image as Picture
from scipy import ndimage
from torch import Tensor

from solidmark.data import to_picture, to_tensor
from solidmark.errors import BadInput, UnknownName
from solidmark.marks import Border, Center, Marked, Pattern
from solidmark.perturbations import (
    JPEG,
    PERTURBATIONS,
    Blur,
    Crop,
    Flip,
    Noise,
    Perturbation,
    Perturbed,
    Rotate,
    Shift,
    parse,
    require_room,
    spelled,
    to_json,
)
from solidmark.randomness import generator

ALL: list[Perturbation] = [
    *(Crop(0.8), Crop(0.2), Blur(5), Blur(9), Rotate(15), Rotate(180), Rotate(270), Flip()),
    *(Shift(2), Shift(0.25), Noise(0.1), JPEG(30)),
]
NOTHING: list[Perturbation] = [Crop(1), Blur(1), Rotate(0), Shift(0), Noise(0)]
DRAWN = ("crop", "rotate", "shift", "noise")
"""Those in which something is drawn."""


def picture(channels: int = 3, height: int = 16, width: int = 16, seed: int = 0) -> Tensor:
    source = torch.Generator().manual_seed(seed)
    return torch.randint(256, (channels, height, width), generator=source) / 255


def perturb(one: Perturbation, image: Tensor, seed: int = 0) -> Tensor:
    return one.perturb(image, generator(seed, "x"))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(16, 16), (12, 20)], ids=str)
@pytest.mark.parametrize("one", ALL, ids=str)
def test_shape_and_range_stay_and_the_picture_does_not(
    one: Perturbation, size: tuple[int, int], channels: int
) -> None:
    image = picture(channels, *size)
    before = image.clone()
    changed = perturb(one, image)
    assert changed.shape == image.shape
    assert changed.dtype == image.dtype
    assert 0 <= changed.min() <= changed.max() <= 1
    assert (changed - image).abs().max() > 0.05
    assert torch.equal(image, before)
    assert torch.equal(changed, perturb(one, image))


@pytest.mark.parametrize("one", NOTHING, ids=str)
def test_no_strength_changes_nothing(one: Perturbation) -> None:
    assert torch.equal(perturb(one, picture()), picture())


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_what_is_drawn_is_drawn_anew(name: str) -> None:
    some = torch.stack([perturb(parse(name), picture(), seed) for seed in range(12)])
    assert (len(some.flatten(1).unique(dim=0)) > 1) is (name in DRAWN)


@pytest.mark.parametrize("kernel", [3, 5, 9, 13])
def test_blur_is_the_gaussian_of_scipy(kernel: int) -> None:
    """With the standard deviation that torchvision takes where only the kernel is given."""
    sigma = 0.3 * ((kernel - 1) * 0.5 - 1) + 0.8
    assert Blur(kernel).deviation == pytest.approx(sigma)
    image = picture(3, 14, 19)
    options = {"sigma": (0, sigma, sigma), "mode": "mirror", "radius": (0, *[kernel // 2] * 2)}
    theirs = ndimage.gaussian_filter(image.double().numpy(), **options)
    np.testing.assert_allclose(perturb(Blur(kernel), image), theirs, atol=1e-6)


@pytest.mark.parametrize("degrees", [15, 90, 100, 180, 270])
@pytest.mark.parametrize("size", [(16, 16), (12, 20)], ids=str)
def test_rotation_is_that_of_scipy(degrees: float, size: tuple[int, int]) -> None:
    image = picture(1, *size)
    found = perturb(Rotate(degrees), image)
    theirs = [
        ndimage.rotate(
            image.double().numpy(), way * degrees, (2, 1), reshape=False, order=1, mode="reflect"
        )
        for way in (1, -1)
    ]
    away = [np.abs(found.numpy() - one).max() for one in theirs]
    assert min(away) < 1e-4
    if degrees >= 90:
        # Counter-clockwise, as it is seen.
        assert away[1 if degrees == 180 else 0] < 1e-4


def test_both_sides_of_a_small_rotation_are_drawn() -> None:
    right_half = torch.zeros(1, 17, 17)
    right_half[:, 8, 9:] = 1
    ups = [bool(perturb(Rotate(15), right_half, seed)[0, :8].sum() > 1) for seed in range(40)]
    assert 8 < sum(ups) < 32


def test_a_crop_is_a_part_of_the_picture_resized_by_pillow() -> None:
    image = picture(1, 20, 10)
    places = set()
    for seed in range(60):
        found = perturb(Crop(0.4), image, seed)[0].numpy()
        for top in range(13):
            for left in range(7):
                cut = Picture.fromarray(image[0, top : top + 8, left : left + 4].numpy())
                theirs = np.asarray(cut.resize((10, 20), Picture.Resampling.BILINEAR))
                if np.abs(theirs - found).max() < 1e-5:
                    places.add((top, left))
    assert len(places) > 30
    assert {top for top, _ in places} == set(range(13))
    assert {left for _, left in places} == set(range(7))


def test_a_smaller_crop_lies_at_the_like_place() -> None:
    """So levels differ in size, and not in luck: what is drawn does not depend on the share."""
    ramp = torch.linspace(0, 1, 101).expand(1, 101, 101)
    for seed in range(10):
        middles = [float(perturb(Crop(share), ramp, seed).mean()) for share in (0.6, 0.2)]
        drawn = [(m - s / 2) / (1 - s) for m, s in zip(middles, (0.6, 0.2), strict=True)]
        assert drawn[0] == pytest.approx(drawn[1], abs=0.03)


def test_a_flip_is_a_mirror() -> None:
    np.testing.assert_array_equal(perturb(Flip(), picture()), picture().numpy()[:, :, ::-1])


@pytest.mark.parametrize(("shift", "pixels"), [(Shift(3), 3), (Shift(0.25), 3)], ids=str)
def test_a_shift_moves_along_both_axes(shift: Shift, pixels: int) -> None:
    image = picture(1, 12, 18).numpy()
    seen = set()
    for seed in range(40):
        found = perturb(shift, torch.from_numpy(image), seed).numpy()
        for down in (-pixels, pixels):
            for right in (-pixels, pixels):
                theirs = ndimage.shift(image, (0, down, right), order=0, mode="mirror")
                if np.array_equal(theirs, found):
                    seen.add((down > 0, right > 0))
    assert len(seen) == 4


def test_noise_has_the_deviation_that_was_asked_for() -> None:
    grey = torch.full((3, 64, 64), 0.5)
    assert (perturb(Noise(0.1), grey) - grey).std().item() == pytest.approx(0.1, rel=0.03)


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_that_of_pillow(channels: int) -> None:
    image, file = picture(channels), io.BytesIO()
    to_picture(image).save(file, "JPEG", quality=40)
    assert torch.equal(perturb(JPEG(40), image), to_tensor(Picture.open(file)))
    errors = [(perturb(JPEG(q), image) - image).abs().mean() for q in (10, 50, 95)]
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("crop", Crop(0.8)),
        ("crop:0.6", Crop(0.6)),
        ("blur:9", Blur(9)),
        ("rotate:270", Rotate(270)),
        ("flip", Flip()),
        ("shift:4", Shift(4)),
        ("shift:0.1", Shift(0.1)),
        ("noise:0.05", Noise(0.05)),
        ("jpeg:30", JPEG(30)),
    ],
)
def test_the_names_of_a_command_line(text: str, expected: Perturbation) -> None:
    assert parse(text) == expected
    assert parse(spelled(expected)) == expected
    plain = to_json(expected)
    assert plain.pop("name") == expected.name
    assert type(expected)(**plain) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("crop:0", "share of crop must be above 0 and at most 1, not 0"),
        ("crop:1.2", "not 1.2"),
        ("crop:nan", "not nan"),
        ("crop:0.8:0.6", "more than one strength"),
        ("crop:much", 'no preset "much". Write crop or crop:NUMBER'),
        ("blur:4", "kernel of blur must be an odd whole number, not 4"),
        ("blur:4.5", "not 4.5"),
        ("blur:-1", "not -1"),
        ("blur:inf", "not inf"),
        ("rotate:360", "0 or more and below 360"),
        ("rotate:-15", "not -15"),
        ("flip:1", "without a strength. Write flip."),
        ("flip:left", 'no preset "left". Write flip.'),
        ("shift:1.5", "not 1.5"),
        ("shift:inf", "not inf"),
        ("noise:1.5", "0 to 1, not 1.5"),
        ("jpeg:0", "1 to 100, not 0"),
        ("jpeg:50.5", "not 50.5"),
    ],
)
def test_what_cannot_be_is_one_line(text: str, said: str) -> None:
    with pytest.raises(BadInput) as raised:
        parse(text)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_unknown_name() -> None:
    with pytest.raises(UnknownName, match=r'no perturbation "crp"\. Did you mean "crop"\?'):
        parse("crp:0.8")


@pytest.mark.parametrize(
    ("one", "least"), [(Blur(9), 9), (Shift(8), 9), (Crop(0.01), 1), (Rotate(1), 1)], ids=str
)
def test_what_does_not_fit_is_refused(one: Perturbation, least: int) -> None:
    require_room([one], least, 20)
    perturb(one, picture(1, least, 20))
    if least > 1:
        with pytest.raises(BadInput, match=f'"{spelled(one)}" needs pictures of at least {least}'):
            require_room([one], 20, least - 1)


@pytest.mark.parametrize("pattern", [Border(2), Center(4)], ids=str)
def test_no_key_is_left_and_the_frame_is_neutral(
    pattern: Pattern, make_marked: Callable[..., Marked]
) -> None:
    """Whatever is done to a picture is done after its mark was taken off."""
    one, other = (
        make_marked(8, side=12, pattern=pattern, name=f"{seed}", seed=seed, held_out=0.0)
        for seed in (1, 2)
    )
    assert one.keys["key"] != other.keys["key"]
    many = (Rotate(30), Shift(2), Noise(0.1), Crop(0.5), Blur(3), JPEG(50), Flip())
    for id in one.ids("trained"):
        images = [Perturbed(marked, many).sample(id).image for marked in (one, other)]
        assert torch.equal(*images)
        assert torch.equal(pattern.read(images[0][None]), torch.full((1, 1), 0.5))


def test_rows_are_functions_of_seed_id_and_repeat(make_marked: Callable[..., Marked]) -> None:
    marked = make_marked(8, held_out=0.0)
    first, second, *_ = marked.ids("trained")
    shown = Perturbed(marked, (Noise(0.1),), 3)

    def noise(shown: Perturbed, id: str, repeat: int = 0) -> Tensor:
        images = torch.stack([shown.sample(id, repeat).image, marked.sample(id).image])
        changed, plain = marked.pattern.crop(images)
        return changed - plain

    assert torch.equal(noise(shown, first), noise(Perturbed(marked, (Noise(0.1),), 3), first))
    kept = noise(shown, first)
    for other in (
        noise(shown, second),
        noise(shown, first, 1),
        noise(Perturbed(marked, (Noise(0.1),), 4), first),
    ):
        assert not torch.allclose(other, kept)
    assert torch.equal(Perturbed(marked).sample(first).image, marked.sample(first).image)
