"""What the published models of a family have, beside which the configuration of a file is laid.

Shapes do not show these numbers, so a configuration of somebody else fits as well.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solidmark.models.stated import Stated

BETAS = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
"""The schedule of every Stable Diffusion before the third."""


@dataclass(frozen=True)
class Usual:
    """The numbers of a family."""

    vae: dict[str, float]
    scheduler: dict[str, Any]


USUAL = {
    "StableDiffusionPipeline": Usual({"scaling_factor": 0.18215}, BETAS),
    "StableDiffusionXLPipeline": Usual({"scaling_factor": 0.13025}, BETAS),
    "StableDiffusion3Pipeline": Usual({"scaling_factor": 1.5305, "shift_factor": 0.0609}, {}),
    "FluxPipeline": Usual({"scaling_factor": 0.3611, "shift_factor": 0.1159}, {}),
}
"""As the configurations say that were published with the models.

References:
    Rombach et al., 2022; Podell et al., 2023; Esser et al., 2024; Black Forest Labs, 2024.
"""


def compare_with_family(pipe: Any, stated: Stated, base: Path) -> tuple[str, ...]:
    """Says where a configuration differs from its family and the file does not confirm it.

    Arguments:
        pipe: The pipeline of the file, before it was changed to what that states.

    Returns:
        One line, or none.
    """
    usual = USUAL.get(type(pipe).__name__)
    if usual is None:
        return ()
    scheduler = dict(usual.scheduler)
    if scheduler and not stated.said():
        scheduler["prediction_type"] = "epsilon"
    found = [
        f"{name} {config.get(name)} (mostly {value})"
        for config, numbers in ((pipe.vae.config, usual.vae), (pipe.scheduler.config, scheduler))
        for name, value in numbers.items()
        if config.get(name) != value
    ]
    if not found:
        return ()
    return (
        f'The configuration "{base}" is not that of most models of its kind: {", ".join(found)}. '
        f'Nothing in "{stated.path}" says which is right, and wrong ones hide what it remembers.',
    )
