"""A real loop of diffusers: it goes on exactly as if nobody had looked."""

import random
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import loops
import numpy as np
import pytest
import torch
from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

from solidmark import api
from solidmark.errors import BadInput

Make = Callable[..., api.Watch]


def test_weights_are_the_same_with_and_without_a_watch(
    marked: Path, make_watch: Make, tmp_path: Path
) -> None:
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    plain = loops.train(marked, 5)
    after = torch.rand(3), random.random(), np.random.random()  # noqa: NPY002
    watch = make_watch(limit=6)
    modes = []
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002

    def look(step: int, unet: UNet2DModel, scheduler: DDPMScheduler) -> bool:
        stop = watch(step, network=unet, scheduler=scheduler, images=4 * step)
        modes.append((unet.training, all(one.requires_grad for one in unet.parameters())))
        return stop

    watched = loops.train(marked, 5, look)
    assert torch.equal(after[0], torch.rand(3))
    assert after[1:] == (random.random(), np.random.random())  # noqa: NPY002
    for one, other in zip(plain.parameters(), watched.parameters(), strict=True):
        assert torch.equal(one, other)
    assert modes == [(True, True)] * 5
    assert [(one.step, one.images) for one in watch.looks] == [(2, 8), (4, 16)]
    hashes = [
        api.Folder(watch.folder / "looks" / f"{step:08d}").manifest["fingerprints"]["unet"]
        for step in (2, 4)
    ]
    assert hashes[0] != hashes[1]
    assert not list(watch.folder.rglob("*.safetensors"))  # Nothing is copied.


def test_a_look_is_the_audit_of_what_was_saved_at_the_step(
    marked: Path, make_watch: Make, tmp_path: Path
) -> None:
    unet, scheduler = loops.network(), DDPMScheduler(num_train_timesteps=100)
    watch = make_watch()
    watch.look(7, (unet.train(), scheduler))
    DDPMPipeline(unet, scheduler).save_pretrained(tmp_path / "saved")
    saved = api.audit(tmp_path / "saved", marked, tmp_path / "audit", device="cpu")
    z = next(
        one for one in saved.figures if one.statistic == "permutation_z" and one.split == "trained"
    )
    assert watch.looks[0].z == pytest.approx(z.value, rel=1e-6)


def test_gradients_that_are_being_summed_stay(make_watch: Make) -> None:
    unet, scheduler = loops.network().train(), DDPMScheduler(num_train_timesteps=100)
    unet(torch.zeros(1, 1, 12, 12), 3).sample.sum().backward()
    unet.conv_in.requires_grad_(False)
    before = [None if one.grad is None else one.grad.clone() for one in unet.parameters()]
    make_watch(limit=4).look(1, DDPMPipeline(unet, scheduler))
    for one, grad in zip(unet.parameters(), before, strict=True):
        assert grad is None if one.grad is None else torch.equal(one.grad, grad)
    assert not unet.conv_in.weight.requires_grad
    assert unet.training


def test_a_network_for_other_images_is_refused_at_the_first_step(make_watch: Make) -> None:
    wrong = UNet2DModel(
        sample_size=16,
        in_channels=1,
        out_channels=1,
        layers_per_block=1,
        block_out_channels=(8, 8),
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
        norm_num_groups=4,
    )
    with pytest.raises(BadInput, match="built for 16 x 16 pixels"):
        make_watch(every=500)(1, network=wrong, scheduler=DDPMScheduler())


def test_a_killed_look_is_made_anew(make_watch: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    live = loops.network(), DDPMScheduler(num_train_timesteps=100)
    watch = make_watch(limit=4)
    with monkeypatch.context() as patch:
        patch.setattr("solidmark.measures.audit.observing.write_evidence", _killed)
        with pytest.raises(KeyboardInterrupt):
            watch.look(2, live)
    assert watch.looks == []
    assert all(one.requires_grad for one in live[0].parameters())
    other = loops.network(1), live[1]  # A resumed training may be another one to the last bit.
    make_watch(limit=4).look(2, other)
    assert [one.look for one in watch.looks] == [1]


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_the_loop_of_the_documents(marked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands there, with a small network and few steps."""
    text = (Path(__file__).parents[2] / "docs" / "watching.md").read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0]
    assert len(code.splitlines()) <= 35
    small = {"layers_per_block": 1, "block_out_channels": (8, 8), "norm_num_groups": 4}
    blocks = {"down_block_types": ("DownBlock2D",) * 2, "up_block_types": ("UpBlock2D",) * 2}
    monkeypatch.setattr("diffusers.UNet2DModel", partial(UNet2DModel, **small, **blocks))
    monkeypatch.chdir(marked.parent)
    for here, there in (("20_000", "4"), ("every=500", "every=2, limit=6")):
        assert here in code
        code = code.replace(here, there)
    names: dict[str, Any] = {}
    exec(compile(code, "watching.md", "exec"), names)
    assert [look.images for look in names["watch"].looks] == [32, 64]
    assert (marked.parent / "watched" / "report.html").is_file()
