"""A denoiser from scratch beside frozen parts, by passes over the data: appendix J, Figure 7."""

from collections.abc import Iterator
from dataclasses import replace

from solidmark.studies.captioned import after, captioned, passes, text_model
from solidmark.studies.readouts import named, rank_z, within
from solidmark.studies.stage import stage
from solidmark.studies.study import Arm, Setting, Study


def arms(setting: Setting, seed: int) -> Iterator[Arm]:
    """The model after some passes, with four of its drawings."""
    from solidmark.readers import Blend, Recall

    marked, model = text_model(setting, seed, captioned(setting))
    for epoch in passes(setting.epochs or 1):
        network = after(model, epoch)
        sheet = stage(
            "generate",
            network,
            marked=marked,
            crop=True,
            number=4,
            steps=setting.size["steps"],
            guidance=setting.size["guidance"],
            device=setting.device,
            seed=seed,
        )
        audit = setting.audit(network, marked, seed, readers=(Blend(), Recall()))
        made = {"audit": audit, "sheet": sheet}
        yield Arm(f"{epoch} pass{'es' * (epoch > 1)}", made, epoch, ("sheet", "images/*.png"))


READERS = {"blend": "from the picture in its frame", "recall": "from the caption alone"}

STUDY = Study(
    "pretraining",
    arms,
    tuple(
        replace(one(reader=reader), name=f"{one(reader=reader).name}, {told}")
        for reader, told in READERS.items()
        for one in (
            rank_z,
            lambda reader: within(0.05, reader=reader),
            named,
            lambda reader: rank_z(split="held_out", reader=reader),
        )
    ),
    full=Setting(
        "openmoji", 1024, 48, 20, (0, 1, 2), "tiny-t2i", size={"steps": 250, "guidance": 3.0}
    ),
    quick=Setting(
        "openmoji", 64, 32, 400, (0, 1, 2), "tiny-t2i", size={"steps": 20, "guidance": 3.0}
    ),
    axis="passes",
    said=(
        "Autoencoder and text encoder were trained before, on all pictures under frames that mean "
        "nothing, and stay as they are; only the denoiser is new. The weights of one run are "
        "looked at after a 20th, a tenth, a quarter, half and all of its passes. The paper shows "
        "samples after 20 passes over 200,000 pictures, and no figures of memory.",
    ),
)
