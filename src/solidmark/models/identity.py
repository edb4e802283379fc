"""What a model is recognised by: all files that its name pulls in, wherever they lie.

A run is the same only while these are. The name of a model may be that of a LoRA, whose base lies
elsewhere; of a file, whose configuration does; or of the hub, where a name can come to mean other
weights.
"""

from collections.abc import Callable, Iterable
from fnmatch import fnmatch
from pathlib import Path

from solidmark.errors import BadInput, NotFound
from solidmark.late import Tensor, torch
from solidmark.models.controls import CONTROLS
from solidmark.models.finding import CONFIGS, UNWANTED, WANTED, download, find_base, find_pipeline
from solidmark.models.index import INDEX, parts_of
from solidmark.models.loading import Opening
from solidmark.models.lora import find_lora
from solidmark.models.lora_file import BESIDE
from solidmark.models.reading import PICKLES, loaded_weights
from solidmark.models.single_file import find_base_config, unreadable
from solidmark.runs import (
    Processes,
    fingerprint,
    fingerprint_files,
    read_manifest,
    say,
    visible_files,
)
from solidmark.runs.contents import damage

CONFIG = "config.json"
WEIGHTS_ENDINGS = PICKLES | {
    *(".safetensors", ".onnx", ".onnx_data", ".msgpack", ".h5", ".ot", ".gguf", ".pb", ".tflite"),
}
"""How files of weights are called, of whatever library."""


def model_fingerprints(where: str, opening: Opening) -> dict[str, str]:
    """The hashes of all files that a model is made of.

    Arguments:
        where: As `open_model` takes it. A name under which nothing is found, as that of a model in
            memory, has none.
        opening: What is added to it.

    Returns:
        `model`; where it is a LoRA of `solidmark train`, `base` and those between them,
        `base_lora_0` first; `base_config` of a single file, whether it was named or not; `lora_0`
        and so on of those that are added.

    Raises:
        BadInput: When a LoRA leads back to itself, or what is named cannot be read.
    """
    found: dict[str, str] = {}
    if where not in CONTROLS or Path(where).exists():
        base, own = find_base(where)
        for made in (base, *map(str, own)):
            _say_what_changed(Path(made))
        for number, lora in enumerate(own[:-1]):
            found[f"base_lora_{number}"] = fingerprint(lora)
        if own:
            found["model"] = fingerprint(own[-1])
        found |= _of_model(base, "base" if own else "model", opening.base_config)
    for number, name in enumerate(opening.loras):
        found[f"lora_{number}"] = lora_fingerprint(find_lora(name))
    return found


def _say_what_changed(where: Path) -> None:
    """Says of a model of `solidmark train` whose weights are others now.

    They may be: weights are the user's to change, and the run knows them by their hash as they are.
    But a bit that was turned over on a disk looks the same, so nobody shall overlook it.
    """
    for folder in (where, where.parent):
        try:
            manifest = read_manifest(folder)
        except (NotFound, BadInput):  # Not ours, or no folder of a run.
            continue
        if manifest["command"] != "train" or not manifest.get("finished"):
            continue
        found = damage(folder, manifest, pictures=False)
        others = (name for name in found.changed if Path(name).suffix in WEIGHTS_ENDINGS)
        lost = [name for name in others if name.startswith("model/")]
        if lost and Processes.here().is_main:
            more = f" and {len(lost) - 1} more" if lost[1:] else ""
            say(
                f'"{folder / lost[0]}"{more} is not what solidmark train wrote: what follows is of '
                "the model as it is now.",
                error=True,
            )


def pipeline_fingerprint(where: str) -> str:
    """The hash of the pipeline that a name means.

    Arguments:
        where: A pipeline folder, a folder of `solidmark train`, or a hub id.

    Raises:
        NotFound: When nothing is there.
        BadInput: When it is no pipeline.
    """
    folder = find_pipeline(where)
    return _fingerprint(folder, None if Path(where).is_dir() else WANTED)


def network_fingerprint(where: str, wanted: Iterable[str]) -> str:
    """The hash of a folder, or of what is fetched of a hub id, that is no pipeline.

    Arguments:
        where: What the user calls it.
        wanted: Patterns of the names of the files that are fetched.

    Raises:
        NotFound: When nothing is there.
    """
    patterns = list(wanted)
    here = Path(where)
    if here.is_dir():
        return _fingerprint(here, None)
    return _fingerprint(download(where, patterns), patterns)


def _fingerprint(folder: Path, wanted: Iterable[str] | None) -> str:
    """The hash of what of a folder is read: all of it, but for weights that nothing loads.

    Arguments:
        wanted: Of a snapshot of the hub, patterns of the names of the files that are fetched, as
            the hub's own filter takes them; what else lies there is somebody else's.
    """
    found = list(visible_files(folder))
    if wanted is not None:
        patterns = list(wanted)
        names = {path: path.relative_to(folder).as_posix() for path in found}
        found = [
            path
            for path, name in names.items()
            if any(fnmatch(name, one) for one in patterns)
            and not any(fnmatch(name, one) for one in UNWANTED)
        ]
    return fingerprint_files(folder, filter(_is_loaded(folder), found))


def _is_loaded(folder: Path) -> Callable[[Path], bool]:
    """Whether a file of a model folder is read when the model is opened.

    Of weights these are the safetensors of one variant, of the parts that are loaded: neither the
    others (`fp16` beside plain ones) nor pickles, nor files of other libraries, nor whole models
    beside the parts. All that is no weights counts.
    """
    loaded: dict[Path, set[Path]] = {}
    parts = None
    if (folder / INDEX).is_file():
        parts = {folder / name for name, origin in parts_of(folder).items() if origin is not None}
        if not any((part / CONFIG).is_file() for part in parts):  # The first DDPMs: all in one.
            parts = {folder}

    def is_loaded(path: Path) -> bool:
        if path.suffix.lower() not in WEIGHTS_ENDINGS:
            return True
        where = path.parent
        if path.suffix.lower() != ".safetensors" or (parts is not None and where not in parts):
            return False
        if where not in loaded:
            try:
                loaded[where] = set(loaded_weights(where))
            except BadInput:  # Whoever opens it says what is wrong.
                loaded[where] = set(where.glob("*.safetensors"))
        return path in loaded[where]

    return is_loaded


def _of_model(where: str, key: str, base_config: str | None) -> dict[str, str]:
    """The hash of a folder, a hub name or a file, and of the file's configuration."""
    path = Path(where)
    if not path.is_file():
        try:
            return {key: pipeline_fingerprint(where)}
        except NotFound:
            return {}
    config = find_base_config(path, _shapes(path), base_config)
    here = base_config is not None and Path(base_config).is_dir()
    print_of_config = _fingerprint(config, None if here else CONFIGS)
    return {key: fingerprint(path), "base_config": print_of_config}


def lora_fingerprint(path: Path) -> str:
    """The hash of a file of LoRA weights, and of the strengths that may lie beside it."""
    beside = path.with_name(BESIDE)
    if not beside.is_file():
        return fingerprint(path)
    return fingerprint_files(path.parent, (path, beside))


def _shapes(path: Path) -> dict[str, Tensor]:
    """The tensors of a file, without their numbers."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return {
                name: torch.empty(file.get_slice(name).get_shape(), device="meta")
                for name in file.keys()  # noqa: SIM118
            }
    except (OSError, SafetensorError) as error:
        raise unreadable(path, error) from error
