"""What a single file states of itself, which no shape of its weights shows.

Trainers mark a network that predicts v by an empty tensor `v_pred`, and a schedule that ends in
pure noise by `ztsnr`; others write it into the header, by the names of ModelSpec or of kohya's
scripts. What a file says of itself counts for more than the configuration of its family.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from solidmark.diffusion import Prediction
from solidmark.errors import BadInput, UnknownName

SPEC = "modelspec."
"""What the names of ModelSpec begin with in the header."""

PREDICTIONS: dict[str, Prediction] = {
    "epsilon": "epsilon",
    "eps": "epsilon",
    "v": "v_prediction",
    "v_pred": "v_prediction",
    "v_prediction": "v_prediction",
    "sample": "sample",
    "x0": "sample",
    "flow": "flow_prediction",
    "flow_prediction": "flow_prediction",
    "rectified_flow": "flow_prediction",
}
"""The spellings of `modelspec.prediction_type`, a hyphen being an underscore."""

NOISE_LEVELS = ("edm_mean", "edm_std", "edm_vpred.sigma_max", "edm_vpred.sigma_min")
"""Keys of networks that are told the noise in another way, in weights of the same shapes."""

ARCHITECTURES: dict[str, tuple[str, Prediction | None]] = {
    "stable-diffusion-v1": ("StableDiffusionPipeline", None),
    "stable-diffusion-v2-768-v": ("StableDiffusionPipeline", "v_prediction"),
    "stable-diffusion-v2": ("StableDiffusionPipeline", None),
    "stable-diffusion-xl": ("StableDiffusionXLPipeline", None),
    "stable-diffusion-3": ("StableDiffusion3Pipeline", None),
    "stable-diffusion-v3": ("StableDiffusion3Pipeline", None),
    "flux": ("FluxPipeline", None),
}
"""How the names of `modelspec.architecture` begin: the class of the pipeline, and what follows for
the prediction. The first that fits counts."""

NOT_WHOLE = re.compile(r"(lora|lycoris|textual-inversion|control-?net|refiner|inpaint\w*|vae)$")
"""How the name of an architecture ends where a file is another kind of thing."""

WHOLE_RANGE = ("0,999", "0,1000", "1,1000")
LAST_LAYER = ("1", "-1", "last")


@dataclass(frozen=True)
class Stated:
    """What a file states.

    Arguments:
        predictions: What its network predicts, by who says so (words for a message).
        zero_snr: Who says that its schedule ends in pure noise; None when nobody does.
        kind: The class of its pipeline, where the header says so.
        size: The height and width that it was made for, in pixels.
        notes: What it says besides that is not followed here.
    """

    path: Path
    predictions: Mapping[str, Prediction]
    zero_snr: str | None = None
    kind: str | None = None
    size: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()

    def prediction(self, asked: str | None = None) -> Prediction | None:
        """What its network predicts; None where it does not say.

        Arguments:
            asked: What the user says, which counts for more.

        Raises:
            BadInput: When the file contradicts itself, and nobody has decided.
            UnknownName: When there is no such prediction.
        """
        if asked is not None:
            return prediction_called(asked)
        said = self.said()
        if len(set(said.values())) > 1:
            raise BadInput(
                f'The single file "{self.path}" says in several ways what its network predicts: '
                f"{self}. Say which is right with --prediction."
            )
        return next(iter(said.values()), None)

    def said(self) -> dict[str, Prediction]:
        """What its network predicts, by who says so or implies it.

        Noise that nothing is mixed with tells nothing of the image, so a network that predicts the
        noise has no schedule that ends there.
        """
        if self.zero_snr is None or {*self.predictions.values()} - {"epsilon"}:
            return dict(self.predictions)
        return {**self.predictions, self.zero_snr: "v_prediction"}

    def __str__(self) -> str:
        """Says who says what, for a message: `v_prediction by the key "v_pred"`."""
        return ", ".join(f"{value} by {who}" for who, value in self.said().items())


def prediction_called(name: str) -> Prediction:
    """A prediction by its name of diffusers.

    Raises:
        UnknownName: When there is none.
    """
    for known in get_args(Prediction):
        if name == known:
            return PREDICTIONS[name]
    raise UnknownName("prediction", name, get_args(Prediction))


def read_statements(path: Path, keys: Collection[str], header: Mapping[str, str] | None) -> Stated:
    """What a file says of itself.

    Raises:
        BadInput: When it is a part of a model, or is told the noise in a way of its own.

    References:
        Salimans and Ho, 2022 (v); Lin et al., 2024 (schedules that end in pure noise); Stability.AI
        Model Metadata Standard, 1.0.
    """
    header = header or {}
    if found := [key for key in NOISE_LEVELS if key in keys]:
        raise BadInput(
            f'The single file "{path}" is of a network that is told the noise as EDM does it (its '
            f'key "{found[0]}"). Models trained as DDPM, DDIM or flow matching can be opened.'
        )
    kind, implied = _architecture(path, header)
    predictions: dict[str, Prediction] = {}
    if "v_pred" in keys:
        predictions['the key "v_pred"'] = "v_prediction"
    if (told := prediction_in(path, header)) is not None:
        predictions[f'"{SPEC}prediction_type"'] = told
    if header.get("ss_v_parameterization", "").lower() == "true":
        predictions['"ss_v_parameterization"'] = "v_prediction"
    if implied is not None:
        predictions[f'"{SPEC}architecture"'] = implied
    zero_snr = 'the key "ztsnr"' if "ztsnr" in keys else None
    if header.get("ss_zero_terminal_snr", "").lower() == "true":
        zero_snr = zero_snr or '"ss_zero_terminal_snr"'
    size = re.fullmatch(r"\s*(\d+)\s*x\s*(\d+)\s*", header.get(f"{SPEC}resolution", ""))
    return Stated(
        path,
        predictions,
        zero_snr,
        kind,
        None if size is None else (int(size[2]), int(size[1])),  # Width comes first there.
        tuple(_not_followed(path, header)),
    )


def prediction_in(path: Path, header: Mapping[str, str]) -> Prediction | None:
    """What the network predicts that a file is of, or for, by its header; None where it is silent.

    Raises:
        BadInput: When it predicts something else.
    """
    said = header.get(f"{SPEC}prediction_type")
    if said is None:
        return None
    known = PREDICTIONS.get(said.strip().lower().replace("-", "_"))
    if known is None:
        raise BadInput(
            f'"{path}" says that the network predicts "{said}" ("{SPEC}prediction_type"), which is '
            f"none of {', '.join(get_args(Prediction))}. Take a model that predicts one of them."
        )
    return known


def _architecture(path: Path, header: Mapping[str, str]) -> tuple[str | None, Prediction | None]:
    """The class of the pipeline that the header names, and what it says of the prediction."""
    name = f"{SPEC}architecture"
    said = header.get(name, "").strip().lower()
    if NOT_WHOLE.search(said):
        raise BadInput(
            f'The single file "{path}" says that it is a "{said}" ("{name}"), and no whole model '
            "that draws from captions. A LoRA goes to --lora."
        )
    found = (told for begin, told in ARCHITECTURES.items() if said.startswith(begin))
    return next(found, (None, None))


def _not_followed(path: Path, header: Mapping[str, str]) -> Iterator[str]:
    """What would change the answers, and is not done here."""
    times = header.get(f"{SPEC}timestep_range", "").replace(" ", "")
    if times and times not in WHOLE_RANGE:
        yield (
            f'"{path}" was trained on the times {times} only ("{SPEC}timestep_range"); it is asked '
            "at all of them."
        )
    layer = header.get(f"{SPEC}encoder_layer", "").strip()
    xl = "stable-diffusion-xl" in header.get(f"{SPEC}architecture", "")
    if layer and layer not in LAST_LAYER and not (xl and layer == "2"):
        yield (
            f'"{path}" was trained on layer {layer} of its text encoder, counted from the last '
            f'("{SPEC}encoder_layer"); here it is told the last one.'
        )
    if (said := header.get(f"{SPEC}architecture")) and _architecture(path, header)[0] is None:
        yield f'"{path}" is a "{said}" ("{SPEC}architecture"), which is not known here.'
