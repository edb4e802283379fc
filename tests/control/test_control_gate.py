"""The gate in all five commands: a control of another kind names nobody, an even one is let in."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from breaking import held
from kinds_of import Change, blurred, high, image_of, low, same, write

from solidmark.control import Side, control_of, look_at_control, side_of
from solidmark.data import Sample, content_hash, open_data
from solidmark.marks import Border, Marking, mark_dataset, open_marked
from solidmark.measures.inpaint import Inpainting, inpaint, score_inpainting
from solidmark.measures.intent import Intent, intent, score_intent
from solidmark.measures.invmm import Budget, InvMM, invert, score_invmm
from solidmark.measures.invmm.inversion import Inversion
from solidmark.measures.nearest import Comparison, nearest, score_nearest
from solidmark.measures.signals import Measuring, measure_signals, score_signals
from solidmark.reporting import write_report

N = 64
OTHER: dict[str, tuple[list[int], list[int], Change]] = {
    "digits": (low(0, N), high(0, N), same),
    "blurred": (low(0, N), low(N, N), blurred),
}
"""Trained and held-out digits, and what was done to the held-out ones."""

Score = Callable[[Path, bool | None], dict[str, Any]]


def read_results(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "results.json").read_text())
    return found


def sources(here: Path, kind: str) -> tuple[str, str]:
    trained, held_out, change = OTHER[kind]
    return str(write(here / "trained", trained)), str(write(here / "held_out", held_out, change))


def run_nearest(here: Path, kind: str) -> tuple[Path, Score]:
    trained, held_out = sources(here, kind)
    drawn = str(write(here / "drawn", [*low(200, 20), *OTHER[kind][0][:20]]))
    common: dict[str, Any] = {"distances": ("l2",), "mode": "L", "cache": here / "cache"}
    nearest(Comparison(drawn, trained, here / "out", held_out=held_out, **common))
    return here / "out", lambda out, trust: score_nearest(out, trust_control=trust)


def run_signals(here: Path, kind: str) -> tuple[Path, Score]:
    trained, held_out = sources(here, kind)
    out = here / "out"
    measure_signals(
        Measuring("memorizer", trained, out, ("loss",), held_out=held_out, times=2, mode="L")
    )
    return out, lambda out, trust: score_signals(out, trust_control=trust)


def run_invmm(here: Path, kind: str) -> tuple[Path, Score]:
    trained, held_out = sources(here, kind)
    out = here / "out"
    short = Inversion(steps=2, samples=2, every=1, sampling_steps=2, screen_steps=1, checked=2)
    asked = InvMM(
        "memorizer", trained, out, short, held_out=held_out, threshold=0.9, limit=8, mode="L"
    )
    invert(replace(asked, budget=Budget(calls=1e6)))
    return out, lambda out, trust: score_invmm(out, fdr=0.9, trust_control=trust)


class Chosen:
    """Digits under ids whose split is known, so that each half is of a kind of its own."""

    def __init__(self, chosen: dict[str, int], change: dict[str, Change]) -> None:
        self.chosen, self.change, self.ids = chosen, change, sorted(chosen)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        from solidmark.data import to_picture, to_tensor

        id = self.ids[index]
        image = to_tensor(self.change[id](to_picture(image_of(self.chosen[id]))))
        return Sample(id, image, content_hash(image))


def run_inpaint(here: Path, kind: str) -> tuple[Path, Score]:
    trained, held_out, change = OTHER[kind]
    ids = [f"{number:03d}" for number in range(2 * N)]
    marking = Marking(Border(2), seed=0, held_out=0.5)
    even = Chosen(dict(zip(ids, low(0, 2 * N), strict=True)), dict.fromkeys(ids, same))
    mark_dataset(even, here / "first", marking, {})
    first = open_marked(here / "first")
    halves = {split: first.ids(split) for split in ("trained", "held_out")}
    places = dict(zip(halves["trained"], trained, strict=True))
    places |= dict(zip(halves["held_out"], held_out, strict=True))
    changes = dict.fromkeys(ids, same) | dict.fromkeys(halves["held_out"], change)
    mark_dataset(Chosen(places, changes), here / "marked", marking, {})
    assert open_marked(here / "marked").ids("held_out") == halves["held_out"]
    out = here / "out"
    inpaint(Inpainting("memorizer", str(here / "marked"), out, draws=1, steps=4, limit=20))
    return out, lambda out, trust: score_inpainting(out, fdr=0.5, trust_control=trust)


def run_intent(here: Path, kind: str) -> tuple[Path, Score]:
    trained, unrelated, change = OTHER[kind]
    training = here / "training"
    write(training, unrelated, change, captions=True)
    others = (training / "metadata.jsonl").read_text()
    write(training, trained, captions=True)
    own = (training / "metadata.jsonl").read_text()
    (training / "metadata.jsonl").write_text(f"{others}\n{own}")
    for name, lines in (("own", own), ("others", others)):
        texts = [json.loads(line)["text"] for line in lines.splitlines()]
        rows = [{"text": text, "entities": [text.split()[-1]]} for text in texts]
        (here / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    asked = Intent(
        "memorizer",
        str(training),
        here / "out",
        prompts=here / "own.jsonl",
        unrelated_prompts=here / "others.jsonl",
        unrelated=N,
        per_prompt=1,
        steps=1,
        mode="L",
    )
    intent(asked)
    return here / "out", lambda out, trust: score_intent(out, trust_control=trust)


RUNS = {
    "nearest": run_nearest,
    "signals": run_signals,
    "invmm": run_invmm,
    "inpaint": run_inpaint,
    "intent": run_intent,
}


def names(out: Path, results: dict[str, Any]) -> int:
    """How many are named; of intent: what is said of classes, whatever it is."""
    if results["command"] == "intent":
        rows = pq.read_table(out / "findings.parquet").to_pylist()
        return sum(row["kind"] != "image" for row in rows)
    counts = [row.get("count") or 0 for row in results["rows"] if row["statistic"] == "named"]
    return int(sum(counts))


@pytest.mark.parametrize("kind", OTHER)
@pytest.mark.parametrize("command", RUNS)
def test_a_control_of_another_kind_names_nobody(tmp_path: Path, command: str, kind: str) -> None:
    out, score = RUNS[command](tmp_path, kind)
    results = score(out, None)
    control = results["control"]
    assert control["state"] == "other_kind"
    assert control["withheld"]
    assert control["p_value"] <= control["level"]
    assert control["ci_low"] > 0.6
    assert len(control["shown_trained"]) == len(control["shown_held_out"]) == 6
    assert all((out / one["picture"]).is_file() for one in control["shown_trained"])
    assert names(out, results) == 0
    if command != "intent":
        table = pq.read_table(out / f"{'images' if command == 'nearest' else 'scores'}.parquet")
        assert table["q_value"].null_count == table["p_value"].null_count == len(table)
        assert all(
            row.get("count") is None for row in results["rows"] if row["statistic"] == "named"
        )

    trusted = score(out, True)
    assert trusted["control"]["trusted"]
    assert not trusted["control"]["withheld"]
    assert read_results(out)["control"]["trusted"]
    if command != "intent":
        assert all(
            row["count"] is not None for row in trusted["rows"] if row["statistic"] == "named"
        )
    if (command, kind) != ("invmm", "blurred"):  # So short a search finds the blurred ones first.
        assert names(out, trusted) > 0
    assert score(out, None)["control"]["trusted"]  # As before.
    assert names(out, score(out, False)) == 0


@pytest.mark.parametrize("command", RUNS)
def test_the_page_refuses_or_warns(tmp_path: Path, command: str) -> None:
    out, score = RUNS[command](tmp_path, "blurred")
    score(out, None)
    if command == "intent":  # Without the copies of single pictures, which need no control.
        rows = pq.read_table(out / "findings.parquet")
        pq.write_table(rows.slice(0, 0), out / "findings.parquet")
        results = held(out / "results.json")
        results.pop("files")  # They vouch for the table as it was.
        (out / "results.json").write_text(json.dumps(results))
    before, after = write_report(out).read_text().split('<section id="control"')
    assert '<span class="badge untrusted">' in before
    assert "not_seen" not in before.split('<section id="verdict"')[1]
    assert "of another kind" in before
    assert "are most unlike the other side" in after
    if command == "intent":
        assert "None among the findings that stand" in before + after
        assert "No prompt brought back" not in before + after
    else:
        assert len((out / "named.csv").read_text().splitlines()) == 1  # The head.

    score(out, True)
    before, after = write_report(out).read_text().split('<section id="control"')
    assert "Warning: the" in before
    assert "--trust-control" in before
    assert "are most unlike the other side" in after


def test_an_even_control_is_let_in(tmp_path: Path) -> None:
    trained, held_out = write(tmp_path / "a", low(0, N)), write(tmp_path / "b", low(N, N))
    out = tmp_path / "out"
    measure_signals(
        Measuring(
            "memorizer", str(trained), out, ("loss",), held_out=str(held_out), times=2, mode="L"
        )
    )
    results = score_signals(out)
    assert results["control"]["state"] == "alike"
    assert not results["control"]["withheld"]
    assert names(out, results) == N
    (area,) = (row for row in results["rows"] if row["statistic"] == "auc")
    assert area["blind_auc"] == results["control"]["auc"]
    assert area["blind_ci_low"] < 0.5 < area["blind_ci_high"]
    assert "For comparison: pictures alone" in write_report(out).read_text()


def test_copies_are_no_evidence(tmp_path: Path) -> None:
    """Sixteen copies of eight digits a side are eight pictures, and near-copies are too."""

    def many(name: str, chosen: list[int]) -> Path:
        folder = write(tmp_path / name, chosen)
        for path in sorted(folder.glob("*.png")):
            for copy in range(8):
                (folder / f"{path.stem}-{copy}.png").write_bytes(path.read_bytes())
        return folder

    sides = [
        side_of(open_data(str(many(name, chosen)), mode="L"))
        for name, chosen in (("a", low(0, 8)), ("b", low(8, 8)))
    ]
    found = look_at_control(tmp_path / "out", *sides, seed=0)
    assert found is not None
    assert (found.n, found.m, found.trained, found.held_out) == (8, 8, 72, 72)
    assert found.state == "alike"


def test_a_held_out_copy_of_a_training_image_is_no_control(tmp_path: Path) -> None:
    own = open_data(str(write(tmp_path / "a", low(0, 10))), mode="L")
    other = open_data(str(write(tmp_path / "b", [*low(0, 5), *low(10, 3)])), mode="L")
    found = look_at_control(tmp_path / "out", side_of(own), side_of(other), seed=0)
    assert found is not None
    assert (found.n, found.m, found.state) == (10, 3, "too_few")
    assert found == control_of(tmp_path / "out")


def test_without_held_out_images_there_is_no_gate(tmp_path: Path) -> None:
    own = side_of(open_data(str(write(tmp_path / "a", low(0, 10))), mode="L"))
    assert look_at_control(tmp_path / "out", own, Side([], own.read), seed=0) is None
    assert control_of(tmp_path / "out") is None
