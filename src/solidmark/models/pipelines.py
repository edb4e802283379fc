"""Opening the folder of a latent pipeline of diffusers, part by part.

Each part is loaded by itself, so that it gets its own precision, and so that weights that are
missing are an error: the libraries would draw them at random, and the model would have forgotten
everything. Weights are read as safetensors and nothing is unpickled; no code of a folder is run.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from solidmark.diffusion import DiscreteSchedule, FlowSchedule, Prediction
from solidmark.errors import BadInput, UnknownName
from solidmark.late import Tensor, torch
from solidmark.models.dit import DiT
from solidmark.models.flux import Flux
from solidmark.models.index import DENOISERS, INDEX, parts_of
from solidmark.models.latent import Family, LatentModel
from solidmark.models.loading import Opening
from solidmark.models.lora import add_loras
from solidmark.models.memory import move, offload, slice_attention
from solidmark.models.numbers import check_numbers
from solidmark.models.pixart import PixArt
from solidmark.models.reading import (
    first_line,
    hush_transformers,
    read_config,
    refuse_pickles,
    variant_of,
)
from solidmark.models.sizes import part_sizes, said_loading
from solidmark.models.stable_diffusion import StableDiffusion
from solidmark.models.stable_diffusion_3 import StableDiffusion3
from solidmark.models.stable_diffusion_xl import StableDiffusionXL
from solidmark.models.trusted import FAILURES, class_of, from_folder
from solidmark.models.vae import Vae, factor_of
from solidmark.runs import memory_for

UNUSED = ("position_ids", "y_embedding")
"""What older files hold though no network uses it: numbers of positions, PixArt's empty caption."""

FAMILIES: dict[str, Callable[[Any], Family]] = {
    "StableDiffusionPipeline": StableDiffusion.of,
    "StableDiffusionXLPipeline": StableDiffusionXL.of,
    "StableDiffusion3Pipeline": StableDiffusion3.of,
    "FluxPipeline": Flux.of,
    "DiTPipeline": DiT.of,
    "PixArtAlphaPipeline": PixArt.of,
    "PixArtSigmaPipeline": PixArt.of,
}
"""How the parts of each pipeline class become a family."""


def open_pipeline(folder: Path, opening: Opening) -> LatentModel:
    """Opens a latent pipeline folder as a model.

    Raises:
        BadInput: When its class is unknown or a part cannot be loaded.
        UnsafeCheckpoint: When weights would have to be unpickled.
    """
    return finish(load_pipeline(folder, opening), opening)


def finish(pipe: Any, opening: Opening) -> LatentModel:
    """Adds to a pipeline what is asked for, and puts it where it runs.

    Raises:
        MissingCapability: When its class cannot do what is asked.
    """
    files = add_loras(pipe, opening.loras, opening.lora_scale)
    if opening.attention_slicing:
        slice_attention(pipe)
    model = to_model(pipe, torch.device(opening.device), offloaded=opening.offload)
    notes = (
        f'The LoRA "{file.path}" says that it is for a network that predicts {file.prediction} '
        f"(modelspec.prediction_type), and the model predicts {model.prediction}."
        for file in files
        if file.prediction not in (None, model.prediction)
    )
    return replace(model, notes=tuple(notes))


def to_model(pipe: Any, device: "torch.device", *, offloaded: bool = False) -> LatentModel:
    """A pipeline of diffusers, in memory, as a model on a device.

    Arguments:
        pipe: An object of one of the classes of `FAMILIES`.
        device: Where it runs.
        offloaded: Keep everything but the denoiser on the CPU while it is not called.
    """
    for name, part in pipe.components.items():
        if isinstance(part, torch.nn.Module):
            part.eval().requires_grad_(False)
            if offloaded and name not in DENOISERS:
                offload(part, device)
            else:
                move(part, device, f'the part "{name}"')
    schedule, prediction = schedule_of(pipe.scheduler)
    return LatentModel(
        network=pipe.transformer if "transformer" in pipe.components else pipe.unet,
        vae=Vae(pipe.vae, factor_of(pipe.vae)),
        family=FAMILIES[type(pipe).__name__](pipe),
        schedule=schedule,
        prediction=prediction,
    )


def load_pipeline(folder: Path, opening: Opening) -> Any:
    """The pipeline of a folder, of diffusers' own class.

    Raises:
        BadInput: When its class is unknown or a part cannot be loaded.
        UnsafeCheckpoint: When weights would have to be unpickled.
    """

    sizes = part_sizes(folder, opening)
    with said_loading(folder, sizes, opening) as advance:

        def load(part: str, origin: list[Any]) -> Any:
            loaded = load_part(folder, part, origin, opening.dtype_of(part), sizes.get(part))
            advance(sizes.get(part, 0), part)
            return loaded

        hush_transformers()
        return assemble(folder, load)


def assemble(folder: Path, load: Callable[[str, list[Any]], Any]) -> Any:
    """Puts the parts of a pipeline together, as its index says.

    Arguments:
        load: Gives a part by its name and by the library and class in the index.

    Raises:
        BadInput: When its class is unknown or a part is missing.
    """
    import diffusers

    index = read_config(folder / INDEX)
    name = str(index.get("_class_name"))
    if name not in FAMILIES:
        raise UnknownName("kind of pipeline", name, FAMILIES)
    parts = {
        part: None if origin is None else load(part, origin)
        for part, origin in parts_of(folder).items()
    }
    options = {
        key: value
        for key, value in index.items()
        if not key.startswith("_") and not isinstance(value, list)
    }
    try:
        return getattr(diffusers, name)(**parts, **options)
    except FAILURES as error:
        raise BadInput(
            f'"{folder}" is not a whole {name} ({first_line(error)}). Save the pipeline again.'
        ) from error


def load_part(
    folder: Path,
    part: str,
    origin: list[Any],
    dtype: "torch.dtype",
    needed: int | None = None,
) -> Any:
    """Loads one part of a folder with the class that the index names.

    Arguments:
        needed: How much memory its weights take, in bytes, where that is known.

    Raises:
        OutOfMemory: When the memory is not enough.
        BadInput: When it cannot be loaded, or its weights are not all there.
        UnsafeCheckpoint: When the weights would have to be unpickled.
    """
    kind: Any = class_of(folder, part, origin)
    if not (folder / part).is_dir():
        raise BadInput(f'"{folder}" has no part "{part}". Save the pipeline again.')
    try:
        if not issubclass(kind, torch.nn.Module):
            return from_folder(kind, folder / part)
        refuse_pickles(folder / part)
        with memory_for(f'the part "{part}" of "{folder}"', needed):
            loaded, report = from_folder(
                kind,
                folder / part,
                use_safetensors=True,
                output_loading_info=True,
                torch_dtype=dtype,
                variant=variant_of(folder / part),
            )
    except FAILURES as error:
        raise BadInput(
            f'The part "{part}" of "{folder}" cannot be loaded ({first_line(error)}). '
            "Save the pipeline again."
        ) from error
    check_loaded(report, folder / part)
    check_numbers(loaded, folder / part)
    return loaded


def check_loaded(report: Mapping[str, Any], folder: Path) -> None:
    """Checks that every weight of a part was in its files, and every weight there in the part."""
    for problem in ("missing", "unexpected"):
        names = sorted(n for n in report[f"{problem}_keys"] if not n.endswith(UNUSED))
        if names:
            raise BadInput(
                f'The weights of "{folder}" do not fit its config.json: {len(names)} {problem}, '
                f'"{names[0]}" among them. Save the pipeline again.'
            )


def schedule_of(scheduler: Any) -> tuple[DiscreteSchedule | FlowSchedule, Prediction]:
    """The schedule that a scheduler of diffusers stands for, and what its network predicts.

    Raises:
        BadInput: When it is neither variance-preserving nor a flow.
    """
    config = getattr(scheduler, "config", {})
    steps = config.get("num_train_timesteps", 1000)
    if not isinstance(steps, int) or steps < 1:
        raise BadInput(
            f"The scheduler was trained with {steps} steps (num_train_timesteps). Write the number "
            "of training steps into scheduler_config.json."
        )
    if "FlowMatch" in type(scheduler).__name__ or config.get("use_flow_sigmas"):
        shift = flow_shift(config)
        if not (math.isfinite(shift) and shift > 0):
            raise BadInput(
                f"The scheduler shifts its flow by {shift}, which is no positive number. Write "
                "that of the model into scheduler_config.json."
            )
        return FlowSchedule(shift, steps), "flow_prediction"
    alphas = getattr(scheduler, "alphas_cumprod", None)
    if alphas is None:
        raise BadInput(
            f'The scheduler "{type(scheduler).__name__}" has no variance-preserving schedule '
            "(alphas_cumprod) and is no flow. Models trained as DDPM, DDIM or flow matching "
            "can be opened."
        )
    known = [kind for kind in get_args(Prediction) if kind != "flow_prediction"]
    prediction = config.get("prediction_type", "epsilon")
    if prediction not in known:
        raise BadInput(
            f'The network predicts "{prediction}" with the scheduler "{type(scheduler).__name__}". '
            f"Models that predict {', '.join(known)} there can be opened."
        )
    _check_alphas(alphas, config, prediction)
    return DiscreteSchedule(alphas.double()), prediction


def _check_alphas(alphas: Tensor, config: Mapping[str, Any], prediction: str) -> None:
    """Checks that a schedule leads from image to noise, and that its network can follow.

    Raises:
        BadInput: When it is no such schedule, or ends in pure noise where noise is predicted.
    """
    usable = bool(((alphas >= 0) & (alphas <= 1)).all()) and len(alphas) > 0  # Not for NaN.
    if not usable or bool((alphas.diff() > 0).any()):
        raise BadInput(
            "The betas of the scheduler are no schedule from image to noise: the share of the "
            "image must be in [0, 1] and must not grow. Mend them in scheduler_config.json."
        )
    if prediction == "epsilon" and (config.get("rescale_betas_zero_snr") or not alphas[-1]):
        raise BadInput(
            "The schedule ends in pure noise (zero terminal signal-to-noise ratio), and the "
            "network is said to predict the noise, from which no image follows there. Correct "
            'prediction_type (most likely "v_prediction") or rescale_betas_zero_snr in '
            "scheduler_config.json."
        )


def flow_shift(config: Mapping[str, Any]) -> float:
    """The shift of a flow: how much of its time goes to much noise.

    Flux samples larger images with a larger shift. Here it is always that of the largest (1024 x
    1024 pixels; 3.16), which is also what Stable Diffusion 3 has (3). The shift only says at which
    noise a time t asks; the network is told the noise itself.
    """
    if config.get("use_dynamic_shifting"):
        shift = float(config["max_shift"])
        return shift if config.get("time_shift_type") == "linear" else math.exp(shift)
    return float(config.get("shift") or config.get("flow_shift") or 1.0)
