"""The list of named images: whom, how many wrong, what the control says, and the file beside it."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest
from audit_folder import judge
from visiting import plain, section

from solidmark.measures.audit import page_named
from solidmark.measures.audit.naming import COLUMNS
from solidmark.measures.audit.page_run import open_audit
from solidmark.reporting import write_report
from solidmark.scores.own_key import own_keys

Make = Callable[..., Path]
SEGMENTS = {"strengths": {"gradient": 1.0}, "keys": 16, "hostile": False, "failed": 0, "seed": 1}


def read(folder: Path, **how: Any) -> str:
    return write_report(folder, **how).read_text(encoding="utf-8")


def named(page: str) -> str:
    """What stands under "Named images"."""
    return section(page, "named")


def words_of(page: str) -> str:
    return plain(named(page))


def change(audit: Path, rate: float | None = None, **fields: Any) -> None:
    """Sets the chosen rate, and fields of the trained `named` rows."""
    path = audit / "results.json"
    results = json.loads(path.read_text())
    if rate is not None:
        results["config"]["fdr"] = rate
    for row in results["rows"]:
        if (row["statistic"], row["split"]) == ("named", "trained"):
            row.update(fields)
    path.write_text(json.dumps(results))
    judge(audit)


def table_of(audit: Path) -> list[dict[str, str]]:
    text = (audit / "named.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_list_says_how_many_and_how_many_of_them_to_expect_wrong(make_audit: Make) -> None:
    audit = make_audit(**SEGMENTS)
    text = words_of(read(audit))
    assert "64 of 64 trained images are named: expect at most about 3 of these 64" in text
    assert "The same rule names 0 of 64 held-out images, which the model never saw." in text
    assert "named when its q is at most 0.05: on average at most 5 % of the names" in text


def test_every_named_image_stands_in_the_list_with_its_evidence(make_audit: Make) -> None:
    page = named(read(make_audit(**SEGMENTS)))
    rows = re.findall(r"<tr>\s*<th scope=.row.*?</tr>", page, re.DOTALL)
    assert len(rows) == 64
    assert len(set(re.findall(r"<bdi>([^<]+)</bdi>", page))) == 64
    assert all("<b>1 of 128</b></td>" in row for row in rows)
    assert all(row.count('src="data:image/png') == 1 for row in rows)


def test_the_csv_has_every_named_row_with_its_file_and_its_rank(make_audit: Make) -> None:
    audit = make_audit(**SEGMENTS)
    write_report(audit)
    whole = open_audit(audit)
    rows = table_of(audit)
    assert tuple(rows[0]) == COLUMNS
    scores = {s.id: s for s in whole.scores if s.q_value is not None and s.q_value <= 0.05}
    scores = {id: s for id, s in scores.items() if s.split in ("trained", "held_out")}
    assert {row["id"] for row in rows} == set(scores)
    near = own_keys(whole.scores, list(scores.values()))
    for row in rows:
        score = scores[row["id"]]
        assert float(row["p_value"]) == score.p_value
        assert float(row["q_value"]) == score.q_value
        assert float(row["distance"]) == score.distance
        assert (row["split"], row["reader"]) == ("trained", "gradient")
        place = near[score.name]
        assert (int(row["rank"]), int(row["rank_of"])) == (place.rank, place.of)
        assert (audit.parent / "marked" / row["file_name"]).is_file()
    assert [float(row["p_value"]) for row in rows] == sorted(float(row["p_value"]) for row in rows)


def test_the_chosen_rate_is_used_everywhere(make_audit: Make) -> None:
    audit = make_audit(strengths={"energy": 0.9}, n=12, hostile=False, failed=0)
    change(audit, rate=0.4, fdr=0.4)
    page = read(audit)
    named_ids = {row["id"] for row in table_of(audit) if row["split"] == "trained"}
    scores = parquet.read_table(audit / "scores.parquet").to_pylist()
    assert named_ids == {
        row["id"] for row in scores if row["split"] == "trained" and row["q_value"] <= 0.4
    }
    assert named_ids
    assert '"fdr":0.4' in page
    assert "> q at most 0.4</label>" in page
    assert "Of those with q at most 0.4, about 40 % or fewer are there by luck." in page
    assert "Named, q at most 0.4" in page
    assert "q at most 0.05" not in page[page.index('<section id="named"') :]


def test_the_expected_errors_of_the_results_are_taken(make_audit: Make) -> None:
    audit = make_audit(**SEGMENTS)
    change(audit, expected_false=1.6)
    text = words_of(read(audit))
    assert "expect at most about 2 of these 64 to be wrong" in text


def test_a_reader_that_names_nobody_says_so_and_why(make_audit: Make) -> None:
    audit = make_audit(**{**SEGMENTS, "strengths": {"gradient": 0.0}})
    text = words_of(read(audit))
    assert "Nobody is named: 0 of 64 trained images. The smallest q is" in text
    assert "to name one image of 64 alone takes p at most 0.00078" in text
    assert "single grey level" not in text
    assert "named.csv" not in text
    assert table_of(audit) == []
    audit = make_audit(strengths={"energy": 0.0}, hostile=False, failed=0)
    text = words_of(read(audit))
    assert "no p is below 1 in 256, nor below 1 in the number of its peers" in text


def test_where_the_verdict_is_not_memorized_nobody_is_named(make_audit: Make) -> None:
    audit = make_audit(**SEGMENTS, held_out_strength=0.5)
    text = words_of(read(audit))
    assert re.search(r"The same rule names (\d+) of 64 held-out images, wrongly", text)
    assert "Nobody is named. 64 of 64 trained images have q at most 0.05. But the verdict" in text
    assert "every such name may be wrong" in text
    assert table_of(audit) == []


def test_without_a_control_the_list_says_so(make_audit: Make) -> None:
    text = words_of(read(make_audit(**SEGMENTS, held_out=0)))
    assert "No held-out image was scored, so nothing checks this list." in text


def test_a_long_list_is_cut_on_the_page_and_whole_in_the_file(
    make_audit: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_named, "SHOWN", 10)
    audit = make_audit(**SEGMENTS)
    page = read(audit)
    assert named(page).count('<th scope="row">') == 10
    assert "the lowest p first: 10 of 64; named.csv has them all" in words_of(page)
    assert len(table_of(audit)) == 64


def test_repeats_are_one_image_in_the_list(make_audit: Make) -> None:
    audit = make_audit(**{**SEGMENTS, "n": 8}, repeats=2)
    page = read(audit)
    assert "8 of 8 trained images are named" in words_of(page)
    assert "Repeat</th>" not in named(page)
    assert len({row["id"] for row in table_of(audit)}) == len(table_of(audit)) == 8


def test_without_images_the_list_has_names_only(make_audit: Make) -> None:
    page = named(read(make_audit(**SEGMENTS), images=False))
    assert page.count('<th scope="row">') == 64
    assert "<img" not in page
    assert "Picture" not in page


def test_ids_that_a_spreadsheet_would_run_are_defused_and_hostile_ones_escaped(
    make_audit: Make,
) -> None:
    from audit_folder import table

    audit = make_audit(**{**SEGMENTS, "hostile": True, "n": 6, "held_out": 6})
    page = read(audit)
    assert "<img src=x" not in page
    assert {row["id"] for row in table_of(audit)} == set(open_audit(audit).marked.files) - {
        s.id for s in open_audit(audit).scores if s.split == "held_out"
    }
    rows = parquet.read_table(audit / "scores.parquet").to_pylist()
    table([row | {"id": f"={i}"} for i, row in enumerate(rows)], audit / "scores.parquet")
    judge(audit)
    assert all(row["id"].startswith("'=") for row in table_of(audit))
    # The marked folder knows no such ids, so no file is named.
    assert {row["file_name"] for row in table_of(audit)} == {""}


def test_a_run_that_scored_nothing_names_nobody(make_audit: Make) -> None:
    audit = make_audit(n=5, held_out=5, failed=5, ceiling=False)
    assert "No trained image could be scored, so none can be named." in words_of(read(audit))
    assert table_of(audit) == []
