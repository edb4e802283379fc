"""When memory begins: by epochs and by how much data there is, beside the gap of the losses."""

from collections.abc import Iterator

from solidmark.studies.readouts import detected, named, rank_z, reading
from solidmark.studies.stage import stage
from solidmark.studies.study import Arm, Readout, Setting, Study


def arms(setting: Setting, seed: int) -> Iterator[Arm]:
    """A network for each number of images, asked after several numbers of epochs."""
    for images in setting.size["images"]:
        marked = setting.mark(seed, setting.data, limit=2 * images, resolution=setting.resolution)
        epochs = setting.size["epochs"]
        # The rate of a cosine would end at another place for another length: it stays.
        model = setting.train(
            marked,
            seed,
            num_train_epochs=max(epochs),
            lr_scheduler="constant_with_warmup",
            checkpoint_at=tuple(epochs),
        )
        for epoch in epochs:
            network = model.at(f"epochs/epoch-{epoch:04d}")
            made = {
                "audit": setting.audit(network, marked, seed, readers=("blend",)),
                "signals": stage(
                    "signals",
                    network,
                    marked,
                    signals=("loss",),
                    device=setting.device,
                    seed=seed,
                ),
            }
            yield Arm(f"{images} images, {epoch} epochs", made, epoch)


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
        images=None, epochs=None, size={"images": (64, 256), "epochs": (12, 25, 50, 100, 200)}
    ),
    axis="data and epochs",
)
