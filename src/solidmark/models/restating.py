"""Opening a single file as it says of itself, where the configuration of its family says otherwise.

.. math:: \\sqrt{\\bar\\alpha'_t} = \\frac{\\sqrt{\\bar\\alpha_1}}{\\sqrt{\\bar\\alpha_1} -
    \\sqrt{\\bar\\alpha_T}} (\\sqrt{\\bar\\alpha_t} - \\sqrt{\\bar\\alpha_T})

is the schedule that ends in pure noise; diffusers makes it (`rescale_betas_zero_snr`).
"""

import inspect
from pathlib import Path
from typing import Any

from solidmark.diffusion import Prediction
from solidmark.errors import BadInput
from solidmark.models.index import kind_of
from solidmark.models.stated import Stated
from solidmark.models.usual import compare_with_family
from solidmark.models.vae import factor_of


def require_kind(stated: Stated, base: Path) -> None:
    """Checks that a file and its configuration are of one family, before weights are loaded.

    Raises:
        BadInput: When the file names another one.
    """
    name = kind_of(base)
    if stated.kind not in (None, name):
        raise BadInput(
            f'The single file "{stated.path}" says that it is a {stated.kind} '
            f'("modelspec.architecture"), and the configuration "{base}" is that of a {name}. '
            "Name its own with --base-config."
        )


def follow(pipe: Any, stated: Stated, base: Path, asked: str | None) -> tuple[str, ...]:
    """Changes a pipeline to what its file states.

    Arguments:
        pipe: A pipeline of diffusers; it is changed.
        asked: What the user says that the network predicts.

    Returns:
        What whoever reads the answers must know: where they differ.

    Raises:
        BadInput: When the file contradicts itself, or its configuration is of a flow and it is not.

    References:
        Lin et al., 2024, Algorithm 1.
    """
    notes = [*stated.notes, *compare_with_family(pipe, stated, base)]
    prediction = stated.prediction(asked)
    if asked is not None and any(asked != said for said in stated.said().values()):
        notes.append(
            f'"{stated.path}" says what its network predicts ({stated}); it is opened as one that '
            f"predicts {asked}, as asked."
        )
    if prediction is not None:
        notes += _reschedule(pipe, stated, prediction, base, by_user=asked is not None)
    return (*notes, *_resize(pipe, stated, base))


def _reschedule(
    pipe: Any, stated: Stated, prediction: Prediction, base: Path, *, by_user: bool
) -> list[str]:
    """Gives the pipeline the scheduler that its file is for."""
    schedule = pipe.scheduler
    flow = "FlowMatch" in type(schedule).__name__ or schedule.config.get("use_flow_sigmas")
    if flow or prediction == "flow_prediction":
        if flow and prediction == "flow_prediction":
            return []
        raise BadInput(
            f'The single file "{stated.path}" is of a network that predicts {prediction}, and the '
            f'configuration "{base}" is {"" if flow else "not "}that of a flow. Name its own with '
            "--base-config."
        )
    before = schedule.config.get("prediction_type", "epsilon")
    changes: dict[str, Any] = {}
    if before != prediction:
        changes["prediction_type"] = prediction
    if stated.zero_snr is not None and prediction != "epsilon":
        changes |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    if changes:
        pipe.register_modules(scheduler=_with(schedule, changes))
    if before == prediction or by_user:
        return []
    return [
        f'"{stated.path}" says that its network predicts otherwise ({stated}) than the '
        f'configuration "{base}" ({before}). The file is followed.'
    ]


def _with(scheduler: Any, changes: dict[str, Any]) -> Any:
    """The same scheduler with changes; DDIM's with its betas, where it cannot have them."""
    from diffusers import DDIMScheduler

    kind: Any = type(scheduler)
    if set(changes) - set(inspect.signature(kind.__init__).parameters):
        kind = DDIMScheduler
    return kind.from_config(scheduler.config, **changes)


def _resize(pipe: Any, stated: Stated, base: Path) -> list[str]:
    """Gives a U-Net the size that its file was made for; the size changes nothing else of it."""
    network = pipe.components.get("unet")
    size = None if network is None else network.config.get("sample_size")
    if stated.size is None or not size:
        return []
    factor = factor_of(pipe.vae)
    before = (size, size) if isinstance(size, int) else tuple(size)
    after = tuple(side // factor for side in stated.size)
    if after == before or not all(after):
        return []
    network.register_to_config(sample_size=after)
    there = " x ".join(str(side * factor) for side in before)
    here = " x ".join(map(str, stated.size))
    return [
        f'"{stated.path}" says that it was made for {here} pixels ("modelspec.resolution"), the '
        f'configuration "{base}" says {there}. The file is followed.'
    ]
