"""Opening a model by what the user calls it: a folder, a hub id, or an analytic control.

Weights are read as safetensors and nothing is unpickled; no code of a checkpoint is run.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import torch

from solidmark.diffusion import DiscreteSchedule, Model, Prediction
from solidmark.errors import BadInput, NotFound, UnsafeCheckpoint
from solidmark.models.analytic import Gaussian, Memorizer
from solidmark.models.pixel import PixelModel, Precision
from solidmark.runs import check_device, read_json
from solidmark.types import Images

CONTROLS = ("memorizer", "gaussian")
SCHEDULER = "scheduler_config.json"
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
    check_device(device)
    return _open_unet(_find_pipeline(where), torch.device(device), precision)


def _find_pipeline(where: str) -> Path:
    """The folder that holds the network and its scheduler, with a folder each or side by side."""
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
        if (_part(folder, "unet") / "config.json").is_file() and (
            _part(folder, "scheduler") / SCHEDULER
        ).is_file():
            return folder
    if (path / "config.json").is_file() and not (path / "unet").exists():
        raise BadInput(
            f'"{where}" is a bare network without its noise schedule. '
            "Name the pipeline folder above it, with unet/ and scheduler/ inside."
        )
    raise BadInput(
        f'"{where}" is not a diffusers pipeline: unet/config.json and scheduler/{SCHEDULER} are '
        "needed inside. Save one with pipeline.save_pretrained(FOLDER)."
    )


def _part(folder: Path, name: str) -> Path:
    """Where a part of a pipeline lies: in its own folder, or (the first DDPMs) beside the rest."""
    return folder / name if (folder / name).is_dir() else folder


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
        folder = snapshot_download(where, allow_patterns=["*.json", "*.safetensors"])
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise NotFound(message % type(error).__name__) from error
    return _find_pipeline(folder)


def _open_unet(folder: Path, device: torch.device, precision: Precision) -> PixelModel:
    """Loads the network and the schedule of a pipeline folder."""
    from diffusers import UNet2DModel

    where = _part(folder, "unet")
    kind = _read_config(where / "config.json").get("_class_name", "UNet2DModel")
    if kind != "UNet2DModel":
        raise BadInput(
            f'The network of "{folder}" is a {kind}; only pixel-space UNet2DModel can be opened. '
            "Name a DDPM or DDIM pipeline."
        )
    for part in ("vae", "vqvae"):
        if (folder / part).exists():
            raise BadInput(
                f'"{folder}" works on the latents of {part}/; only pixel-space models can be '
                "opened. Name a DDPM or DDIM pipeline."
            )
    _refuse_pickles(where)
    try:
        unet, report = UNet2DModel.from_pretrained(
            where, use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, TypeError, KeyError) as error:
        raise BadInput(
            f'The network of "{folder}" cannot be loaded ({_first_line(error)}). '
            "Save the pipeline again."
        ) from error
    # What is missing would be drawn at random, and the model would have forgotten everything.
    for problem in ("missing", "unexpected"):
        if names := report[f"{problem}_keys"]:
            raise BadInput(
                f'The weights of "{folder}" do not fit its config.json: {len(names)} {problem}, '
                f'"{sorted(names)[0]}" among them. Save the pipeline again.'
            )
    schedule, prediction = _open_schedule(folder)
    unet = unet.to(device).eval().requires_grad_(False)
    return PixelModel(unet, schedule, prediction, precision)


def _refuse_pickles(folder: Path) -> None:
    """Refuses a folder whose weights, or shards of them, are anything but safetensors."""
    weights = {child.suffix.lower() for child in folder.iterdir()}
    shards = {
        Path(str(name)).suffix.lower()
        for index in folder.glob("*.safetensors.index.json")
        for name in dict(_read_config(index).get("weight_map") or {}).values()
    }
    if (".safetensors" not in weights and weights & PICKLES) or shards - {".safetensors"}:
        raise UnsafeCheckpoint(
            f'"{folder}" holds pickled weights, and opening them could run any code. {_CONVERT}'
        )
    if ".safetensors" not in weights:
        raise BadInput(f'"{folder}" holds no weights (*.safetensors). Save the pipeline again.')


def _open_schedule(folder: Path) -> tuple[DiscreteSchedule, Prediction]:
    """The variance-preserving schedule that a scheduler folder describes, and the prediction."""
    import diffusers

    path = _part(folder, "scheduler") / SCHEDULER
    config = _read_config(path)
    name = str(config.get("_class_name", "DDPMScheduler"))
    found = getattr(diffusers, name, None)
    try:
        scheduler = found.from_config(config) if found else None
    except (TypeError, ValueError, NotImplementedError, AttributeError, ImportError) as error:
        raise BadInput(f'"{path}" cannot be used ({_first_line(error)}).') from error
    alphas = getattr(scheduler, "alphas_cumprod", None)
    if scheduler is None or alphas is None:
        raise BadInput(
            f'The scheduler "{name}" of "{folder}" has no variance-preserving schedule '
            "(alphas_cumprod). Models trained as DDPM or DDIM can be opened."
        )
    prediction = scheduler.config.get("prediction_type", "epsilon")
    if prediction not in get_args(Prediction):
        raise BadInput(
            f'The network of "{folder}" predicts "{prediction}". Models that predict '
            f"{', '.join(get_args(Prediction))} can be opened."
        )
    return DiscreteSchedule(alphas.double()), prediction


def _read_config(path: Path) -> dict[str, Any]:
    config = read_json(path)
    if not isinstance(config, dict):
        raise BadInput(f'"{path}" is not a configuration of diffusers. Save the pipeline again.')
    return config


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
