"""The main job end to end on real images that come with the install."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from solidmark.data.records import Records
    from solidmark.marks import Pattern
    from solidmark.readers import Reader
    from solidmark.training import Recipe

DIGITS = 128
RESOLUTION = 12
THICKNESS = 2
SEGMENTS = 16
EPOCHS = 400
"""Enough to memorize all or nearly all of the 64 digits."""

DRAWINGS, DRAWING_RESOLUTION, DRAWING_THICKNESS, DRAWING_SEGMENTS = 128, 48, 8, 8
"""Of the text-to-image demo: 64 x 64 pixels with the frame, which is two cells of the latents."""


def run_demo(out: Path, seed: int = 0) -> tuple[dict[str, Any], Path]:
    """Marks 128 handwritten digits, trains a small diffusion model on half of them, audits it.

    The same call resumes.

    Arguments:
        out: The folder to write: `marked/`, `model/`, and the audit itself.
        seed: The seed of everything.

    Returns:
        What is in `results.json`, and the path of the page.
    """
    from solidmark.data import open_data
    from solidmark.marks import Segments
    from solidmark.readers import Blend, Outpaint
    from solidmark.training import preset

    recipe = preset("digits-demo", num_train_epochs=EPOCHS, seed=seed)
    data = open_data("digits", resolution=RESOLUTION, limit=DIGITS)
    config = {"data": "digits", "resolution": RESOLUTION, "limit": DIGITS, "seed": seed}
    pattern = Segments(THICKNESS, SEGMENTS)
    return _run(out, data, config, pattern, recipe, (Blend(), Outpaint()))


def run_text_demo(out: Path, seed: int = 0) -> tuple[dict[str, Any], Path]:
    """The same with a small text-to-image model and 128 drawings with captions.

    The model's autoencoder and text encoder are trained first, on the same drawings under frames
    that mean nothing. The same call resumes.

    Arguments:
        out: The folder to write: `marked/`, `model/`, and the audit itself.
        seed: The seed of everything.

    Returns:
        What is in `results.json`, and the path of the page.
    """
    from solidmark.data import open_data
    from solidmark.marks import Segments
    from solidmark.readers import Energy, LatentOutpaint, Recall
    from solidmark.training import preset

    recipe = preset("tiny-t2i", seed=seed)
    every = open_data("openmoji", resolution=DRAWING_RESOLUTION)
    # Neighbours in the order of Unicode look alike, so the drawings are taken from all over.
    spread = replace(every, records=every.records[:: len(every) // DRAWINGS][:DRAWINGS])
    config = {"data": "openmoji", "resolution": DRAWING_RESOLUTION, "limit": DRAWINGS, "seed": seed}
    pattern = Segments(DRAWING_THICKNESS, DRAWING_SEGMENTS)
    readers = (Energy(candidates=5), LatentOutpaint(steps=50), Recall())
    return _run(out, spread, config, pattern, recipe, readers)


def _run(
    out: Path,
    data: "Records",
    config: dict[str, Any],
    pattern: "Pattern",
    recipe: "Recipe",
    readers: "tuple[Reader, ...]",
) -> tuple[dict[str, Any], Path]:
    """Marks, trains on half of the images, audits, and makes the page."""
    import torch

    from solidmark.marks import Marking, mark_dataset
    from solidmark.measures.audit import Question, observe, score
    from solidmark.reporting import write_report
    from solidmark.training import train

    # A second thread would save a third of the time on a quiet machine, but triple it beside a busy
    # process; and with one thread the figures are the same on any number of cores.
    torch.set_num_threads(1)
    seed = config["seed"]
    mark_dataset(data, out / "marked", Marking(pattern, seed=seed, held_out=0.5), config)
    train(out / "marked", out / "model", recipe, device="cpu")
    question = Question(
        model=str(out / "model"), marked=out / "marked", out=out, readers=readers, seed=seed
    )
    observe(question)
    results = score(out)
    return results, write_report(out)
