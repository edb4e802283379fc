"""Whole audits of a latent text-to-image model, captions and autoencoder included."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import tiny
import torch
from forking import run_command_together

from solidmark.cli import main
from solidmark.diffusion import Metered
from solidmark.marks import Border, Marked, Segments, open_marked
from solidmark.measures.audit import Question, observe, score, usual_readers
from solidmark.mitigations import GaussianNoise, Mitigated
from solidmark.models import open_model
from solidmark.models.controls import ceiling_model
from solidmark.readers import Energy, LatentOutpaint, Probe
from solidmark.reporting import write_report
from solidmark.runs import Ledger, read_manifest

READERS = (Energy(candidates=5), LatentOutpaint(4, 3.0, every=2))


@pytest.fixture(scope="module")
def sd(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.stable_diffusion(tmp_path_factory.mktemp("sd")))


@pytest.fixture
def pictures(make_marked: Callable[..., Marked]) -> Marked:
    """Marked pictures of 32 x 32 pixels with captions, half of them held out."""
    return make_marked(12, side=24, channels=3, pattern=Border(4))


def ask(model: str, marked: Marked, out: Path, **options: object) -> Question:
    options.setdefault("readers", READERS)
    return Question(model, marked.folder, out, batch_size=4, **options)  # type: ignore[arg-type]


def rows(out: Path) -> list[dict]:
    return pq.read_table(out / "evidence.parquet").to_pylist()


@pytest.fixture(scope="module")
def asked(mark_in: Callable[..., Marked], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Such pictures, for tests that change nothing in them."""
    folder = tmp_path_factory.mktemp("asked") / "marked"
    return mark_in(folder, 12, side=24, channels=3, pattern=Border(4)).folder


@pytest.fixture(scope="module")
def whole(sd: str, asked: Path) -> Path:
    """What an audit of them that ran through has observed."""
    out = asked.parent / "whole"
    observe(ask(sd, open_marked(asked), out))
    return out


def test_from_a_pipeline_on_disk_to_the_page(whole: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "audit"))
    results = score(out)
    evidence = rows(out)
    assert len(evidence) == 2 * (6 + 6 + 6)
    assert {row["status"] for row in evidence} == {"ok"}
    # Guidance is two calls a step, and both are counted; Energy's candidates are one each.
    spent = {row["reader"]: row["network_calls"] for row in evidence}
    assert spent == {"energy": 5, "latent-outpaint": 8}
    assert all((row["picture"] is None) is (row["reader"] == "energy") for row in evidence)

    kept = json.loads((out / "round_trip.json").read_text())
    assert (kept["images"], kept["thickness"], kept["factor"]) == (12, 4, 4)
    assert len(kept["keys"]) == len(kept["means"]) == len(kept["spreads"]) == 9
    own = [row for row in results["rows"] if row["measure"] == "round_trip"]
    assert {row["statistic"]: row["value"] for row in own} == {
        name: kept[name] for name in ("bias", "spread", "floor")
    }
    assert all((r["n"], r["direction"], r["unit"]) == (12, "low", "grey level") for r in own)
    calibration = json.loads((out / "calibration.json").read_text())
    assert calibration["latent-outpaint model"]["round_trip"]["means"] == kept["means"]

    page = write_report(out).read_text()
    assert 'id="round-trip"' in page
    assert "Latent Outpaint drew" in page
    assert "what is read of decoded pictures is corrected by this curve" in page
    assert "Energy: no correction is needed" in page
    assert (out / "figures" / "round-trip.svg").is_file()


def test_models_of_pixels_have_no_round_trip(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked, out = make_marked(8), tmp_path / "audit"
    observe(Question("memorizer", marked.folder, out))
    results = score(out)
    assert not (out / "round_trip.json").exists()
    assert {row["measure"] for row in results["rows"]} == {"solidmark"}
    page = write_report(out).read_text()
    assert "round trip" not in page.lower()
    assert not list((out / "figures").glob("round-trip*"))


def test_the_round_trip_is_that_of_the_marks_whatever_their_keys(
    sd: str, make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    """Twice the same pictures under other keys; with the reader that would measure it, without."""
    kept = []
    for seed in (1, 2):
        marked = make_marked(
            8, side=24, channels=3, pattern=Segments(4, 4), seed=seed, name=f"{seed}", held_out=0.0
        )
        readers = (Probe(),) if seed == 1 else (LatentOutpaint(2, 1.0),)
        out = tmp_path / f"audit-{seed}"
        observe(ask(sd, marked, out, readers=readers, splits=("trained",), ceiling=False))
        kept.append((out / "round_trip.json").read_text())
    assert kept[0] == kept[1]
    assert json.loads(kept[0])["pattern"]["count"] == 4


class _Stopped(Exception):
    pass


@pytest.mark.parametrize("after", [1, 5])
def test_a_resumed_audit_ends_in_the_bytes_of_one_that_ran_through(
    after: int, sd: str, asked: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = open_marked(asked)
    left, commit = [after], Ledger.commit

    def stopping(self: Ledger, found: dict) -> None:
        if not left[0]:
            raise _Stopped
        left[0] -= 1
        commit(self, found)

    monkeypatch.setattr(Ledger, "commit", stopping)
    with pytest.raises(_Stopped):
        observe(ask(sd, pictures, tmp_path / "stopped"))
    assert not (tmp_path / "stopped" / "evidence.parquet").exists()
    monkeypatch.setattr(Ledger, "commit", commit)
    observe(ask(sd, pictures, tmp_path / "stopped"))
    for name in ("evidence.parquet", "calibration.json", "round_trip.json"):
        resumed = (tmp_path / "stopped" / name).read_bytes()
        assert (whole / name).read_bytes() == resumed, name


@pytest.mark.slow
def test_two_processes_give_the_rows_of_one(
    sd: str, asked: Path, whole: Path, tmp_path: Path
) -> None:
    words = ["observe", sd, asked, tmp_path / "two", "--batch-size", 4, "--device", "cpu"]
    words += ["--reader", "energy", "--energy-candidates", 5, "--reader", "latent-outpaint"]
    words += ["--latent-outpaint-steps", 4, "--latent-outpaint-every", 2]
    run_command_together(2, *words)
    assert len(list((tmp_path / "two" / "ledger").glob("ledger-*.sqlite"))) == 2
    one, two = rows(whole), rows(tmp_path / "two")
    assert len(one) == len(two) == 36
    for a, b in zip(one, two, strict=True):
        assert [a[n] for n in ("reader", "split", "id")] == [
            b[n] for n in ("reader", "split", "id")
        ]
        assert a["key_read"] == pytest.approx(b["key_read"], abs=1e-5)
    trips = [json.loads((out / "round_trip.json").read_text()) for out in (whole, tmp_path / "two")]
    assert trips[0]["means"] == pytest.approx(trips[1]["means"], abs=1e-6)


def without_captions(marked: Marked) -> Marked:
    for path in marked.folder.glob("*/metadata.jsonl"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        kept = [{k: v for k, v in line.items() if k != "text"} for line in lines]
        path.write_text("".join(json.dumps(line) + "\n" for line in kept))
    path = marked.folder / "manifest.json"
    manifest = read_manifest(marked.folder)
    del manifest["files"]  # As of a marking that had no captions, and wrote down no files.
    path.write_text(json.dumps(manifest))
    return open_marked(marked.folder)


def test_missing_captions_are_one_line_which_caption_mends(
    sd: str, pictures: Marked, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without_captions(pictures)
    words = ["observe", sd, pictures.folder, tmp_path / "audit", "--reader", "probe"]
    words += ["--device", "cpu"]
    assert main([str(word) for word in words]) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: The model draws from captions, but image")
    assert said.count("\n") == 1
    assert "--caption" in said
    mended = [*words[:3], tmp_path / "mended", *words[4:], "--caption", "a small dog"]
    assert main([str(word) for word in mended]) == 0
    assert {row["status"] for row in rows(tmp_path / "mended")} == {"ok"}


def test_the_pixel_outpaint_is_refused_before_anything_slow(
    sd: str,
    pictures: Marked,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def asked(*_: object) -> None:
        raise AssertionError("the model was asked")

    monkeypatch.setattr("solidmark.models.LatentModel.encode", asked)
    monkeypatch.setattr("solidmark.models.LatentModel.condition", asked)
    words = ["observe", sd, pictures.folder, tmp_path / "audit", "--device", "cpu"]
    words += ["--reader", "energy", "--reader", "outpaint"]
    assert main([str(word) for word in words]) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: Outpaint pastes pixels")
    assert said.count("\n") == 1
    assert "--reader latent-outpaint" in said
    assert not (tmp_path / "audit").exists()


def test_the_ceiling_is_a_memorizer_behind_the_very_autoencoder(sd: str, pictures: Marked) -> None:
    """Also when the model is wrapped, and whatever the size of the batches."""
    model, ids = open_model(sd), pictures.ids("trained")
    images = torch.stack([pictures.sample(id).image for id in ids])
    latents = model.encode(images).flatten(1)
    mitigated = Mitigated(model, (GaussianNoise(),))
    for wrapped in (model, Metered(model, 2), mitigated):
        found = ceiling_model(pictures, ids, wrapped, batch_size=4)
        torch.testing.assert_close(found.latents.float(), latents, atol=1e-5, rtol=1e-5)
        assert found.schedule is model.schedule
        assert found.factor == model.factor
        z = found.encode(images)
        torch.testing.assert_close(found.decode(z), model.decode(z), atol=1e-5, rtol=1e-5)
        # At a little noise it answers with the very image that it is shown.
        alpha, _ = model.schedule(0.01)
        torch.testing.assert_close(found.denoise(alpha * z, 0.01), z, atol=1e-4, rtol=1e-4)


def test_recall_is_asked_beside_the_default_where_captions_differ(
    sd: str, pictures: Marked, save_unet: Callable[..., Path]
) -> None:
    assert usual_readers(sd, pictures) == ["energy", "recall"]
    for model in ("memorizer", str(save_unet(16, 3))):
        assert usual_readers(model, pictures) == ["energy"]
    without_captions(pictures)
    assert usual_readers(sd, open_marked(pictures.folder)) == ["energy"]
