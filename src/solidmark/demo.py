"""The main job end to end on real images that come with the install."""

from pathlib import Path
from typing import Any

DIGITS = 128
RESOLUTION = 12
THICKNESS = 2
SEGMENTS = 16
EPOCHS = 400
"""Enough to memorize all or nearly all of the 64 digits."""


def run_demo(out: Path, seed: int = 0) -> tuple[dict[str, Any], Path]:
    """Marks 128 handwritten digits, trains a small diffusion model on half of them, audits it.

    The same call resumes.

    Arguments:
        out: The folder to write: `marked/`, `model/`, and the audit itself.
        seed: The seed of everything.

    Returns:
        What is in `results.json`, and the path of the page.
    """
    import torch

    from solidmark.audit import Question, observe, score
    from solidmark.data import open_data
    from solidmark.marks import Marking, Segments, mark_dataset
    from solidmark.readers import Blend, Outpaint
    from solidmark.report import write_report
    from solidmark.training import preset, train

    # A second thread would save a third of the time on a quiet machine, but triple it beside a busy
    # process; and with one thread the figures are the same on any number of cores.
    torch.set_num_threads(1)
    data = open_data("digits", resolution=RESOLUTION, limit=DIGITS)
    marking = Marking(Segments(THICKNESS, SEGMENTS), seed=seed, held_out=0.5)
    config = {"data": "digits", "resolution": RESOLUTION, "limit": DIGITS, "seed": seed}
    mark_dataset(data, out / "marked", marking, config)
    recipe = preset("digits-demo", num_train_epochs=EPOCHS, seed=seed)
    train(out / "marked", out / "model", recipe, device="cpu")
    question = Question(
        model=str(out / "model"),
        marked=out / "marked",
        out=out,
        readers=(Blend(), Outpaint()),
        seed=seed,
    )
    observe(question)
    results = score(out)
    return results, write_report(out)
