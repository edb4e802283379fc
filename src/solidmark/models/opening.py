"""Opening a model by what the user calls it: a folder, a hub id, or an analytic control.

Weights are read as safetensors and nothing is unpickled; no code of a checkpoint is run.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from solidmark.diffusion import DiscreteSchedule, Model
from solidmark.errors import BadInput, NotFound, UnsafeCheckpoint
from solidmark.models.analytic import Gaussian, Memorizer
from solidmark.models.pixel import PixelModel, Precision
from solidmark.runs import read_json
from solidmark.types import Images

CONTROLS = ("memorizer", "gaussian")
PICKLES = {".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle"}
_CONVERT = (
    "Convert it where you trust it: "
    "DDPMPipeline.from_pretrained(OLD, use_safetensors=False)"
    ".save_pretrained(NEW, safe_serialization=True)."
)


def open_model(
    where: str,
    *,
    device: str = "cpu",
    precision: Precision = "fp32",
    control_images: Callable[[str], Images] | None = None,
) -> Model:
    """Opens a model.

    Arguments:
        where: A diffusers pipeline folder, a folder of `solidmark train`, a hub id, or the name
            of an analytic control: `memorizer` or `gaussian`.
        device: Where the network runs.
        precision: What it computes in.
        control_images: Gives a control, by its name, the images that it is made of.

    Raises:
        NotFound: When nothing is there.
        UnsafeCheckpoint: When the weights would have to be unpickled or code would have to run.
        BadInput: When it is not a model that can be opened.
    """
    if where in CONTROLS and not Path(where).exists():
        if control_images is None:
            raise BadInput(f'The control "{where}" is made of marked images. Give a marked folder.')
        images = control_images(where)
        return Memorizer(images) if where == "memorizer" else Gaussian(images)
    return _open_unet(_find_pipeline(where), torch.device(_usable(device)), precision)


def _usable(device: str) -> str:
    """Checks that a device is there, so that nobody waits for a run that cannot start."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise BadInput(
            f'The device "{device}" cannot be used here ({str(error).splitlines()[0]}). '
            "Use --device cpu."
        ) from error
    return device


def _find_pipeline(where: str) -> Path:
    """The folder that holds `unet/` and `scheduler/`."""
    path = Path(where)
    if path.is_file():
        if path.suffix.lower() in PICKLES:
            raise UnsafeCheckpoint(
                f'"{where}" is a pickle, and opening it could run any code. {_CONVERT}'
            )
        raise BadInput(f'"{where}" is a single file. Name a diffusers pipeline folder.')
    if not path.is_dir():
        return _download(where)
    for folder in (path, path / "model"):
        if (folder / "unet").is_dir() and (folder / "scheduler").is_dir():
            return folder
    if (path / "config.json").is_file():
        raise BadInput(
            f'"{where}" is a bare network without its noise schedule. '
            "Name the pipeline folder above it, with unet/ and scheduler/ inside."
        )
    raise BadInput(
        f'"{where}" is not a diffusers pipeline: unet/ and scheduler/ are needed inside. '
        "Save one with pipeline.save_pretrained(FOLDER)."
    )


def _download(where: str) -> Path:
    """Fetches a pipeline from the hub, weights as safetensors only."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    message = (
        f'There is no model "{where}": no such folder here, and the hub gave none (%s). '
        "Check the path or the hub id."
    )
    if where.count("/") != 1 or where.startswith((".", "/", "~")):
        raise NotFound(message % "not a hub id")
    try:
        return Path(snapshot_download(where, allow_patterns=["*.json", "*.safetensors"]))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise NotFound(message % type(error).__name__) from error


def _open_unet(folder: Path, device: torch.device, precision: Precision) -> PixelModel:
    """Loads the network and the schedule of a pipeline folder."""
    from diffusers import UNet2DModel

    config = read_json(folder / "unet" / "config.json") if _has_config(folder) else {}
    kind = config.get("_class_name", "UNet2DModel")
    if kind != "UNet2DModel":
        raise BadInput(
            f'The network of "{folder}" is a {kind}; only pixel-space UNet2DModel can be opened. '
            "Name a DDPM or DDIM pipeline."
        )
    _refuse_pickles(folder / "unet")
    try:
        unet = UNet2DModel.from_pretrained(folder / "unet", use_safetensors=True)
    except (OSError, ValueError, RuntimeError, TypeError, KeyError) as error:
        raise BadInput(
            f'The network of "{folder}" cannot be loaded ({_first_line(error)}). '
            "Save the pipeline again."
        ) from error
    schedule, prediction = _open_schedule(folder)
    unet = unet.to(device).eval().requires_grad_(False)
    return PixelModel(unet, schedule, prediction, precision)


def _has_config(folder: Path) -> bool:
    if not (folder / "unet" / "config.json").is_file():
        raise BadInput(f'"{folder / "unet"}" has no config.json. Save the pipeline again.')
    return True


def _refuse_pickles(folder: Path) -> None:
    weights = {child.suffix for child in folder.iterdir()}
    if ".safetensors" not in weights:
        if weights & PICKLES:
            raise UnsafeCheckpoint(
                f'"{folder}" holds pickled weights only, and opening them could run any code. '
                f"{_CONVERT}"
            )
        raise BadInput(f'"{folder}" holds no weights (*.safetensors). Save the pipeline again.')


def _open_schedule(folder: Path) -> tuple[DiscreteSchedule, Any]:
    """The variance-preserving schedule that a scheduler folder describes."""
    import diffusers

    path = folder / "scheduler" / "scheduler_config.json"
    if not path.is_file():
        raise BadInput(f'"{path}" is missing, so the noise schedule is unknown. Save it again.')
    config = read_json(path)
    name = config.get("_class_name", "DDPMScheduler")
    found = getattr(diffusers, name, None)
    try:
        scheduler = found.from_config(config) if found else None
    except (TypeError, ValueError, NotImplementedError, AttributeError, ImportError) as error:
        raise BadInput(f'"{path}" cannot be used ({_first_line(error)}).') from error
    alphas = getattr(scheduler, "alphas_cumprod", None)
    if alphas is None:
        raise BadInput(
            f'The scheduler "{name}" of "{folder}" has no variance-preserving schedule '
            "(alphas_cumprod). Models trained as DDPM or DDIM can be opened."
        )
    return DiscreteSchedule(alphas.double()), config.get("prediction_type", "epsilon")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
