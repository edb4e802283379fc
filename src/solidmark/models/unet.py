"""Opening a pixel-space pipeline: a `UNet2DModel` and its schedule."""

from pathlib import Path
from typing import Any

from solidmark.diffusion import DiscreteSchedule, Prediction
from solidmark.errors import BadInput
from solidmark.late import torch
from solidmark.models.finding import SCHEDULER, part_of
from solidmark.models.loading import Opening
from solidmark.models.memory import move
from solidmark.models.numbers import check_numbers
from solidmark.models.pipelines import FAMILIES, check_loaded, schedule_of
from solidmark.models.pixel import PixelModel
from solidmark.models.reading import first_line, read_config, refuse_pickles, variant_of
from solidmark.models.sizes import said_loading, weights_bytes
from solidmark.models.trusted import FAILURES, from_folder, scheduler_class
from solidmark.runs import memory_for


def open_unet(folder: Path, opening: Opening) -> PixelModel:
    """Loads the network and the schedule of a pixel-space pipeline folder.

    Raises:
        UnsafeCheckpoint: When the weights would have to be unpickled.
        BadInput: When it is not a pixel-space U-Net, or cannot be loaded.
    """
    where = part_of(folder, "unet")
    kind = read_config(where / "config.json").get("_class_name", "UNet2DModel")
    if kind != "UNet2DModel":
        raise BadInput(
            f'The network of "{folder}" is a {kind}, in no pipeline that can be opened. Name a '
            f"pixel-space DDPM or DDIM (UNet2DModel), or a {', '.join(FAMILIES)}."
        )
    for part in ("vae", "vqvae"):
        if (folder / part).exists():
            raise BadInput(
                f'"{folder}" works on the latents of {part}/, in no pipeline that can be opened. '
                f"Name a pixel-space DDPM or DDIM, or a {', '.join(FAMILIES)}."
            )
    refuse_pickles(where)
    size = weights_bytes(where)
    try:
        with (
            said_loading(folder, {"unet": size}, Opening()),
            memory_for(f'the network of "{folder}"', size),
        ):
            from diffusers import UNet2DModel

            unet, report = from_folder(
                UNet2DModel,
                where,
                use_safetensors=True,
                output_loading_info=True,
                variant=variant_of(where),
            )
    except FAILURES as error:
        raise BadInput(
            f'The network of "{folder}" cannot be loaded ({first_line(error)}). '
            "Save the pipeline again."
        ) from error
    check_loaded(report, folder)
    check_numbers(unet, where)
    schedule, prediction = _open_schedule(folder)
    move(unet, torch.device(opening.device), f'the network of "{folder}"')
    unet = unet.eval().requires_grad_(False)
    return PixelModel(unet, schedule, prediction, opening.precision)


def _open_schedule(folder: Path) -> tuple[DiscreteSchedule, Prediction]:
    """The variance-preserving schedule that a scheduler folder describes, and the prediction."""
    path = part_of(folder, "scheduler") / SCHEDULER
    config = read_config(path)
    name = str(config.get("_class_name", "DDPMScheduler"))
    kind: Any = scheduler_class(folder, name)
    try:
        scheduler = kind.from_config(config)
    except FAILURES as error:
        raise BadInput(f'"{path}" cannot be used ({first_line(error)}).') from error
    schedule, prediction = schedule_of(scheduler)
    if not isinstance(schedule, DiscreteSchedule):
        raise BadInput(
            f'The scheduler "{name}" of "{folder}" is a flow. Pixel-space models trained as DDPM '
            "or DDIM can be opened."
        )
    return schedule, prediction
