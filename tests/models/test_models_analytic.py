"""The two models in closed form, against plain numpy."""

import numpy as np
import pytest
import torch

from solidmark.data import Sample
from solidmark.diffusion import beta_schedule
from solidmark.models import Gaussian, Memorizer
from solidmark.types import Images

TIMES = [0.01, 0.2, 0.5, 0.8, 0.999]


def pictures(count: int, *shape: int, seed: int = 0) -> Images:
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(seed))


def noise(count: int, *shape: int) -> torch.Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(9))


@pytest.mark.parametrize("t", TIMES)
@pytest.mark.parametrize("shape", [(1, 3, 3), (3, 4, 2)])
def test_the_memorizer_is_the_posterior_mean(t: float, shape: tuple[int, ...]) -> None:
    images = pictures(6, *shape)
    model = Memorizer(images, beta_schedule("linear"))
    alpha, sigma = model.schedule(t)
    z = alpha * (2 * images[:2] - 1) + sigma * noise(2, *shape)
    said = model.denoise(z, t)
    x = images.numpy().astype(float).reshape(6, -1) * 2 - 1
    for row in range(2):
        residual = ((z[row].numpy().astype(float).ravel() - alpha * x) ** 2).sum(1)
        weights = np.exp(-(residual - residual.min()) / (2 * sigma**2))
        expected = (weights / weights.sum()) @ x
        np.testing.assert_allclose(said[row].numpy().ravel(), expected, atol=2e-6)


def test_the_memorizer_gives_a_training_image_back_at_low_noise() -> None:
    images = pictures(32, 1, 6, 6)
    model = Memorizer(images)
    alpha, sigma = model.schedule(0.1)
    z = alpha * model.encode(images) + sigma * noise(32, 1, 6, 6)
    torch.testing.assert_close(model.decode(model.denoise(z, 0.1)), images)


def test_the_memorizer_gives_the_mean_of_all_images_from_noise() -> None:
    images = pictures(32, 1, 6, 6)
    model = Memorizer(images)
    said = model.decode(model.denoise(noise(4, 1, 6, 6), 1.0))
    torch.testing.assert_close(said, images.mean(0).expand(4, -1, -1, -1), atol=0.02, rtol=0)


def test_a_memorizer_of_one_image_knows_nothing_else() -> None:
    image = pictures(1, 3, 4, 4)
    for model in (Memorizer(image), Gaussian(image)):
        for t in TIMES:
            said = model.decode(model.denoise(noise(2, 3, 4, 4), t))
            torch.testing.assert_close(said, image.expand(2, -1, -1, -1))


def test_equal_images_count_as_often_as_they_stand_there() -> None:
    """Two of three images are black: from pure noise the answer leans that way."""
    images = torch.tensor([0.0, 0.0, 1.0]).reshape(3, 1, 1, 1)
    said = Memorizer(images).denoise(torch.zeros(1, 1, 1, 1), 1.0)
    assert float(said) == pytest.approx(-1 / 3, abs=1e-3)


@pytest.mark.parametrize("t", TIMES)
@pytest.mark.parametrize("count", [3, 40])
def test_the_gaussian_is_the_closed_form(t: float, count: int) -> None:
    """Fewer images than pixels, and more: the covariance is singular or not."""
    images = pictures(count, 1, 3, 4)
    model = Gaussian(images)
    alpha, sigma = model.schedule(t)
    z = noise(5, 1, 3, 4)
    x = images.numpy().astype(float).reshape(count, -1) * 2 - 1
    mean, covariance = x.mean(0), np.cov(x.T, bias=True)
    noisy = alpha**2 * covariance + sigma**2 * np.eye(12)
    difference = z.numpy().astype(float).reshape(5, -1) - alpha * mean
    expected = mean + difference @ np.linalg.solve(noisy, alpha * covariance)
    np.testing.assert_allclose(model.denoise(z, t).reshape(5, -1), expected, atol=3e-6)


@pytest.mark.parametrize("make", [Memorizer, Gaussian])
def test_both_are_models_of_images_between_nought_and_one(make: type) -> None:
    images = pictures(4, 3, 5, 7)
    model = make(images)
    assert model.channels == 3
    assert model.sample_size == (5, 7)
    assert model.condition([]) is None
    torch.testing.assert_close(model.decode(model.encode(images)), images)
    assert model.encode(torch.zeros(1, 3, 5, 7)).unique().tolist() == [-1]
    # On the scale of [0, 1], but not clamped: readers clamp what they call a picture.
    assert model.decode(torch.full((1, 3, 5, 7), 9.0)).unique().tolist() == [5]
    assert model.decode(torch.full((1, 3, 5, 7), -9.0)).unique().tolist() == [-4]
    assert model.factor == 1
    assert model.unconditional(None) is None
    z = noise(3, 3, 5, 7)
    whole = model.denoise(z, 0.4)
    assert whole.dtype == torch.float32
    for row in range(3):
        torch.testing.assert_close(model.denoise(z[row : row + 1], 0.4)[0], whole[row])


def test_a_memorizer_that_is_told_captions_recalls_those_that_came_with_them() -> None:
    images = torch.rand(3, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    model = Memorizer(images, told=("cat", "dog", "dog"))
    asked = [Sample(str(n), images[0], "", caption) for n, caption in enumerate(["cat", "dog"])]
    condition = model.condition(asked)
    assert condition is not None
    noise = torch.randn(2, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    found = model.decode(model.denoise(noise, 0.999, condition))
    assert torch.allclose(found[0], images[0], atol=1e-6)
    rest = Memorizer(images[1:])
    assert torch.allclose(found[1], rest.decode(rest.denoise(noise, 0.999, None))[1], atol=1e-6)


def test_words_that_no_image_came_with_say_nothing() -> None:
    images = torch.rand(3, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    model = Memorizer(images, told=("cat", "dog", "dog"))
    unknown = model.condition([Sample("0", images[0], "", "horse")])
    noise = torch.randn(1, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    for t in (0.1, 0.9):
        told, free = (model.denoise(noise, t, condition) for condition in (unknown, None))
        assert torch.equal(told, free)
    assert model.unconditional(unknown) is None
