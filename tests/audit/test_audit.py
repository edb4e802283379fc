"""The main job, from a model on disk to results, on models that know everything and nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from forking import run_command, start_command
from scipy import stats

from solidmark.errors import BadInput, NotFound, RunConflict, WrongKeys
from solidmark.marks import Border, Marked
from solidmark.measures.audit import Question, observe, score
from solidmark.models import PixelModel
from solidmark.readers import Energy, Outpaint, Probe

READERS = (Energy(), Outpaint(steps=10), Probe())


def run(question: Question) -> list[dict]:
    observe(question)
    score(question.out)
    return pq.read_table(question.out / "scores.parquet").to_pylist()


def statistic(out: Path, reader: str, split: str, name: str, **which: float) -> dict:
    rows = json.loads((out / "results.json").read_text())["rows"]
    wanted = {"reader": reader, "split": split, "statistic": name, **which}
    (row,) = [row for row in rows if wanted.items() <= row.items()]
    return row


def close(one: list[dict], other: list[dict], tolerance: float) -> None:
    assert len(one) == len(other) > 0
    for a, b in zip(one, other, strict=True):
        assert (a["reader"], a["split"], a["id"], a["repeat"]) == (
            b["reader"],
            b["split"],
            b["id"],
            b["repeat"],
        )
        assert np.abs(np.subtract(a["key_read"], b["key_read"])).max() <= tolerance


def test_the_memorizer_is_caught(make_marked: Callable[..., Marked], tmp_path: Path) -> None:
    marked = make_marked(128, side=12, digits=True)
    out = tmp_path / "audit"
    run(Question("memorizer", marked.folder, out))
    found = statistic(out, "energy", "trained", "eidetic", delta=0.1)
    assert found["count"] == found["n"] == 64
    assert found["p_value"] == 1e-4  # the least that 9,999 exchanges can give
    held_out = statistic(out, "energy", "held_out", "eidetic", delta=0.05)
    assert held_out["p_value"] > 0.01
    assert statistic(out, "energy", "trained_vs_held_out", "auc")["value"] > 0.95
    assert statistic(out, "energy", "ceiling", "eidetic", delta=0.1)["value"] == 1


@pytest.mark.parametrize("who", ["gaussian", "untrained"])
def test_a_model_that_knows_nothing_is_at_chance(
    who: str, make_marked: Callable[..., Marked], save_unet: Callable[..., Path], tmp_path: Path
) -> None:
    marked = make_marked(128, side=12, digits=True)
    model = who if who == "gaussian" else str(save_unet(16))
    out = tmp_path / "audit"
    run(Question(model, marked.folder, out, READERS, ceiling=False))
    for reader in READERS:
        for split in ("trained", "held_out"):
            row = statistic(out, reader.name, split, "eidetic", delta=0.05)
            assert row["p_value"] > 0.001, (reader.name, split)
        assert statistic(out, reader.name, "trained_vs_held_out", "auc")["p_value"] > 0.001


def test_p_values_of_a_thousand_held_out_images_are_uniform(
    make_marked: Callable[..., Marked], save_unet: Callable[..., Path], tmp_path: Path
) -> None:
    """Real digits, a real network: Kolmogorov-Smirnov over 1,000 queries."""
    marked = make_marked(1020, side=8, digits=True, held_out=0.9804, near_duplicates=False)
    model = str(save_unet(12))
    out = tmp_path / "audit"
    rows = run(Question(model, marked.folder, out, (Energy(),), ceiling=False, batch_size=250))
    p_values = [row["p_value"] for row in rows if row["split"] == "held_out"]
    assert len(p_values) == 1000
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


def test_rows_do_not_depend_on_the_batch_or_the_order(
    make_marked: Callable[..., Marked], save_unet: Callable[..., Path], tmp_path: Path
) -> None:
    marked = make_marked(16)
    model = str(save_unet(12))
    big = run(Question(model, marked.folder, tmp_path / "a", READERS, batch_size=64))
    small = run(Question(model, marked.folder, tmp_path / "b", READERS, batch_size=1))
    close(big, small, 1e-5)
    # A limit draws other images together: what remains must say the same.
    few = run(Question(model, marked.folder, tmp_path / "c", (Outpaint(steps=10),), limit=5))
    kept = {(row["split"], row["id"]) for row in few if row["split"] != "ceiling"}
    assert len(kept) == 10
    same = [r for r in big if r["reader"] == "outpaint" and (r["split"], r["id"]) in kept]
    close([row for row in few if row["split"] != "ceiling"], same, 1e-5)


def test_repeats_are_independent_evaluations(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(8)
    rows = run(Question("gaussian", marked.folder, tmp_path / "a", (Outpaint(steps=5),), repeats=3))
    by_id: dict[str, set[float]] = {}
    for row in rows:
        if row["split"] == "trained":
            by_id.setdefault(row["id"], set()).add(row["key_read"][0])
    assert all(len(found) == 3 for found in by_id.values())


def test_scoring_leaves_the_evidence_alone_and_can_be_repeated(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(16)
    out = tmp_path / "audit"
    run(Question("memorizer", marked.folder, out))
    before = (out / "evidence.parquet").read_bytes(), (out / "results.json").read_bytes()
    score(out)
    assert ((out / "evidence.parquet").read_bytes(), (out / "results.json").read_bytes()) == before
    results = score(out, deltas=[0.2])
    assert {row["delta"] for row in results["rows"] if row["statistic"] == "eidetic"} == {0.2}


def test_a_damaged_image_is_a_failed_row_and_the_rest_goes_on(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(16)
    victim, gone = (row["file_name"] for row in marked.keys.to_pylist()[:2])
    (marked.folder / victim).write_bytes(b"not a picture")
    (marked.folder / gone).unlink()
    out = tmp_path / "audit"
    rows = run(Question("gaussian", marked.folder, out, ceiling=False))
    failed = [row for row in rows if row["status"] == "failed"]
    assert len(rows) == 16
    assert len(failed) == 2
    assert all("marked image" in row["note"] and row["p_value"] is None for row in failed)
    assert json.loads((out / "results.json").read_text())["failed"] == 2


def test_a_model_that_answers_nonsense_is_failed_rows(
    make_marked: Callable[..., Marked],
    save_unet: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    marked = make_marked(8)
    model = save_unet(12)
    # As where numbers of half precision run over: the weights are as they should be.
    monkeypatch.setattr(PixelModel, "denoise", lambda self, z_t, *_: z_t * torch.nan)
    out = tmp_path / "audit"
    observe(Question(str(model), marked.folder, out, (Outpaint(steps=2),), ceiling=False))
    rows = pq.read_table(out / "evidence.parquet").to_pylist()
    assert {row["status"] for row in rows} == {"failed"}


def test_images_and_keys_of_two_markings_are_refused(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    one, two = make_marked(8, name="one"), make_marked(8, name="two", seed=1)
    (one.folder / "keys.parquet").write_bytes((two.folder / "keys.parquet").read_bytes())
    with pytest.raises(WrongKeys, match="fingerprint"):
        observe(Question("gaussian", one.folder, tmp_path / "audit"))
    three, four = make_marked(8, name="three"), make_marked(8, name="four", seed=1)
    names = [row["file_name"] for row in three.keys.to_pylist()]
    (three.folder / names[0]).write_bytes((four.folder / names[0]).read_bytes())
    with pytest.raises(WrongKeys, match="not the image"):
        observe(Question("gaussian", three.folder, tmp_path / "audit"))


def test_scores_need_the_keys_of_the_audit(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    one, two = make_marked(8, name="one"), make_marked(8, name="two", seed=1)
    observe(Question("gaussian", one.folder, tmp_path / "audit"))
    with pytest.raises(WrongKeys, match="other keys"):
        score(tmp_path / "audit", marked=two.folder)
    with pytest.raises(NotFound):
        score(one.folder)


def test_model_and_images_must_fit(
    make_marked: Callable[..., Marked], save_unet: Callable[..., Path], tmp_path: Path
) -> None:
    marked = make_marked(8)
    with pytest.raises(BadInput, match="12 x 12"):
        observe(Question(str(save_unet(16)), marked.folder, tmp_path / "a"))
    with pytest.raises(BadInput, match="marked images are in grey"):
        observe(Question(str(save_unet(12, 3, name="colour")), marked.folder, tmp_path / "b"))
    none = make_marked(8, name="none", held_out=0.0)
    with pytest.raises(BadInput, match="no held_out images"):
        observe(Question("gaussian", none.folder, tmp_path / "c"))


def test_another_question_into_the_same_folder_is_refused(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(8)
    out = tmp_path / "audit"
    observe(Question("gaussian", marked.folder, out))
    with pytest.raises(RunConflict, match="seed"):
        observe(Question("gaussian", marked.folder, out, seed=1))


def test_classes_reach_a_conditional_network(
    make_marked: Callable[..., Marked], save_unet: Callable[..., Path], tmp_path: Path
) -> None:
    marked = make_marked(12)
    model = save_unet(12, num_class_embeds=3)
    rows = run(Question(str(model), marked.folder, tmp_path / "a", (Energy(t=0.1),), ceiling=False))
    assert {row["status"] for row in rows} == {"ok"}
    few = save_unet(12, num_class_embeds=2, name="few")
    with pytest.raises(BadInput, match="classes 0 to 1"):
        observe(Question(str(few), marked.folder, tmp_path / "b"))


@pytest.mark.slow
def test_a_killed_audit_resumes_to_the_same_bytes(
    make_marked: Callable[..., Marked], save_unet: Callable[..., Path], tmp_path: Path
) -> None:
    marked = make_marked(32)
    model = save_unet(12)
    options = ["--reader", "outpaint", "--reader", "energy", "--outpaint-steps", 40]
    options += ["--batch-size", 2, "--device", "cpu"]

    def words(out: Path) -> list[object]:
        return ["observe", model, marked.folder, out, *options]

    run_command(*words(tmp_path / "whole"))
    ledger = tmp_path / "killed" / "ledger"
    for _ in range(3):
        process = start_command(*words(tmp_path / "killed"))
        deadline = time.monotonic() + 120
        while not ledger.exists() and process.is_alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.7)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    run_command(*words(tmp_path / "killed"))
    for name in ("evidence.parquet", "calibration.json"):
        whole, killed = ((tmp_path / run / name).read_bytes() for run in ("whole", "killed"))
        assert whole == killed, name


@pytest.mark.slow
def test_a_killed_score_leaves_nothing_half_written(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    marked = make_marked(64)
    out = tmp_path / "audit"
    observe(Question("gaussian", marked.folder, out))
    score(out)
    names = ("scores.parquet", "results.json")
    whole = [(out / name).read_bytes() for name in names]
    for name in names:
        (out / name).unlink()
    for wait in (0.05, 0.2, 0.4, 0.8):
        process = start_command("score", out)
        time.sleep(wait)
        process.kill()
        process.join()
        for name, expected in zip(names, whole, strict=True):
            assert not (out / name).exists() or (out / name).read_bytes() == expected
    run_command("score", out)
    assert [(out / name).read_bytes() for name in names] == whole


@pytest.mark.slow
def test_two_processes_give_the_rows_of_one(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    """Started as `torchrun` starts them; networks: test_audit_latent.py."""
    marked = make_marked(24)
    words = [
        "gaussian",
        marked.folder,
        tmp_path / "two",
        "--reader",
        "outpaint",
        "--reader",
        "energy",
    ]
    words += ["--outpaint-steps", 10, "--batch-size", 4, "--device", "cpu"]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    launch += ["--nproc_per_node", "2", "-m", "solidmark", "observe", *map(str, words)]
    done = subprocess.run(
        launch, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "two" / "ledger").glob("ledger-*.sqlite"))) == 2
    score(tmp_path / "two")
    two = pq.read_table(tmp_path / "two" / "scores.parquet").to_pylist()
    one = run(
        Question(
            "gaussian",
            marked.folder,
            tmp_path / "one",
            (Outpaint(steps=10), Energy()),
            batch_size=4,
        )
    )
    close(one, two, 1e-5)


def test_someone_elses_training_script_works_as_well(
    make_marked: Callable[..., Marked], tmp_path: Path
) -> None:
    """A loop in plain diffusers, over the marked folder as any trainer reads it: keys are found."""
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel
    from PIL import Image

    marked = make_marked(32, side=8, digits=True)
    files = sorted((marked.folder / "train").glob("*.png"))
    images = torch.stack(
        [torch.tensor(np.array(Image.open(file))) / 127.5 - 1 for file in files]
    ).float()[:, None]
    assert len(images) == 16
    torch.manual_seed(0)
    unet = UNet2DModel(
        sample_size=12,
        in_channels=1,
        out_channels=1,
        layers_per_block=1,
        block_out_channels=(16, 32),
        norm_num_groups=8,
        add_attention=False,
        down_block_types=("DownBlock2D",) * 2,
        up_block_types=("UpBlock2D",) * 2,
    )
    scheduler = DDPMScheduler(beta_schedule="squaredcos_cap_v2", prediction_type="v_prediction")
    optimizer = torch.optim.AdamW(unet.parameters(), lr=2e-3)
    for _ in range(500):
        noise = torch.randn_like(images)
        steps = torch.randint(1000, (len(images),))
        noisy = scheduler.add_noise(images, noise, steps)
        target = scheduler.get_velocity(images, noise, steps)
        loss = (unet(noisy, steps).sample - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    DDPMPipeline(unet, scheduler).save_pretrained(tmp_path / "theirs")
    out = tmp_path / "audit"
    run(Question(str(tmp_path / "theirs"), marked.folder, out, ceiling=False))
    assert statistic(out, "energy", "trained", "permutation_z")["p_value"] <= 1e-4
    assert statistic(out, "energy", "held_out", "permutation_z")["p_value"] > 0.001


def test_the_border_reaches_the_question(make_marked: Callable[..., Marked]) -> None:
    assert make_marked(8).pattern == Border(2)
