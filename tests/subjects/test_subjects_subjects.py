"""Whom a model is asked about: marked folders and other data, with their captions and classes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Picture

from solidmark.errors import BadInput, BrokenImage, UnknownName
from solidmark.marks import Marked
from solidmark.models import Gaussian, Memorizer, Opening
from solidmark.subjects import open_subject_model, open_subjects


def write(folder: Path, names: list[str], seed: int = 0) -> Path:
    noise = np.random.default_rng(seed)
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Picture.fromarray(noise.integers(0, 256, (8, 8, 3)).astype(np.uint8)).save(path)
        path.with_suffix(".txt").write_text(f"a picture of {name}")
    return folder


def test_both_halves_of_a_marked_folder_in_their_frames(make_marked: Callable[..., Marked]) -> None:
    marked = make_marked(12)
    subjects = open_subjects(str(marked.folder))
    assert subjects.splits == ["trained", "held_out"]
    assert subjects.ids("trained") == sorted(marked.ids("trained"))
    id = subjects.ids("held_out")[1]
    sample = subjects.sample("held_out", id)
    assert torch.equal(sample.image, marked.sample(id).image)
    assert tuple(sample.image.shape) == subjects.size
    assert torch.equal(subjects.crop(sample.image[None]), marked.pattern.crop(sample.image[None]))
    assert subjects.copies() == {}
    assert set(subjects.fingerprint()) == {"keys", "metadata", "trained_ids", "held_out_ids"}


def test_a_folder_and_what_was_held_out(tmp_path: Path) -> None:
    here = write(tmp_path / "here", [f"{n}.png" for n in range(5)])
    there = write(tmp_path / "there", [f"{n}.png" for n in range(3)], seed=1)
    (here / "copy.png").write_bytes((here / "3.png").read_bytes())
    (here / "copy.txt").write_text("a copy")
    subjects = open_subjects(str(here), str(there))
    assert subjects.ids("held_out") == ["0.png", "1.png", "2.png"]
    assert subjects.sample("trained", "1.png").caption == "a picture of 1.png"
    assert subjects.size == (3, 8, 8)
    assert subjects.copies() == {("trained", "copy.png"): "3.png"}
    image = subjects.sample("trained", "1.png").image
    assert subjects.crop(image[None]) is not None
    assert open_subjects(str(here)).splits == ["trained"]


def test_a_limit_is_a_fixed_choice_of_each_split(tmp_path: Path) -> None:
    here = str(write(tmp_path / "here", [f"{n}.png" for n in range(9)]))
    some = open_subjects(here, limit=4)
    assert len(some.ids("trained")) == 4
    assert some.ids("trained") == sorted(some.ids("trained"))
    assert some.ids("trained") == open_subjects(here, limit=4).ids("trained")
    assert some.ids("trained") != open_subjects(here, limit=4, seed=1).ids("trained")
    assert some.fingerprint() != open_subjects(here, limit=4, seed=1).fingerprint()


def test_classes_have_one_numbering_in_both_splits(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder, label in ((here, "owl"), (here, "cat"), (there, "owl"), (there, "elk")):
        path = write(folder, [f"{label}.png"]) / "metadata.csv"
        lines = path.read_text() if path.is_file() else "file_name,class\n"
        path.write_text(lines + f"{label}.png,{label}\n")
    subjects = open_subjects(str(here), str(there), caption="an animal")
    assert subjects.sample("trained", "owl.png").class_index == 2
    assert subjects.sample("held_out", "owl.png").class_index == 2
    assert subjects.sample("held_out", "elk.png").class_index == 1
    assert subjects.sample("held_out", "elk.png").caption == "an animal"


def test_a_broken_image_is_left_to_the_caller(tmp_path: Path) -> None:
    here = write(tmp_path / "here", ["a.png", "b.png"])
    (here / "a.png").write_bytes(b"no picture")
    subjects = open_subjects(str(here))
    with pytest.raises(BrokenImage, match=r"a\.png"):
        subjects.sample("trained", "a.png")
    assert [sample.id for sample in subjects.readable("trained")] == ["b.png"]
    (here / "b.png").write_bytes(b"neither")
    with pytest.raises(BadInput, match="None of the trained images"):
        open_subjects(str(here)).readable("trained")


def test_an_image_of_another_size_is_broken_where_one_size_is_needed(tmp_path: Path) -> None:
    here = write(tmp_path / "here", ["a.png", "b.png", "c.png"])
    there = write(tmp_path / "there", ["x.png", "y.png"])
    for odd in (here / "a.png", there / "x.png", there / "y.png"):
        with Picture.open(odd) as picture:
            larger = picture.resize((20, 12))
        larger.save(odd)
    loose = open_subjects(str(here))
    assert loose.sample("trained", "a.png").image.shape == (3, 12, 20)
    strict = open_subjects(str(here), one_size=True)
    assert strict.size == strict.sample("trained", "b.png").image.shape
    with pytest.raises(BrokenImage, match=r'"a\.png" has 3 x 12 x 20 numbers, .* --resolution'):
        strict.sample("trained", "a.png")
    model = open_subject_model("memorizer", Opening(), strict, 0)
    assert isinstance(model, Memorizer)
    assert len(model.images) == 2
    apart = open_subjects(str(here), str(there), one_size=True)
    with pytest.raises(BadInput, match=r'held_out images can be read: "x\.png" has 3 x 12 x 20'):
        open_subject_model("memorizer", Opening(), apart, 0)
    same = open_subjects(str(here), str(there), one_size=True, resolution=8)
    open_subject_model("memorizer", Opening(), same, 0)


def test_controls_are_made_of_the_trained_images(
    tmp_path: Path, make_marked: Callable[..., Marked]
) -> None:
    here = write(tmp_path / "here", ["a.png", "b.png"])
    subjects = open_subjects(str(here))
    model = open_subject_model("memorizer", Opening(), subjects, 0)
    assert isinstance(model, Memorizer)
    assert torch.equal(model.images[1], subjects.sample("trained", "b.png").image)
    one = open_subject_model("memorizer", Opening(), open_subjects(str(here), limit=1), 0)
    assert isinstance(one, Memorizer)
    assert len(one.images) == 2  # It knows those too that it is not asked about.
    marked = open_subjects(str(make_marked(8).folder))
    assert isinstance(open_subject_model("gaussian", Opening(), marked, 0), Gaussian)


def test_bad_questions(tmp_path: Path, make_marked: Callable[..., Marked]) -> None:
    folder = str(make_marked(8).folder)
    with pytest.raises(BadInput, match="Leave --held-out"):
        open_subjects(folder, folder)
    with pytest.raises(BadInput, match="Leave --held-out"):
        open_subjects(folder, resolution=8)
    with pytest.raises(UnknownName, match='split "test"'):
        open_subjects(folder, splits=("test",))
    here = str(write(tmp_path / "here", ["a.png"]))
    with pytest.raises(BadInput, match="no held_out images"):
        open_subjects(here, splits=("held_out",))


def test_images_that_do_not_fit_are_told_what_to_do(
    tmp_path: Path, save_unet: Callable[..., Path]
) -> None:
    here = str(write(tmp_path / "here", ["a.png", "b.png"]))
    unet = str(save_unet())
    with pytest.raises(BadInput, match=r"the images are in colour\. Add --mode L\."):
        open_subject_model(unet, Opening(), open_subjects(here), 0)
    with pytest.raises(BadInput, match=r"12 x 12 pixels, the images have 8 x 8.*--resolution"):
        open_subject_model(unet, Opening(), open_subjects(here, mode="L"), 0)
    fitting = open_subjects(here, mode="L", resolution=12)
    assert open_subject_model(unet, Opening(), fitting, 0).channels == 1
