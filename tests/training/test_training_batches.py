"""Batches: a function of seed, image and epoch, whatever stands beside them."""

from pathlib import Path

import pytest
import torch

from solidmark.diffusion import DiscreteSchedule
from solidmark.errors import BadInput
from solidmark.marks import open_marked
from solidmark.runs import Processes
from solidmark.training.batches import Plan, Steps, draw, read_steps
from solidmark.training.loss import DenoisingLoss
from solidmark.training.network import build_scheduler
from solidmark.training.pictures import OnDisk, TrainingSet, load_training_set
from training.folders import mark, small

SHAPE = (1, 12, 12)


def plan(count: int = 9, **changes: object) -> Plan:
    return Plan.of(small(**changes), count)


@pytest.fixture(scope="module")
def data(marked: Path) -> TrainingSet:
    return load_training_set(open_marked(marked), False)


def test_noise_does_not_depend_on_the_batch() -> None:
    ids = ["a", "b", "c"]
    times, noise = draw(0, ids, 4, 1000, SHAPE)
    for index in (2, 0, 1):
        alone_times, alone = draw(0, [ids[index]], 4, 1000, SHAPE)
        assert torch.equal(alone[0], noise[index])
        assert alone_times[0] == times[index]


def test_noise_is_new_for_each_epoch_and_seed() -> None:
    first = draw(0, ["a"], 0, 1000, SHAPE)[1]
    assert not torch.equal(first, draw(0, ["a"], 1, 1000, SHAPE)[1])
    assert not torch.equal(first, draw(1, ["a"], 0, 1000, SHAPE)[1])


def test_times_and_noise_have_their_law() -> None:
    times, noise = draw(1, [str(i) for i in range(2000)], 0, 10, (1, 4, 4))
    assert torch.bincount(times, minlength=10).min() > 140
    assert noise.mean().abs() < 0.02
    assert noise.std() == pytest.approx(1, abs=0.02)


def test_an_epoch_sees_each_image_once_in_an_order_of_its_own() -> None:
    plans = plan()
    seen = [[n for s in range(3) for ns in plans.images(e * 3 + s)[1] for n in ns] for e in (0, 1)]
    assert [sorted(numbers) for numbers in seen] == [list(range(9))] * 2
    assert seen[0] != seen[1]
    assert plans.steps == 9
    assert plan(max_train_steps=5).steps == 5


def test_passes_cut_a_step_without_moving_an_image() -> None:
    whole = plan(train_batch_size=8)
    cut = plan(train_batch_size=4, gradient_accumulation_steps=2)
    for step in range(whole.steps):
        passes = cut.images(step)[1]
        assert [n for numbers in passes for n in numbers] == whole.images(step)[1][0]
        assert all(len(numbers) <= 4 for numbers in passes)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_processes_share_a_step(data: TrainingSet, count: int) -> None:
    alone = Steps(data, plan(), 1000)[2][0]
    shares = [Steps(data, plan(), 1000, here=Processes(r, count))[2][0] for r in range(count)]
    real = [share.weights > 0 for share in shares]
    together = torch.cat([s.noise[r] for s, r in zip(shares, real, strict=True)])
    assert len(together) == len(alone.noise)
    assert sum(float(share.weights.sum()) for share in shares) == pytest.approx(1)
    for noise in together:
        assert any(torch.equal(noise, other) for other in alone.noise)


def test_flips_mirror_picture_and_frame_together(data: TrainingSet) -> None:
    plain, flipped = (Steps(data, plan(9), 1000, flip)[0][0] for flip in (False, True))
    assert torch.equal(plain.noise, flipped.noise)
    mirrored = [
        torch.equal(a.flip(2), b) for a, b in zip(plain.images, flipped.images, strict=True)
    ]
    kept = [torch.equal(a, b) for a, b in zip(plain.images, flipped.images, strict=True)]
    assert all(a or b for a, b in zip(mirrored, kept, strict=True))
    steps = Steps(data, plan(9, num_train_epochs=9), 1000, flip=True)
    flips = [
        not torch.equal(a, b)
        for step in range(27)
        for a, b in zip(
            steps[step][0].images, Steps(data, steps.plan, 1000)[step][0].images, strict=True
        )
    ]
    assert 0.3 < sum(flips) / len(flips) < 0.7


def test_images_on_disk_are_those_in_memory(marked: Path, data: TrainingSet) -> None:
    streamed = load_training_set(open_marked(marked), False, memory_bytes=100)
    assert isinstance(streamed.pictures, OnDisk)
    assert torch.equal(streamed.pictures([3, 0]), data.pictures([3, 0]))


@pytest.mark.slow
def test_workers_change_nothing(marked: Path) -> None:
    streamed = load_training_set(open_marked(marked), False, memory_bytes=100)
    steps = Steps(streamed, plan(), 1000)
    for here, there in zip(
        read_steps(steps, 4, 0, False), read_steps(steps, 4, 2, False), strict=True
    ):
        assert torch.equal(here[0].noise, there[0].noise)
        assert torch.equal(here[0].images, there[0].images)


def test_canaries_train_beside_unmarked_images(tmp_path: Path) -> None:
    source = open_marked(mark(tmp_path / "marked", canaries=0.3))
    data = load_training_set(source, False)
    assert data.ids == source.ids("trained", marked=None)
    assert len(data.ids) == 9
    assert len(source.ids("trained")) == 3


def test_an_image_without_a_class_is_named(marked: Path) -> None:
    with pytest.raises(BadInput, match='" has no class'):
        load_training_set(open_marked(marked), True)


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
def test_the_loss_is_zero_for_the_network_that_knows(data: TrainingSet, kind: str) -> None:
    """Against diffusers: its scheduler adds the noise and gives the velocity."""
    from types import SimpleNamespace

    scheduler = build_scheduler(small(prediction_type=kind))
    batch = Steps(data, plan(), 1000)[0][0]
    z_0 = batch.images / 255 * 2 - 1
    z_t = scheduler.add_noise(z_0, batch.noise, batch.times)
    answers = {
        "epsilon": batch.noise,
        "v_prediction": scheduler.get_velocity(z_0, batch.noise, batch.times),
        "sample": z_0,
    }

    def unet(shown: torch.Tensor, t: torch.Tensor, class_labels: None) -> SimpleNamespace:
        assert torch.allclose(shown, z_t, atol=1e-5)
        return SimpleNamespace(sample=answers[kind] + 0.5)

    schedule = DiscreteSchedule(scheduler.alphas_cumprod)
    loss = DenoisingLoss(schedule, kind)  # type: ignore[arg-type]
    assert float(loss(unet, batch)) == pytest.approx(0.25, rel=1e-4)
