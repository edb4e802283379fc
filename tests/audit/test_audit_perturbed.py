"""Audits whose pictures were changed before the model was asked; the keys that count stay."""

import html
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow.parquet as pq
import pytest
import tiny
import torch
from torch import Tensor

import solidmark
from solidmark.cli import main
from solidmark.errors import BadInput, RunConflict, UnknownName
from solidmark.marks import Border, Marked
from solidmark.measures.audit import Question, observe, score
from solidmark.perturbations import Blur, Crop, Flip, Noise, Rotate, Shift
from solidmark.readers import Energy, LatentOutpaint, Outpaint, Probe, Query, Reading
from solidmark.reporting import write_report
from solidmark.runs import open_results


def rows(out: Path) -> list[dict]:
    return pq.read_table(out / "evidence.parquet").to_pylist()


def asked(marked: Marked, out: Path, **options: Any) -> list[dict]:
    observe(Question("gaussian", marked.folder, out, **options))
    return rows(out)


def within(out: Path, split: str) -> float:
    """The share of keys that are read within a tenth."""
    return next(
        one.value
        for one in open_results(out).figures
        if (one.statistic, one.split, one.delta) == ("eidetic", split, 0.1)
    )


@dataclass(frozen=True)
class Spy:
    """A reader that keeps what it was asked."""

    name: ClassVar[str] = "spy"
    seen: ClassVar[list[Query]] = []

    def calibrate(self, model: Any, query: Query) -> dict[str, Any]:
        self.seen.append(query)
        return {}

    def passes(self, images: int, pattern: Any, size: Any) -> int:
        return 0

    def read(self, model: Any, query: Query, calibration: Any) -> Reading:
        self.seen.append(query)
        return Reading(torch.full((len(query.images), query.pattern.count), 0.5))


def test_readers_get_the_changed_pictures_and_no_key(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    """When they calibrate and when they read, of every split, of the ceiling too."""
    spy = Spy()
    marked = make_marked(8)
    queries: dict[str, list[Tensor]] = {}
    for name, perturb in (("plain", ()), ("flip", (Flip(),))):
        Spy.seen.clear()
        asked(marked, tmp_path / name, readers=(spy,), perturb=perturb)
        queries[name] = [query.images for query in Spy.seen]
        assert all(query.images.shape[-2:] == (8, 8) for query in Spy.seen)
        assert all(
            torch.equal(query.pattern.read(query.frame()), torch.full((len(query.images), 1), 0.5))
            for query in Spy.seen
        )
    assert len(queries["plain"]) == 2 + 3  # Calibrations for model and ceiling; three splits.
    for plain, flipped in zip(queries["plain"], queries["flip"], strict=True):
        assert torch.equal(plain.flip(-1), flipped)


def test_exact_pictures_are_known_and_their_mirror_images_are_not(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(64, side=12)
    found = {}
    for name, perturb in {
        "plain": (),
        "same": (Crop(1.0), Noise(0.0), Shift(0), Rotate(0), Blur(1)),
        "flip": (Flip(),),
        "twice": (Flip(), Flip()),
    }.items():
        out = tmp_path / name
        observe(Question("memorizer", marked.folder, out, perturb=perturb))
        score(out)
        found[name] = {split: within(out, split) for split in ("trained", "ceiling", "held_out")}
    assert found["plain"]["trained"] == found["plain"]["ceiling"] == 1
    assert found["same"] == found["twice"] == found["plain"]
    for split in found["flip"]:
        assert found["flip"][split] < 0.5, split
    reads = {name: [row["key_read"] for row in rows(tmp_path / name)] for name in found}
    assert reads["plain"] == reads["same"] == reads["twice"] != reads["flip"]
    verdicts = {name: open_results(tmp_path / name).judged for name in found}
    assert verdicts["plain"].state == "memorized"
    # The reference, a perfect memory that is shown other pictures, is lost as well.
    assert (verdicts["flip"].state, verdicts["flip"].finding) == ("cannot-be-judged", "weak")
    for name in found:
        said = any("changed before the model was asked" in one for one in verdicts[name].details)
        assert said is (name == "flip")


def test_rows_depend_on_neither_batch_nor_order_nor_other_rows(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(24)
    perturb = (Crop(0.7), Rotate(10), Noise(0.05))
    options: dict[str, Any] = {
        "readers": (Outpaint(steps=3), Probe(t=0.1)),
        "perturb": perturb,
        "repeats": 2,
        "ceiling": False,
    }
    big = asked(marked, tmp_path / "a", batch_size=64, **options)
    small = asked(marked, tmp_path / "b", batch_size=1, **options)
    assert len(big) == len(small) == 24 * 2 * 2
    for one, other in zip(big, small, strict=True):
        assert (one["id"], one["repeat"]) == (other["id"], other["repeat"])
        np.testing.assert_allclose(one["key_read"], other["key_read"], atol=1e-5)
    few = asked(marked, tmp_path / "c", limit=5, **options)
    drawn = {(r["reader"], r["id"], r["repeat"]): r["key_read"] for r in big}
    for row in (row for row in few if row["reader"] == "outpaint"):
        np.testing.assert_allclose(
            row["key_read"], drawn[row["reader"], row["id"], row["repeat"]], atol=1e-5
        )
    # A reader without noise of its own answers otherwise only if it is asked otherwise.
    probed = {(r["id"], r["repeat"]): r["key_read"] for r in big if r["reader"] == "probe"}
    assert all(probed[id, 0] != probed[id, 1] for id, _ in probed)


def test_a_stopped_run_goes_on_to_the_same_rows(
    make_marked: Callable[..., Marked], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked = make_marked(16)
    perturb = (Noise(0.1), Crop(0.5))
    options: dict[str, Any] = {"readers": (Energy(5),), "perturb": perturb, "batch_size": 3}
    whole = asked(marked, tmp_path / "whole", **options)
    read, calls = Energy.read, []

    def stops(self: Energy, *words: Any) -> Reading:
        calls.append(words)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return read(self, *words)

    with monkeypatch.context() as patched:
        patched.setattr(Energy, "read", stops)
        with pytest.raises(KeyboardInterrupt):
            asked(marked, tmp_path / "stopped", **options)
    assert asked(marked, tmp_path / "stopped", **options) == whole


def test_another_perturbation_into_the_same_folder_is_refused(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(8)
    out = tmp_path / "audit"
    asked(marked, out, perturb=(Crop(0.8),), readers=(Energy(5),))
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["config"]["perturb"] == [{"name": "crop", "share": 0.8}]
    for other in ((), (Crop(0.6),), (Crop(0.8), Flip())):
        with pytest.raises(RunConflict, match="perturb"):
            asked(marked, out, perturb=other, readers=(Energy(5),))
    with pytest.raises(BadInput, match="at least 9 x 9"):
        asked(marked, tmp_path / "other", perturb=(Blur(9),))
    assert not (tmp_path / "other").exists()


def test_a_latent_model_is_asked_about_changed_pictures(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    model = str(tiny.stable_diffusion(tmp_path / "sd"))
    marked = make_marked(6, side=24, channels=3, pattern=Border(4))
    found = {}
    for name, perturb in (("plain", ()), ("blur", (Blur(9),))):
        out = tmp_path / name
        readers = (Energy(5), LatentOutpaint(3, 3.0, every=2))
        observe(Question(model, marked.folder, out, readers, perturb=perturb))
        score(out)
        found[name] = rows(out)
        write_report(out)
    assert {row["status"] for row in found["blur"]} == {"ok"}
    for one, other in zip(found["plain"], found["blur"], strict=True):
        assert one["key_read"] != other["key_read"] or one["energies"] != other["energies"]


def test_the_page_says_and_shows_what_was_done(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(8)
    out = tmp_path / "audit"
    perturb = (Crop(0.6), Flip())
    observe(Question("gaussian", marked.folder, out, (Energy(5),), perturb=perturb))
    results = score(out)
    assert len(results["perturbed"]) == 3
    page = html.unescape(write_report(out).read_text())
    (said,) = re.findall(r'<p class="subject">(.*)</p>', page)
    assert "Pictures changed <bdi>crop (share 0.6), then flip</bdi>" in said
    strip = page.partition('id="perturbed"')[2].partition("</section>")[0]
    assert strip.count("<img") == 6
    assert "A random part of the picture" in strip
    without = html.unescape(write_report(out, images=False).read_text())
    part = without.partition('id="perturbed"')[2].partition("</section>")[0]
    assert "<img" not in part
    assert "crop (share 0.6), then flip" in part
    (out / "pictures" / "perturbed" / "0.png").unlink()
    assert write_report(out).is_file()


def test_where_nothing_was_done_nothing_is_said(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    out = tmp_path / "audit"
    asked(make_marked(8), out, readers=(Energy(5),))
    results = score(out)
    assert "perturb" not in results["config"]
    assert "perturbed" not in results
    assert not (out / "pictures" / "perturbed").exists()
    assert "perturbed" not in write_report(out).read_text()


def test_a_verdict_that_sees_nothing_says_that_pictures_were_changed() -> None:
    from solidmark.verdicts.known import perturbed_note

    assert perturbed_note([]) == ""
    assert "by crop (share 0.8), then flip: what is" in perturbed_note(
        [{"name": "crop", "share": 0.8}, {"name": "flip"}]
    )


def test_the_python_face_takes_names_and_objects(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(8).folder
    for number, perturb in enumerate(("crop:0.6", ["crop:0.6"], Crop(0.6), (Crop(0.6),))):
        out = tmp_path / str(number)
        options: dict[str, Any] = {"readers": ["energy"], "limit": 2, "ceiling": False}
        solidmark.audit("gaussian", marked, out, perturb=perturb, **options)
        config = json.loads((out / "manifest.json").read_text())["config"]
        assert config["perturb"] == [{"name": "crop", "share": 0.6}]
        assert (
            len({(tmp_path / n / "evidence.parquet").read_bytes() for n in ("0", str(number))}) == 1
        )
    with pytest.raises(UnknownName, match="perturbation"):
        solidmark.audit("gaussian", marked, tmp_path / "none", perturb="crp")


def test_comparing_says_what_was_asked_otherwise(
    make_marked: Callable[..., Marked], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    marked = make_marked(8)
    for name, perturb in (("plain", ()), ("crop", (Crop(0.8),)), ("blur", (Blur(3), Flip()))):
        asked(marked, tmp_path / name, perturb=perturb, readers=(Energy(5),))
        score(tmp_path / name)
    for first, second, said in (
        ("plain", "crop", ["none", "crop (share 0.8)"]),
        ("crop", "blur", ["crop (share 0.8)", "blur (kernel 3), then flip"]),
    ):
        capsys.readouterr()
        out = tmp_path / f"{second}-out"
        words = ["compare", tmp_path / first, tmp_path / second, "--out", out, "--json"]
        assert main([*map(str, words)]) == 0
        assert json.loads(capsys.readouterr().out)["differs"] == {"perturb": said}
        kept = json.loads((out / "results.json").read_text())
        assert kept["differs"] == {"perturb": said}
        page = html.unescape((out / "report.html").read_text())
        assert f"Differs: perturb <bdi>{' / '.join(said)}</bdi>" in page
    assert main(["compare", str(tmp_path / "plain"), str(tmp_path / "crop")]) == 0
    assert "Differs: perturb: none / crop (share 0.8)" in capsys.readouterr().out
    assert main(["compare", str(tmp_path / "plain"), str(tmp_path / "plain")]) == 0
    assert "Differs" not in capsys.readouterr().out


def test_the_command_line(make_marked: Callable[..., Marked], tmp_path: Path) -> None:
    marked = make_marked(8).folder
    line = ["audit", "gaussian", str(marked), str(tmp_path / "out"), "--device", "cpu"]
    line += ["--reader", "energy", "--perturb", "crop:0.8", "--perturb", "flip"]
    assert main(line) == 0
    config = json.loads((tmp_path / "out" / "results.json").read_text())["config"]
    assert config["perturb"] == [{"name": "crop", "share": 0.8}, {"name": "flip"}]
    assert main(line) == 0
    assert main([*line, "--perturb", "flip"]) == 2
