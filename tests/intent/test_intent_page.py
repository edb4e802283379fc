"""The intent board: what it says is what the run found, and nothing of the data slips through."""

import json
import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from intent_folder import Found, K, build_intent, interval
from visiting import HOSTILE, Tree

from solidmark.errors import BadInput, NotFound, RunConflict
from solidmark.measures.intent.bars import WIDTH, Bar, drawn
from solidmark.measures.intent.counting import Share
from solidmark.reporting import write_report
from solidmark.runs import open_results, read_manifest

SECRET = "secretword"
PROMPTS = {
    f"a rose in cairo {SECRET}": ["rose", "cairo", SECRET],
    "mount fuji at dawn": ["mount fuji", "dawn"],
    "a key in oslo": ["key", "oslo"],
    "a bell": ["bell"],
}
ROSE, FUJI, KEY, BELL = PROMPTS
FOUND = (
    Found(ROSE, "unintended", "image:dragon.png", 4, {"rose": 3, "cairo": 5}, unrelated=12),
    Found(KEY, "unintended", "image:dragon.png", 3, {"key": 4, "oslo": 3}, unrelated=12),
    Found(ROSE, "implicit", "phrase:minaret", 7, {"rose": 6, "cairo": 0}, entity="cairo"),
    Found(FUJI, "explicit", "class:mount fuji", 8, {"mount fuji": 0, "dawn": 8}),
    Found(KEY, "not memorized", "image:other.png", 1, {"key": 0, "oslo": 1}),
)


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", "", page))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = build_intent(tmp_path_factory.mktemp("intent") / "run", PROMPTS, FOUND)
    write_report(folder)
    return folder


def section(page: str, anchor: str) -> str:
    return re.split(f'<section id="{anchor}"', page)[1].split("</section>")[0]


def test_the_verdict_counts_prompts_and_types(found: Path) -> None:
    page = words((found / "report.html").read_text())
    low, high = interval(2, 4)
    outwards = math.floor(1000 * low) / 10, math.ceil(100 * high)
    assert f"95 % interval {outwards[0]:g} to {outwards[1]} %" in page
    assert "2 of 4 prompts bring back what nobody asked for (50 % of prompts" in page
    assert "unintended in 2 prompts (2 findings), implicit intended in 1 prompt (1 finding)" in page
    assert "from a likeness of 0.910 on, which at most 0.1 % of 5,000 pairs" in page
    assert "1 training image could not be read" in page


def test_each_type_has_its_section_with_its_prompts_and_a_label_in_words(found: Path) -> None:
    page = (found / "report.html").read_text()
    for anchor, label, texts in (
        ("unintended", "unintended", (ROSE, KEY)),
        ("implicit", "implicit intended", (ROSE,)),
        ("explicit", "explicit intended", (FUJI,)),
        ("not-memorized", "not memorized", (KEY,)),
    ):
        part = section(page, anchor)
        said = [words(text) for text in re.findall('<p class="caption">(.*?)</p>', part)]
        assert said == list(texts)
        assert set(re.findall(r'class="badge [a-z_]+">([a-z ]+)<', part)) == {label}


def test_the_worst_prompts_stand_under_the_verdict_with_their_pairs(found: Path) -> None:
    part = section((found / "report.html").read_text(), "verdict")
    assert [words(text) for text in re.findall('<p class="caption">(.*?)</p>', part)] == [ROSE, KEY]
    shown = re.findall("<figcaption>(.*?)</figcaption>", part)
    assert shown == ["training picture", "drawn"] * 2
    assert len(Tree(part).of("img")) == 4


def test_generations_that_show_a_finding_are_outlined(found: Path) -> None:
    part = section((found / "report.html").read_text(), "implicit")
    strip = Tree(part.split('<ul class="strip">')[1].split("</ul>")[0]).of("li")
    assert len(strip) == K
    assert sum(attributes.get("class") == "shows" for attributes in strip) == 7
    assert strip[0].get("class") == "shows"
    assert strip[-1].get("class") is None


def test_the_bars_are_the_shares_with_their_intervals(found: Path) -> None:
    part = section((found / "report.html").read_text(), "implicit")
    assert re.findall("<title>(.*?)</title>", part) == [
        "this prompt: 88 % (7 of 8); without “rose”: 75 % (6 of 8); "
        "without “cairo”: brings it: 0 % (0 of 8); unrelated prompts: 0 % (0 of 32)"
    ]
    assert "the user&#39;s phrase2 training images" in words(part)
    assert "training picture2 times in the set" in words((found / "report.html").read_text())
    low, high = (WIDTH * end for end in interval(7, 8))
    assert f'width="{WIDTH * 7 / 8:.1f}"' in part
    assert f'<path d="M{low:.1f} ' in part
    assert f'H{high:.1f}"/>' in part
    assert "not drawn" in drawn([Bar("<b>nothing</b>", Share(0, 0))])
    assert "<b>" not in drawn([Bar("<b>nothing</b>", Share(0, 0))])


def test_the_file_of_the_user_has_the_last_word(tmp_path: Path) -> None:
    overruled = (
        Found(ROSE, "unintended", "image:dragon.png", 4, expected="yes"),
        Found(FUJI, "explicit", "class:mount fuji", 8, expected="no"),
        Found(KEY, "implicit", "phrase:minaret", 8),
    )
    folder = build_intent(tmp_path / "run", PROMPTS, overruled)
    verdict = open_results(folder).judged
    assert verdict.finding == "unintended"
    assert verdict.headline.startswith("1 of 4 prompts brings back what nobody asked for")
    assert (
        "The user's file expects 1 of these findings and does not expect 1; it overrules the type "
        "of 2." in verdict.details
    )
    page = write_report(folder).read_text()
    said = words(section(page, "user"))
    assert "Not expected: mount fuji (explicit intended), prompt p1" in said
    assert "Expected: dragon.png (unintended), prompt p0" in said
    assert "usernot expected" in words(section(page, "explicit"))
    counts = words(section(page, "counts").replace("</t", " </t"))
    assert "User: expected User: not expected User: not said" in counts
    assert re.search(r"unintended 1 of 3 1 of 4 25 % 0.63 to 81 % 1 0 0 ", counts)


@pytest.mark.parametrize(
    ("some", "failed", "state", "said"),
    [
        (FOUND[2:4], 0, "intended", "What 2 of 4 prompts bring back is what the prompt asks for"),
        (FOUND[3:4], 0, "intended", "What 1 of 4 prompts brings back is"),
        (FOUND[4:], 0, "nothing", "None of 4 prompts brings back a training picture"),
    ],
)
def test_the_state_is_the_most_pressing_one(
    tmp_path: Path, some: tuple[Found, ...], failed: int, state: str, said: str
) -> None:
    folder = build_intent(tmp_path / "run", PROMPTS, some, failed=failed)
    verdict = open_results(folder).judged
    assert verdict.finding == state
    assert verdict.headline.startswith(said)


def test_nothing_drawn_and_nothing_to_compare_with_are_said(tmp_path: Path) -> None:
    folder = build_intent(tmp_path / "run", {BELL: ["bell"]}, (), failed=K, unrelated=0)
    verdict = open_results(folder).judged
    assert verdict.finding == "failed"
    assert any("No unrelated prompts" in said for said in verdict.details)
    page = words(write_report(folder).read_text())
    assert "Nothing could be judged" in page
    assert f"Generations that could not be used: {K} of {K}." in page


def test_a_page_without_pictures_tells_no_prompt_no_class_and_no_phrase(tmp_path: Path) -> None:
    folder = build_intent(
        tmp_path / "run", PROMPTS, FOUND, names={ROSE: ROSE, FUJI: "line-2", KEY: "k", BELL: "b"}
    )
    whole = write_report(folder).read_text()
    for private in (SECRET, "cairo", "minaret", "mount fuji"):
        assert private in whole
    page = write_report(folder, images=False).read_text()
    assert "<img" not in page
    for private in (SECRET, "cairo", "minaret", "mount fuji"):
        assert private not in page
    assert "dragon.png" in page
    assert "a prompt without an id" in page
    assert "without entity 1" in page
    assert "img-src &#39;none&#39;" in page or "img-src 'none'" in page


def test_the_table_has_every_finding_in_order(found: Path) -> None:
    page = (found / "report.html").read_text()
    data = json.loads(re.findall('id="data">(.*?)</script>', page, re.DOTALL)[0])
    names = [column["name"] for column in data["columns"]]
    rows = [dict(zip(names, row, strict=True)) for row in data["rows"]]
    assert [row["type"] for row in rows] == [one.type for one in FOUND]
    assert [row["frequency"] for row in rows] == [one.count / K for one in FOUND]
    assert "findings.parquet" in section(page, "rows")


def test_the_number_of_prompts_is_limited(found: Path) -> None:
    page = write_report(found, images=False, top=1).read_text()
    for anchor, said in (
        ("unintended", "2 findings in 2 of 4"),
        ("implicit", "1 finding in 1 of 4"),
    ):
        part = section(page, anchor)
        assert part.count('<li class="card">') == 1
        assert said in words(part)
    assert "1 prompt is shown" in section(page, "unintended")
    write_report(found)


def test_most_prompts_open_with_a_click(tmp_path: Path) -> None:
    prompts = {f"a thing {number}": ["thing"] for number in range(7)}
    some = [Found(text, "unintended", "image:dragon.png", 5) for text in prompts]
    page = write_report(build_intent(tmp_path / "run", prompts, some)).read_text()
    first, more = section(page, "unintended").split("<summary>3 more</summary>")
    assert first.count('<li class="card">') == 4
    assert more.count('<li class="card">') == 3


def test_the_same_folder_gives_the_same_page(found: Path) -> None:
    before = (found / "report.html").read_bytes()
    assert write_report(found).read_bytes() == before


@pytest.mark.parametrize(
    ("name", "content", "error", "said"),
    [
        ("results.json", None, NotFound, "no results.json"),
        ("results.json", b"{}", BadInput, '"rows"'),
        ("findings.parquet", None, NotFound, "no findings.parquet"),
        ("generations.parquet", b"PAR1 and then nothing", BadInput, "not a readable table"),
    ],
)
def test_a_torn_folder_of_intent_is_named(
    found: Path, tmp_path: Path, name: str, content: bytes | None, error: Any, said: str
) -> None:
    folder = Path(shutil.copytree(found, tmp_path / "run"))
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(error, match=said):
        write_report(folder)


def test_a_table_without_a_column_is_named(found: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(found, tmp_path / "run"))
    shutil.copy(folder / "prompts.parquet", folder / "findings.parquet")
    with pytest.raises(BadInput, match='no column "prompt"'):
        write_report(folder)


def test_an_unfinished_run_of_intent_has_no_page(found: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(found, tmp_path / "run"))
    manifest = read_manifest(folder) | {"finished": False}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RunConflict, match="not finished"):
        write_report(folder)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    prompts = {f"{text} {n}": text.split()[:2] for n, text in enumerate(HOSTILE)}
    found = [
        Found(text, type, f"{kind}:{HOSTILE[n]}", 6, {HOSTILE[n]: 0}, expected="no")
        for n, text in enumerate(prompts)
        for type, kind in (("unintended", "image"), ("implicit", "phrase"))
    ]
    folder = build_intent(tmp_path_factory.mktemp("hostile") / "run", prompts, found)
    write_report(folder)
    return folder


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_in_a_browser_the_board_fetches_nothing_and_is_never_too_wide(
    visit: Callable[..., Any], found: Path, hostile: Path, width: int, scheme: str
) -> None:
    from visiting import contrast, luminance

    for folder in (found, hostile):
        view = {"width": width, "height": 800}
        one = visit(folder / "report.html", viewport=view, color_scheme=scheme)
        one.page.evaluate("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
        one.page.wait_for_timeout(100)
        assert [url for url in one.asked if not url.startswith("data:")] == [one.url]
        assert one.said == []
        assert one.page.evaluate("window.hacked") is None
        broken = "[...document.images].filter(i => !i.naturalWidth).length"
        assert one.page.evaluate(broken) == 0
        assert one.page.evaluate("document.documentElement.scrollWidth") <= width
        paper = one.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (luminance(paper) < 0.1) == (scheme == "dark")
        for what in (".fact", ".reading dt", ".badge"):
            style = f"getComputedStyle(document.querySelector('{what}'))"
            ground = one.page.evaluate(f"{style}.backgroundColor") if what == ".badge" else paper
            assert contrast(one.page.evaluate(f"{style}.color"), ground) >= 4.5
