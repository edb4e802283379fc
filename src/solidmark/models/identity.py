"""What a model is recognised by: all files that its name pulls in, wherever they lie.

A run is the same only while these are. The name of a model may be that of a LoRA, whose base lies
elsewhere; of a file, whose configuration does; or of the hub, where a name can come to mean other
weights.
"""

from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

from solidmark.errors import NotFound
from solidmark.late import Tensor, torch
from solidmark.models.controls import CONTROLS
from solidmark.models.finding import CONFIGS, UNWANTED, WANTED, download, find_base, find_pipeline
from solidmark.models.loading import Opening
from solidmark.models.lora import find_lora
from solidmark.models.lora_file import BESIDE
from solidmark.models.single_file import find_base_config, unreadable
from solidmark.runs import fingerprint, fingerprint_files, visible_files


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
        for number, lora in enumerate(own[:-1]):
            found[f"base_lora_{number}"] = fingerprint(lora)
        if own:
            found["model"] = fingerprint(own[-1])
        found |= _of_model(base, "base" if own else "model", opening.base_config)
    for number, name in enumerate(opening.loras):
        found[f"lora_{number}"] = lora_fingerprint(find_lora(name))
    return found


def pipeline_fingerprint(where: str) -> str:
    """The hash of the pipeline that a name means.

    Arguments:
        where: A pipeline folder, a folder of `solidmark train`, or a hub id.

    Raises:
        NotFound: When nothing is there.
        BadInput: When it is no pipeline.
    """
    folder = find_pipeline(where)
    return fingerprint(folder) if Path(where).is_dir() else hub_fingerprint(folder, WANTED)


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
    return (
        fingerprint(here) if here.is_dir() else hub_fingerprint(download(where, patterns), patterns)
    )


def hub_fingerprint(folder: Path, wanted: Iterable[str]) -> str:
    """The hash of what is fetched of the hub; what else lies in a snapshot is somebody else's.

    Arguments:
        wanted: Patterns of the names of the files, as the hub's own filter takes them.
    """
    names = {path.relative_to(folder).as_posix(): path for path in visible_files(folder)}
    fetched = (
        path
        for name, path in names.items()
        if any(fnmatch(name, one) for one in wanted)
        and not any(fnmatch(name, one) for one in UNWANTED)
    )
    return fingerprint_files(folder, fetched)


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
    print_of_config = fingerprint(config) if here else hub_fingerprint(config, CONFIGS)
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
