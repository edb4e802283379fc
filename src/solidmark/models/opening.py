"""Opening a model by what the user calls it: a folder, a file, a hub id, or an analytic control.

Weights are read as safetensors and nothing is unpickled; no code of a checkpoint is run.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from solidmark.data import Sample
from solidmark.diffusion import Model
from solidmark.errors import BadInput, MissingCapability
from solidmark.models.controls import CONTROLS, control_model
from solidmark.models.finding import find_base, find_pipeline, kind_of
from solidmark.models.loading import Opening
from solidmark.models.lora import find_lora
from solidmark.models.pipelines import FAMILIES, open_pipeline
from solidmark.models.single_file import open_single_file
from solidmark.models.unet import open_unet
from solidmark.runs import check_device, fingerprint


def open_model(
    where: str,
    opening: Opening | None = None,
    *,
    control_samples: Callable[[str], Sequence[Sample]] | None = None,
) -> Model:
    """Opens a model.

    Arguments:
        where: A diffusers pipeline folder, a folder of `solidmark train` (a LoRA is added to the
            base that it was trained on), a .safetensors file, a hub id, or the name of an analytic
            control: `memorizer`, `gaussian`, `average` or `average-per-caption`.
        opening: Where and in what it runs, and what is added to it.
        control_samples: Gives a control, by its name, the images that it is made of.

    Raises:
        NotFound: When nothing is there.
        UnsafeCheckpoint: When the weights would have to be unpickled or code would have to run.
        BadInput: When it is not a model that can be opened.
        MissingCapability: When it has nothing that an option of the opening could change.
    """
    opening = opening or Opening()
    if where in CONTROLS and not Path(where).exists():
        _refuse_extras(opening, f'The control "{where}"')
        if control_samples is None:
            raise BadInput(f'The control "{where}" is made of marked images. Give a marked folder.')
        return control_model(where, control_samples(where))
    check_device(opening.device)
    if Path(where).is_file():
        return open_single_file(Path(where), opening)
    if opening.base_config is not None:
        raise BadInput(
            f'--base-config is the configuration of a single file, and "{where}" is none. '
            "Leave it out."
        )
    trained = find_base(where)
    if trained is not None:
        base, lora = trained
        return open_model(base, replace(opening, loras=(str(lora), *opening.loras)))
    folder = find_pipeline(where)
    if kind_of(folder) in FAMILIES:
        return open_pipeline(folder, opening)
    _refuse_extras(opening, f'The pixel-space model "{where}"')
    return open_unet(folder, opening)


def is_latent(where: str) -> bool:
    """Whether a model works on latents, without opening it.

    Arguments:
        where: As `open_model` takes it.

    Raises:
        NotFound: When nothing is there.
        UnsafeCheckpoint: When it is a pickle.
        BadInput: When it is not a model that can be opened.
    """
    if where in CONTROLS and not Path(where).exists():
        return False
    single = Path(where).is_file() and Path(where).suffix == ".safetensors"
    return single or find_base(where) is not None or kind_of(find_pipeline(where)) in FAMILIES


def model_fingerprints(where: str, opening: Opening) -> dict[str, str]:
    """The hashes of the files that a model is made of, as far as they lie here.

    Arguments:
        where: As `open_model` takes it.
        opening: What is added to it.
    """
    found = {}
    path = Path(where)
    if path.exists() and where not in CONTROLS:
        found["model"] = fingerprint(path / "model" if (path / "model").is_dir() else path)
    for number, lora in enumerate(opening.loras):
        found[f"lora_{number}"] = fingerprint(find_lora(lora))
    base = opening.base_config
    if base is not None and Path(base).is_dir():
        found["base_config"] = fingerprint(Path(base))
    return found


def _refuse_extras(opening: Opening, who: str) -> None:
    """Checks that nothing is asked of a model which has none of the parts that it is about."""
    if opening.extras:
        raise MissingCapability(
            f"{who} has no LoRA, no text encoder and no autoencoder. "
            f"Leave {' and '.join(opening.extras)} out."
        )
