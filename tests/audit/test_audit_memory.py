"""Where the memory is too small for a batch: the same rows, from fewer images at a time."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from visiting import plain, section

from solidmark.cli import main
from solidmark.data import Sample
from solidmark.diffusion import Metered, Model
from solidmark.errors import BadInput
from solidmark.marks import Marked
from solidmark.measures.audit import Question, observe, score
from solidmark.models import open_model
from solidmark.readers import Blend, Energy, Gradient, Linear, Outpaint, Reader
from solidmark.reporting import write_report
from solidmark.runs import Ledger, Room, forget_peak, peak_memory_bytes, read_manifest
from solidmark.subjects import SolidMark
from solidmark.subjects.knowing import DRAWN

SHORT = "CUDA out of memory. Tried to allocate 2.00 GiB."


class Cramped:
    """A model whose device has room for so many images at a time, seen late in a walk."""

    def __init__(self, model: Model, most: int) -> None:
        self.model = model
        self.most = most
        self.sizes: list[int] = []
        self.schedule, self.channels, self.factor = model.schedule, model.channels, model.factor

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return self.model.encode(images)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return self.model.decode(latents)

    def condition(self, samples: Sequence[Sample]) -> Any:
        return self.model.condition(samples)

    def unconditional(self, condition: Any) -> Any:
        return self.model.unconditional(condition)

    def denoise(self, z_t: torch.Tensor, t: float, condition: Any) -> torch.Tensor:
        self.sizes.append(len(z_t))
        # Outpaint has drawn the noise of several steps by then.
        if len(z_t) > self.most and t < 0.5:
            raise torch.OutOfMemoryError(SHORT)
        return self.model.denoise(z_t, t, condition)


@pytest.fixture
def cramped(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[Cramped]]:
    """Makes every model that an audit opens cramped, and gives those that were opened."""

    def make(most: int) -> list[Cramped]:
        made: list[Cramped] = []

        def opened(*given: Any, **named: Any) -> Cramped:
            made.append(Cramped(open_model(*given, **named), most))
            return made[-1]

        monkeypatch.setattr("solidmark.measures.audit.question.open_model", opened)
        monkeypatch.setattr("solidmark.measures.audit.question.check_fit", lambda *given: None)
        return made

    return make


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The names of the rows of each commit, those on the memory left out."""
    seen: list[list[str]] = []
    commit = Ledger.commit

    def record(self: Ledger, rows: Any) -> None:
        names = [name for name in rows if not name.startswith("memory ")]
        if names:
            seen.append(names)
        commit(self, rows)

    monkeypatch.setattr(Ledger, "commit", record)
    return seen


def rows_of(out: Path) -> list[dict[str, Any]]:
    return pq.read_table(out / "evidence.parquet").to_pylist()


def same(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    """Equal but for what a network computes in another order."""
    assert len(one) == len(other) > 0
    for a, b in zip(one, other, strict=True):
        numbers = [row.pop(name) or [] for row in (a, b) for name in ("key_read", "path")]
        keys, path, keys_there, path_there = numbers
        assert keys == pytest.approx(keys_there, abs=1e-5)
        assert path == pytest.approx(path_there, abs=1e-4)
        energies = [row.pop("energies") or [] for row in (a, b)]
        assert energies[0] == pytest.approx(energies[1], abs=1e-2)
        assert a == b


def test_the_rows_of_a_cramped_device_are_those_of_a_roomy_one(
    cramped: Callable[[int], list[Cramped]],
    commits: list[list[str]],
    make_marked: Callable[..., Marked],
    save_unet: Callable[..., Path],
    tmp_path: Path,
) -> None:
    marked, model = make_marked(20), str(save_unet(12))
    readers = (Outpaint(steps=6), Energy(t=0.2), Gradient(t=0.2, steps=2))

    def ask(name: str) -> Path:
        commits.clear()
        observe(Question(model, marked.folder, tmp_path / name, readers, batch_size=8))
        return tmp_path / name

    roomy = ask("roomy")
    whole = [list(names) for names in commits]
    assert max(map(len, whole)) == 8
    made = cramped(3)
    out = ask("cramped")
    assert commits == whole, "the batches of the ledger are those of the roomy device"
    same(rows_of(roomy), rows_of(out))
    pictures = sorted(path.relative_to(roomy) for path in roomy.rglob("*.png"))
    assert len(pictures) == 30 + DRAWN
    for path in pictures:
        levels = [np.array(Image.open(run / path)).astype(int) for run in (roomy, out)]
        assert np.abs(levels[0] - levels[1]).max() <= 1
    sizes = made[0].sizes
    assert sizes[0] == 8
    assert max(sizes[sizes.index(2) :]) == 2, "what fits is remembered"
    kept = json.loads((out / "manifest.json").read_text())["memory"]
    assert kept["batch_size"] == 2
    assert json.loads((roomy / "manifest.json").read_text())["memory"]["batch_size"] == 8


def test_a_part_that_failed_draws_its_noise_anew(
    cramped: Callable[[int], list[Cramped]],
    make_marked: Callable[..., Marked],
    save_unet: Callable[..., Path],
    tmp_path: Path,
) -> None:
    """The generators of the failed batch have moved on; an image starts where it started."""
    marked, model = make_marked(8), str(save_unet(12))
    made = cramped(1)
    starts: list[dict[int, torch.Tensor]] = []
    denoise = Cramped.denoise

    def watch(self: Cramped, z_t: torch.Tensor, t: float, condition: Any) -> torch.Tensor:
        if t > 0.9:
            starts.append(dict(enumerate(z_t.clone())))
        return denoise(self, z_t, t, condition)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cramped, "denoise", watch)
        reader = Outpaint(steps=10)
        observe(
            Question(
                model,
                marked.folder,
                tmp_path / "a",
                (reader,),
                splits=("trained",),
                batch_size=4,
                ceiling=False,
            )
        )
    assert made[0].sizes[0] == 4
    failed, *_ = starts
    alone = [start[0] for start in starts if len(start) == 1]
    assert len(failed) == len(alone) == 4
    for number, start in failed.items():
        assert torch.equal(start, alone[number])
    assert not torch.equal(alone[0], alone[1])


def test_one_image_that_does_not_fit_is_one_line_and_more_memory_goes_on(
    cramped: Callable[[int], list[Cramped]],
    make_marked: Callable[..., Marked],
    save_unet: Callable[..., Path],
    tmp_path: Path,
) -> None:
    marked, model = make_marked(8), str(save_unet(12))
    question = Question(
        model, marked.folder, tmp_path / "a", (Outpaint(steps=4),), batch_size=4, ceiling=False
    )
    made = cramped(0)
    with pytest.raises(BadInput, match=r'One image alone does not fit.*"cpu".*CUDA out') as told:
        observe(question)
    assert "\n" not in str(told.value)
    assert {1, 2, 4} <= set(made[0].sizes)
    assert not (tmp_path / "a" / "evidence.parquet").exists()
    cramped(4)
    observe(question)
    assert len(rows_of(tmp_path / "a")) == 8


def test_room_is_halved_down_to_one_and_remembered() -> None:
    room, asked = Room(13, "cpu"), []

    def ask(size: int) -> int:
        asked.append(size)
        if size > 1:
            torch.empty(2**50, size)  # The allocator of the CPU refuses that by itself.
        return size

    assert room.fit(ask) == 1
    assert room.fit(ask) == 1
    assert asked == [13, 6, 3, 1, 1]
    with pytest.raises(BadInput, match="DefaultCPUAllocator"):
        room.fit(lambda size: torch.empty(2**50, size))


@pytest.mark.parametrize("error", [RuntimeError("size mismatch"), ValueError(SHORT), KeyError("x")])
def test_other_errors_are_not_taken_for_a_lack_of_memory(error: Exception) -> None:
    room = Room(8, "cpu")

    def fail(size: int) -> None:
        raise error

    with pytest.raises(type(error)):
        room.fit(fail)
    assert room.size == 8


@pytest.mark.parametrize("reader", [Gradient(t=0.2), Linear(), Blend(t=0.2)], ids=lambda r: r.name)
def test_a_reader_with_gradients_calibrates_in_parts(
    reader: Reader, make_marked: Callable[..., Marked], save_unet: Callable[..., Path]
) -> None:
    """A gradient keeps what was computed on its way, so the whole must not be asked at once."""
    marked = make_marked(16)
    samples = [marked.sample(id) for id in marked.ids("trained")]
    model = open_model(str(save_unet(12)))
    found = []
    for size in (3, 8):
        watched = Cramped(model, 8)
        alive: list[int] = []

        class Watched(Metered):
            def encode(self, images: torch.Tensor) -> torch.Tensor:
                alive.append(len(images))  # noqa: B023
                return super().encode(images)

        chosen = SolidMark(reader, marked.pattern).calibrate(Watched(watched, size), samples)
        assert max(alive) == max(watched.sizes) == size
        found.append(chosen)
    assert leaves(found[0]) == pytest.approx(leaves(found[1]), rel=1e-3, abs=1e-4)


def leaves(value: Any) -> list[float]:
    """The numbers of what a reader chose, in order."""
    if isinstance(value, dict):
        value = [value[name] for name in sorted(value)]
    if isinstance(value, list):
        return [number for inner in value for number in leaves(inner)]
    return [float(value)]


def test_the_results_say_what_was_needed(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked, out = make_marked(8), tmp_path / "a"
    observe(Question("gaussian", marked.folder, out, batch_size=5))
    results = score(out)
    memory = results["memory"]
    assert memory == json.loads((out / "manifest.json").read_text())["memory"]
    assert set(memory) == {"device", "peak_memory_bytes", "batch_size"}
    assert (memory["device"], memory["batch_size"]) == ("cpu", 5)
    # torch alone takes more than 50 MiB, and no machine of ours has a TiB.
    assert 50 * 2**20 < memory["peak_memory_bytes"] < 2**40
    before = (out / "results.json").read_bytes()
    assert score(out) == results
    assert (out / "results.json").read_bytes() == before
    page = plain(section(write_report(out).read_text(), "run"))
    for name in ("device", "batch_size"):
        assert re.search(rf"{name}\s*{memory[name]}\b", page), name


def test_the_largest_of_all_processes_counts_and_killed_ones_do_too(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked, out = make_marked(8), tmp_path / "a"
    question = Question("gaussian", marked.folder, out)
    question.open_run(marked)
    needed = {"device": "cpu", "peak_memory_bytes": 2**50, "batch_size": 16}
    with Ledger(out / "ledger", rank=1) as ledger:
        ledger.commit({"memory 1 5": needed})
    observe(question)
    assert score(out)["memory"] == needed


def test_a_run_of_before_has_no_memory_to_show(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked, out = make_marked(8), tmp_path / "a"
    observe(Question("gaussian", marked.folder, out, ceiling=False))
    manifest = read_manifest(out)
    del manifest["memory"]
    (out / "manifest.json").write_text(json.dumps(manifest))
    assert score(out)["memory"] is None
    assert "at the peak" not in write_report(out).read_text()


def test_on_a_gpu_the_peak_is_that_of_its_tensors(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    def peak(device: str) -> int:
        asked.append(("peak", device))
        return 12345

    monkeypatch.setattr("torch.cuda.max_memory_allocated", peak)
    monkeypatch.setattr(
        "torch.cuda.reset_peak_memory_stats", lambda device: asked.append(("reset", device))
    )
    forget_peak("cuda:1")
    assert peak_memory_bytes("cuda:1") == 12345
    assert asked == [("reset", "cuda:1"), ("peak", "cuda:1")]
    forget_peak("cpu")
    assert peak_memory_bytes("cpu") > 50 * 2**20
    assert len(asked) == 2


def test_the_batch_size_may_be_left_to_the_machine(
    make_marked: Callable[..., Marked], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    marked = make_marked(8)
    line = ["observe", "gaussian", str(marked.folder), str(tmp_path / "a"), "--device", "cpu"]
    assert main([*line, "--batch-size", "auto", "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["options"]["batch_size"] == 64
    assert main([*line, "--batch-size", "7", "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["options"]["batch_size"] == 7
