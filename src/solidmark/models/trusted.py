"""What a model folder may say: parts of known classes, and nothing that would run or fetch more.

The libraries read more from a configuration than sizes: code that lies beside it (`auto_map`), a
kernel of the hub for the attention, a loader of another package for numbers that were rounded, an
adapter whose base is fetched from elsewhere. None of it is needed to ask a model.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from solidmark.errors import BadInput, UnsafeCheckpoint
from solidmark.models.reading import LOADING_ERRORS, read_config

LIBRARIES = ("diffusers", "transformers")

FAILURES = (*LOADING_ERRORS, AttributeError, ImportError)
"""What the libraries raise where a folder cannot be loaded."""

PARTS: dict[str, tuple[str, ...]] = {
    "unet": ("UNet2DConditionModel", "UNet2DModel"),
    "transformer": (
        "DiTTransformer2DModel",
        "FluxTransformer2DModel",
        "PixArtTransformer2DModel",
        "SD3Transformer2DModel",
        "Transformer2DModel",
    ),
    "vae": ("AsymmetricAutoencoderKL", "AutoencoderDC", "AutoencoderKL", "AutoencoderTiny"),
    "text_encoder": ("CLIPTextModel", "CLIPTextModelWithProjection", "T5EncoderModel"),
    "tokenizer": ("CLIPTokenizer", "CLIPTokenizerFast", "T5Tokenizer", "T5TokenizerFast"),
}
"""The classes that a part of a pipeline may have; `text_encoder_2` is a `text_encoder`. A scheduler
is any of diffusers'."""

_LAYERS = (
    "layers_per_block layers num_layers num_decoder_layers num_single_layers num_hidden_layers "
    "num_attention_layers transformer_layers_per_block encoder_layers_per_block "
    "decoder_layers_per_block num_encoder_blocks num_decoder_blocks"
)
LAYERS = frozenset(_LAYERS.split())
MOST_LAYERS = 1000
"""The network is built before its weights are read: a million layers take minutes of it."""


def class_of(folder: Path, part: str, origin: Sequence[Any]) -> type:
    """The class of a part, which the index of a pipeline names.

    Raises:
        UnsafeCheckpoint: When it is of a library that is not trusted, or not of this part's kind.
        BadInput: When the library has none such.
    """
    library, name = (*map(str, origin), "", "")[:2]
    if library not in LIBRARIES:
        raise UnsafeCheckpoint(
            f'The part "{part}" of "{folder}" is of "{library}"; only parts of '
            f"{' and '.join(LIBRARIES)} are loaded, since others would run code of the folder."
        )
    kind = part.rstrip("_0123456789")
    if kind == "scheduler":
        return scheduler_class(folder, name)
    if name not in PARTS.get(kind, ()):
        known = f"a {', '.join(PARTS[kind])}" if kind in PARTS else f"one of {', '.join(PARTS)}"
        raise UnsafeCheckpoint(
            f'The part "{part}" of "{folder}" is a "{library}.{name}", which is not loaded: it has '
            f"to be {known}. Save the pipeline again with diffusers."
        )
    found = getattr(__import__(library), name, None)
    if not isinstance(found, type):
        raise BadInput(
            f'The part "{part}" of "{folder}" cannot be loaded ({library} here has no {name}). '
            "Install the version that the pipeline was saved with."
        )
    return found


def scheduler_class(folder: Path, name: str) -> type:
    """The scheduler of diffusers with this name.

    Raises:
        BadInput: When diffusers has none.
    """
    import diffusers

    found = getattr(diffusers, name, None) if name.endswith("Scheduler") else None
    if not isinstance(found, type) or not issubclass(found, diffusers.SchedulerMixin):
        raise BadInput(
            f'The scheduler of "{folder}" is a "{name}", which diffusers here does not have. '
            "Save the pipeline again, or install the version that it was saved with."
        )
    return found


def from_folder(kind: Any, folder: Path, **options: Any) -> Any:
    """What `from_pretrained` of a class gives for a folder, with no code, question or network.

    Arguments:
        kind: A class of diffusers or transformers.
        folder: One part.
        options: Of the class, besides those that keep the door shut.

    Raises:
        UnsafeCheckpoint: When the folder's configuration asks for more than a network.
    """
    refuse_code(folder)
    if kind.__module__.startswith("transformers."):
        options["trust_remote_code"] = False  # Not given, it would be asked on standard input.
    return kind.from_pretrained(folder, local_files_only=True, **options)


def refuse_code(folder: Path) -> None:
    """Refuses a folder whose configuration asks for more than a network.

    Arguments:
        folder: One part: what `from_pretrained` is given.

    Raises:
        UnsafeCheckpoint: When it names code, a kernel, an adapter, or a loader of another package.
        BadInput: When a configuration is not readable.
    """
    if (folder / "adapter_config.json").exists():
        raise UnsafeCheckpoint(
            f'"{folder}" is an adapter, whose model would be fetched from elsewhere. Merge it into '
            "its model where you trust both, and name that."
        )
    for path in sorted(folder.glob("*config.json")):
        for name, value in _entries(read_config(path)):
            if value and name in ("auto_map", "custom_pipelines", "custom_generate"):
                raise UnsafeCheckpoint(
                    f'"{path}" names code of its own ("{name}"), and no code of a folder is run. '
                    "Use a model that the library itself knows, or one saved without it."
                )
            if name.endswith("attn_implementation") and "/" in str(value):
                raise UnsafeCheckpoint(
                    f'"{path}" names the kernel "{value}", and no code of the hub is run. '
                    f'Take "{name}" out of it.'
                )
            if name in LAYERS and _largest(value) > MOST_LAYERS:
                raise BadInput(
                    f'"{path}" asks for {_largest(value):,} layers ("{name}"), and no model has '
                    f"more than {MOST_LAYERS:,}. Get the model again."
                )
            if value and name == "quantization_config":
                raise UnsafeCheckpoint(
                    f'"{path}" is of a model with rounded weights, which another package would '
                    "read. Use the one with weights as they were trained."
                )


def _largest(value: Any) -> int:
    """The largest whole number of a value, however deep; 0 where there is none."""
    if isinstance(value, list | tuple):
        return max(map(_largest, value), default=0)
    return value if isinstance(value, int) else 0


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    """All names and values of a configuration, however deep."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield str(name), inner
            yield from _entries(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _entries(inner)
