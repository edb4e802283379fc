"""When memory begins: by epochs and by how much data there is, beside the gap of the losses."""

from collections.abc import Iterator, Sequence

from solidmark.studies.readouts import detected, named, rank_z, reading
from solidmark.studies.stage import Stage, stage
from solidmark.studies.study import Arm, Readout, Setting, Study


def arms(setting: Setting, seed: int) -> Iterator[Arm]:
    """A network for each number of images, asked after several numbers of epochs."""
    epochs = setting.size["epochs"]
    for images in setting.size["images"]:
        marked = setting.but(images=2 * images).mark(seed)
        model = network(setting, marked, seed, epochs)
        for epoch in epochs:
            asked = model.at(f"epochs/epoch-{epoch:04d}")
            made = {
                "audit": setting.audit(asked, marked, seed, readers=("blend",)),
                "signals": stage(
                    "signals",
                    asked,
                    marked,
                    signals=("loss",),
                    device=setting.device,
                    seed=seed,
                ),
            }
            yield Arm(f"{images} images, {epoch} epochs", made, epoch)


def network(setting: Setting, marked: Stage, seed: int, epochs: Sequence[int]) -> Stage:
    """A network that is kept at several epochs, the last of them its end.

    The rate of a cosine would end at another place for another length: it stays.
    """
    return setting.train(
        marked,
        seed,
        num_train_epochs=max(epochs),
        lr_scheduler="constant_with_warmup",
        checkpoint_at=tuple(epochs),
    )


gap = reading("signals", statistic="auc", split="trained_vs_held_out", measure="loss")

STUDY = Study(
    "training-curve",
    arms,
    (
        detected(rate=0.01),
        rank_z(),
        named(),
        detected(rate=0.01, split="held_out"),
        Readout(
            "Gap of losses",
            "area",
            "high",
            gap,
            "how well the loss alone tells trained from held-out images; chance is .5",
        ),
    ),
    full=Setting(
        images=None,
        epochs=None,
        size={"images": (64, 128, 256, 512), "epochs": (25, 50, 100, 200, 400)},
        seeds=(0, 1, 2),
    ),
    quick=Setting(
        images=None,
        epochs=None,
        seeds=(0, 1, 2, 3, 4),
        size={"images": (64, 256), "epochs": (12, 25, 50, 100, 200)},
    ),
    axis="data and epochs",
)
