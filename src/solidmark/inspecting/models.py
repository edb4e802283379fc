"""What a model is: a pipeline folder, a part of one, a LoRA, a single file, an embedder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from solidmark.errors import BadInput
from solidmark.inspecting.description import Description
from solidmark.inspecting.weights import is_torchscript, megabytes, millions
from solidmark.models.heads import Head, read_head
from solidmark.runs import command_line, path_word

INDEX, CONFIG, LORA = "model_index.json", "config.json", "pytorch_lora_weights.safetensors"
ADAPTER, FACTS = "adapter_config.json", "solidmark.json"
SCHEDULE = "scheduler_config.json"

FAMILIES = (
    "StableDiffusionPipeline",
    "StableDiffusionXLPipeline",
    "StableDiffusion3Pipeline",
    "FluxPipeline",
    "DiTPipeline",
    "PixArtAlphaPipeline",
    "PixArtSigmaPipeline",
)
"""The latent pipelines that an audit opens; the table of `models` takes seconds to import."""

EMBEDDERS = {"clip": "clip", "clip_vision_model": "clip", "dinov2": "dinov2", "siglip": "siglip"}
"""The embedder that a folder of transformers is, by its `model_type`."""

PICKLES = (".ckpt", ".pt", ".pth", ".bin", ".pkl")
_LIES = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError)
SAVE = "Save the whole model with pipeline.save_pretrained(FOLDER)."
SAFE = "Only safetensors are read: save it again with safe_serialization=True."


def describe_model(path: Path) -> Description | None:
    """What a model is; None where it looks like none.

    Raises:
        BadInput: When it looks like one and is damaged.
    """
    try:
        return _described(path)
    except _LIES as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInput(
            f'"{path}" cannot be described: one of its configurations holds a value of another '
            f"kind than it should ({reason}). Copy the model again."
        ) from error


def _described(path: Path) -> Description | None:
    if path.is_file():
        return _file(path)
    for folder in (path, path / "model"):
        if (folder / INDEX).is_file():
            return _pipeline(path, folder)
        if (folder / LORA).is_file() or (folder / ADAPTER).is_file():
            return _lora_folder(path, folder)
        if (folder / "unet" / CONFIG).is_file():
            return _parts(path, folder)
        if (folder / CONFIG).is_file():
            return _network(path, folder)
    weights = sorted(path.glob("*.safetensors"))
    if len(weights) == 1:
        return _file(weights[0])
    return None


def _audit(*words: object) -> tuple[str, ...]:
    return (command_line("audit", *words),)


def _pipeline(path: Path, folder: Path) -> Description:
    index = _json(folder / INDEX)
    kind = str(index.get("_class_name"))
    parts = [name for name, entry in index.items() if isinstance(entry, list) and any(entry)]
    facts: dict[str, Any] = {"class": kind, **_sizes(folder)}
    networks = [name for name in parts if (folder / name / CONFIG).is_file()]
    facts |= {name: _network_line(folder / name) for name in networks}
    facts |= _schedule(folder) | _made_of(folder, index)
    pixels = "unet" in parts and "vae" not in parts
    flat = pixels and (folder / CONFIG).is_file()  # The first DDPMs: all in one folder.
    lacking = [] if flat else [part for part in parts if not (folder / part).is_dir()]
    if not (kind in FAMILIES or pixels):
        return Description(
            "a pipeline of a kind that cannot be opened",
            facts,
            f"no: {kind} is not among {', '.join(FAMILIES)}, and models of pixels.",
        )
    what = "a diffusion model of pixels" if pixels else "a latent diffusion model"
    missing = ""
    if lacking:
        missing = f'The folder has no "{lacking[0]}", which its {INDEX} names. {SAVE}'
    elif not any(folder.rglob("*.safetensors")):
        missing = f"It has no weights as safetensors. {SAFE}"
    if missing:
        return Description(what, facts, "not yet.", missing)
    how = "yes, of the images that it was trained on, once those are marked."
    command = _audit(path_word(path), "MARKED", "OUT")
    return Description(what, facts, how, next=command)


def _parts(path: Path, folder: Path) -> Description:
    """Folders of parts that no index holds together."""
    facts = {**_sizes(folder), "unet": _network_line(folder / "unet"), **_schedule(folder)}
    if _part(folder, "scheduler").joinpath(SCHEDULE).is_file():
        how = "yes, of the images that it was trained on, once those are marked."
        command = _audit(path_word(path), "MARKED", "OUT")
        return Description("a diffusion model of pixels", facts, how, next=command)
    missing = f"The noise schedule: scheduler/{SCHEDULE}. {SAVE}"
    return Description("a part of a model", facts, "not yet.", missing)


def _network(path: Path, folder: Path) -> Description | None:
    """One network with its configuration."""
    config = _json(folder / CONFIG)
    kind = config.get("_class_name")
    if kind is not None:
        facts = {"class": kind, "weights": _network_line(folder), **_sizes(folder)}
        what = "a part of a model" if "UNet" in str(kind) or "Trans" in str(kind) else "an adapter"
        what = "an autoencoder, a part of a model" if "Autoencoder" in str(kind) else what
        missing = f"The pipeline round it: {INDEX}, noise schedule and the other parts. {SAVE}"
        return Description(what, facts, "not by itself.", missing)
    model_type = config.get("model_type")
    if model_type is None:
        return None
    facts = {"model type": model_type, **_sizes(folder)}
    name = EMBEDDERS.get(str(model_type))
    if name is None:
        missing = f"No command takes a network of the type {model_type}."
        return Description("a network of transformers", facts, "no.", missing)
    words = ("nearest", "GENERATED", "TRAINING", "OUT", "--distance", f"{name}:{path}")
    how = "no, but it compares pictures."
    return Description("an embedder of pictures", facts, how, next=(command_line(*words),))


def _lora_folder(path: Path, folder: Path) -> Description:
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        missing = f"Its weights as safetensors. {SAFE}"
        return Description("an adapter of peft", _sizes(folder), "not yet.", missing)
    facts = _lora_facts(read_head(files[0])) | _sizes(folder)
    base = None
    if (folder / FACTS).is_file():
        base = _json(folder / FACTS).get("base")
    elif (folder / ADAPTER).is_file():
        base = _json(folder / ADAPTER).get("base_model_name_or_path")
    if base and (folder / FACTS).is_file():
        facts["base"] = base
        how = "yes: a LoRA of solidmark train names its base."
        command = _audit(path_word(path), "MARKED", "OUT")
        return Description("LoRA weights", facts, how, next=command)
    return _lora(path, facts, str(base) if base else None)


def _lora(path: Path, facts: Mapping[str, Any], base: str | None) -> Description:
    how = "yes, with the model that it was trained on" + ("." if base else ", as BASE.")
    words = (path_word(base or "BASE"), "MARKED", "OUT", "--lora", path)
    return Description("LoRA weights", facts, how, next=_audit(*words))


def _lora_facts(head: Head) -> dict[str, Any]:
    ranks = sorted(set(head.lora_ranks))
    texts = sum("text_encoder" in name or "lora_te" in name for name in head.tensors)
    facts: dict[str, Any] = {"layers": len(head.lora_ranks), "ranks": ", ".join(map(str, ranks))}
    facts["text encoders"] = "changed too" if texts else "not changed"
    said = head.about.get("ss_sd_model_name") or head.about.get("modelspec.architecture")
    return facts | ({"trained on, as it says": said} if said else {})


def _file(path: Path) -> Description | None:
    suffix = path.suffix.lower()
    size = {"size": megabytes(path.stat().st_size)}
    if suffix == ".safetensors":
        return _safetensors(path, size)
    if suffix == ".onnx":
        words = ("nearest", "GENERATED", "TRAINING", "OUT", "--distance", f"onnx:{path}")
        how = "no, but it may compare pictures, where it makes a vector of an image."
        return Description("an ONNX network", size, how, next=(command_line(*words),))
    if suffix not in PICKLES:
        return None
    if is_torchscript(path):
        words = ("nearest", "GENERATED", "TRAINING", "OUT", "--distance", f"sscd:{path}")
        how = "no, but it compares pictures, where it is SSCD."
        return Description("a TorchScript program", size, how, next=(command_line(*words),))
    missing = f"Weights that can be read without running what is in the file. {SAFE}"
    return Description("a pickle", size, "not as it is.", missing)


def _safetensors(path: Path, size: Mapping[str, Any]) -> Description:
    head = read_head(path)
    facts = {"weights": f"{millions(head.numbers)}, {', '.join(head.dtypes)}", **size}
    if head.lora_ranks:
        return _lora(path, _lora_facts(head) | facts, None)
    if head.has("model.diffusion_model."):
        holds = {
            "denoiser": True,
            "autoencoder": head.has("first_stage_model.", "vae."),
            "text encoders": head.has("cond_stage_model.", "conditioner.", "text_encoders."),
        }
        facts = {"holds": ", ".join(name for name, has in holds.items() if has), **facts}
        how = "yes; --base-config names the pipeline whose configuration it has, where it is not "
        how += "found by itself."
        command = _audit(path_word(path), "MARKED", "OUT")
        return Description("a single file of a latent diffusion model", facts, how, next=command)
    if head.has("down_blocks.", "transformer_blocks.", "double_blocks.", "joint_blocks."):
        how = "with --base-config, a pipeline folder that lends the other parts."
        words = (path_word(path), "MARKED", "OUT", "--base-config", "BASE")
        return Description("a denoiser alone", facts, how, next=_audit(*words))
    missing = "What it is: no names of a diffusion model, nor of a LoRA. " + SAVE
    return Description("weights", facts, "not by themselves.", missing)


def _schedule(folder: Path) -> dict[str, Any]:
    path = _part(folder, "scheduler") / SCHEDULE
    if not path.is_file():
        return {}
    config = _json(path)
    predicts = config.get("prediction_type", "epsilon")
    return {"schedule": f"{config.get('num_train_timesteps', 1000)} steps, predicts {predicts}"}


def _made_of(folder: Path, index: Mapping[str, Any]) -> dict[str, Any]:
    """The pictures that it makes."""
    for name in ("unet", "transformer"):
        path = _part(folder, name) / CONFIG
        if not path.is_file():
            continue
        config = _json(path)
        side, factor = config.get("sample_size"), 1
        vae = folder / "vae" / CONFIG
        if vae.is_file():
            factor = 2 ** (len(_json(vae).get("block_out_channels") or [0]) - 1)
        if not isinstance(side, int | list):
            return {}
        sides = side if isinstance(side, list) else [side, side]
        grey = factor == 1 and config.get("in_channels") == 1
        shape = " x ".join(str(int(length) * factor) for length in sides)
        return {"pictures": f"{shape} pixels, in {'grey' if grey else 'colour'}"}
    return {}


def _network_line(folder: Path) -> str:
    """The weights of a part, or its kind where it has none."""
    files = sorted(folder.glob("*.safetensors"))
    whole = [path for path in files if ".fp16" not in path.name]  # Else the same ones twice.
    heads = [read_head(path) for path in whole or files]
    if not heads:
        return "no safetensors" if any(folder.glob("*.bin")) else "no weights"
    kept = sorted({dtype for head in heads for dtype in head.dtypes})
    return f"{millions(sum(head.numbers for head in heads))} weights, {', '.join(kept)}"


def _sizes(folder: Path) -> dict[str, str]:
    return {"size": megabytes(sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()))}


def _part(folder: Path, name: str) -> Path:
    """Where a part lies: in its own folder, or (the first DDPMs) beside the rest."""
    return folder / name if (folder / name).is_dir() else folder


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f'"{path}" is not readable JSON. Copy the model again.') from error
    if not isinstance(found, dict):
        raise BadInput(f'"{path}" holds no names and values. Copy the model again.')
    return found
