"""Every block of Python in the documents runs, those of a page one after the other."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from solidmark.cli import main

from . import blocks
from .conftest import write_pictures

Names = dict[str, Any]


def _pictures(here: Path) -> list[Image.Image]:
    return [Image.open(path).convert("L").resize((8, 8)) for path in sorted(here.glob("*.png"))]


def _live(here: Path) -> Names:
    """A list of pictures, and a network that was never trained, in a program."""
    from diffusers import DDIMScheduler, DDPMPipeline, UNet2DModel

    torch.manual_seed(0)
    network = UNet2DModel(
        sample_size=16,
        in_channels=1,
        out_channels=1,
        layers_per_block=1,
        block_out_channels=(8, 8),
        down_block_types=("DownBlock2D",) * 2,
        up_block_types=("UpBlock2D",) * 2,
        norm_num_groups=4,
    )
    shutil.rmtree(here / "marked")
    shutil.rmtree(here / "audit")
    pictures = _pictures(write_pictures(here / "many", 24, 500))
    return {
        "pictures": pictures,
        "pipeline": DDPMPipeline(network, DDIMScheduler(num_train_timesteps=100)),
    }


def _drawing(here: Path) -> Names:
    """A pipeline that gives back a training image, then one a little brighter, then a fresh one."""
    copied, near, fresh = (
        Image.open(here / name) for name in ("photos/0.png", "photos/1.png", "generated/200.png")
    )
    near = near.point(lambda value: min(value + 2, 255))
    draws = iter([copied, near, fresh])

    class Pipeline:
        def __call__(self, prompt: str) -> "Pipeline":
            self.images = [next(draws)]
            return self

    shutil.rmtree(here / "index")
    return {"pipeline": Pipeline(), "prompt": "a dog", "draws": draws}


def _digits(here: Path) -> Names:
    """What the command line of the page has marked, of fewer digits."""
    shutil.rmtree(here / "marked")
    line = "mark digits marked --resolution 12 --thickness 2 --limit 16 --held-out 0.5 --seed 4711"
    assert main(line.split()) == 0
    return {}


PREPARED: dict[str, Callable[[Path], Names]] = {
    "README.md": _live,
    "docs/python.md": _live,
    "docs/guard.md": _drawing,
    "docs/own-loop.md": _digits,
    "docs/signals.md": lambda here: {"out": here / "signals"},
}
"""What a page supposes to be there, beside the folders that all speak of."""

JUDGED = ("README.md", "docs/guard.md")
"""Pages of whose end more is asked than that it comes."""

CODE = {
    page: [block for block in blocks.blocks_of(page) if block.language == "python"]
    for page in blocks.PAGES
}


def run(page: str, here: Path) -> Names:
    """Runs a page, and returns the names that it leaves.

    Arguments:
        page: The document.
        here: A copy of the prepared folder, to stand in.
    """
    names = PREPARED.get(page, lambda here: {})(here)
    for block in CODE[page]:
        if block.reason is None:
            # Where an error stands in the document is where its traceback says.
            code = "\n" * (block.line - 1) + block.code
            exec(compile(code, page, "exec"), names)
    return names


@pytest.fixture
def copy(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(prepared, tmp_path / "copy")
    monkeypatch.setenv("SOLIDMARK_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path / "copy")
    return tmp_path / "copy"


@pytest.mark.parametrize("page", [page for page in CODE if CODE[page] and page not in JUDGED])
def test_the_python_of_a_page_runs(page: str, copy: Path) -> None:
    run(page, copy)


def test_the_readme_runs_with_what_a_program_holds(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With a new secret each time, some control is off by luck: one of twenty may be.
    monkeypatch.setattr("solidmark.marks.seed.secrets.randbits", lambda bits: 4711)
    names = run("README.md", copy)
    found = names["found"]
    # A network that was never trained knows nothing, and that is what it must be told.
    assert found.verdict.state in ("cannot-be-judged", "hint", "not-seen")
    assert found.verdict.tone != "not_seen"
    assert found.named == ()
    assert found.page.is_file()
    assert len(found.rows) > 0
    assert Path(names["marked"]) == copy / "marked"


def test_the_guard_of_the_document_lets_a_fresh_image_pass_and_no_copy(copy: Path) -> None:
    names = run("docs/guard.md", copy)
    assert not names["verdict"].refused
    assert next(names["draws"], None) is None
