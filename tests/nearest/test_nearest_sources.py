"""What is compared: any data, with all that is wrong in it."""

import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from compared import compare, digits, draw, files, noisy, row, table, trained
from torch import Tensor

from solidmark.data import to_picture
from solidmark.errors import BadInput, NotFound, RunConflict, SolidmarkError, UnknownName
from solidmark.marks import Marked
from solidmark.measures.nearest import Comparison, nearest, open_side, open_sides
from solidmark.measures.nearest.gathering import contrast


def png(image: Tensor, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    to_picture(image).save(file, kind)
    return file.getvalue()


def as_folder(images: list[Tensor], here: Path) -> Path:
    return draw(here / "folder", images)


def as_parquet(images: list[Tensor], here: Path) -> Path:
    cells = [{"bytes": png(image), "path": None} for image in images]
    table = pa.table({"image": cells, "id": [f"{n:03d}.png" for n in range(len(images))]})
    pq.write_table(table, here / "all.parquet")
    return here / "all.parquet"


def as_tar(images: list[Tensor], here: Path) -> Path:
    with tarfile.open(here / "all.tar", "w") as tar:
        for number, image in enumerate(images):
            for name, data in ((f"{number:03d}.png", png(image)), (f"{number:03d}.txt", b"a")):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return here / "all.tar"


@pytest.mark.parametrize("write", [as_folder, as_parquet, as_tar])
def test_any_data_can_be_compared_without_marks(
    write: Callable[[list[Tensor], Path], Path], tmp_path: Path
) -> None:
    """Without held-out images: distances, and nothing that would need chance."""
    images = digits(0, 12)
    drawn = draw(tmp_path / "drawn", [noisy(image, n, 0.01) for n, image in enumerate(images)])
    found = compare(drawn, write(images, tmp_path), tmp_path / "out", mode="L")
    scores = table(tmp_path / "out", "scores")
    numbers = [int("".join(c for c in one["nearest"] if c.isdigit())) for one in scores]
    assert numbers == [*range(12)] * 3
    assert {(s["status"], s["p_value"], s["q_value"]) for s in scores} == {("ok", None, None)}
    assert not table(tmp_path / "out", "null")
    assert row(found, "eidetic", measure="l2", split="generated", threshold=0.05)["count"] == 12
    splits = {one["split"] for one in found["rows"]}
    assert splits == {"generated", "trained", "augmented"}
    assert {one["chance"] for one in found["rows"] if one["statistic"] != "low_content"} == {None}
    assert not [one for one in found["rows"] if one["statistic"] in ("named", "auc", "threshold")]


def test_photos_with_captions_beside_them(tmp_path: Path) -> None:
    """`000.jpg` and `000.txt`: the caption of a generation stands in its row."""
    images = [torch.nn.functional.interpolate(i[None], scale_factor=4)[0] for i in digits(0, 5)]
    for name, words in (("drawn", "drawn"), ("train", "true")):
        (tmp_path / name).mkdir()
        for number, image in enumerate(images):
            (tmp_path / name / f"{number:03d}.jpg").write_bytes(png(image, "JPEG"))
            (tmp_path / name / f"{number:03d}.txt").write_text(f"{words} {number}")
    compare(tmp_path / "drawn", tmp_path / "train", tmp_path / "out", distances=("l2",))
    scores = table(tmp_path / "out", "scores")
    assert [score["caption"] for score in scores] == [f"drawn {n}" for n in range(5)]
    assert {score["distance"] for score in scores} == {0}


def test_held_out_images_of_ones_own(tmp_path: Path) -> None:
    images = digits(0, 90)
    train, other = draw(tmp_path / "train", images[:30]), draw(tmp_path / "other", images[30:60])
    drawn = draw(tmp_path / "drawn", images[:30])
    found = compare(drawn, train, tmp_path / "out", held_out=str(other), distances=("l2",))
    assert row(found, "named", split="generated")["count"] == 30
    assert row(found, "named", split="trained")["count"] == 30
    assert len(table(tmp_path / "out", "null")) == 30


def test_images_named_beside_a_marked_folder_are_the_control(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(24, side=8, digits=True)
    drawn = draw(tmp_path / "drawn", trained(marked).values())
    other = draw(tmp_path / "other", digits(1000, 7))
    compare(drawn, marked.folder, tmp_path / "out", held_out=str(other), distances=("l2",))
    assert [one["id"] for one in table(tmp_path / "out", "null")] == [
        f"{n:03d}.png" for n in range(7)
    ]


@pytest.mark.parametrize("count", [10, 40])
def test_training_images_can_stand_for_held_out_ones(count: int, tmp_path: Path) -> None:
    """As many as there are generations, or all; none is its own neighbour."""
    images = digits(0, 30)
    train = draw(tmp_path / "train", images)
    drawn = draw(tmp_path / "drawn", (images + digits(1000, 30))[:count])
    found = compare(drawn, train, tmp_path / "out", null="train", distances=("l2", "phash"))
    null = table(tmp_path / "out", "null", measure="l2")
    assert len(null) == min(count, 30)
    pixels = torch.stack(images).flatten(1).double()
    far = torch.cdist(pixels, pixels).fill_diagonal_(torch.inf) / 8
    for one in null:
        number = int(one["id"][:3])
        assert one["nearest"] != one["id"]
        assert one["distance"] == pytest.approx(float(far[number].min()), abs=1e-6)
    assert row(found, "named", measure="l2", split="generated")["n"] == count
    assert {one["p_value"] for one in table(tmp_path / "out", "images", split="trained")} == {None}
    assert found["failed"] == 0


def test_the_held_out_half_is_not_asked_when_training_images_stand_for_it(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(24, side=8, digits=True)
    drawn = draw(tmp_path / "drawn", digits(1000, 8))
    compare(drawn, marked.folder, tmp_path / "out", null="train", distances=("l2",))
    ids = {one["id"] for one in table(tmp_path / "out", "null")}
    assert len(ids) == 8
    assert ids <= set(trained(marked))
    assert not table(tmp_path / "out", "images", split="held_out")


def test_held_out_copies_of_training_images_are_excluded(tmp_path: Path) -> None:
    images = digits(0, 60)
    train = draw(tmp_path / "train", images[:30])
    other = draw(tmp_path / "other", [*images[30:50], *images[:4]])
    drawn = draw(tmp_path / "drawn", digits(1000, 20))
    out = tmp_path / "out"
    found = compare(drawn, train, out, held_out=str(other), distances=("l2", "phash"))
    assert found["excluded"] == 4
    assert found["failed"] == 0
    for measure in ("l2", "phash"):
        excluded = table(out, "null", measure=measure, status="excluded")
        assert [one["id"] for one in excluded] == [f"{n:03d}.png" for n in range(20, 24)]
        assert [one["distance"] for one in excluded] == [0] * 4
        assert excluded[0]["note"] == 'It is the training image "000.png".'
        assert len(table(out, "images", split="held_out", measure=measure, status="excluded")) == 4
        # Chance is that of the other twenty.
        assert row(found, "closest", measure=measure, split="null")["n"] == 20
        least = min(one["p_value"] for one in table(out, "scores", measure=measure))
        assert least >= 1 / 21 - 1e-9
        if measure == "l2":
            assert row(found, "closest", measure=measure, split="null")["value"] > 0


def spoil(folder: Path) -> None:
    """An image that cannot be read, and one of another size."""
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and nothing more")
    to_picture(digits(500, 1, side=9)[0]).save(folder / "size.png")


def test_what_cannot_be_compared_is_named_and_counted(tmp_path: Path) -> None:
    images = digits(0, 60)
    folders = {}
    for number, name in enumerate(("train", "other", "drawn")):
        folders[name] = draw(tmp_path / name, images[20 * number : 20 * number + 20])
    clean = tmp_path / "clean"
    held_out = str(folders["other"])
    compare(folders["drawn"], folders["train"], clean, held_out=held_out)
    for folder in folders.values():
        spoil(folder)
    out = tmp_path / "out"
    found = compare(folders["drawn"], folders["train"], out, held_out=held_out)
    assert found["quarantined"] == 3
    assert found["failed"] == 6
    for name in ("scores", "null"):
        failed = table(out, name, status="failed")
        assert {one["id"] for one in failed} == {"broken.png", "size.png"}
        assert len(failed) == 6
        for one in failed:
            assert one["distance"] is one["nearest"] is one["raw"] is None
            assert one["note"]
        (size,) = [f for f in failed if f["id"] == "size.png" and f["measure"] == "l2"]
        assert "3 x 9 x 9" in size["note"]
        assert "3 x 8 x 8" in size["note"]
        # And the rest is as it was.
        rest = [one for one in table(out, name) if one["status"] == "ok"]
        assert rest == table(clean, name)
    for split in ("trained", "held_out"):
        assert len(table(out, "images", split=split, status="failed", measure="l2")) == 2
    for split in ("generated", "null", "trained", "held_out"):
        assert row(found, "closest", measure="l2", split=split)["failed"] == 2
    assert not [p for p in table(out, "neighbours") if "broken" in p["id"] or "size" in p["id"]]


def test_failed_images_count_once_also_when_nobody_turns_round(tmp_path: Path) -> None:
    train, drawn = draw(tmp_path / "train", digits(0, 9)), draw(tmp_path / "drawn", digits(9, 9))
    spoil(drawn)
    options = {"distances": ("l2",), "per_image": False}
    found = compare(drawn, train, tmp_path / "out", **options)
    assert (found["failed"], found["quarantined"]) == (2, 1)
    assert not table(tmp_path / "out", "images")


def test_an_embedder_compares_images_of_any_size(tmp_path: Path) -> None:
    """A note on what pixels cannot compare does not stand beside what an embedder can."""
    train = draw(tmp_path / "train", digits(0, 12))
    drawn = draw(tmp_path / "drawn", digits(0, 4) + digits(4, 4, side=12))
    found = compare(drawn, train, tmp_path / "out", distances=("l2", "pixels", "phash"))
    assert [s["status"] for s in table(tmp_path / "out", "scores", measure="l2")] == (
        ["ok"] * 4 + ["failed"] * 4
    )
    for measure in ("pixels", "phash"):
        scores = table(tmp_path / "out", "scores", measure=measure)
        assert {(one["status"], one["note"]) for one in scores} == {("ok", None)}
    assert [one["nearest"] for one in scores[:4]] == [f"{n:03d}.png" for n in range(4)]
    assert found["failed"] == 4


@pytest.mark.parametrize("distances", [("pixels",), ("phash",)])
def test_sizes_do_not_matter_where_no_distance_is_of_pixels(
    distances: tuple[str, ...], tmp_path: Path
) -> None:
    train = draw(tmp_path / "train", digits(0, 5) + digits(5, 5, side=11))
    drawn = draw(tmp_path / "drawn", digits(5, 5, side=30))
    found = compare(drawn, train, tmp_path / "out", distances=distances)
    assert found["failed"] == 0
    assert not [one for one in table(tmp_path / "out", "scores") if one["note"]]


def test_one_resolution_makes_sizes_equal(tmp_path: Path) -> None:
    train = draw(tmp_path / "train", digits(0, 6) + digits(6, 6, side=12))
    drawn = draw(tmp_path / "drawn", digits(0, 6, side=24))
    found = compare(drawn, train, tmp_path / "out", resolution=8)
    assert found["failed"] == 0
    assert len(table(tmp_path / "out", "images", measure="l2")) == 12


@pytest.mark.parametrize("measure", ["phash", "pixels"])
def test_blank_images_are_nothing_to_an_embedder(measure: str, tmp_path: Path) -> None:
    blank = [torch.full((1, 8, 8), grey) for grey in (0.0, 0.5, 1.0)]
    train = draw(tmp_path / "train", digits(0, 10) + blank[:2])
    drawn = draw(tmp_path / "drawn", digits(20, 6) + blank)
    other = draw(tmp_path / "other", digits(40, 9) + blank[2:])
    out = tmp_path / "out"
    found = compare(drawn, train, out, held_out=str(other), distances=("l2", measure))
    by_l2 = table(out, "scores", measure="l2")
    assert {one["status"] for one in by_l2} == {"ok"}
    assert [one["low_content"] for one in by_l2] == [False] * 6 + [True] * 3
    assert [one["distance"] for one in by_l2[6:8]] == [0, 0]
    scores = table(out, "scores", measure=measure)
    assert [one["status"] for one in scores] == ["ok"] * 6 + ["failed"] * 3
    for one in scores[6:]:
        assert one["note"] == "The embedder sees nothing in it: it is blank."
        assert one["distance"] is one["p_value"] is one["nearest"] is None
    assert not {s["nearest"] for s in scores} & {"010.png", "011.png"}
    assert row(found, "closest", measure=measure, split="generated")["failed"] == 3
    assert row(found, "closest", measure=measure, split="null")["failed"] == 1
    assert row(found, "closest", measure=measure, split="trained")["failed"] == 2
    # Of copies of blank images nothing is said.
    assert not {c["id"] for c in table(out, "augmented", measure=measure)} & {"010.png", "011.png"}
    counts = row(found, "low_content", measure="l2")
    assert (counts["count"], counts["n"]) == (3, 9)
    assert counts["chance"] == pytest.approx(3 / 9)


def test_generations_that_are_all_blank_are_not_all_alike_to_a_rescaled_distance(
    tmp_path: Path,
) -> None:
    """What modified l2 is for: a grey image is close to everything, and so to nothing."""
    train = draw(tmp_path / "train", digits(0, 40))
    drawn = draw(tmp_path / "drawn", [torch.full((1, 8, 8), 0.3)])
    compare(drawn, train, tmp_path / "out", distances=("l2", "modified-l2"), n=40)
    plain, rescaled = table(tmp_path / "out", "scores")
    assert plain["low_content"]
    assert rescaled["distance"] > 1
    assert rescaled["raw"] == plain["distance"]


def test_contrast_is_that_of_a_channel() -> None:
    image = torch.zeros(3, 4, 4)
    image[1] = 1
    assert contrast(image) == 0
    image[0, :2] = 1
    assert contrast(image) == pytest.approx(np.sqrt(0.25 / 3))
    half = torch.zeros(1, 2, 2)
    half[0, 0] = 1
    assert contrast(half) == 0.5


# Folders that are not what they seem


def test_a_foreign_manifest_makes_no_difference(tmp_path: Path) -> None:
    """Web exports have files of that name too."""
    images = digits(0, 6)
    train, drawn = draw(tmp_path / "train", images), draw(tmp_path / "drawn", images)
    compare(drawn, train, tmp_path / "plain", distances=("l2",))
    for folder, text in ((train, '["icons"]'), (drawn, '{"name": "app"}')):
        (folder / "manifest.json").write_text(text)
    compare(drawn, train, tmp_path / "out", distances=("l2",))
    assert files(tmp_path / "out").keys() == files(tmp_path / "plain").keys()
    assert table(tmp_path / "out", "scores") == table(tmp_path / "plain", "scores")


def test_a_marked_folder_without_its_keys_is_not_taken_for_images(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    """Its images have frames, and half of them were held out."""
    marked = make_marked(12, side=8, digits=True)
    (marked.folder / "keys.parquet").unlink()
    with pytest.raises(SolidmarkError, match=r"keys\.parquet"):
        open_sides(str(marked.folder), str(marked.folder))
    with pytest.raises(SolidmarkError, match=r"keys\.parquet"):
        open_side(str(marked.folder))


def test_half_a_manifest_is_said(make_marked: Callable[..., Marked], tmp_path: Path) -> None:
    marked = make_marked(12, side=8, digits=True)
    (marked.folder / "manifest.json").write_text('{"command": "mark", ')
    with pytest.raises(BadInput, match="not readable JSON"):
        open_side(str(marked.folder))


def test_a_side_alone_is_the_training_half(make_marked: Callable[..., Marked]) -> None:
    marked = make_marked(16, side=8, digits=True)
    data = open_side(str(marked.folder), limit=5)
    images = trained(marked)
    assert data.ids == sorted(images)[:5]
    for number, id in enumerate(data.ids):
        assert torch.equal(data[number].image, images[id])


def test_a_marked_folder_cannot_be_resized(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(12, side=8, digits=True)
    drawn = draw(tmp_path / "drawn", digits(0, 3))
    for options in ({"resolution": 8}, {"mode": "RGB"}):
        with pytest.raises(BadInput, match="Leave --resolution and --mode out"):
            compare(drawn, marked.folder, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


# Bad input


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return draw(tmp_path / "drawn", digits(0, 8)), draw(tmp_path / "train", digits(8, 8))


def test_bad_options_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    def made(**options: object) -> Comparison:
        return Comparison("drawn", "train", tmp_path, **options)  # type: ignore[arg-type]

    with pytest.raises(UnknownName, match='"held-out"'):
        made(null="heldout")
    with pytest.raises(BadInput, match="--null train does not use"):
        made(null="train", held_out="other")
    for options in ({"neighbours": 0}, {"limit": 0}):
        with pytest.raises(BadInput, match="1 or more"):
            made(**options)
    for options in ({"fprs": (0.0,)}, {"fprs": (0.1, 1.0)}, {"fdr": 1.5}, {"fdr": float("nan")}):
        with pytest.raises(BadInput, match="above 0 and below 1"):
            made(**options)


def test_bad_names_are_refused_before_a_folder_is_made(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(UnknownName, match='"phash"'):
        compare(*pair, out, distances=("phas",))
    for distances in (("l2", "l2"), ()):
        with pytest.raises(BadInput, match="asked once"):
            compare(*pair, out, distances=distances)
    with pytest.raises(BadInput, match="MiFID needs"):
        compare(*pair, out, features=("mifid",))
    for name in range(2):
        folders = [*pair]
        folders[name] = tmp_path / "nowhere"
        with pytest.raises(NotFound, match="nowhere"):
            compare(*folders, out)
    with pytest.raises(NotFound, match="nowhere"):
        compare(*pair, out, held_out=str(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(SolidmarkError, match="no images"):
        compare(tmp_path / "empty", pair[1], out)
    assert not out.exists()


def test_after_bad_input_the_folder_takes_other_options(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(BadInput, match=r"3 x 3 equal tiles. Use --tiles 2 or 4 or 8"):
        compare(*pair, out, tiles=3)
    with pytest.raises(
        BadInput, match=r"None of the 8 generated images .* 3 x 9 x 9, .* 3 x 8 x 8"
    ):
        compare(draw(tmp_path / "nine", digits(0, 8, side=9)), pair[1], out)
    (tmp_path / "torn").mkdir()
    for number in range(3):
        (tmp_path / "torn" / f"{number}.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    for first, second in ((tmp_path / "torn", pair[1]), (pair[0], tmp_path / "torn")):
        with pytest.raises(BadInput, match=r"None of the 3 \w+ images can be read"):
            compare(first, second, out)
    with pytest.raises(BadInput, match="None of the 3 held_out images can be read"):
        compare(*pair, out, held_out=str(tmp_path / "torn"))
    assert not [path for path in out.rglob("*") if path.is_file()]
    compare(*pair, out)
    assert (out / "results.json").is_file()


def test_too_little_memory_costs_nothing_but_the_line(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    """What was read stays read: memory is not part of the configuration."""
    out = tmp_path / "out"
    with pytest.raises(BadInput, match=r"needs --memory of \d+ MB or more, not 1\."):
        compare(*pair, out, memory=2**20)
    before = {path: path.stat().st_mtime_ns for path in (out / "work").rglob("*.parquet")}
    assert before
    shutil.copytree(out, tmp_path / "copy")
    compare(*pair, out)
    compare(*pair, tmp_path / "other")
    assert files(out) == files(tmp_path / "other")


def test_an_unfinished_folder_of_generations_is_refused(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    manifest = {"command": "generate", "config": {}, "fingerprints": {}, "finished": False}
    (pair[0] / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RunConflict, match="not finished"):
        compare(*pair, tmp_path / "out")
    (pair[0] / "manifest.json").write_text(json.dumps(manifest | {"finished": True}))
    compare(*pair, tmp_path / "out")


@pytest.mark.parametrize("null", ["held-out", "train"])
def test_one_image_of_each(null: str, tmp_path: Path) -> None:
    """The smallest data there are: no crash, or one line."""
    drawn, train = draw(tmp_path / "drawn", digits(0, 1)), draw(tmp_path / "train", digits(1, 1))
    if null == "train":
        with pytest.raises(BadInput, match=r"there is only one\. Name held-out images"):
            compare(drawn, train, tmp_path / "out", null=null)
        return
    found = compare(drawn, train, tmp_path / "out", null=null, distances=("l2", "modified-l2"))
    assert row(found, "closest", measure="l2", split="generated")["n"] == 1
    assert table(tmp_path / "out", "scores", measure="modified-l2")[0]["distance"] == 2


def test_a_run_from_python_needs_no_command_line(pair: tuple[Path, Path], tmp_path: Path) -> None:
    run = nearest(Comparison(str(pair[0]), str(pair[1]), tmp_path / "out", n=3))
    assert run.finished
    assert run.manifest["quarantined"] == 0
    assert run.manifest["peak_memory_bytes"] > 0
