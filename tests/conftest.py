"""What many tests need: small marked folders, small networks, and a quiet machine."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from painting import Painted
from rounding import OtherProcessor
from visiting import ARGUMENTS, Visit

from solidmark.data import Sample, content_hash, open_data
from solidmark.errors import BrokenImage
from solidmark.marks import Border, Marked, Marking, Pattern, mark_dataset, open_marked
from solidmark.page import drawing


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--other-processor", action="store_true", help="Round otherwise: see tests/rounding.py."
    )


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def _no_power_cut() -> Iterator[None]:
    """No file is forced to the disk: tests kill processes, and a machine goes on after that."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(autouse=True)
def _other_processor(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.config.getoption("--other-processor"):
        with OtherProcessor():
            yield
    else:
        yield


@pytest.fixture(autouse=True, scope="session")
def _painted_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "painted", Painted())
        yield


@pytest.fixture
def painted_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every figure is painted, for tests of whether it comes out the same."""
    if isinstance(drawing.painted, Painted):
        monkeypatch.setattr(drawing, "painted", drawing.painted.afresh)


class Pictures:
    """An in-memory data set of images that anybody can make again from their number."""

    def __init__(
        self, count: int, side: int = 8, channels: int = 1, broken: tuple[int, ...] = ()
    ) -> None:
        self.ids = [f"picture-{number:04d}" for number in range(count)]
        self._shape = (channels, side, side)
        self._broken = broken

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        if index in self._broken:
            raise BrokenImage(f'"{self.ids[index]}" is cut short.')
        noise = torch.Generator().manual_seed(index)
        image = torch.randint(256, self._shape, generator=noise) / 255
        return Sample(
            self.ids[index], image, content_hash(image), f"number {index}", str(index % 3)
        )


@pytest.fixture
def pictures() -> type[Pictures]:
    return Pictures


@pytest.fixture(scope="session")
def mark_in() -> Callable[..., Marked]:
    """Marks in-memory pictures, or the example digits with `digits=True`, in a folder."""

    def mark(
        folder: Path,
        count: int = 16,
        *,
        side: int = 8,
        channels: int = 1,
        pattern: Pattern | None = None,
        digits: bool = False,
        **options: object,
    ) -> Marked:
        data = (
            open_data("digits", resolution=side, limit=count)
            if digits
            else Pictures(count, side, channels)
        )
        options.setdefault("held_out", 0.5)
        marking = Marking(pattern or Border(2), **{"seed": 0, **options})  # type: ignore[arg-type]
        mark_dataset(data, folder, marking, {"count": count})
        return open_marked(folder)

    return mark


@pytest.fixture
def make_marked(tmp_path: Path, mark_in: Callable[..., Marked]) -> Callable[..., Marked]:
    """As `mark_in`, in a folder of the test."""

    def make(count: int = 16, *, name: str = "marked", **how: object) -> Marked:
        return mark_in(tmp_path / name, count, **how)

    return make


@pytest.fixture
def save_unet(tmp_path: Path) -> Callable[..., Path]:
    """Saves an untrained DDPM pipeline with plain diffusers."""

    def save(
        side: int = 12,
        channels: int = 1,
        *,
        name: str = "pipeline",
        scheduler: object | None = None,
        **config: object,
    ) -> Path:
        from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

        torch.manual_seed(0)
        defaults = {
            "in_channels": channels,
            "out_channels": channels,
            "sample_size": side,
            "layers_per_block": 1,
            "block_out_channels": (8, 16),
            "down_block_types": ("DownBlock2D", "DownBlock2D"),
            "up_block_types": ("UpBlock2D", "UpBlock2D"),
            "norm_num_groups": 4,
            "add_attention": False,
        }
        unet = UNet2DModel(**{**defaults, **config})
        DDPMPipeline(unet, scheduler or DDPMScheduler()).save_pretrained(tmp_path / name)
        return tmp_path / name

    return save


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; the test is skipped where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.skip("no Chromium on the path")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Visit]]:
    visits: list[Visit] = []

    def open_page(path: Path, **how: Any) -> Visit:
        visits.append(Visit(browser, path, **how))
        return visits[-1]

    yield open_page
    for one in visits:
        one.context.close()
