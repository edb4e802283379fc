"""In what precision a model is opened, and what stays at home, where nobody decided it.

On the CPU all is in single precision, as it always was. On another device, of the ways to open a
model the first is taken whose weights fit into what is free there, with what one image takes that a
gradient is taken through, at the size that the model draws: single precision; denoiser and text
encoders in half precision; the same, with text encoders and autoencoder at home. The autoencoder
stays in single precision: its errors are those of the keys.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from solidmark.errors import BadInput
from solidmark.models.controls import CONTROLS
from solidmark.models.finding import find_base, find_pipeline
from solidmark.models.footprint import bytes_of, of_autoencoder, of_network
from solidmark.models.foreseen import META, Foreseen, foresee_pipeline
from solidmark.models.index import DENOISERS, INDEX
from solidmark.models.loading import Opening, Precision
from solidmark.models.memory import HOME
from solidmark.models.reading import read_config
from solidmark.models.sizes import BYTES, part_sizes, weights_bytes
from solidmark.runs import CURE, Processes, check_device, free_bytes, in_words, say

OPEN = ("precision", "text_precision", "offload")
"""What is decided by what fits, where nobody says it."""
AUTO = "auto"

SHARE = 0.9
"""Of what is free on a device, what a model and one image may take."""
USUAL = 512
"""The side of the images of a model that does not say it."""
_LIES = (BadInput, OSError, LookupError, TypeError, ValueError, ArithmeticError, StopIteration)
"""What a folder raises whose configurations are not what they should be."""


def left_open(values: Mapping[str, Any]) -> list[str]:
    """What of `OPEN` some options leave to what fits."""
    return [name for name in OPEN if values.get(name, AUTO) in (AUTO, None)]


def placed(
    where: str, opening: Opening, left: Collection[str], kept: Mapping[str, Any] | None = None
) -> Opening:
    """Decides what nobody decided, and says in one line what was taken and why.

    Arguments:
        where: The model, as `open_model` takes it.
        opening: How it is opened; what is left open has its default.
        left: Which of `OPEN` nobody decided.
        kept: The configuration of the run that goes on, whose decisions hold; None of a new one.

    Raises:
        BadInput: When there is no such device.
    """
    if kept is not None:
        held = {name: kept[name] for name in left if _is_decided(name, kept.get(name))}
        opening, left = replace(opening, **held), [name for name in left if name not in held]
    if not left or opening.device in (HOME, META) or where in CONTROLS:
        return opening
    check_device(opening.device)
    free = free_bytes(opening.device)
    if free is None:
        return opening
    ways = [
        replace(opening, **{name: value for name, value in way.items() if name in left})
        for way in _ways(opening.device)
    ]
    try:
        folder = _files(where)
        needed = [0 if folder is None else _needed(folder, way) for way in ways]
    except _LIES:  # Whoever opens it says what is wrong.
        return opening
    if not needed[0] or needed[0] <= SHARE * free:
        return opening
    fitting = (way for way, size in zip(ways, needed, strict=True) if size <= SHARE * free)
    taken = next(fitting, ways[-1])
    _say(taken, needed[0], needed[ways.index(taken)], free)
    return taken


def _is_decided(name: str, value: Any) -> bool:
    return isinstance(value, bool) if name == "offload" else value in get_args(Precision)


def _files(where: str) -> Path | None:
    """The pipeline folder or the single file of a model of latents; None of any other."""
    path = Path(where)
    if path.is_file():
        return path if path.suffix == ".safetensors" else None
    folder = find_pipeline(find_base(where)[0])
    return folder if (folder / INDEX).is_file() and (folder / "vae").is_dir() else None


def _ways(device: str) -> Iterator[dict[str, Any]]:
    """The ways to open a model, the most exact first."""
    half = _half(device)
    yield {}
    yield {"precision": half, "text_precision": half}
    yield {"precision": half, "text_precision": half, "offload": True}


def _half(device: str) -> Precision:
    """The half precision of a device: the one with the range of single precision, if it has it."""
    import torch

    if torch.device(device).type != "cuda":
        return "fp16"
    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"


def _needed(path: Path, opening: Opening) -> int:
    """The bytes on the device: of the weights that are there at a time, and of one image."""
    if path.is_file():
        return weights_bytes(path, opening.precision)
    sizes = part_sizes(path, opening)
    denoiser = sum(size for part, size in sizes.items() if part in DENOISERS)
    others = [size for part, size in sizes.items() if part not in DENOISERS]
    weights = denoiser + (max(others, default=0) if opening.offload else sum(others))
    return weights + _image(path, opening) if weights else 0


def _image(folder: Path, opening: Opening) -> int:
    """The bytes of one image with its gradient, at the size that the model draws."""
    foreseen: Any = foresee_pipeline(folder)
    assert isinstance(foreseen, Foreseen)
    size = foreseen.sample_size or (USUAL, USUAL)
    part = next(name for name in DENOISERS if (folder / name).is_dir())
    cells = size[0] // foreseen.factor, size[1] // foreseen.factor
    return bytes_of(
        of_autoencoder(read_config(folder / "vae" / "config.json"), size),
        of_network(read_config(folder / part / "config.json"), cells),
        (BYTES[opening.vae_precision], BYTES[opening.precision]),
        "images",
    )


def _say(taken: Opening, whole: int, needed: int, free: int) -> None:
    if not Processes.here().is_main:
        return
    how = f"network {taken.precision}, text encoders {taken.text_precision}"
    at_home = ", text encoders and autoencoder on the CPU while not needed" if taken.offload else ""
    line = (
        f'On "{taken.device}" {in_words(free)} are free, and in single precision {in_words(whole)} '
        f"would be needed: {how}{at_home} (--precision, --text-precision and --offload decide it)."
    )
    if needed > SHARE * free:
        line += f" Even so {in_words(needed)} are needed. {CURE}"
    say(line, error=True)
