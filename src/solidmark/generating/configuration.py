"""What the jobs that draw have in common: which options make sense, how they are written down."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from solidmark.diffusion import Model
from solidmark.errors import BadInput
from solidmark.marks import Marked
from solidmark.mitigations import Mitigated, Mitigation, to_json
from solidmark.models import Opening, control_samples, open_model


def check_counts(**counts: int | None) -> None:
    """Checks options that count something, by their names.

    Raises:
        BadInput: When one is below 1.
    """
    for name, value in counts.items():
        if value is not None and value < 1:
            raise BadInput(f"--{name.replace('_', '-')} must be 1 or more, not {value}.")


def open_any(model: str, opening: Opening, marked: Marked | None, seed: int) -> Model:
    """Opens a model, or a control that is made of the marked images where there are any."""
    if marked is None:
        return open_model(model, opening)
    return open_model(
        model, opening, control_samples=lambda name: control_samples(marked, name, seed)
    )


def mitigated(model: Model, mitigations: Sequence[Mitigation], seed: int) -> Model:
    """The model under its mitigations, or just the model.

    Raises:
        MissingCapability: When it is not told what a mitigation changes.
    """
    return Mitigated(model, tuple(mitigations), seed) if mitigations else model


def to_plain(configuration: Any) -> dict[str, Any]:
    """A configuration as it stands in the manifest; the folder to write is not a part of it.

    Arguments:
        configuration: A dataclass with the fields `out`, `opening`, and perhaps `mitigations`.
    """
    values = {field.name: getattr(configuration, field.name) for field in fields(configuration)}
    opening: Opening = values.pop("opening")
    values.pop("out")
    values.pop("hash_ids", None)  # The ids say it; where the secret lies may change.
    plain = {k: str(v) if isinstance(v, Path) else v for k, v in values.items()}
    plain |= {**asdict(opening), "loras": list(opening.loras)}
    if "mitigations" in values:
        plain["mitigations"] = [to_json(mitigation) for mitigation in values["mitigations"]]
    return plain
