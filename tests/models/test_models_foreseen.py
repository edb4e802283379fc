"""A model that is only foreseen says of itself what the same model says when it is opened."""

from collections.abc import Callable
from pathlib import Path

import pytest
from families import PIPELINES, samples, size

from solidmark.diffusion import Model
from solidmark.errors import BadInput, MissingCapability
from solidmark.generating.prompts import classes_of, is_captioned
from solidmark.mitigations import parse
from solidmark.mitigations.telling import require_told
from solidmark.models import CONTROLS, Opening, open_model
from solidmark.models.fit import check_fit
from solidmark.models.foreseen import META

FORESEEN = Opening(device=META)


@pytest.mark.parametrize("name", PIPELINES)
def test_a_pipeline_is_foreseen_as_it_is(name: str, tiny_folder: Callable[[str], Path]) -> None:
    folder = str(tiny_folder(name))
    opened, foreseen = open_model(folder), open_model(folder, FORESEEN)
    for field in ("channels", "factor", "sample_size", "multiple", "captioned"):
        assert getattr(foreseen, field) == getattr(opened, field), field
    assert is_captioned(foreseen) == is_captioned(opened)
    assert classes_of(foreseen) == classes_of(opened)
    assert _never(foreseen, name) == _never(opened, name)
    for word in ("rt", "gni"):
        assert _refused(foreseen, word) == _refused(opened, word)
    for sides in (size(name), (25, 32)):
        assert _unfit(foreseen, sides) == _unfit(opened, sides)


@pytest.mark.parametrize("classes", [None, 3])
def test_a_model_of_pixels_is_foreseen_as_it_is(
    classes: int | None, save_unet: Callable[..., Path]
) -> None:
    folder = str(save_unet(num_class_embeds=classes))
    opened, foreseen = open_model(folder), open_model(folder, FORESEEN)
    for field in ("channels", "factor", "sample_size", "classes"):
        assert getattr(foreseen, field) == getattr(opened, field), field
    for word in ("rt", "gni"):
        assert _refused(foreseen, word) == _refused(opened, word)
    sides = opened.sample_size or (8, 8)  # type: ignore[attr-defined]
    for wanted in (sides, (sides[0] + 8, sides[1])):
        assert _unfit(foreseen, wanted, opened.channels) == _unfit(opened, wanted, opened.channels)
    told = foreseen.condition([])
    assert (told is None) == (classes is None)
    if classes:
        with pytest.raises(MissingCapability, match="never without"):
            foreseen.unconditional(told)


def test_a_control_is_made_of_whatever_images_there_are() -> None:
    for name in CONTROLS:
        with pytest.raises(BadInput, match="Give a marked folder"):
            open_model(name, FORESEEN)
        foreseen = open_model(name, FORESEEN, control_samples=lambda name: [])
        check_fit(foreseen, 1, (9, 9))
        assert (foreseen.condition([]) is None) == (name != "average-per-caption")


def test_what_cannot_be_opened_is_not_foreseen(save_unet: Callable[..., Path]) -> None:
    folder = str(save_unet())
    with pytest.raises(MissingCapability, match="Leave --lora out"):
        open_model(folder, Opening(device=META, loras=("lora",)))
    with pytest.raises(BadInput, match="--prediction"):
        open_model(folder, Opening(device=META, prediction="epsilon"))


def _never(model: Model, name: str) -> str | None:
    try:
        model.unconditional(model.condition(samples(1, *size(name))))
    except MissingCapability as error:
        return str(error)
    return None


def _refused(model: Model, word: str) -> str | None:
    try:
        require_told(model, parse(word))
    except MissingCapability as error:
        return str(error)
    return None


def _unfit(model: Model, sides: tuple[int, int], channels: int = 3) -> str | None:
    try:
        check_fit(model, channels, sides)
    except BadInput as error:
        return str(error)
    return None
