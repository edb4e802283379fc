"""A guard: what is a copy is refused, what is fresh passes at the rate that was asked for."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from scipy import stats
from torch import Tensor

from solidmark.data import Records, Sample, open_data, to_picture, to_tensor
from solidmark.embed import PerceptualHash
from solidmark.errors import BadInput, BrokenImage, NotFound, RunConflict, UnknownName
from solidmark.marks import Marked
from solidmark.measures.guard import Guard, Indexing, Unread, Verdict, build_index, open_index
from solidmark.measures.guard import index as building
from solidmark.measures.guard.verdict import refused, within
from solidmark.runs import read_manifest

SIDE, TRAINED, HELD_OUT, FRESH = 12, 150, 199, 400
DISTANCES = ("l2", "modified-l2", "patched-l2", "phash")
FPR = 0.05


def save(folder: Path, images: list[Tensor]) -> Path:
    folder.mkdir(parents=True)
    for number, image in enumerate(images):
        to_picture(image).save(folder / f"{number:04d}.png")
    return folder


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`train`, `held_out` and `fresh`: digits of one kind, divided at random."""
    here = tmp_path_factory.mktemp("digits")
    every = open_data("digits", resolution=SIDE)
    order = np.random.default_rng(0).permutation(len(every))
    start = 0
    for name, count in (("train", TRAINED), ("held_out", HELD_OUT), ("fresh", FRESH)):
        save(here / name, [every[int(n)].image for n in order[start : start + count]])
        start += count
    return here


def indexing(digits: Path, out: Path, **options: object) -> Indexing:
    plain: dict = {"held_out": str(digits / "held_out"), "mode": "L", "distances": DISTANCES}
    plain |= {"fprs": (FPR, 0.01), "cache": out.parent / "cache", **options}
    return Indexing(str(digits / "train"), out, **plain)


@pytest.fixture(scope="module")
def index(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("index") / "index"
    assert build_index(indexing(digits, out, pictures=True)).finished
    return out


@pytest.fixture(scope="module")
def guard(index: Path) -> Guard:
    return open_index(index)


def images(folder: Path) -> list[Tensor]:
    data = open_data(folder, mode="L")
    return [data[number].image for number in range(len(data))]


def noised(image: Tensor, levels: int, seed: int) -> Tensor:
    noise = torch.randint(-levels, levels + 1, image.shape, generator=torch.manual_seed(seed))
    return (image + noise / 255).clamp(0, 1)


# Controls


def test_every_training_image_is_refused_as_itself(guard: Guard, digits: Path) -> None:
    verdicts = guard.many(images(digits / "train"))
    assert len(verdicts) == TRAINED
    for number, verdict in enumerate(verdicts):
        assert verdict.refused
        assert verdict.copy_of == f"{number:04d}.png"
        for said in verdict.closeness.values():
            assert said.within
            assert said.nearest == f"{number:04d}.png"
            assert said.distance == pytest.approx(0, abs=1e-6)
            assert said.p_value == 1 / (HELD_OUT + 1)


@pytest.mark.parametrize("measure", DISTANCES[:3])
def test_a_slightly_changed_copy_is_refused(guard: Guard, digits: Path, measure: str) -> None:
    """By every distance in pixels alone; it is nobody's copy bit by bit."""
    changed = [noised(image, 6, n) for n, image in enumerate(images(digits / "train"))]
    for number, verdict in enumerate(guard.many(changed)):
        assert verdict.copy_of is None
        assert verdict.closeness[measure].within
        assert verdict.closeness[measure].nearest == f"{number:04d}.png"
        assert verdict.refused


@pytest.mark.parametrize("measure", DISTANCES)
def test_fresh_images_are_refused_at_the_rate_that_was_asked(
    guard: Guard, digits: Path, measure: str
) -> None:
    """The rate below a threshold is a draw from a beta law, and each image one from that."""
    verdicts = guard.many(images(digits / "fresh"))
    count = sum(verdict.closeness[measure].within for verdict in verdicts)
    rank = int(FPR * (HELD_OUT + 1))
    law = stats.betabinom(FRESH, rank, HELD_OUT + 1 - rank)
    assert count <= law.ppf(0.999)
    if measure != "phash":  # Its distances are tied, which refuses fewer.
        assert count >= law.ppf(0.001)
    for verdict in verdicts:
        said = verdict.closeness[measure]
        assert said.within == (said.p_value is not None and said.p_value <= FPR)


# References


def test_the_numbers_are_those_of_numpy(guard: Guard, digits: Path) -> None:
    train, null, fresh = (
        np.stack([(255 * image).round().double().numpy() / 255 for image in images(digits / name)])
        for name in ("train", "held_out", "fresh")
    )

    def by_hand(image: np.ndarray) -> tuple[int, float, float]:
        l2 = np.sqrt(((train - image) ** 2).mean(axis=(1, 2, 3)))
        return int(l2.argmin()), l2.min(), l2.min() / (0.5 * np.sort(l2)[:50].mean())

    expected = {"l2": sorted(by_hand(i)[1] for i in null)}
    expected["modified-l2"] = sorted(by_hand(i)[2] for i in null)
    rank = int(FPR * (HELD_OUT + 1))
    for image, verdict in zip(fresh, guard.many(images(digits / "fresh")), strict=True):
        nearest, *distances = by_hand(image)
        assert verdict.contrast == pytest.approx(image.std())
        for name, distance in zip(expected, distances, strict=True):
            said = verdict.closeness[name]
            assert said.nearest == f"{nearest:04d}.png"
            assert said.distance == pytest.approx(distance, rel=1e-9)
            assert said.threshold == pytest.approx(expected[name][rank - 1], rel=1e-9)
            above = sum(value <= distance for value in expected[name])
            assert said.p_value == (1 + above) / (HELD_OUT + 1)
            assert said.within == (distance < expected[name][rank - 1])
        assert verdict.closeness["modified-l2"].raw == pytest.approx(distances[0])


def test_the_rule_by_hand() -> None:
    distances = {
        "l2": np.array([0.1, 0.1, 0.1, 0.3, np.nan]),
        "modified-l2": np.array([0.5, 2.0, 2.0, 0.5, np.nan]),
    }
    low = np.array([True, True, False, False, True])
    close = within(distances, {"l2": 0.2, "modified-l2": 1.0}, low)
    assert close["l2"].tolist() == [True, False, True, False, False]
    assert close["modified-l2"].tolist() == [True, False, False, True, False]
    assert refused(close, distances, "any").tolist() == [True, False, True, True, False]
    assert refused(close, distances, "all").tolist() == [True, False, False, False, False]
    blind = {**distances, "modified-l2": np.full(5, np.nan)}
    close = within(blind, {"l2": 0.2}, np.zeros(5, dtype=bool))
    assert refused(close, blind, "all").tolist() == [True, True, True, False, False]


# What does not change a verdict


def test_many_at_once_are_judged_as_one_by_one(guard: Guard, digits: Path) -> None:
    some = images(digits / "fresh")[:20] + images(digits / "train")[:20]
    together = guard.many(some)
    assert len(together) == 40
    for number, (image, verdict) in enumerate(zip(some, together, strict=True)):
        assert dataclasses.replace(guard(image), id=verdict.id) == verdict
        assert verdict.id == f"image {number}"
    assert guard.many([]) == []


def test_files_pictures_tensors_and_samples_are_the_same(guard: Guard, digits: Path) -> None:
    path = digits / "fresh" / "0003.png"
    image = images(digits / "fresh")[3]
    by_path = guard(path)
    assert by_path.id == str(path)
    same = [guard(str(path)), guard(image), guard(to_picture(image)), guard(image.double())]
    same += [guard(image.expand(3, -1, -1)), guard(Sample("mine", image, "not looked at"))]
    assert [one.id for one in same] == [str(path), *["image 0"] * 4, "mine"]
    for one in same:
        assert dataclasses.replace(one, id=by_path.id) == by_path


def test_an_index_that_is_larger_than_the_memory(tmp_path: Path) -> None:
    """12 MB of rows: all of them in the memory, or a few at a time."""
    noise = np.random.default_rng(0)
    side, count = 32, 4000
    for name, some in (("train", count), ("held_out", 20)):
        (tmp_path / name).mkdir()
        for number in range(some):
            image = torch.from_numpy(noise.random((3, side, side), dtype=np.float32))
            to_picture(image).save(tmp_path / name / f"{number:04d}.bmp")
    where = {"held_out": str(tmp_path / "held_out"), "fprs": (0.1,), "distances": ("l2",)}
    build_index(Indexing(str(tmp_path / "train"), tmp_path / "index", **where))  # type: ignore[arg-type]
    large, small = (open_index(tmp_path / "index", memory=m) for m in (2**30, 22 * 2**20))
    kinds = [type(g.index.spaces[0].rows.matrix.shards[0]) for g in (large, small)]
    assert issubclass(kinds[0], np.ndarray)
    assert issubclass(kinds[1], Path)
    asked = [tmp_path / "train" / "0007.bmp", tmp_path / "held_out" / "0003.bmp"]
    assert large.many(asked) == small.many(asked)
    assert [verdict.refused for verdict in small.many(asked)] == [True, False]
    with pytest.raises(BadInput, match="needs --memory"):
        open_index(tmp_path / "index", memory=2**20)(asked[0])


def test_a_build_that_was_stopped_goes_on(
    digits: Path, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = indexing(digits, tmp_path / "index", pictures=True)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(building, "_null", stop)
        with pytest.raises(KeyboardInterrupt):
            build_index(asked)
    with pytest.raises(RunConflict, match='Run the same "solidmark index"'):
        open_index(asked.out)
    reads = _count_reads(monkeypatch)
    assert build_index(asked).finished
    assert len(reads) == 1 + TRAINED  # The first one, for its size; and the pictures.
    for name in ("images.parquet", "null.parquet"):
        assert (asked.out / name).read_bytes() == (index / name).read_bytes()
    assert not (asked.out / "work").exists()
    assert build_index(asked).finished
    with pytest.raises(RunConflict, match="another run"):
        build_index(dataclasses.replace(asked, distances=("l2",)))


def _count_reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    reads: list[int] = []
    plain = Records.__getitem__

    def counted(self: Records, number: int) -> Sample:
        reads.append(number)
        return plain(self, number)

    monkeypatch.setattr(Records, "__getitem__", counted)
    return reads


def test_new_training_images_cost_only_themselves(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(digits / "train", tmp_path / "train")
    options = {"held_out": str(digits / "held_out"), "distances": ("phash",), "mode": "L"}
    options |= {"cache": tmp_path / "cache"}
    build_index(Indexing(str(tmp_path / "train"), tmp_path / "one", **options))  # type: ignore[arg-type]
    for name in ("0000.png", "0001.png", "0002.png"):
        shutil.copy(digits / "fresh" / name, tmp_path / "train" / f"new-{name}")
    with pytest.raises(RunConflict, match="the content of training"):
        build_index(Indexing(str(tmp_path / "train"), tmp_path / "one", **options))  # type: ignore[arg-type]
    embedded: list[int] = []
    plain = PerceptualHash.embed
    monkeypatch.setattr(
        PerceptualHash, "embed", lambda self, some: embedded.append(len(some)) or plain(self, some)
    )
    build_index(Indexing(str(tmp_path / "train"), tmp_path / "two", **options))  # type: ignore[arg-type]
    assert sum(embedded) == 3
    assert open_index(tmp_path / "two")(digits / "fresh" / "0001.png").copy_of == "new-0001.png"


# Little content


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise, and images nearly of one grey; the null is like the noise, so l2 is generous."""
    here = tmp_path_factory.mktemp("flat")
    noise = np.random.default_rng(1)

    def loud() -> Tensor:
        return torch.from_numpy(noise.random((1, 8, 8), dtype=np.float32))

    def quiet() -> Tensor:
        return torch.from_numpy(noise.uniform(0.45, 0.55, (1, 8, 8)).astype(np.float32))

    trained = [loud() for _ in range(60)]
    save(here / "train", trained + [quiet() for _ in range(60)])
    save(here / "held_out", [0.7 * trained[n % 60] + 0.3 * loud() for n in range(99)])
    save(here / "fresh", [quiet() for _ in range(20)])
    return here


@pytest.mark.parametrize("distances", [("l2",), ("l2", "modified-l2")])
def test_l2_alone_refuses_no_image_of_little_content(
    flat: Path, tmp_path: Path, distances: tuple[str, ...]
) -> None:
    asked = indexing(flat, tmp_path / "index", distances=distances)
    build_index(asked)
    guard = open_index(asked.out)
    for verdict in guard.screen(open_data(flat / "fresh", mode="L")):
        assert isinstance(verdict, Verdict)
        said = verdict.closeness["l2"]
        assert verdict.low_content
        assert said.distance is not None
        assert said.distance < said.threshold
        assert not said.within
        assert said.note == "Of little content, and not close by modified-l2."
        assert not verdict.refused
        assert list(verdict.closeness) == list(distances)
    copies = [noised(image, 1, n) for n, image in enumerate(images(flat / "train")[60:])]
    for verdict in guard.many(copies):
        assert verdict.low_content
        assert verdict.copy_of is None
        assert verdict.closeness["l2"].within
        assert verdict.refused


def test_a_blank_image_is_told_apart(flat: Path, tmp_path: Path) -> None:
    """An embedder sees nothing in it: that is no closeness, and no reason to fail."""
    asked = indexing(flat, tmp_path / "index", distances=("pixels",))
    build_index(asked)
    verdict = open_index(asked.out)(torch.full((1, 8, 8), 0.5))
    said = verdict.closeness["pixels"]
    assert (said.nearest, said.distance, said.p_value, said.within) == (None, None, None, False)
    assert said.note == "It sees nothing in the image, which is blank."
    assert not verdict.refused
    assert verdict.decisive == said
    json.dumps(verdict.to_json(), allow_nan=False)


# Thresholds


def test_other_rates_thresholds_and_rules(index: Path, digits: Path) -> None:
    fresh = images(digits / "fresh")

    def count(**options: object) -> int:
        return sum(verdict.refused for verdict in open_index(index, **options).many(fresh))  # type: ignore[arg-type]

    assert count(fpr=0.01) < count() < count(fpr=0.2)
    assert count(rule="all") < count(rule="any")
    never = dict.fromkeys(DISTANCES[:3], -1.0) | {"phash": 1.5}
    assert count(thresholds=never) == 0
    assert count(thresholds={**never, "phash": -1.0}) == FRESH
    assert count(thresholds={**never, "phash": -1.0}, rule="all") == 0
    guard = open_index(index, thresholds={"phash": 0.75, "l2": 0.2})
    for verdict in guard.many(fresh[:50]):
        phash, l2 = verdict.closeness["phash"], verdict.closeness["l2"]
        assert phash.similarity is not None
        assert phash.within == (phash.similarity >= 0.75)
        assert l2.distance is not None
        if not verdict.low_content:
            assert l2.within == (l2.distance <= 0.2)
    with pytest.raises(BadInput, match=r"199 held-out images cannot show a rate of 0.001: 999 are"):
        open_index(index, fpr=0.001)
    with pytest.raises(UnknownName, match="l2"):
        open_index(index, thresholds={"l3": 0.1})
    with pytest.raises(UnknownName, match="all, any"):
        open_index(index, rule="some")  # type: ignore[arg-type]


def test_what_the_index_says_of_its_thresholds(index: Path, guard: Guard, digits: Path) -> None:
    manifest = read_manifest(index)
    rows = manifest["thresholds"]
    known = {(row["measure"], row["fpr"]): row for row in rows if "measure" in row}
    assert set(known) == {(name, fpr) for name in DISTANCES for fpr in (FPR, 0.01)}
    for name in DISTANCES:
        assert known[name, FPR]["threshold"] == guard.thresholds[name]
        assert known[name, FPR]["ci_low"] < FPR < known[name, FPR]["ci_high"]
    shares = {(row["rule"], row["fpr"]): row["refused"] for row in rows if "rule" in row}
    null = guard.many(images(digits / "held_out"))
    assert shares["any", FPR] == pytest.approx(np.mean([v.refused for v in null]))
    every = open_index(index, rule="all").many(images(digits / "held_out"))
    assert shares["all", FPR] == pytest.approx(np.mean([v.refused for v in every]))


def test_copies_among_the_held_out_images_do_not_count(digits: Path, tmp_path: Path) -> None:
    shutil.copytree(digits / "held_out", tmp_path / "held_out")
    shutil.copy(digits / "train" / "0005.png", tmp_path / "held_out" / "copy.png")
    shutil.copy(digits / "held_out" / "0007.png", tmp_path / "held_out" / "twice.png")
    (tmp_path / "held_out" / "torn.png").write_bytes(b"nothing")
    (tmp_path / "train").mkdir()
    for path in sorted((digits / "train").iterdir())[:20]:
        shutil.copy(path, tmp_path / "train")
    (tmp_path / "train" / "torn.png").write_bytes(b"nothing")
    run = build_index(indexing(tmp_path, tmp_path / "index", distances=("l2",)))
    assert run.manifest["images"] == 20
    assert run.manifest["quarantined"] == 1
    (row, *_) = run.manifest["thresholds"]
    assert row["n"] == HELD_OUT
    status = {r["id"]: r["status"] for r in pq.read_table(run.folder / "null.parquet").to_pylist()}
    assert status["copy.png"] == "excluded"
    assert status["torn.png"] == "failed"


def test_without_held_out_images_a_threshold_is_needed(digits: Path, tmp_path: Path) -> None:
    run = build_index(
        indexing(digits, tmp_path / "index", held_out=None, distances=("l2", "phash"))
    )
    assert run.manifest["thresholds"] == []
    with pytest.raises(BadInput, match=r"by l2\. It has no held-out images\. Give --threshold l2="):
        open_index(run.folder, thresholds={"phash": 0.9})
    guard = open_index(run.folder, thresholds={"phash": 0.9, "l2": 0.05})
    assert guard.thresholds["modified-l2"] == 1
    verdict = guard(noised(images(digits / "train")[0], 3, 0))
    assert verdict.refused
    assert verdict.closeness["l2"].p_value is None
    assert not guard(images(digits / "held_out")[1]).refused


# Frames


def test_images_in_their_frames_are_cut_out(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(120, side=12, digits=True)
    out = tmp_path / "index"
    build_index(Indexing(str(marked.folder), out, distances=("l2",), fprs=(0.1,)))
    guard = open_index(out)
    for id in marked.ids("trained"):
        framed = marked.sample(id).image
        verdict = guard(framed)
        assert verdict.refused
        assert verdict.copy_of is not None
        assert dataclasses.replace(guard(marked.pattern.crop(framed[None])[0])) == verdict
        # Another frame round the same image.
        other = torch.where(marked.pattern.mask(*framed.shape[-2:]), 0.3, framed)
        assert guard(other).copy_of == verdict.copy_of
    held_out = [marked.sample(id).image for id in marked.ids("held_out")]
    assert sum(verdict.refused for verdict in guard.many(held_out)) <= 0.1 * len(held_out)


# What cannot be judged


def test_what_cannot_be_judged_is_named_and_the_rest_goes_on(
    guard: Guard, digits: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "asked"
    shutil.copytree(digits / "fresh", folder)
    (folder / "0002.png").write_bytes(b"nothing")
    to_picture(torch.rand(1, 9, 9)).save(folder / "0040.png")
    said = list(guard.screen(guard.open(str(folder))))
    assert [one.id for one in said] == sorted(path.name for path in folder.iterdir())
    unread = [one for one in said if isinstance(one, Unread)]
    assert [one.id for one in unread] == ["0002.png", "0040.png"]
    assert "not an image" in unread[0].note
    assert "1 x 9 x 9, the training images are 1 x 12 x 12" in unread[1].note
    good = [one for one in said if isinstance(one, Verdict)]
    rest = [n for n in range(FRESH) if n not in (2, 40)]
    alone = guard.many([folder / f"{n:04d}.png" for n in rest])
    assert [v.closeness for v in good] == [v.closeness for v in alone]


def test_bad_questions(guard: Guard, tmp_path: Path) -> None:
    image = torch.rand(1, SIDE, SIDE)
    with pytest.raises(BadInput, match=r"in \[0, 1\], and this one runs from -1"):
        guard(2 * torch.eye(SIDE)[None] - 1)
    with pytest.raises(BadInput, match=r"in \[0, 1\]"):
        guard(torch.full((1, SIDE, SIDE), torch.nan))
    for wrong in (image[0], image.expand(4, -1, -1), (image * 255).to(torch.uint8)):
        with pytest.raises(BadInput, match="is no image"):
            guard(wrong)
    with pytest.raises(BadInput, match="not about a ndarray"):
        guard(image.numpy())  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="1 x 9 x 9"):
        guard(torch.rand(1, 9, 9))
    with pytest.raises(BrokenImage, match="There is no file"):
        guard(tmp_path / "nothing.png")
    with pytest.raises(NotFound, match="no folder"):
        guard.open(str(tmp_path / "nothing.png"))


def test_bad_indexes(index: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="solidmark index"):
        open_index(tmp_path)
    with pytest.raises(BadInput, match="--fpr"):
        Indexing("digits", tmp_path, fprs=())
    torn = Path(shutil.copytree(index, tmp_path / "torn"))
    shard = torn / "training" / "000000.npy"
    shard.write_bytes(shard.read_bytes()[:1000])
    with pytest.raises(RunConflict, match=r'"training/000000.npy" is not what was written'):
        open_index(torn)
    other = Path(shutil.copytree(index, tmp_path / "other"))
    manifest = read_manifest(other)
    manifest["measures"]["phash"]["model"] = "another"
    (other / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BadInput, match='built with another "phash"'):
        open_index(other)


def test_pictures_are_kept_if_asked(guard: Guard, digits: Path) -> None:
    path = guard.index.picture("0004.png")
    assert path is not None
    from PIL import Image

    assert torch.equal(to_tensor(Image.open(path)), images(digits / "train")[4])
    assert guard.index.picture("nobody") is None
