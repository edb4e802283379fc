"""The page: whole, offline, escaped, honest about what is missing, the same bytes twice."""

import base64
import io
import json
import re
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest
from audit_folder import judge
from PIL import Image
from visiting import Tree, plain, section

from solidmark.errors import BadInput, NotFound
from solidmark.reporting import write_report
from solidmark.runs import tame

Make = Callable[..., Path]


def read(folder: Path, **how: Any) -> str:
    return write_report(folder, **how).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(whole_audit: Path) -> str:
    return (whole_audit / "report.html").read_text(encoding="utf-8")


def test_hostile_text_makes_no_element_of_its_own(page: str) -> None:
    tree = Tree(page)
    assert len(tree.of("script")) == 2
    assert not [a for _, a in tree.elements if any(name.startswith("on") for name in a)]
    assert {"img", "svg", "table"} <= {tag for tag, _ in tree.elements}
    assert not [a for a in tree.of("img") if not (a["src"] or "").startswith("data:image/")]
    assert len(tree.of("title")) == len([a for t, a in tree.elements if t == "svg"]) + 1
    assert tree.open == []


def test_hostile_text_is_there_as_text(page: str) -> None:
    text = "".join(Tree(page).text)
    assert "</script><script>window.hacked=1</script>.png" in text
    assert "{{ 7*7 }}" in text
    assert "49" not in re.findall(r"\$\{x\} (\S+)", text)


def test_the_rows_survive_the_script_tag(page: str, whole_audit: Path) -> None:
    tree = Tree(page)
    data = json.loads(tree.scripts[0])
    ids = {row[0] for row in data["rows"]}
    scored = parquet.read_table(whole_audit / "scores.parquet")["id"].to_pylist()
    assert ids == set(map(tame, scored))
    assert len(data["rows"]) == parquet.read_metadata(whole_audit / "scores.parquet").num_rows
    assert not {"<", ">", "&"} & set(tree.scripts[0])


def test_nothing_outside_the_page_is_named(page: str) -> None:
    tree = Tree(page)
    for _, attributes in tree.elements:
        for name, value in attributes.items():
            if name in ("href", "xlink:href", "src", "srcset", "action", "data"):
                assert (value or "").startswith(("#", "data:image/")), value
    assert "url(" not in re.sub(r"url\(#[\w-]+\)", "", page)
    assert "@import" not in page


def test_the_policy_allows_the_page_s_own_code_only(page: str) -> None:
    tree = Tree(page)
    policy = next(a["content"] for a in tree.of("meta") if "http-equiv" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    # Inline styles would be refused, so there must be none, in the figures neither.
    assert not [a for _, a in tree.elements if "style" in a]
    assert len(tree.of("style")) == 1


def test_ids_of_elements_are_unique_and_references_resolve(page: str) -> None:
    tree = Tree(page)
    ids = [a["id"] for _, a in tree.elements if "id" in a]
    assert len(ids) == len(set(ids))
    named = re.findall(r'(?:xlink:href|href)="#([^"]+)"|url\(#([^)]+)\)', page)
    assert {one or other for one, other in named} <= set(ids)


def test_without_images_there_is_no_picture_and_no_caption(make_audit: Make) -> None:
    audit = make_audit(hostile=False, strengths={"energy": 0.9, "outpaint": 0.5})
    with_images, without = read(audit), read(audit, images=False)
    assert "<img" in with_images
    assert "a caption of" in with_images
    assert "<img" not in without
    assert "data:" not in without
    assert "a caption of" not in without
    assert "img-src &#39;none&#39;" in without
    assert "trained/picture 00001.png" in without


def test_the_gallery_ranks_by_p_then_distance(make_audit: Make) -> None:
    audit = make_audit(hostile=False, strengths={"energy": 0.9})
    rows = parquet.read_table(audit / "scores.parquet").to_pylist()
    for split, shown in (("trained", 10), ("held_out", 6)):
        some = [r for r in rows if r["split"] == split and r["status"] == "ok"]
        some.sort(key=lambda row: (row["p_value"], row["distance"], row["id"]))
        expected = [row["id"] for row in some[:shown]]
        page = section(read(audit, top=10), "images")
        found = re.findall(r'<bdi class="id">([^<]+)</bdi>', page)
        assert [name for name in found if name.startswith(split)] == expected


def test_the_gallery_shows_the_marked_pixels(make_audit: Make) -> None:
    audit = make_audit(hostile=False, strengths={"energy": 0.9}, n=8, failed=0)
    keys = parquet.read_table(audit.parent / "marked" / "keys.parquet").to_pylist()
    first = re.search(
        r'<bdi class="id">([^<]+)</bdi>.*?src="data:image/png;base64,([^"]+)"',
        read(audit),
        re.DOTALL,
    )
    assert first is not None
    key = next(row for row in keys if row["id"] == first[1])
    with Image.open(audit.parent / "marked" / key["file_name"]) as file:
        expected = file.convert("RGB").tobytes()
    with Image.open(io.BytesIO(base64.b64decode(first[2]))) as shown:
        assert shown.convert("RGB").tobytes() == expected


def test_a_lost_marked_folder_is_said_and_the_rest_stands(make_audit: Make) -> None:
    audit = make_audit(hostile=False, strengths={"energy": 0.9})
    shutil.rmtree(audit.parent / "marked")
    text = read(audit)
    assert "is no longer there" in text
    assert "The model has memorized" in text
    assert "<img" not in text


def test_a_marked_folder_with_other_keys_is_not_shown(make_audit: Make) -> None:
    audit, other = make_audit(hostile=False, n=8), make_audit(hostile=False, n=8, seed=8)
    shutil.rmtree(audit.parent / "marked")
    shutil.copytree(other.parent / "marked", audit.parent / "marked")
    text = read(audit)
    assert "holds other keys than this run." in text
    assert 'alt="marked image' not in text.lower()


def test_a_folder_that_moved_with_its_audit_is_found(make_audit: Make, tmp_path: Path) -> None:
    audit = make_audit(hostile=False, n=8)
    audit.parent.rename(tmp_path / "moved")
    assert "marked image" in read(tmp_path / "moved" / "audit")


def test_names_that_lead_out_of_the_folder_are_not_followed(make_audit: Make) -> None:
    audit = make_audit(hostile=False, n=4, held_out=4, failed=0, strengths={"outpaint": 1.0})
    secret = audit.parent / "secret.png"
    Image.new("RGB", (8, 8), "red").save(secret)
    table = parquet.read_table(audit / "evidence.parquet").to_pylist()
    from audit_folder import table as write_table

    write_table([row | {"picture": "../secret.png"} for row in table], audit / "evidence.parquet")
    text = read(audit)
    assert base64.b64encode(secret.read_bytes()).decode() not in text
    assert section(text, "images").count("cannot be shown</span>") == 8


def test_a_broken_picture_is_a_gap_and_no_failure(make_audit: Make) -> None:
    audit = make_audit(hostile=False, n=4, held_out=4, failed=0, strengths={"energy": 1.0})
    for path in (audit.parent / "marked" / "train").glob("*.png"):
        path.write_bytes(path.read_bytes()[:60])
    assert section(read(audit), "images").count("cannot be shown</span>") == 4


@pytest.mark.usefixtures("painted_afresh")
def test_the_same_folder_gives_the_same_bytes(make_audit: Make) -> None:
    audit = make_audit(n=12, held_out=12)

    def everything() -> dict[str, bytes]:
        write_report(audit)
        paths = [audit / "report.html", *(audit / "figures").iterdir()]
        return {path.name: path.read_bytes() for path in paths}

    first = everything()
    assert len(first) == 1 + 3 * 4 * 2
    assert everything() == first


def test_figures_stand_alone_with_title_and_description(whole_audit: Path) -> None:
    paths = sorted((whole_audit / "figures").glob("*.svg"))
    assert [path.name for path in paths][:4] == [
        "energy-eidetic.svg",
        "energy-keys.svg",
        "energy-p-values.svg",
        "energy-roc.svg",
    ]
    for path in paths:
        root = ElementTree.parse(path).getroot()
        assert [child.tag.split("}")[1] for child in root][:2] == ["title", "desc"]
        assert "Date" not in path.read_text(encoding="utf-8")
        with Image.open(path.with_suffix(".png")) as image:
            assert min(image.size) > 400


def test_only_failures_make_a_page(make_audit: Make) -> None:
    text = read(make_audit(n=5, held_out=5, failed=5, ceiling=False))
    assert "could score nothing" in text
    assert "No trained image could be scored." in text
    assert "the energies were &lt;not&gt; finite" in text


@pytest.mark.parametrize("keys", [1, 16, 64])
def test_keys_of_many_values_are_drawn(make_audit: Make, keys: int) -> None:
    text = read(make_audit(n=6, held_out=6, failed=1, keys=keys, strengths={"energy": 1.0}))
    bars = re.findall(r'<svg class="keys".*?</svg>', text, re.DOTALL)
    assert bars
    assert {bar.count("<rect") for bar in bars} == {2 * keys}
    curves = re.findall(r'<svg class="energy".*?</svg>', text, re.DOTALL)
    assert {curve.count("<polyline") for curve in curves} == {min(keys, 4)}


def test_repeats_are_said_and_the_first_is_shown(make_audit: Make) -> None:
    text = read(make_audit(n=6, held_out=6, failed=0, repeats=3, hostile=False))
    assert "Each image was read 3 times; the first reading is shown." in text
    assert len(re.findall(r'<bdi class="id">trained', section(text, "images"))) == 6


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no manifest\.json: it is not a folder of solidmark"):
        write_report(tmp_path)


def test_a_broken_table_is_refused(make_audit: Make) -> None:
    audit = make_audit(n=4, held_out=4)
    (audit / "scores.parquet").write_bytes(b"not a table")
    with pytest.raises(BadInput, match="not a readable table"):
        write_report(audit)


def test_a_run_without_evidence_or_calibration_has_a_page(make_audit: Make) -> None:
    audit = make_audit(n=6, held_out=6, failed=0)
    (audit / "evidence.parquet").unlink()
    (audit / "calibration.json").unlink()
    text = read(audit)
    assert '<svg class="energy"' not in text
    assert "Calibration" not in text


def test_half_a_surrogate_pair_does_not_stop_the_page(make_audit: Make) -> None:
    audit = make_audit(n=4, held_out=4, failed=0)
    results = json.loads((audit / "results.json").read_text())
    results["config"]["model"] = "\ud800 model"
    (audit / "results.json").write_text(json.dumps(results))
    assert "? model" in read(audit)


def test_key_figures_have_chance_interval_and_n(make_audit: Make) -> None:
    audit = make_audit(hostile=False, strengths={"energy": 0.97})
    row = next(
        row
        for row in json.loads((audit / "results.json").read_text())["rows"]
        if (row["split"], row["statistic"], row.get("delta")) == ("trained", "eidetic", 0.05)
    )
    text = plain(section(read(audit), "figures"))
    line = text[text.index("Within 0.05") :][:400]
    assert f"{row['count']} of {row['n']}" in line
    assert "high = memorized" in line
    assert re.search(r"95 % interval \d+ to \d+ %; chance 9\.\d %; p = \de-\d+", line)
    assert "n = 61, 3 failed" in text


def test_the_tables_that_scores_makes_have_a_page(make_audit: Make) -> None:
    from solidmark.scores import SCORES, aggregate

    audit = make_audit(n=20, held_out=20, failed=2, keys=2, repeats=2, hostile=False)
    scores = parquet.read_table(audit / "scores.parquet").select(SCORES.names).cast(SCORES)
    rows = [row.to_json() for row in aggregate(scores, calls={"energy": 9.0})]
    results = json.loads((audit / "results.json").read_text())
    (audit / "results.json").write_text(json.dumps(results | {"rows": rows}))
    judge(audit)
    text = read(audit)
    assert "The model has memorized" in text
    assert "Notes on these figures" in text
    assert "network calls per image: 9" in text


def test_a_run_that_scored_nothing_has_its_reason_on_the_page(make_audit: Make) -> None:
    audit = make_audit(n=5, held_out=5, failed=5, ceiling=False, strengths={"energy": 1.0})
    results = json.loads((audit / "results.json").read_text())
    (audit / "results.json").write_text(json.dumps(results | {"rows": []}))
    judge(audit)
    text = read(audit)
    assert "Energy could score nothing" in text
    assert "The most common reason: &#34;the energies were &lt;not&gt; finite" in text
