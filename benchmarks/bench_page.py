"""The page of `make bench`: from what was measured in each run to tables with their spread."""

import math
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from bench_beside import LATENT_READERS, PIXEL_READERS, Sizes
from bench_stages import FIXED, MORE, STAGES, Case

Measured = Mapping[str, Mapping[str, Any]]
"""What one run measured, by name."""
Runs = Sequence[Measured]


def page(runs: Runs, case: Case, sizes: Sizes) -> Iterator[str]:
    loads = [found["load"] for run in runs for found in run.values()]
    yield "# What every stage costs, and what others do for the same"
    yield ""
    yield (
        f"`make bench`: {len(runs)} runs, torch {torch.__version__}, Python "
        f"{platform.python_version()}, {os.cpu_count()} processors, one thread. Seconds are those "
        "of the processor; a cell is the mean of the runs, with the lowest and the highest behind "
        "it. Processes that wanted a processor while it was measured, a minute's mean: "
        f"{min(loads):.1f} to {max(loads):.1f}. Memory: the lowest peak of the process, packages "
        "included. In stages and ways to compute, freed memory is kept, as by the command line "
        "(`runs/freed.py`); elsewhere the allocator does as it likes."
    )
    once = [name for name in runs[0] if any(name not in run for run in runs)]
    if once:
        yield ""
        yield f"Measured in the first run only, so without a spread: {', '.join(once)}."
    yield ""
    yield from _stages(runs, case)
    yield from _searches(runs, sizes)
    yield from _copies(runs, sizes)
    yield from _readers(runs, case, sizes)
    yield from _growth(runs, sizes)
    yield from _ways(runs, case)


def _stages(runs: Runs, case: Case) -> Iterator[str]:
    yield "## Stages"
    yield ""
    yield (
        f"{case.images} pictures of {case.side} px, half of them held out, with a frame of "
        f"{case.greys} greys; a `UNet2DModel` of channels {case.channels}, one layer a block, "
        "attention at the lowest level. *read* is one reader on the held-out half, with its "
        "calibration and without a ceiling; *observe* all that an audit asks. Outside: the share "
        "of the seconds that is not in the network, there or back. Decoding: the share in which "
        "pictures are decoded. Imports are not counted."
    )
    yield ""
    yield "| stage | seconds | images through the network | outside | decoding | peak, MB |"
    yield "|---|---|---|---|---|---|"
    for name, stage in STAGES.items():
        key = f"stage: {name}"
        cells = [_spread(_each(runs, key, "total"), 2)]
        if stage.network:
            cells += [
                f"{runs[0][key]['images']:,}",
                _percent(_shares(runs, key, lambda one: 1 - one["inside"] / one["total"])),
            ]
        else:
            cells += ["", ""]
        cells += [
            _percent(_shares(runs, key, lambda one: one["decoding"] / one["total"])),
            _memory(runs, key),
        ]
        yield _row(name, *cells)
    yield ""
    if f"more: {FIXED[0]}" not in runs[0]:
        return
    yield (
        f"With {MORE * case.images} pictures in the place of {case.images}, for the stages of few "
        "network calls: what is done once a run (opening, manifest, control, page data) weighs "
        "less."
    )
    yield ""
    yield "| stage | seconds | images through the network | outside | before |"
    yield "|---|---|---|---|---|"
    for name in FIXED:
        key = f"more: {name}"
        outside = [
            _percent(_shares(runs, one, lambda one: 1 - one["inside"] / one["total"]))
            for one in (key, f"stage: {name}")
        ]
        cells = [_spread(_each(runs, key, "total"), 2), f"{runs[0][key]['images']:,}", *outside]
        yield _row(name, *cells)
    yield ""


def _searches(runs: Runs, sizes: Sizes) -> Iterator[str]:
    yield "## Exact search"
    yield ""
    yield (
        f"{sizes.queries:,} queries among {sizes.rows[-1]:,} rows of 3,072 random bytes on disk, "
        "the nearest of each; the searches are those of `nearest.py`. DCR: the public code of "
        "Somepalli et al. (2023) normalises the rows, multiplies all with all and takes `topk`."
    )
    yield ""
    yield "| search | seconds | against ours | peak, MB |"
    yield "|---|---|---|---|"
    for name, title in SEARCHES.items():
        yield _beside(runs, f"search: {name}", "search: ours", title)
    yield ""


SEARCHES = {
    "ours": "`neighbours.search`",
    "faiss": "faiss `IndexFlatL2`",
    "cdist": "`torch.cdist` in blocks, `topk`",
    "product": "one product of all, `topk` (DCR)",
}
COPIES = {
    "ours": "`solidmark duplicates`, with its tables and pictures",
    "imagehash": "imagehash: pHash, all pairs",
    "imagededup": "imagededup: `PHash().find_duplicates`",
}
HASHES = {"ours": "ours", "all pairs": "all pairs, a row at a time", "tree": "tree (BK)"}


def _copies(runs: Runs, sizes: Sizes) -> Iterator[str]:
    yield "## Copies"
    yield ""
    yield (
        f"{sizes.pictures:,} pictures of 96 px, of which one in ten is there again in JPEG. "
        "Imagededup is measured where it is installed (of its torchvision nothing is used)."
    )
    yield ""
    yield "| way | seconds | against ours | peak, MB | copies found |"
    yield "|---|---|---|---|---|"
    for name, title in COPIES.items():
        key = f"copies: {name}"
        if key not in runs[0]:
            yield _row(title, "not installed", "", "", "")
            continue
        found = f"{runs[0][key]['found']:,} of {-(-sizes.pictures // 10):,}"
        yield _beside(runs, key, "copies: ours", title)[:-1] + f"| {found} |"
    yield ""
    first, last = sizes.hashes
    yield f"Pairs of near hashes among {first:,} and {last:,} random ones, at most 7 bits apart:"
    yield ""
    yield f"| way | {first:,}: seconds | {last:,}: seconds | against ours | exponent |"
    yield "|---|---|---|---|---|"
    for name, title in HASHES.items():
        low, high = (_each(runs, f"hashes: {name} {count}", "total") for count in (first, last))
        ours = _each(runs, f"hashes: ours {last}", "total")
        yield _row(
            title,
            _spread(low, 3),
            _spread(high, 3),
            _times(high, ours),
            _exponent(low, high, first, last),
        )
    yield ""


READERS = {
    "authors": "SolidMark's procedure (Outpaint)",
    "energy": "Energy, K = 9",
    "blend": "Blend",
    "linear": "Linear",
    "recall": "Recall, 4 draws",
}


def _readers(runs: Runs, case: Case, sizes: Sizes) -> Iterator[str]:
    yield "## Readers against the authors' procedures"
    yield ""
    yield (
        f"{sizes.read} images, calibration left out. Pixels: the network above, "
        f"{sizes.steps} steps of sampling for the authors, one grey for them and for Energy, "
        f"{case.greys} for Blend and Linear. Latents: the model of `reading.py`, Algorithm 1 with "
        "100 steps and guidance 3. A call with a gradient counts as 2.3. What each detects stands "
        "in [readers.md](readers.md) and [naming.md](naming.md), not here."
    )
    yield ""
    yield "| model | reader | network calls an image | seconds an image | times as fast |"
    yield "|---|---|---|---|---|"
    for kind, names in (("pixels", PIXEL_READERS), ("latents", LATENT_READERS)):
        theirs = _each(runs, f"{kind}: authors", "cpu_seconds")
        for name in names:
            key = f"{kind}: {name}"
            seconds = [value / sizes.read for value in _each(runs, key, "cpu_seconds")]
            calls = f"{runs[0][key]['calls']:,.1f}"
            faster = _times(theirs, _each(runs, key, "cpu_seconds"))
            title = "Algorithm 1" if (kind, name) == ("latents", "authors") else READERS[name]
            yield _row(kind, title, calls, _spread(seconds, 3), faster)
    yield ""
    yield (
        "InvMM on a memorizer of four pictures of 12 px, one of each half, until it is decided. "
        "`ddpm` is the authors' variant; a trained network is in [inversion.md](inversion.md)."
    )
    yield ""
    yield "| preset | network calls | seconds | times as fast | reproduced |"
    yield "|---|---|---|---|---|"
    theirs = _each(runs, "invmm: ddpm", "total")
    for preset in ("ddpm", "quick"):
        key = f"invmm: {preset}"
        own, one = _each(runs, key, "total"), runs[0][key]
        found = f"{one['found']} of {one['asked']}"
        yield _row(
            f"`{preset}`", f"{one['calls']:,.0f}", _spread(own, 1), _times(theirs, own), found
        )
    yield ""


def _growth(runs: Runs, sizes: Sizes) -> Iterator[str]:
    yield "## Growth"
    yield ""
    yield (
        "From the first size to the last: seconds and peak grow with the size to the power of the "
        "exponents. Rows of scores are those of `million.py`; a million stands in "
        "[million.md](million.md). Reading is 10 steps of sampling an image. By two processes the "
        "seconds of both count, and the exponent is that of the work, so 0 is what is wanted."
    )
    yield ""
    yield (
        "| what grows | from | to | seconds, first | seconds, last | exponent | of the peak "
        "| peak, MB, last |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    rows, most = sizes.rows, sizes.most
    kinds = {
        "search: rows": (rows, (f"search: {rows[0]} {most[0]}", "search: ours")),
        "search: neighbours": (most, ("search: ours", f"search: {rows[-1]} {most[-1]}")),
        "answers to evidence: rows": (
            sizes.scored,
            tuple(f"rows: observe {size}" for size in sizes.scored),
        ),
        "evidence to results: rows": (
            sizes.scored,
            tuple(f"rows: score {size}" for size in sizes.scored),
        ),
        "reading: images": (sizes.limits, tuple(f"read: {size}" for size in sizes.limits)),
        "reading: side, px": (sizes.sides, tuple(f"side: {size}" for size in sizes.sides)),
        "reading: processes": ((1, 2), ("processes: 1", "processes: 2")),
    }
    for title, ((first, last), (low, high)) in kinds.items():
        if high not in runs[0]:  # Left out where the script is tried.
            yield _row(title, f"{first:,}", f"{last:,}", *[""] * 5)
            continue
        seconds = _each(runs, low, "total"), _each(runs, high, "total")
        peaks = _each(runs, low, "peak"), _each(runs, high, "peak")
        yield _row(
            title,
            f"{first:,}",
            f"{last:,}",
            _spread(seconds[0], 2),
            _spread(seconds[1], 2),
            _exponent(*seconds, first, last),
            _exponent(*peaks, first, last),
            _memory(runs, high),
        )
    yield ""
    low, high = (f"read: {size}" for size in sizes.limits)
    further = [
        1 - (run[high]["inside"] - run[low]["inside"]) / (run[high]["total"] - run[low]["total"])
        for run in runs
        if high in run
    ]
    yield (
        f"Of what each further image takes, from {sizes.limits[0]} to {sizes.limits[1]} of them, "
        f"{_percent(further)} is outside the network: loading it, its noise, its row and picture. "
        "The rest of what is outside, such as opening the model, is once a run."
    )
    yield ""


def _ways(runs: Runs, case: Case) -> Iterator[str]:
    yield "## Ways to compute the network"
    yield ""
    yield (
        "One call without a gradient, each way in turn, the median of 3; OpenVINO where it is "
        "installed. Off: the root mean square of the difference to single precision, over that of "
        "the answer. Ready: seconds before the first answer."
    )
    yield ""
    yield "| side, px | way | times as fast | off | ready, s |"
    yield "|---|---|---|---|---|"
    for key in (name for name in runs[0] if name.startswith("ways: ")):
        for way in (name for name in runs[0][key] if name != "load"):
            own = [run[key][way]["total"] for run in runs if key in run]
            plain = [run[key]["torch, single precision"]["total"] for run in runs if key in run]
            off = f"{max(run[key][way]['off'] for run in runs if key in run):.1e}"
            ready = _spread([run[key][way]["ready"] for run in runs if key in run], 1)
            yield _row(key.partition(": ")[2], way, _times(plain, own), off, ready)
    yield ""


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _beside(runs: Runs, key: str, ours: str, title: str) -> str:
    own = _each(runs, key, "total")
    return _row(title, _spread(own, 2), _times(own, _each(runs, ours, "total")), _memory(runs, key))


def _each(runs: Runs, key: str, name: str) -> list[float]:
    return [float(run[key][name]) for run in runs if key in run]


def _shares(runs: Runs, key: str, share: Any) -> list[float]:
    return [share(run[key]) for run in runs if key in run]


def _spread(values: Sequence[float], digits: int) -> str:
    mean = f"{sum(values) / len(values):.{digits}f}"
    ends = f"{min(values):.{digits}f}", f"{max(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ({ends[0]} to {ends[1]})"


def _percent(shares: Sequence[float]) -> str:
    return " to ".join(dict.fromkeys(f"{100 * one:.1f} %" for one in (min(shares), max(shares))))


def _memory(runs: Runs, key: str) -> str:
    return f"{min(_each(runs, key, 'peak')) / 1e6:,.0f}"


def _times(values: Sequence[float], ours: Sequence[float]) -> str:
    """How many times as many seconds, run by run."""
    return f"x {_spread([one / own for one, own in zip(values, ours, strict=False)], 1)}"


def _exponent(low: Sequence[float], high: Sequence[float], first: float, last: float) -> str:
    by = math.log(last / first)
    return _spread([math.log(b / a) / by for a, b in zip(low, high, strict=False)], 2)
