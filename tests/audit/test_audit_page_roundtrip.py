"""The section on the autoencoder: there for latent models, and only what the run can say."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from solidmark.errors import BadInput
from solidmark.reporting import write_report

KEYS = [number / 8 for number in range(9)]
KEPT = {
    "images": 64,
    "pattern": {"name": "border", "thickness": 16},
    "thickness": 16,
    "factor": 8,
    "bias": 0.0471,
    "spread": 0.0319,
    "floor": 0.0254,
    "keys": KEYS,
    "means": [0.06 + 0.84 * key for key in KEYS],
    "spreads": [0.03] * 9,
    "errors": [0.0254] * 9,
}


def page_of(audit: Path, **changed: object) -> str:
    (audit / "round_trip.json").write_text(json.dumps({**KEPT, **changed}))
    return write_report(audit).read_text(encoding="utf-8")


def test_it_says_what_the_autoencoder_does_and_to_whom_it_matters(
    make_audit: Callable[..., Path],
) -> None:
    audit = make_audit(n=8, hostile=False, strengths={"energy": 0.5, "latent-outpaint": 0.5})
    page = page_of(audit)
    for words in (
        "every 8 x 8 pixels into one cell",
        "9 greys round 64 images",
        "0.047 off on average and varies by 0.030",
        "an error of 0.025 is left",
        "Latent Outpaint: what is read of decoded pictures is corrected by this curve.",
        "Energy: no correction is needed, since frames are tried that went through the encoder",
        'href="#round-trip"',
        'id="word-round_trip"',
    ):
        assert words in page, words
    assert "loses much" not in page
    svg = (audit / "figures" / "round-trip.svg").read_text()
    assert "comes back" in svg
    assert svg.split("?>")[-1].strip()[:60] in page
    assert (audit / "figures" / "round-trip.png").read_bytes().startswith(b"\x89PNG")


def test_it_speaks_of_the_readers_of_the_run_only(make_audit: Callable[..., Path]) -> None:
    readers = {"blend": 0.5, "energy": 0.5, "probe": 0.5}
    page = page_of(make_audit(n=8, hostile=False, strengths=readers))
    assert "Energy and Blend: no correction is needed" in page
    assert "Probe: no correction is needed, since images are placed among reference images" in page
    assert "corrected by this curve" not in page


def test_a_bad_autoencoder_is_warned_of(make_audit: Callable[..., Path]) -> None:
    page = page_of(make_audit(n=8, hostile=False), errors=[0.12] * 9)
    assert "loses much of the greys" in page
    assert "a multiple of 8 pixels" in page


def test_models_of_pixels_have_no_such_section(make_audit: Callable[..., Path]) -> None:
    audit = make_audit(n=8, hostile=False)
    page = write_report(audit).read_text(encoding="utf-8")
    assert "round trip" not in page.lower()
    assert "round-trip" not in page
    assert not list((audit / "figures").glob("round-trip*"))


@pytest.mark.parametrize(
    "text",
    ["[]", "{}", '"x"', json.dumps({**KEPT, "means": [1]}), json.dumps({**KEPT, "keys": {}})],
)
def test_another_file_of_that_name_is_one_line(make_audit: Callable[..., Path], text: str) -> None:
    audit = make_audit(n=8, hostile=False)
    (audit / "round_trip.json").write_text(text)
    with pytest.raises(BadInput, match=r"round_trip\.json.* Observe again\."):
        write_report(audit)
