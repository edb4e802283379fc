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
from solidmark.models.finding import find_base, find_pipeline
from solidmark.models.foreseen import META, foresee_control, foresee_pipeline, foresee_unet
from solidmark.models.index import kind_of
from solidmark.models.latent import LatentModel
from solidmark.models.loading import Opening
from solidmark.models.pipelines import FAMILIES, open_pipeline
from solidmark.models.single_file import open_single_file
from solidmark.models.unet import open_unet
from solidmark.runs import Processes, check_device, say


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
        opening: Where and in what it runs, and what is added to it; on the device `meta` it is only
            foreseen: judged by its files, and not loaded.
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
        if opening.device == META:
            return foresee_control(where)
        return control_model(where, control_samples(where))
    if Path(where).is_file():
        if opening.device == META:  # What it is made of, nothing but its weights says.
            opening = replace(opening, device="cpu")
        check_device(opening.device)
        return _said(open_single_file(Path(where), opening))
    for option, what in (
        ("--base-config", opening.base_config and "the configuration"),
        ("--prediction", opening.prediction and "what is predicted by the network"),
    ):
        if what:
            raise BadInput(
                f'{option} is {what} of a single file, and "{where}" is none. Leave it out.'
            )
    base, own = find_base(where)
    if own:
        return open_model(base, replace(opening, loras=(*map(str, own), *opening.loras)))
    folder = find_pipeline(where)
    is_foreseen = opening.device == META
    if not is_foreseen:
        check_device(opening.device)
    if kind_of(folder) in FAMILIES:
        if is_foreseen:
            return foresee_pipeline(folder)
        return _said(open_pipeline(folder, opening))
    _refuse_extras(opening, f'The pixel-space model "{where}"')
    return foresee_unet(folder) if is_foreseen else open_unet(folder, opening)


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
    return single or bool(find_base(where)[1]) or kind_of(find_pipeline(where)) in FAMILIES


def _said(model: LatentModel) -> LatentModel:
    """Says what has to be known of how a model was opened; pages say it too."""
    if Processes.here().is_main:
        for note in model.notes:
            say(note, error=True)
    return model


def _refuse_extras(opening: Opening, who: str) -> None:
    """Checks that nothing is asked of a model which has none of the parts that it is about."""
    if opening.extras:
        raise MissingCapability(
            f"{who} has no LoRA, no text encoder and no autoencoder. "
            f"Leave {' and '.join(opening.extras)} out."
        )
