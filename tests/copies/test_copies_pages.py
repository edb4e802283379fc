"""The pages of duplicates and cliques: what they say is what the run found, and nothing runs."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from breaking import tear, unfinish
from visiting import Visit, expect_contrast, expect_fitting, expect_safe, unfold

from solidmark.errors import BadInput, NotFound, RunConflict
from solidmark.marks import write_image
from solidmark.measures.copies import Deduplication, Extraction, cliques, duplicates
from solidmark.reporting import write_report

HOSTILE = "<img src=x onerror=window.hacked=1>"
SIDE = 24


def words(page: str) -> str:
    return re.sub("<[^>]*>", "", page)


def pictures(count: int) -> torch.Tensor:
    return torch.rand(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished `duplicates` run: ten copies of one picture, two of another, hostile ids."""
    here = tmp_path_factory.mktemp("copies")
    images = pictures(8)
    lines = []
    for number, which in enumerate([0] * 10 + [1] * 2 + [2, 3, 4, 5, 6, 7]):
        write_image(here / "data" / f"{number}.png", images[which])
        id = f"{HOSTILE} {number}" if number == 3 else f"image {number}"
        lines.append({"file_name": f"{number}.png", "id": id})
    (here / "data" / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    out = here / "out"
    asked = Deduplication(
        str(here / "data"), out, embedder="pixels", distances=("l2",), cache=here / "cache"
    )
    duplicates(asked)
    write_report(out)
    return out


@pytest.fixture(scope="module")
def repeats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished `cliques` run: two of twelve prompts are memorized, with a hostile text."""
    here = tmp_path_factory.mktemp("repeats")
    own, other = pictures(12), pictures(300)
    lines = []
    for number in range(12 * 14):
        prompt = number // 14
        image = (own[prompt] if prompt < 2 else other[100 + number]).clone()
        image[:, 0, 0] = number / 255
        write_image(here / "data" / f"{number:03d}.png", image)
        line = {"file_name": f"{number:03d}.png", "prompt_id": f"p{prompt}"}
        lines.append(line | {"text": f"{HOSTILE} {prompt}"})
    (here / "data" / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    cliques(Extraction(str(here / "data"), here / "out", repeats=19))
    write_report(here / "out")
    return here / "out"


def test_the_page_of_duplicates_says_what_was_found(copies: Path) -> None:
    page = (copies / "report.html").read_text()
    assert "10 of 18 images (56 %) can go: they are copies of others, in 2 groups." in words(page)
    assert "and 2 more" in page  # Ten images, and eight pictures.
    assert page.count('<img src="data:') == 10
    assert HOSTILE not in page
    assert "similarity 1.0000" in page
    assert "At least 0.9" in page


def test_the_page_of_cliques_says_what_was_found(repeats: Path) -> None:
    page = (repeats / "report.html").read_text()
    assert "2 of 12 prompts give back the same picture: 10 or more generations within 0.15" in page
    assert "<dt>clique</dt><dd>14 of 14</dd>" in page
    assert "and 2 more" in page
    assert HOSTILE not in page
    assert "Chance: 0 % of draws" in words(page)


def test_the_same_folder_gives_the_same_page(copies: Path, repeats: Path) -> None:
    for folder in (copies, repeats):
        before = (folder / "report.html").read_bytes()
        assert write_report(folder).read_bytes() == before


def test_a_page_without_pictures_has_no_prompts_either(repeats: Path, copies: Path) -> None:
    for folder in (repeats, copies):
        write_report(folder, images=False)
        page = (folder / "report.html").read_text()
        write_report(folder)
        assert "<img" not in page
        assert "img-src &#39;none&#39;" in page or "img-src 'none'" in page
        assert "onerror=window.hacked=1&gt; 0" not in page


def test_a_threshold_that_chance_passes_is_not_trusted(repeats: Path, tmp_path: Path) -> None:
    data = json.loads((repeats / "manifest.json").read_text())["config"]["generated"]
    out = tmp_path / "out"
    cliques(Extraction(data, out, threshold=1.0, repeats=19))
    page = write_report(out).read_text()
    assert "threshold too wide" in page
    assert "this threshold tells nothing" in page


def test_nothing_found_is_said(tmp_path: Path) -> None:
    for number, image in enumerate(pictures(3)):
        write_image(tmp_path / "data" / f"{number}.png", image)
    duplicates(Deduplication(str(tmp_path / "data"), tmp_path / "out"))
    page = write_report(tmp_path / "out").read_text()
    assert "None of 3 images is a copy of another." in page


@pytest.mark.parametrize(
    ("name", "content", "error", "said"),
    [
        ("results.json", None, NotFound, "no results.json"),
        ("results.json", b"{}", BadInput, '"rows"'),
        ("duplicates.parquet", None, NotFound, "no duplicates.parquet"),
        ("duplicates.parquet", b"PAR1 and then nothing", BadInput, "not a readable table"),
        ("pictures/index.json", b"[]", BadInput, "index.json"),
    ],
)
def test_a_torn_folder_is_named(
    copies: Path, tmp_path: Path, name: str, content: bytes | None, error: Any, said: str
) -> None:
    folder = Path(shutil.copytree(copies, tmp_path / "run"))
    tear(folder, name, content)
    with pytest.raises(error, match=said):
        write_report(folder)


def test_an_unfinished_run_has_no_page(copies: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(copies, tmp_path / "run"))
    unfinish(folder)
    with pytest.raises(RunConflict, match="not finished"):
        write_report(folder)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_in_a_browser_nothing_is_fetched_and_nothing_is_too_wide(
    visit: Callable[..., Visit], copies: Path, repeats: Path, width: int, scheme: str
) -> None:
    for folder in (copies, repeats):
        one = visit(
            folder / "report.html",
            viewport={"width": width, "height": 800},
            color_scheme=scheme,
        )
        unfold(one)
        expect_safe(one)
        expect_fitting(one, width)
        expect_contrast(one, scheme)
