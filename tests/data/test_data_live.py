"""Images that a program holds: lists of pictures, tables of `datasets`, torch data sets."""

from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import torch
from PIL import Image as Picture

from solidmark.data import open_data
from solidmark.errors import BadInput, BrokenImage

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 6, 8, 3), dtype=np.uint8)
PICTURES = [Picture.fromarray(pixels) for pixels in PIXELS]
WANTED = torch.from_numpy(PIXELS).permute(0, 3, 1, 2) / 255


class Torch(torch.utils.data.Dataset[Any]):
    """Tensors in [0, 1] with their class, as torchvision gives them."""

    def __len__(self) -> int:
        return len(WANTED)

    def __getitem__(self, index: int) -> Any:
        return WANTED[index], index % 2


@pytest.mark.parametrize(
    "given",
    [
        PICTURES,
        list(PIXELS),
        [(picture, "a boat") for picture in PICTURES],
        [{"image": picture, "text": "a boat"} for picture in PICTURES],
        Torch(),
        datasets.Dataset.from_dict(
            {"image": PICTURES}, features=datasets.Features(image=datasets.Image())
        ),
    ],
    ids=["pictures", "arrays", "pairs", "rows", "torch", "datasets"],
)
def test_every_way_to_hold_images_gives_the_same_pixels(given: Any) -> None:
    data = open_data(given)
    assert len(data) == 3
    for sample, wanted in zip((data[i] for i in range(3)), WANTED, strict=True):
        torch.testing.assert_close(sample.image, wanted, atol=1e-6, rtol=0)  # Bytes over 255.


def test_what_stands_beside_an_image_is_its_caption_or_its_class() -> None:
    assert open_data([(PICTURES[0], "a boat")])[0].caption == "a boat"
    assert [open_data(Torch())[i].label for i in range(3)] == ["0", "1", "0"]
    row = {"image": PICTURES[0], "caption": "a boat", "id": "first", "class": "boats"}
    sample = open_data([row])[0]
    assert (sample.id, sample.caption, sample.label) == ("first", "a boat", "boats")


def test_a_bad_image_among_others_is_one_bad_image() -> None:
    data = open_data([PICTURES[0], WANTED[1] * 2 - 1, np.zeros((2, 2, 7), np.uint8), b"x"])
    assert data[0].image.shape == (3, 6, 8)
    for number, why in ((1, r"in \[0, 1\]"), (2, r"shape \(2, 2, 7\)"), (3, "no image: bytes")):
        with pytest.raises(BrokenImage, match=why):
            data[number]


def test_paths_in_a_list_are_files(tmp_path: Path) -> None:
    PICTURES[0].save(tmp_path / "a.png")
    data = open_data([tmp_path / "a.png", str(tmp_path / "none.png")])
    torch.testing.assert_close(data[0].image, WANTED[0], atol=1e-6, rtol=0)  # Bytes over 255.
    with pytest.raises(BrokenImage, match="no file"):
        data[1]


def test_what_holds_no_images_is_refused() -> None:
    with pytest.raises(BadInput, match="holds no images"):
        open_data([])
    with pytest.raises(BadInput, match="not dict"):
        open_data({"image": PICTURES})
    with pytest.raises(BadInput, match="not int"):
        open_data(3)  # type: ignore[arg-type]


def test_an_item_that_raises_is_named_and_the_others_stay() -> None:
    class Torn(Torch):
        def __getitem__(self, index: int) -> Any:
            if index == 1:
                raise OSError("the disk is gone")
            return super().__getitem__(index)

    data = open_data(Torn())
    with pytest.raises(BrokenImage, match="the disk is gone"):
        data[1]
    assert data[2].label == "0"


class Wordless(Exception):
    """An error of somebody's that has no text."""

    def __str__(self) -> str:
        raise ValueError("no text")


def test_an_item_that_raises_when_it_is_looked_at_again_is_one_bad_image() -> None:
    class Worn(Torch):
        looked = 0

        def __getitem__(self, index: int) -> Any:
            self.looked += 1
            if self.looked > 3:
                raise Wordless
            return super().__getitem__(index)

    data = open_data(Worn())
    with pytest.raises(BrokenImage, match=r"cannot be had \(Wordless\)"):
        data[1]


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (torch.zeros(3, 6, 8).to_sparse(), "cannot be had"),
        (torch.zeros(3, 6, 8, device="meta"), "cannot be had"),
        (torch.zeros(3, 0, 8), "no pixels"),
        (torch.zeros(3, 6, 8, dtype=torch.complex64), "not complex64"),
    ],
)
def test_a_tensor_that_holds_no_picture_is_one_bad_image(odd: torch.Tensor, why: str) -> None:
    data = open_data([PICTURES[0], odd])
    assert data[0].image.shape == (3, 6, 8)
    with pytest.raises(BrokenImage, match=why):
        data[1]


def test_tensors_of_half_precision_are_pictures() -> None:
    data = open_data([WANTED[0].to(torch.bfloat16)])
    # bfloat16 has 8 bits after the first: it is off by 1 in 512 at most, and a byte by another.
    torch.testing.assert_close(data[0].image, WANTED[0], atol=1 / 512 + 1 / 510, rtol=0)


@pytest.mark.parametrize("length", [-1, "many", 2.5])
def test_what_cannot_be_counted_is_refused(length: Any) -> None:
    class Lies(Torch):
        def __len__(self) -> int:
            return length  # type: ignore[no-any-return]

    with pytest.raises(BadInput, match="cannot be counted"):
        open_data(Lies())
