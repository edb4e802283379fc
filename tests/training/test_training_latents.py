"""The latents of the training images: encoded once, those that an audit would encode."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from solidmark.marks import open_marked
from solidmark.models import Conditions, LatentModel, open_model
from solidmark.runs import Processes
from solidmark.training import latents, train
from solidmark.training.batches import Plan, Steps
from solidmark.training.latents import LatentCache, encode_shards, open_cache
from solidmark.training.pictures import TrainingSet
from training.folders import tuned


@pytest.fixture(scope="module")
def model(base: Path) -> LatentModel:
    opened = open_model(str(base))
    assert isinstance(opened, LatentModel)
    return opened


@pytest.fixture
def shards(model: LatentModel, captioned: Path, tmp_path: Path) -> list[Path]:
    source = open_marked(captioned)
    return encode_shards(tmp_path, model, source, source.ids("trained"), mirrored=True)


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latents, "SHARD", 4)
    monkeypatch.setattr(latents, "AT_ONCE", 3)


def expected(model: LatentModel, marked: Path) -> tuple[torch.Tensor, torch.Tensor, Conditions]:
    source = open_marked(marked)
    samples = [source.sample(id) for id in source.ids("trained")]
    images = torch.stack([sample.image for sample in samples])
    return model.encode(images), model.encode(images.flip(3)), model.condition(samples)


@pytest.mark.parametrize("memory_bytes", [0, 10**9])
def test_shards_hold_latents_of_images_mirrored_images_and_captions(
    model: LatentModel, captioned: Path, shards: list[Path], memory_bytes: int
) -> None:
    cache = open_cache(shards, memory_bytes)
    assert (cache.held is None) == (memory_bytes == 0)
    plain, mirrored, told = expected(model, captioned)
    numbers = [8, 0, 5, 3]
    close = {"rtol": 1e-4, "atol": 1e-5}
    torch.testing.assert_close(cache.latents(numbers), plain[numbers], **close)
    torch.testing.assert_close(cache.mirrored(numbers), mirrored[numbers], **close)
    # What is mirrored is the image: the autoencoder is not symmetric.
    assert (mirrored - plain.flip(3)).abs().max() > 0.01
    found = cache.conditions(numbers)
    assert found.tensors.keys() == told.tensors.keys()
    for name, tensor in told.tensors.items():
        torch.testing.assert_close(found.tensors[name], tensor[numbers], **close)


def test_processes_share_the_work_and_make_the_same_shards(
    model: LatentModel, captioned: Path, shards: list[Path], tmp_path: Path
) -> None:
    source = open_marked(captioned)
    ids, whole = source.ids("trained"), [path.read_bytes() for path in shards]
    folder = tmp_path / "shared"
    for rank in (0, 1):
        found = encode_shards(folder, model, source, ids, mirrored=True, here=Processes(rank, 2))
        assert len(found) == 3
        assert sum(path.is_file() for path in found) == (2, 3)[rank]
    assert [path.name for path in found] == [path.name for path in shards]
    assert [path.read_bytes() for path in found] == whole


def test_a_shard_in_which_a_number_was_turned_over_is_made_again(
    model: LatentModel, captioned: Path, shards: list[Path]
) -> None:
    whole = [path.read_bytes() for path in shards]
    shards[1].write_bytes(whole[1][:-2] + bytes([whole[1][-2] ^ 1]) + whole[1][-1:])
    source = open_marked(captioned)
    encode_shards(shards[0].parent, model, source, source.ids("trained"), mirrored=True)
    assert [path.read_bytes() for path in shards] == whole


def test_a_shard_is_named_by_what_it_was_made_from(
    model: LatentModel, captioned: Path, tmp_path: Path
) -> None:
    source = open_marked(captioned)
    ids = source.ids("trained")
    asked: list[tuple[Sequence[str], dict[str, Any]]] = [
        (ids, {"mirrored": False}),
        (ids, {"mirrored": True}),
        (ids[1:], {"mirrored": False}),
        (ids, {"mirrored": False, "origin": "another base"}),
    ]
    names = {
        path.name
        for some, options in asked
        for path in encode_shards(tmp_path, model, source, some, **options)
    }
    assert len(names) == 3 + 3 + 2 + 3


def steps(cache: LatentCache, ids: list[str], nothing: Conditions | None, **options: Any) -> Steps:
    data = TrainingSet(ids, cache.latents, {}, cache.conditions, cache.mirrored, nothing)
    plan = Plan.of(tuned("base", num_train_epochs=6, train_batch_size=9), len(ids))
    return Steps(data, plan, 1000, **options)


def test_a_flip_shows_the_latents_of_the_mirrored_image(
    captioned: Path, shards: list[Path]
) -> None:
    cache, ids = open_cache(shards), open_marked(captioned).ids("trained")
    flipped = 0
    for step, passes in enumerate(map(steps(cache, ids, None, flip=True).__getitem__, range(6))):
        numbers = Plan.of(tuned("base", train_batch_size=9), 9).images(step)[1][0]
        for row, number in zip(passes[0].images, numbers, strict=True):
            plain, mirrored = cache.latents([number])[0], cache.mirrored([number])[0]
            assert torch.equal(row, plain) != torch.equal(row, mirrored)
            flipped += torch.equal(row, mirrored)
    assert 15 < flipped < 39


def test_captions_that_are_left_out_become_the_empty_one(
    model: LatentModel, captioned: Path, shards: list[Path]
) -> None:
    source = open_marked(captioned)
    cache, ids = open_cache(shards), source.ids("trained")
    nothing = model.unconditional(model.condition([source.sample(ids[0])]))
    all_told, some_told = steps(cache, ids, nothing), steps(cache, ids, nothing, blank=0.3)
    left_out = 0
    for step in range(6):
        one, two = all_told[step][0], some_told[step][0]
        assert torch.equal(one.images, two.images)
        assert torch.equal(one.noise, two.noise)
        assert one.condition is not None
        assert two.condition is not None
        for told, shown in zip(
            one.condition.tensors["embeds"], two.condition.tensors["embeds"], strict=True
        ):
            empty = torch.equal(shown, nothing.tensors["embeds"][0])
            assert empty != torch.equal(shown, told)
            left_out += empty
    assert 6 < left_out < 28


def test_images_are_encoded_once_and_the_latents_go_in_the_end(
    captioned: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers import AutoencoderKL
    from transformers import CLIPTextModel

    seen = {"images": 0, "captions": 0}
    encode, forward = AutoencoderKL.encode, CLIPTextModel.forward

    def count(self: Any, x: torch.Tensor, *more: Any, **options: Any) -> Any:
        assert len(x) <= latents.AT_ONCE
        seen["images"] += len(x)
        return encode(self, x, *more, **options)

    def count_captions(self: Any, ids: torch.Tensor, *more: Any, **options: Any) -> Any:
        seen["captions"] += len(ids)
        return forward(self, ids, *more, **options)

    monkeypatch.setattr(AutoencoderKL, "encode", count)
    monkeypatch.setattr(CLIPTextModel, "forward", count_captions)
    recipe = tuned(base, num_train_epochs=4, checkpointing_epochs=2)
    train(captioned, tmp_path / "out", recipe, device="cpu")
    assert seen == {"images": 9, "captions": 9}
    assert not (tmp_path / "out" / "latents").exists()
    # A kill between the last step and the removal leaves them; the same command removes them.
    (tmp_path / "out" / "latents").mkdir()
    train(captioned, tmp_path / "out", recipe, device="cpu")
    assert not (tmp_path / "out" / "latents").exists()
