"""The study of a denoiser from scratch, by passes over the data."""

import json

from studies.told import WORDS, asked

from solidmark.studies.captioned import passes
from solidmark.studies.pretraining import STUDY


def test_weights_are_kept_after_parts_of_all_passes():
    assert passes(20) == (1, 2, 5, 10, 20)
    assert passes(400) == (20, 40, 100, 200, 400)
    assert passes(1) == (1,)


def test_each_stage_is_audited_and_shows_its_drawings_with_prompts(micro, values, tmp_path):
    result = micro("pretraining", epochs=2, **asked(tmp_path / "told"))
    found = values(result)
    names = [one.name for one in STUDY.readouts]
    assert len(set(names)) == 8
    assert list(found) == [(arm, name) for arm in ("1 pass", "2 passes") for name in names]
    assert all(value is not None for value in found.values())
    shown = result.folder / "pictures"
    told = json.loads((shown / "captions.json").read_text())
    assert sorted(told) == sorted(path.name for path in shown.glob("*.png"))
    assert len(told) == 8
    assert {caption.removeprefix("an old ") for caption in told.values()} <= set(WORDS)
    assert told["0-0.png"] in (result.folder / "report.html").read_text()
