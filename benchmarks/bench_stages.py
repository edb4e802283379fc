"""Every stage on one small honest case: what it spends in the network, and what beside it.

A U-Net of some million weights that has seen some pictures of smooth noise, marked with a frame of
greys. Each stage is a process of its own, whose memory is its own, and begins when the packages
are imported.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Case:
    """How large the case is.

    Arguments:
        images: Pictures, half of them held out.
        stored: Their side as files, in pixels.
        side: The side of the marked images, frame included.
        frame: The thickness of the frame.
        greys: Keys an image.
        channels: Of the network.
        steps: Steps that it is trained for.
        drawn: Images that it draws, by 10 steps each.
        inverted: Images of each half that InvMM inverts.
        descended: Steps of descent for each of them.
    """

    images: int = 32
    stored: int = 128
    side: int = 32
    frame: int = 4
    greys: int = 8
    channels: tuple[int, ...] = (64, 64, 128)
    steps: int = 4
    drawn: int = 16
    inverted: int = 1
    descended: int = 6

    @property
    def resolution(self) -> int:
        return self.side - 2 * self.frame


SMALLEST = Case(8, 32, 16, 2, 4, (8, 8), 2, 4, 1, 2)
"""To try the script, in seconds."""
BATCH = 16
OPENED: Mapping[str, Any] = {"device": "cpu", "batch_size": BATCH}


def pictures(folder: Path, count: int, side: int, seed: int = 0) -> Path:
    """Smooth noise as PNG files, different for each seed and number."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        path = folder / f"{number:06d}.png"
        if not path.is_file():
            small = np.random.default_rng((seed, number)).integers(0, 256, (6, 6, 3), np.uint8)
            Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC).save(path)
    return folder


def _mark(here: Path, case: Case) -> None:
    import solidmark

    how = {"resolution": case.resolution, "thickness": case.frame, "count": case.greys}
    solidmark.mark(here / "pictures", here / "marked", held_out=0.5, seed=0, **how)


def _train(here: Path, case: Case) -> None:
    import solidmark

    solidmark.train(
        here / "marked",
        here / "model",
        device="cpu",
        block_out_channels=case.channels,
        layers_per_block=1,
        attention_levels=(len(case.channels) - 1,),
        attention_head_dim=min(64, case.channels[-1]),
        norm_num_groups=min(32, case.channels[0]),
        train_batch_size=min(BATCH, case.images // 2),
        max_train_steps=case.steps,
        lr_warmup_steps=1,
    )


def _observe(here: Path, case: Case) -> None:
    import solidmark

    solidmark.observe(here / "model", here / "marked", here / "audit", **OPENED)


def _read(name: str) -> Callable[[Path, Case], None]:
    """One reader on the held-out half, without what else an audit asks once."""

    def work(here: Path, case: Case) -> None:
        import solidmark

        how = {"readers": [READERS[name]()], "splits": ("held_out",), "ceiling": False}
        solidmark.observe(here / "model", here / "marked", here / f"read-{name}", **how, **OPENED)

    return work


def _score(here: Path, case: Case) -> None:
    import solidmark

    solidmark.score(here / "audit")


def _report(here: Path, case: Case) -> None:
    import solidmark

    solidmark.report(here / "audit")


def _generate(here: Path, case: Case) -> None:
    import solidmark

    how = {"number": case.drawn, "steps": 10, "marked": here / "marked", "crop": True}
    solidmark.generate(here / "model", here / "generated", **how, **OPENED)


def _nearest(here: Path, case: Case) -> None:
    import solidmark

    solidmark.nearest(here / "generated", here / "marked", here / "nearest", distances=("l2",))


def _signals(here: Path, case: Case) -> None:
    import solidmark

    solidmark.signals(here / "model", here / "marked", here / "signals", **OPENED)


def _inpaint(here: Path, case: Case) -> None:
    import solidmark

    how = {"draws": 2, "steps": 10, "limit": case.images // 8}
    solidmark.inpaint(here / "model", here / "marked", here / "inpaint", **how, **OPENED)


def _invmm(here: Path, case: Case) -> None:
    import solidmark
    from solidmark.measures.invmm.inversion import PRESETS

    short = replace(PRESETS["quick"], steps=case.descended, every=case.descended)
    how = {"limit": case.inverted, "threshold": 0.9, "inversion": short}
    solidmark.invmm(here / "model", here / "marked", here / "invmm", device="cpu", **how)


def _duplicates(here: Path, case: Case) -> None:
    import solidmark

    solidmark.duplicates(here / "pictures", here / "duplicates")


def _reader(name: str, **options: Any) -> Callable[[], Any]:
    def make() -> Any:
        from solidmark import readers

        return getattr(readers, name)(**options)

    return make


READERS: Mapping[str, Callable[[], Any]] = {
    "blend": _reader("Blend"),
    "linear": _reader("Linear"),
    "energy": _reader("Energy", candidates=3, t=0.1),
    "probe": _reader("Probe"),
    "outpaint": _reader("Outpaint", steps=10),
}


@dataclass(frozen=True)
class Stage:
    """What is done, and the folder that comes of it."""

    work: Callable[[Path, Case], None]
    out: str
    network: bool = True


STAGES: Mapping[str, Stage] = {
    "mark": Stage(_mark, "marked", network=False),
    "train": Stage(_train, "model"),
    "observe": Stage(_observe, "audit"),
    **{f"read, {name}": Stage(_read(name), f"read-{name}") for name in READERS},
    "score": Stage(_score, "audit/results.json", network=False),
    "report": Stage(_report, "audit/report.html", network=False),
    "generate": Stage(_generate, "generated"),
    "nearest": Stage(_nearest, "nearest", network=False),
    "signals": Stage(_signals, "signals"),
    "inpaint": Stage(_inpaint, "inpaint"),
    "invmm": Stage(_invmm, "invmm"),
    "duplicates": Stage(_duplicates, "duplicates", network=False),
}


FIXED = ("read, linear", "read, probe", "read, outpaint", "generate", "signals", "inpaint")
"""Stages of few network calls, of which what is done once a run is a part that can be seen."""
MORE = 4


def more_of(case: Case, here: Path) -> Case:
    """The case with more pictures, which are made where they are not there."""
    pictures(here / "pictures", MORE * case.images, case.stored)
    return replace(case, images=MORE * case.images, drawn=MORE * case.drawn)


def run_stage(name: str, here: Path, case: Case) -> dict[str, float]:
    """Does one stage in this process; the stages before it have been done in the same folder.

    It is done twice: on the smallest case first, which brings in what is imported when it is first
    needed. That is the same whatever the case, and is not counted.
    """
    from bench_clock import clocked

    from solidmark.runs import keep_freed

    keep_freed()  # As the command line does.
    stage, warm = STAGES[name], here / "warm"
    if not warm.is_dir():
        fresh(warm, SMALLEST)
    before = () if case == SMALLEST else ((warm, SMALLEST),)
    for place, size in (*before, (here, case)):
        out = place / stage.out
        shutil.rmtree(out) if out.is_dir() else out.unlink(missing_ok=True)
        with clocked() as clock:
            stage.work(place, size)
    return clock.to_json()


def imported() -> None:
    """Imports what nearly every stage needs, so that processes that are forked have it."""
    import accelerate  # noqa: F401
    import bench_clock  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import scipy.stats  # noqa: F401

    import solidmark.measures.audit
    import solidmark.measures.copies
    import solidmark.measures.inpaint
    import solidmark.measures.invmm
    import solidmark.measures.nearest
    import solidmark.measures.signals
    import solidmark.reporting
    import solidmark.training  # noqa: F401


def fresh(here: Path, case: Case) -> None:
    """An empty folder with the pictures."""
    shutil.rmtree(here, ignore_errors=True)
    pictures(here / "pictures", case.images, case.stored)
