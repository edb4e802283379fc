"""The model that knows averages only, against plain numpy, and what it is made of."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from solidmark.data import Sample
from solidmark.marks import Marked
from solidmark.measures.audit import Question, observe, score
from solidmark.models import Average, Gaussian, control_samples, open_model
from solidmark.models.averages import FLOOR, caption_or_class
from solidmark.readers import Recall
from solidmark.types import Images


def pictures(count: int, *shape: int) -> Images:
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(0))


def noise(count: int, *shape: int) -> torch.Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(9))


def asked(*captions: str) -> list[Sample]:
    return [Sample(str(n), torch.zeros(1, 3, 4), "", caption) for n, caption in enumerate(captions)]


def expected(images: Images, z: torch.Tensor, alpha: float, sigma: float) -> np.ndarray:
    """The posterior mean under a covariance that is written out."""
    x = images.numpy().astype(float).reshape(len(images), -1) * 2 - 1
    mean, covariance = x.mean(0), np.diag(np.maximum(x.var(0), FLOOR))
    noisy = alpha**2 * covariance + sigma**2 * np.eye(len(mean))
    difference = z.numpy().astype(float).reshape(len(z), -1) - alpha * mean
    return mean + difference @ np.linalg.solve(noisy, alpha * covariance)


@pytest.mark.parametrize("t", [0.01, 0.2, 0.5, 0.8, 0.999])
@pytest.mark.parametrize("count", [2, 40])
def test_the_average_is_the_closed_form(t: float, count: int) -> None:
    images = pictures(count, 1, 3, 4)
    model = Average(images)
    z = noise(5, 1, 3, 4)
    said = model.denoise(z, t).reshape(5, -1)
    # Computed in double precision and given back in single, on a scale of about 1.
    np.testing.assert_allclose(said, expected(images, z, *model.schedule(t)), atol=1e-6)
    assert model.condition(asked("anything")) is None


@pytest.mark.parametrize("t", [0.1, 0.9])
def test_each_caption_is_answered_with_its_own_average(t: float) -> None:
    images = pictures(6, 1, 3, 4)
    model = Average(images, told=("cat", "dog", "dog", "cat", "dog", "bird"))
    parts = {"cat": images[[0, 3]], "dog": images[[1, 2, 4]], "bird": images[5:], "horse": images}
    z = noise(4, 1, 3, 4)
    condition = model.condition(asked(*parts))
    assert condition is not None
    said = model.denoise(z, t, condition).reshape(4, -1)
    for row, own in enumerate(parts.values()):
        wanted = expected(own, z[row : row + 1], *model.schedule(t))
        np.testing.assert_allclose(said[row : row + 1], wanted, atol=1e-6)
    # A row does not depend on its neighbours, and who is told nothing gets the average of all.
    torch.testing.assert_close(
        model.denoise(z[2:3], t, condition[2:3])[0], said[2].reshape(1, 3, 4)
    )
    assert model.unconditional(condition) is None
    assert torch.equal(model.denoise(z[3:], t), model.denoise(z[3:], t, condition[3:]))


def test_a_caption_of_one_image_is_that_image_from_noise() -> None:
    images = pictures(2, 3, 4, 4)
    model = Average(images, told=("one", "two"))
    said = model.denoise(noise(2, 3, 4, 4), 0.999, model.condition(asked("two", "one")))
    assert torch.isfinite(said).all()
    # Pixels that vary by the rounding to 8 bits are not moved by noise that is as large as they.
    torch.testing.assert_close(model.decode(said), images.flip(0), atol=1e-4, rtol=0)


def test_what_an_image_is_told_by() -> None:
    image = torch.zeros(1, 2, 2)
    assert caption_or_class(Sample("", image, "", "cat", class_index=3)) == "cat"
    assert caption_or_class(Sample("", image, "", class_index=3)) == "3"
    assert caption_or_class(Sample("", image, "")) == ""


def test_only_the_gaussian_is_made_of_other_keys(make_marked: Callable[..., Marked]) -> None:
    marked = make_marked(12)
    true = [marked.sample(id) for id in marked.ids("trained")]
    for name in ("memorizer", "average", "average-per-caption"):
        found = control_samples(marked, name, 0)
        assert [(s.id, s.caption, s.class_index) for s in found] == [
            (s.id, s.caption, s.class_index) for s in true
        ]
        assert all(torch.equal(s.image, t.image) for s, t in zip(found, true, strict=True))
    redrawn = control_samples(marked, "gaussian", 0)
    assert {s.id for s in redrawn} == {s.id for s in true}
    images = {s.id: s.image for s in true}
    assert not any(torch.equal(s.image, images[s.id]) for s in redrawn)
    crop = marked.pattern.crop
    assert all(torch.equal(crop(s.image[None]), crop(images[s.id][None])) for s in redrawn)
    opened = open_model("average", control_samples=lambda name: true)
    assert isinstance(opened, Average)
    torch.testing.assert_close(opened.mean[-1], Gaussian(torch.stack(list(images.values()))).mean)


def test_a_caption_of_one_image_gives_its_key_away(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    """Every picture has a caption of its own, so that its average is the picture in its frame."""
    marked, out = make_marked(24), tmp_path / "audit"
    observe(Question("average-per-caption", marked.folder, out, (Recall(),)))
    score(out)
    rows = json.loads((out / "results.json").read_text())["rows"]
    read = {
        r["split"]: r["value"]
        for r in rows
        if (r["statistic"], r.get("delta")) == ("eidetic", 0.05)
    }
    assert read["trained"] == read["ceiling"] == 1  # The ceiling is told the captions too.
    assert read["held_out"] < 0.7
