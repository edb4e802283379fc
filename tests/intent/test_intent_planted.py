"""One case of each type is planted into a model: all three are found, and none on the controls."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from breaking import held
from planted import COPIES, PROMPTS, UNRELATED, asking, pictures, planted, untold

from solidmark.diffusion import Model
from solidmark.errors import BadInput, MissingCapability, NotFound, RunConflict
from solidmark.marks import write_image
from solidmark.measures.intent import Rules, intent, plan, score_intent
from solidmark.measures.intent.tables import FINDINGS, GENERATIONS, read_table
from solidmark.models import Gaussian, Memorizer
from solidmark.runs import open_results
from solidmark.scores import clopper_pearson
from solidmark.subjects import TIE


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run of each model."""
    here = tmp_path_factory.mktemp("intent")
    models: dict[str, Model] = {
        "planted": planted(),
        "untold": untold(),
        "gaussian": Gaussian(planted().images),
    }
    for name, model in models.items():
        assert intent(asking(here, name), model).finished
    return here


def results(folder: Path) -> dict[str, Any]:
    return held(folder / "results.json")


def types(folder: Path, kind: str) -> dict[tuple[str, str], str]:
    """The type by prompt and name of the feature."""
    rows = read_table(folder, "findings")
    return {(r["text"], r["name"]): r["type"] for r in rows if r["kind"] == kind}


def memorized(folder: Path) -> dict[tuple[str, str], str]:
    """Findings of all kinds but those that are not memorized."""
    rows = read_table(folder, "findings")
    return {(r["text"], r["feature"]): r["type"] for r in rows if r["type"] != "not memorized"}


def test_the_three_planted_types_are_found(here: Path) -> None:
    found = types(here / "planted", "phrase")
    for text in PROMPTS[:2]:
        assert found[text, "zorblax"] == "explicit"
    for text in PROMPTS[2:5]:
        assert found[text, "minaret"] == "implicit"
    pictures_found = types(here / "planted", "image")
    for text in PROMPTS[5:8]:
        assert pictures_found[text, "copied-00-0.png"] == "unintended"


def test_nothing_else_is_named(here: Path) -> None:
    found = memorized(here / "planted")
    asked = {
        "explicit": (PROMPTS[:2], "zorblax"),
        "implicit": (PROMPTS[2:5], "minaret"),
        "unintended": (PROMPTS[5:8], "copied"),
    }
    for (text, feature), type in found.items():
        texts, name = asked[type]
        assert text in texts
        assert feature.split(":")[1].split("-")[0] == name
    assert set(PROMPTS[:8]) == {text for text, _ in found}, "the last two show nothing often"


@pytest.mark.parametrize("control", ["untold", "gaussian"])
def test_none_on_the_controls(here: Path, control: str) -> None:
    assert memorized(here / control) == {}
    assert read_table(here / control, "findings"), "features are seen, but none of them often"


def test_copies_that_no_prompt_brings_are_no_praise(here: Path) -> None:
    """A model that gives back any of its pictures, whatever it is told, has memorized them."""
    verdict = open_results(here / "untold").judged
    rows = read_table(here / "untold", "generations")
    drawn = [row for row in rows if row["kind"] != "without"]
    assert (verdict.finding, verdict.state, verdict.tone) == ("any", "hint", "unclear")
    assert verdict.headline.startswith(f"{len(drawn)} of {len(drawn)} generations are copies")
    assert open_results(here / "planted").judged.finding == "unintended"


def test_frequencies_are_those_of_the_generations(here: Path) -> None:
    """Counted again by hand, from the table of generations alone."""
    folder = here / "planted"
    generations = read_table(folder, "generations")
    prompts = {row["id"]: row for row in read_table(folder, "prompts")}
    for row in read_table(folder, "findings"):
        own = [g for g in generations if g["kind"] == "prompt" and g["prompt"] == row["prompt"]]
        count = sum(row["feature"] in g["features"] for g in own)
        assert (row["count"], row["n"]) == (count, len(own))
        assert (row["ci_low"], row["ci_high"]) == clopper_pearson(count, len(own))
        words = set(prompts[row["prompt"]]["entities"])
        unrelated = [
            g
            for g in generations
            if g["kind"] in ("prompt", "unrelated")
            and not words & set(g["text"].casefold().split())
            and row["feature"] not in prompts[g["prompt"]]["named"]
        ]
        shown = sum(row["feature"] in g["features"] for g in unrelated)
        assert (row["unrelated_count"], row["unrelated_n"]) == (shown, len(unrelated))
        assert [one["entity"] for one in row["without"]] == prompts[row["prompt"]]["entities"]
        for one in row["without"]:
            left = [
                g
                for g in generations
                if g["prompt"] == row["prompt"] and g["entity"] == one["entity"]
            ]
            assert one["n"] == len(left) == 12
            assert one["count"] == sum(row["feature"] in g["features"] for g in left)


def test_tables_are_whole(here: Path) -> None:
    folder = here / "planted"
    generations = read_table(folder, "generations")
    assert set(generations[0]) == set(GENERATIONS.names)
    assert Counter(row["kind"] for row in generations)["unrelated"] == 12 * len(UNRELATED)
    for row in generations:
        assert (folder / row["picture"]).is_file()
        assert (folder / row["original"]).is_file()
        exact = row["similarity"] >= 1 - TIE
        assert exact <= (row["second"] is None), "an exact copy ties with its picture"
    blurs = read_table(here / "gaussian", "generations")
    assert all(row["similarity"] > row["second"] for row in blurs), "near to a second picture too"
    findings = read_table(folder, "findings")
    assert set(findings[0]) == set(FINDINGS.names)
    for row in findings:
        assert row["why"].endswith(".")
        assert row["type"] != "implicit" or row["entity"] == "xanadu"
        assert len(row["pictures"]) == min(8, row["count"])
        assert row["type"] == "not memorized" or (folder / row["original"]).is_file()
    features = {row["feature"]: row for row in read_table(folder, "features")}
    assert features["image:copied-00-0.png"]["copies"] == COPIES
    assert {row["feature"] for row in findings} <= set(features)


def test_counts_add_up(here: Path) -> None:
    found = results(here / "planted")
    findings = read_table(here / "planted", "findings")
    rows = {(r["kind"], r["statistic"]): r for r in found["rows"]}
    assert sum(r["count"] for (kind, _), r in rows.items() if kind == "all") == len(findings)
    assert rows["phrase", "explicit"]["prompts"] == 2
    assert rows["phrase", "implicit"]["prompts"] == 3
    assert rows["image", "unintended"]["prompts"] == 3
    assert rows["image", "unintended"]["value"] == 0.3
    assert rows["image", "unintended"]["ci_low"] == clopper_pearson(3, 10)[0]
    assert {r["split"] for r in found["rows"]} == {"all"}
    assert found["failed"] == 0
    assert 0 < found["calibration"]["rate"] < 0.02


def test_the_memorizer_of_captions_copies_what_nobody_asked_for(tmp_path: Path) -> None:
    """Each caption gives its picture, and no shorter text does: it hangs on the whole prompt."""
    images = list(pictures().values())[:24]
    colours = ("red", "blue", "green", "white")
    things = ["dog", "cat", "car", "tree", "boat", "house"]
    lines = []
    for number, image in enumerate(images):
        write_image(tmp_path / "captioned" / f"{number}.png", image)
        text = f"a {colours[number % 4]} {things[number // 4]}"
        lines.append({"file_name": f"{number}.png", "text": text})
    (tmp_path / "captioned" / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    data = {"training": str(tmp_path / "captioned"), "model": "memorizer", "limit": 8}
    none = {"prompts": None, "features": None, "unrelated_prompts": None}
    asked = asking(tmp_path, "told", **data, **none)
    assert intent(asked).finished
    rows = read_table(tmp_path / "told", "findings")
    often = [row for row in rows if row["type"] != "not memorized"]
    assert {row["type"] for row in often} == {"unintended"}
    assert {row["prompt"] for row in often if row["frequency"] == 1} == {
        row["id"] for row in read_table(tmp_path / "told", "prompts") if row["kind"] == "prompt"
    }
    assert all("hangs on the whole prompt" in row["why"] for row in often)


def test_scoring_again_asks_no_model(here: Path, tmp_path: Path) -> None:
    folder = here / "untold"
    before = results(folder)
    loose = score_intent(folder, frequent=0.05, fdr=0.5)
    assert loose["scoring"]["frequent"] == 0.05
    strict = score_intent(folder, threshold=1.0)
    assert strict["calibration"]["threshold"] == 1.0
    assert strict["scoring"]["frequent"] == 0.05, "what is not given stays"
    again = score_intent(folder, fpr=1e-3, frequent=0.25, fdr=0.05)
    assert again == before
    with pytest.raises(BadInput, match="Leave one out"):
        score_intent(folder, threshold=0.9, fpr=0.1)
    with pytest.raises(NotFound):
        score_intent(tmp_path)


def test_the_user_has_the_last_word(here: Path, tmp_path: Path) -> None:
    said = tmp_path / "expected.csv"
    said.write_text("image,expected\ncopied-00-3.png,yes\nphrase:minaret,no\n")
    found = score_intent(here / "planted", expected=said)
    rows = read_table(here / "planted", "findings")
    for row in rows:
        if row["feature"] == "image:copied-00-0.png":
            assert row["expected"] == "yes", "one of its copies was named"
            if row["type"] == "unintended":
                assert row["intended"] == "yes"
                assert "expects it" in row["why"]
        if row["feature"] == "phrase:minaret" and row["type"] == "implicit":
            assert (row["expected"], row["intended"]) == ("no", "no")
    split = {(r["split"], r["kind"], r["statistic"]): r["count"] for r in found["rows"]}
    assert split["expected", "image", "unintended"] == 3
    assert split["not expected", "phrase", "implicit"] == 3
    assert split["not said", "phrase", "explicit"] == 2
    for statistic in ("explicit", "implicit", "unintended", "not memorized"):
        parts = ("expected", "not expected", "not said")
        whole = split["all", "all", statistic]
        assert whole == sum(split[part, "all", statistic] for part in parts)
    assert score_intent(here / "planted")["scoring"]["expected"], "it stays"
    said.write_text("image,expected\n")
    assert score_intent(here / "planted", expected=said)["scoring"]["expected"] == []


def test_the_same_call_scores_again_and_another_is_refused(here: Path) -> None:
    again = intent(asking(here, "gaussian", rules=Rules(frequent=0.5)), untold())
    assert again.finished
    assert results(here / "gaussian")["scoring"]["frequent"] == 0.5
    intent(asking(here, "gaussian"), untold())
    with pytest.raises(RunConflict, match="per_prompt"):
        intent(asking(here, "gaussian", per_prompt=3), untold())


def test_the_size_of_batches_changes_nothing(here: Path, tmp_path: Path) -> None:
    asked = asking(tmp_path, "small", batch_size=7, per_prompt=2)
    other = asking(tmp_path, "large", batch_size=64, per_prompt=2)
    for one in (asked, other):
        intent(one, planted())
    columns = ("text", "repeat", "nearest", "features", "picture")
    small, large = (read_table(tmp_path / name, "generations") for name in ("small", "large"))
    assert [[r[c] for c in columns] for r in small] == [[r[c] for c in columns] for r in large]


def test_pictures_that_are_not_finite_are_counted(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Overflowing(Memorizer):
        def decode(self, latents: Any) -> Any:
            images = super().decode(latents)
            images[::3] = torch.nan
            return images

    whole = planted()
    broken = Overflowing(whole.images, told=whole.told, telling=whole.telling)
    intent(asking(tmp_path, "broken", batch_size=12), broken)
    found = results(tmp_path / "broken")
    assert found["failed"] == found["generations"] / 3
    rows = read_table(tmp_path / "broken", "findings")
    assert {row["n"] for row in rows} == {8}
    failed = [r for r in read_table(tmp_path / "broken", "evidence") if r["status"] == "failed"]
    assert all("not finite" in r["note"] and r["picture"] is None for r in failed)


def test_broken_training_images_are_named(tmp_path: Path) -> None:
    asked = asking(tmp_path, "out", per_prompt=2)
    (tmp_path / "training" / "rest-39-0.png").write_bytes(b"nothing")
    intent(asked, planted())
    assert list(results(tmp_path / "out")["quarantined"]) == ["rest-39-0.png"]


def test_what_cannot_be_asked_is_said(tmp_path: Path, save_unet: Callable[..., Path]) -> None:
    asked = asking(tmp_path, "out")
    (tmp_path / "bare").mkdir()
    for name, image in list(pictures().items())[:3]:
        write_image(tmp_path / "bare" / f"{name}.png", image)
    bare = {"training": str(tmp_path / "bare"), "features": None, "prompts": None}
    with pytest.raises(BadInput, match="no captions"):
        plan(_with(asked, **bare), planted())
    with pytest.raises(NotFound, match="prompts"):
        plan(_with(asked, prompts=tmp_path / "none.txt"), planted())
    with pytest.raises(BadInput, match="Leave one out"):
        _with(asked, captions=("a",))
    with pytest.raises(BadInput, match="frequent"):
        Rules(frequent=0)
    model = str(save_unet(8))
    with pytest.raises(MissingCapability, match="no captions"):
        plan(_with(asked, model=model))
    assert not (tmp_path / "out").exists()


def _with(asked: Any, **changes: Any) -> Any:
    return replace(asked, **changes)
