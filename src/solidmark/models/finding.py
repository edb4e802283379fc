"""Where the files of a model are: a folder here, or a snapshot of the hub."""

from pathlib import Path

from solidmark.errors import BadInput, NotFound
from solidmark.models.index import INDEX, kind_of
from solidmark.models.lora import WEIGHTS
from solidmark.models.lora_file import is_lora
from solidmark.models.pipelines import FAMILIES
from solidmark.models.reading import read_config, refuse_pickle
from solidmark.runs import asking_the_hub

SCHEDULER = "scheduler_config.json"
FACTS = "solidmark.json"
"""What `solidmark train` writes beside a model."""

WANTED = [
    "*.json",
    "*/*.safetensors",
    "*/*.txt",
    "*/*.model",
    "diffusion_pytorch_model*.safetensors",
]
UNWANTED = ["*.fp16.*", "*.non_ema.*", "safety_checker/*"]
CONFIGS = ["*.json", "*/*.txt", "*/*.model"]


def find_pipeline(where: str) -> Path:
    """The folder of a pipeline: a path, or what the hub gives.

    Arguments:
        where: A pipeline folder, a folder of `solidmark train`, or a hub id.

    Raises:
        NotFound: When nothing is there.
        UnsafeCheckpoint: When it is a pickle.
        BadInput: When it is no pipeline.
    """
    path = Path(where)
    if path.is_file():
        refuse_pickle(path)
        raise BadInput(f'"{where}" is a single file. Name a diffusers pipeline folder.')
    if not path.is_dir():
        return find_pipeline(str(download(where, WANTED)))
    for folder in (path, path / "model"):
        if kind_of(folder) in FAMILIES:
            return folder
        if (part_of(folder, "unet") / "config.json").is_file() and (
            part_of(folder, "scheduler") / SCHEDULER
        ).is_file():
            return folder
    if any((folder / WEIGHTS).is_file() for folder in (path, path / "model")):
        raise BadInput(
            f'"{where}" holds LoRA weights alone. Name the model that they were trained on, '
            "and this folder with --lora."
        )
    if (path / "config.json").is_file() and not (path / "unet").exists():
        raise BadInput(
            f'"{where}" is a bare network without its noise schedule. '
            "Name the pipeline folder above it, with unet/ and scheduler/ inside."
        )
    raise BadInput(
        f'"{where}" is not a diffusers pipeline: unet/config.json and scheduler/{SCHEDULER} are '
        "needed inside. Save one with pipeline.save_pretrained(FOLDER)."
    )


def find_base(where: str) -> tuple[str, tuple[Path, ...]]:
    """The model that LoRAs of `solidmark train` were trained on, and the folders of these LoRAs.

    Arguments:
        where: What the user calls the model; one that is no such LoRA is its own base.

    Returns:
        The base, and the LoRAs in the order in which they are added to it.

    Raises:
        BadInput: When a LoRA leads back to itself.
    """
    loras: list[Path] = []
    while (found := _trained_on(where)) is not None:
        if any(found[1].samefile(lora) for lora in loras):
            raise BadInput(
                f'The LoRA "{found[1]}" is said to be trained on itself (base in '
                f'"{found[1] / FACTS}"). Correct base, or name the model and this folder with '
                "--lora."
            )
        where, lora = found
        loras.append(lora)
    return where, tuple(reversed(loras))


def _trained_on(where: str) -> tuple[str, Path] | None:
    """The base of a LoRA of `solidmark train`, and the folder of the LoRA; None for all else."""
    for folder in (Path(where), Path(where) / "model"):
        if (folder / WEIGHTS).is_file() and (folder / FACTS).is_file():
            base = read_config(folder / FACTS).get("base")
            return None if base is None else (str(base), folder)
    return None


def find_alone(where: str) -> Path | None:
    """The file of LoRA weights that a path names, where it names a LoRA and no pipeline.

    Arguments:
        where: A .safetensors file, a folder with one, or a folder of `solidmark train`; anything.
    """
    path = Path(where)
    if path.is_file():
        return path if is_lora(path) else None
    folders = (path, path / "model")
    if any((folder / INDEX).is_file() for folder in folders):
        return None
    for folder in folders:
        if (folder / WEIGHTS).is_file():
            return folder / WEIGHTS
    found = [*path.glob("*.safetensors")] if path.is_dir() else []
    return found[0] if len(found) == 1 and is_lora(found[0]) else None


def find_config(where: str) -> Path:
    """The folder of a pipeline's configuration, whether or not its weights are there.

    Arguments:
        where: A pipeline folder or a hub id; of the hub, only small files are fetched.

    Raises:
        NotFound: When nothing is there.
        BadInput: When it is no pipeline folder.
    """
    path = Path(where)
    if path.is_file():
        raise BadInput(f'The configuration "{where}" is a file. Name a diffusers pipeline folder.')
    folder = path if path.is_dir() else download(where, CONFIGS)
    for found in (folder, folder / "model"):
        if (found / INDEX).is_file():
            return found
    raise BadInput(f'"{where}" has no {INDEX}. Name a diffusers pipeline folder or a hub id.')


def part_of(folder: Path, name: str) -> Path:
    """Where a part of a pipeline lies: in its own folder, or (the first DDPMs) beside the rest."""
    return folder / name if (folder / name).is_dir() else folder


def download(where: str, wanted: list[str]) -> Path:
    """Fetches files of a model from the hub.

    Arguments:
        where: The hub id.
        wanted: Patterns of the files' names, safetensors the only weights among them.

    Raises:
        NotFound: When it is no hub id, or the hub does not give them.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    message = (
        f'There is no model "{where}": no such folder here, and the hub gave none (%s). '
        "Check the path or the hub id."
    )
    if where.count("/") != 1 or where.startswith((".", "/", "~")):
        raise NotFound(message % "not a hub id")
    try:
        with asking_the_hub():
            return Path(snapshot_download(where, allow_patterns=wanted, ignore_patterns=UNWANTED))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise NotFound(message % type(error).__name__) from error
