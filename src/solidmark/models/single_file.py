"""Opening one .safetensors file, as the first Stable Diffusions and most fine-tunes are passed on.

The file has the weights under the names of the original code, and at times a word on what its
network predicts (`stated`). The rest, sizes, schedule and tokenizers, is that of a pipeline folder
or a hub id: `base_config`, or what diffusers takes the file for. diffusers translates the names.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from solidmark.errors import BadInput, NotFound
from solidmark.late import Tensor, torch
from solidmark.models.finding import find_config
from solidmark.models.index import DENOISERS
from solidmark.models.latent import LatentModel
from solidmark.models.loading import Opening
from solidmark.models.numbers import check_numbers
from solidmark.models.pipelines import assemble, finish, load_part
from solidmark.models.reading import first_line, hush_diffusers, hush_transformers, refuse_pickle
from solidmark.models.restating import follow, require_kind
from solidmark.models.sizes import said_loading, weights_bytes
from solidmark.models.stated import read_statements
from solidmark.models.trusted import FAILURES, class_of, refuse_code
from solidmark.runs import memory_for

DENOISER = "model.diffusion_model."
"""What the names of the denoiser's weights begin with, unless the file holds nothing else."""

FIRST_OF_SD1 = f"{DENOISER}input_blocks.0.0.weight"


def open_single_file(path: Path, opening: Opening) -> LatentModel:
    """Opens a single file as a model.

    Raises:
        UnsafeCheckpoint: When it is a pickle.
        NotFound: When there is no configuration for it.
        BadInput: When it does not hold the whole model that its configuration describes, or says
            of itself what that does not.
    """
    refuse_pickle(path)
    sizes = {DENOISERS[0]: weights_bytes(path, opening.precision)}
    with said_loading(path, sizes, opening) as advance:
        hush_transformers()
        hush_diffusers()
        weights, header = _read(path)
        base = find_base_config(path, weights, opening.base_config)
        stated = read_statements(path, weights, header)
        stated.prediction(opening.prediction)  # What contradicts itself is not loaded first.
        require_kind(stated, base)
        pipe = _load(path, weights, base, opening)
        advance(sum(sizes.values()))
    notes = follow(pipe, stated, base, opening.prediction)
    model = finish(pipe, opening)
    return replace(model, notes=(*notes, *model.notes))


def _load(path: Path, weights: dict[str, Tensor], base: Path, opening: Opening) -> Any:
    """The pipeline of a file, of diffusers' own class, as its configuration has it."""

    def load(part: str, origin: list[Any]) -> Any:
        dtype = opening.dtype_of(part)
        if not issubclass(class_of(base, part, origin), torch.nn.Module):
            return load_part(base, part, origin, dtype)
        return _load_part(path, weights, base, part, origin, dtype)

    return assemble(base, load)


def _read(path: Path) -> tuple[dict[str, Tensor], Mapping[str, str]]:
    """The weights, and the header."""
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load_file

    try:
        with (
            memory_for(f'the file "{path}"', path.stat().st_size),
            safe_open(path, framework="pt") as file,
        ):
            return load_file(path), file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> BadInput:
    """What is said of a file that is cut off, or no safetensors."""
    return BadInput(
        f'The single file "{path}" is not readable as safetensors ({first_line(error)}). '
        "Copy it again, or name a diffusers pipeline folder."
    )


def find_base_config(path: Path, weights: Mapping[str, Tensor], asked: str | None) -> Path:
    """The folder with the configuration of a file.

    Arguments:
        weights: What it holds; only names and shapes are looked at.
        asked: A pipeline folder or a hub id; None = what diffusers takes it for.

    Raises:
        NotFound: When there is none.
        BadInput: When it is no whole model, or the configuration is none.
    """
    from diffusers.loaders.single_file_utils import (
        fetch_diffusers_config,
        infer_diffusers_model_type,
    )

    if asked is not None:
        return find_config(asked)
    # diffusers takes whatever it does not know for Stable Diffusion 1.
    if infer_diffusers_model_type(weights) == "v1" and FIRST_OF_SD1 not in weights:
        raise BadInput(
            f'The single file "{path}" is no whole model that diffusers knows. Name a diffusers '
            "pipeline folder, or the configuration with --base-config; a LoRA goes to --lora."
        )
    where = str(fetch_diffusers_config(weights)["pretrained_model_name_or_path"])
    try:
        return find_config(where)
    except NotFound as error:
        raise NotFound(
            f'The configuration of "{path}" is that of "{where}" on the hub, which cannot be '
            "reached. Give a pipeline folder of the same kind with --base-config."
        ) from error


def _load_part(
    path: Path,
    weights: dict[str, Tensor],
    base: Path,
    part: str,
    origin: list[Any],
    dtype: "torch.dtype",
) -> Any:
    """One network with the weights of the file, or of the base folder where the file has none."""
    from diffusers.loaders.single_file import load_single_file_sub_model
    from diffusers.loaders.single_file_utils import SingleFileComponentError

    if not _can_hold(weights, class_of(base, part, origin)):
        return _lend(path, base, part, origin, dtype)
    refuse_code(base / part)
    try:
        with memory_for(f'the part "{part}" of "{path}"'):
            network = load_single_file_sub_model(
                library_name=origin[0],
                class_name=origin[1],
                name=part,
                checkpoint=weights,
                pipelines=None,
                is_pipeline_module=False,
                cached_model_config_path=str(base),
                local_files_only=True,
                torch_dtype=dtype,
            )
    except SingleFileComponentError:
        return _lend(path, base, part, origin, dtype)
    except FAILURES as error:
        lacking = "meta tensor" in str(error)  # What diffusers finds no weights for stays empty.
        reason = "weights of it are missing" if lacking else first_line(error)
        raise _unfit(path, base, part, reason) from error
    _check_whole(network, weights, path, base, part)
    check_numbers(network, f"{path}: {part}")
    return network


def _lend(path: Path, base: Path, part: str, origin: list[Any], dtype: "torch.dtype") -> Any:
    """The network of the base folder, for a part that the file does not hold."""
    if part in DENOISERS or not any((base / part).glob("*.safetensors")):
        raise BadInput(
            f'The single file "{path}" holds no weights of the part "{part}". '
            "Give a whole pipeline folder with --base-config, which lends the parts that are "
            "missing beside the denoiser."
        )
    return load_part(base, part, origin, dtype)


def _can_hold(weights: Mapping[str, Tensor], kind: type) -> bool:
    """Whether diffusers reads networks of a class from this file; else it would look elsewhere."""
    from diffusers.loaders.single_file_utils import (
        is_clip_model_in_single_file,
        is_t5_in_single_file,
    )

    if hasattr(kind, "from_single_file"):
        return True
    if kind.__name__.startswith("CLIP"):
        return bool(is_clip_model_in_single_file(kind, weights))
    return kind.__name__.startswith("T5") and bool(is_t5_in_single_file(weights))


def _check_whole(
    network: Any, weights: Mapping[str, Tensor], path: Path, base: Path, part: str
) -> None:
    """Checks that the part got all its weights, and that the denoiser left none over.

    diffusers fills in what it finds, and only whispers about the rest.
    """
    missing = [name for name, weight in network.named_parameters() if weight.is_meta]
    if missing:
        raise _unfit(path, base, part, f'{len(missing)} missing, "{missing[0]}" among them')
    if part in DENOISERS:
        # Names are translated and matrices cut and transposed, but every number is kept.
        held = sum(w.numel() for name, w in weights.items() if name.startswith(DENOISER))
        taken = sum(weight.numel() for weight in network.state_dict().values())
        if held > taken:
            raise _unfit(path, base, part, f"{held - taken} numbers of the file are left over")


def _unfit(path: Path, base: Path, part: str, reason: str) -> BadInput:
    return BadInput(
        f'The part "{part}" of the single file "{path}" does not fit the configuration "{base}" '
        f"({reason}). Name its own with --base-config."
    )
