"""The study of percentiles and counts."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import solidmark
from solidmark.marks import open_marked
from solidmark.runs import Figure
from solidmark.studies import find_study, percentile
from solidmark.studies.percentile import copied_image
from solidmark.studies.study import Made
from solidmark.studies.written import COPY, repeated, repeated_ids

SMALL = {"chosen": 1, "repeats": 3, "generations": 12, "steps": 2}


def test_both_runs_hold_out_the_same_images_and_are_read(micro, values, tmp_path):
    result = micro("percentile", images=24, size=SMALL)
    found = values(result)
    names = [one.name for one in find_study("percentile").readouts]
    few = ("Eidetic", "Eidetic, copied image")  # A threshold at 1 % needs 99 held-out images.
    for arm in ("with copies", "copies removed"):
        assert {name for own, name in found if own == arm} >= {n for n in names if n not in few}
    folders = (tmp_path / "stages").glob("mark-*/manifest.json")
    marked = [open_marked(folder.parent) for folder in folders]
    assert len(marked) == 2
    assert marked[0].ids("held_out") == marked[1].ids("held_out")
    trained = [{id.split(COPY)[0] for id in one.ids("trained")} for one in marked]
    assert trained[0] == trained[1]
    assert sorted(len(one.ids("trained")) for one in marked) == [12, 14]


def test_copies_are_of_images_that_are_trained_on(tmp_path):
    marked = tmp_path / "marked"
    asked = {"resolution": 8, "limit": 20, "seed": 3}
    solidmark.mark("digits", marked, held_out=0.5, near_duplicates=False, **asked)
    sizes = {"images": 20, "repeats": 4, "chosen": 2, "seed": 3}
    repeated("digits", marked, tmp_path / "out", **sizes, resolution=8)
    lines = (tmp_path / "out" / "images" / "metadata.jsonl").read_text().splitlines()
    assert len(lines) == 20 + 2 * 3
    assert len({json.loads(line)["id"] for line in lines}) == 26
    chosen = repeated_ids(tmp_path / "out")
    assert len(chosen) == 2
    assert chosen <= set(open_marked(marked).ids("trained"))


def test_generations_of_the_copied_image_are_counted_where_they_are_close(tmp_path, monkeypatch):
    (tmp_path / "images").mkdir()
    lines = [json.dumps({"id": id}) for id in ("a", "b", f"a{COPY}01")]
    (tmp_path / "images" / "metadata.jsonl").write_text("\n".join(lines))
    generator = np.random.default_rng(0)
    tables = {}
    for name, n in (("scores", 40), ("null", 25)):
        nearest = generator.choice(["a", f"a{COPY}01", "b"], n).tolist()
        similarity = generator.uniform(size=n)
        tables[name] = [
            id != "b" and value >= 0.6 for id, value in zip(nearest, similarity, strict=True)
        ]
        columns = {"nearest": nearest, "similarity": similarity, "status": ["ok"] * n}
        pq.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
    limit = Figure(measure="pixels", statistic="threshold", split="null", value=0.6)
    monkeypatch.setattr(percentile, "figure", lambda folder, **asked: limit)
    one = copied_image(Made({"data": tmp_path, "nearest": tmp_path}))
    assert one is not None
    assert (one.count, one.n) == (sum(tables["scores"]), 40)
    assert one.chance == sum(tables["null"]) / 25
