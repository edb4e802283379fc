"""`solidmark fit DATA OUT`."""

from typing import Annotated

from solidmark.cards.option import ABOVE_ZERO, at_least
from solidmark.cli import closing
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.following import after_fitting
from solidmark.cli.options import Device, Out, Positive, Seed
from solidmark.cli.searching import Window


@command()
def fit(
    asked: Asked,
    data: Annotated[str, "DATA"],
    out: Out,
    side: Annotated[int | None, at_least(16)] = None,
    steps: Positive = 250,
    batch_size: Annotated[int, at_least(8)] = 128,
    dimensions: Annotated[int, at_least(2)] = 64,
    learning_rate: Annotated[float, ABOVE_ZERO] = 2e-3,
    window: Window = "full",
    limit: Annotated[int, at_least(8)] = 20_000,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Fit an embedder to your own kind of images.

    For kinds that no published one knows: a small network learns in minutes to know a picture
    again that was cut out, mirrored, turned, coloured or blurred. Then: --distance own:OUT. Writes
    OUT/config.json and model.safetensors.

    Example: solidmark fit photos/ embedder/

    Arguments:
        data: Images of the kind in question, hundreds of them or more, best none that are compared
            later: any data that solidmark mark takes.
        side: Side in pixels of what the network sees. [default: that of the smallest image, up to
            64]
        steps: Batches that it sees.
        batch_size: Pictures of a batch.
        dimensions: Numbers of a vector.
        learning_rate: At its highest.
        limit: At most so many images, the first by their ids.
    """
    from solidmark.measures.nearest.fitting import Fitting, fit_own, fitted_lines
    from solidmark.runs import Processes

    fitting = asked.fill(Fitting)
    if asked.dry_run:
        return asked.plan(images=len(fitting.open_data()))
    manifest = fit_own(fitting).manifest
    if not Processes.here().is_main:
        return None
    asked.save()
    closing.then(*after_fitting(out))
    return asked.answer(manifest, *fitted_lines(manifest), f"The embedder: {out}")
