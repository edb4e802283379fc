"""The study of what marks do to memory, measured without keys."""

import pytest
import torch

import solidmark
from solidmark.marks import open_marked
from solidmark.studies.observer import MARKS, STUDY
from solidmark.studies.picture_loss import losses_of, picture_loss
from solidmark.studies.remarked import GREY, firsts, keyless


def test_every_way_to_mark_is_measured_alike(micro, values):
    size = {"epochs": (1,), "draws": 1, "steps": 2, "number": 6}
    found = values(micro("observer", images=12, size=size))
    assert {arm for arm, _ in found} == set(MARKS)
    for arm in MARKS:
        for one in STUDY.readouts:
            assert 0 <= found[arm, one.name] <= 1
    for arm in ("no frame", "one grey for all"):  # Their own frame is the neutral one.
        assert found[arm, "Loss, own frame"] == found[arm, "Loss, neutral frame"]


@pytest.fixture
def marked(tmp_path):
    folder = tmp_path / "marked"
    solidmark.mark("digits", folder, resolution=8, limit=12, held_out=0.5, seed=0)
    return folder


def test_without_keys_the_pictures_and_the_halves_stay(marked, tmp_path):
    keyless(str(marked), tmp_path / "neutral")
    before, after = open_marked(marked), open_marked(tmp_path / "neutral")
    for split in ("trained", "held_out"):
        assert after.ids(split) == before.ids(split)
        for id in after.ids(split):
            one, other = (m.sample(id).image[None] for m in (before, after))
            assert torch.equal(before.pattern.crop(one), after.pattern.crop(other))
            assert torch.allclose(after.pattern.read(other), torch.tensor(GREY / 255))


def test_of_each_group_the_first_image_stays(tmp_path):
    from PIL import Image

    data = tmp_path / "data"
    data.mkdir()
    lines = []
    for number in range(6):
        for copy in range(3):
            name = f"{number}-{copy}.png"
            Image.new("L", (8, 8), 40 * number).save(data / name)
            told = f'{{"file_name": "{name}", "id": "{name}", "group": "{number}"}}'
            lines.append(told)
    (data / "metadata.jsonl").write_text("\n".join(lines))
    solidmark.mark(data, tmp_path / "marked", held_out=0.5, seed=0, near_duplicates=False)
    firsts(str(tmp_path / "marked"), tmp_path / "once")
    before, after = (open_marked(tmp_path / name) for name in ("marked", "once"))
    for split in ("trained", "held_out"):
        assert after.ids(split) == [id for id in before.ids(split) if id.endswith("-0.png")]
        for id in after.ids(split):
            assert torch.equal(after.sample(id).image, before.sample(id).image)


def test_the_loss_in_the_picture_finds_what_a_memorizer_knows_and_no_mark(marked, tmp_path):
    keyless(str(marked), tmp_path / "neutral")
    found = {}
    for frame, folder in (("own", marked), ("neutral", tmp_path / "neutral")):
        out = tmp_path / f"loss-{frame}"
        picture_loss("memorizer", str(folder), out, seed=0, device="cpu")
        found[frame] = losses_of(out)
    for losses in found.values():
        assert max(losses["trained"]) < min(losses["held_out"])
