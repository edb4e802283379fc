"""The folder that the runs are made in, and how they are made."""

import io
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import torch
from PIL import Image as Picture

from solidmark.cli import main
from solidmark.data import open_data, to_picture
from solidmark.marks import write_image

from .comparing import NUMBER
from .freezing import folder_lines, hushed
from .planting import PLANTS
from .runs import RUNS, needed

FROZEN = Path(__file__).parent / "frozen"

WORDS = (("red", "blue", "green", "white"), ("dog", "cat", "tree"))

SECRET = "5a" * 32
"""By which ids are hashed, in `ids.secret`: another one would give other names in every run."""


class World:
    """A folder in which runs are made as they are asked for, each once.

    Arguments:
        here: An empty folder.
    """

    def __init__(self, here: Path) -> None:
        self.here = here
        self._said: dict[str, list[str]] = {}
        with self._inside():
            _write_data()
            _write_models()

    def lines(self, name: str) -> list[str]:
        """What a run said and wrote.

        Arguments:
            name: The name of the run.
        """
        if name not in self._said:
            self.prepare(name)
            with self._inside():
                loose = re.compile(RUNS[name].loose)
                self._said[name] = [
                    NUMBER.sub("~", line) if RUNS[name].loose and loose.search(line) else line
                    for line in self._make(name)
                ]
        return self._said[name]

    def say(self, line: str) -> list[str]:
        """Makes a command line, and says what it said.

        Arguments:
            line: The command line.
        """
        with self._inside():
            code, out, err = _say(line)
        return [*out, *err, f"exit code {code}"]

    def prepare(self, name: str) -> None:
        """Makes what a run reads, and not the run.

        Arguments:
            name: The name of the run.
        """
        for other in needed(name):
            self.lines(other)
        if RUNS[name].plant:
            with self._inside():
                PLANTS[RUNS[name].plant]()

    @contextmanager
    def _inside(self) -> Iterator[None]:
        before = dict(os.environ)
        os.environ |= {"SOLIDMARK_CACHE": "cache", "COLUMNS": "100"}
        try:
            with chdir(self.here):
                yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def _make(self, name: str) -> Iterator[str]:
        run = RUNS[name]
        for line in run.lines:
            code, out, err = _say(line)
            yield f"$ solidmark {line}"
            yield from map(hushed, out)
            yield from (f"! {hushed(said)}" for said in err)
            yield f"exit code {code}"
        if run.out:
            yield from _verdict(run.out)
            yield from folder_lines(Path(run.out), run.skip, run.only, run.unsaid)


def _say(line: str) -> tuple[int, list[str], list[str]]:
    """Runs a command line: its exit code, what it says, and what of that are errors."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(line.split())
    return code, out.getvalue().splitlines(), err.getvalue().splitlines()


def _verdict(folder: str) -> Iterator[str]:
    """The verdict of a folder, as every `--json` has it."""
    _, out, _ = _say(f"inspect {folder} --json")
    found = json.loads("\n".join(out))["verdict"]
    for name in ("state", "label", "finding"):
        if found[name]:
            yield f"verdict {name}: {found[name]}"


def _digits(folder: str, count: int, first: int) -> Path:
    """Writes handwritten digits of 8 x 8 pixels, every fifth from the first on."""
    Path(folder).mkdir()
    data = open_data("digits", resolution=8, limit=first + 5 * count)
    for number in range(count):
        to_picture(data[first + 5 * number].image).save(f"{folder}/digit-{number:02d}.png")
    return Path(folder)


def _write_data() -> None:
    _digits("photos", 64, 0)
    _digits("fresh", 120, 2)
    for number, path in enumerate(sorted(_digits("shapes", 48, 3).iterdir())):
        with Picture.open(path) as picture:  # Square, high, wide.
            cut = picture.crop(((0, 0, 8, 8), (1, 0, 7, 8), (0, 1, 8, 7))[number % 3])
        cut.save(path)
    copied = _digits("copied", 16, 0)
    shutil.copy(copied / "digit-03.png", copied / "digit-03-again.png")
    shutil.copy(copied / "digit-05.png", copied / "digit-05-again.png")
    captioned = _digits("captioned", 48, 1)
    colours, things = WORDS
    _describe(captioned, [("text", f"a {colours[n % 4]} {things[n // 16]}") for n in range(48)])
    Path("said.csv").write_text(
        "generation,image,verdict,who\n"
        + "".join(f"digit-{n:02d}.png,digit-{n:02d}.png,copy,a\n" for n in range(6))
        + "digit-00.png,digit-00.png,not,b\ndigit-01.png,digit-01.png,unsure,b\n"
        + "digit-09.png,digit-09.png,not,b\ndigit-07.png,nobody.png,copy,b\n"
    )
    _write_people()
    broken = Path("broken")
    broken.mkdir()
    for number in range(3):
        (broken / f"{number}.png").write_bytes(b"nothing")
    noise = torch.rand(72, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    _pictures("noise", noise[:20])
    prompts = [("prompt_id", f"prompt-{n // 12}") for n in range(72)]
    _describe(_pictures("noise-prompted", noise), prompts)
    noise[:12] = noise[0] * 0.98 + noise[:12] * 0.02
    _describe(_pictures("prompted", noise), prompts)


def _write_people() -> None:
    """Pictures that are called like people, three of each; of the last two one is broken, and one
    is not there."""
    Path("ids.secret").write_text(json.dumps({"version": 1, "secret": SECRET}), encoding="utf-8")
    colours, things = WORDS
    for folder, name, first, count in (("patients", "doe", 4, 48), ("strangers", "roe", 2, 60)):
        for number, path in enumerate(sorted(_digits(folder, count, first).iterdir())):
            path.rename(path.with_name(f"{name}-{number:02d}.png"))
        Path(folder, f"{name}-{count}.png").write_bytes(b"nothing")
        Path(folder, f"{name}-notes.txt").write_text("of this person")
        lines = [
            json.dumps(
                {
                    "file_name": f"{name}-{number:02d}.png",
                    "text": f"a {colours[number % 4]} {things[number % 3]}",
                    "group": f"{name}-p{number // 3}",
                }
            )
            for number in range(count + 2)
        ]
        Path(folder, "metadata.jsonl").write_text("\n".join(lines), encoding="utf-8")


def _pictures(folder: str, images: torch.Tensor) -> Path:
    for number, image in enumerate(images):
        write_image(Path(folder) / f"digit-{number:02d}.png", image)
    return Path(folder)


def _describe(folder: Path, told: list[tuple[str, str]]) -> None:
    """Writes what is known of each picture."""
    lines = [
        json.dumps({"file_name": f"digit-{number:02d}.png", name: said})
        for number, (name, said) in enumerate(told)
    ]
    (folder / "metadata.jsonl").write_text("\n".join(lines), encoding="utf-8")


def _write_models() -> None:
    """Untrained networks: one of some sense, one whose every answer is no number."""
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    torch.manual_seed(0)
    unet = UNet2DModel(
        sample_size=12,
        in_channels=1,
        out_channels=1,
        layers_per_block=1,
        block_out_channels=(8, 16),
        down_block_types=("DownBlock2D",) * 2,
        up_block_types=("UpBlock2D",) * 2,
        norm_num_groups=4,
        add_attention=False,
    )
    DDPMPipeline(unet, DDPMScheduler()).save_pretrained("unet")
    with torch.no_grad():
        unet.conv_out.bias.fill_(torch.nan)
    DDPMPipeline(unet, DDPMScheduler()).save_pretrained("unet-nan")
