"""What a caller gives, as the configurations want it: live models and images become folders.

A result must be able to say what it looked at. So what has no path is written into the folder of
the result first, as anybody would: a pipeline by diffusers, pictures as PNG.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from solidmark.errors import BadInput, BrokenImage, UnknownName
from solidmark.runs import AUTO, using, usual_device

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from solidmark.data import Records
    from solidmark.models import Opening

T = TypeVar("T")

P = ParamSpec("P")

MODEL = "given-model"
"""Where a live model is kept, inside the folder of the result."""


def handed(function: Callable[P, T]) -> Callable[P, T]:
    """A function that takes `engine` too: who does the work, as the command does."""

    @wraps(function)
    def call(*given: P.args, **options: P.kwargs) -> T:
        with using(str(options.pop("engine", AUTO))):
            return function(*given, **options)

    return call


def configured(kind: type[T], out: Path, options: Mapping[str, Any], **given: Any) -> T:
    """A configuration from what a caller gave.

    Arguments:
        kind: The class of the configuration.
        out: The folder of the result.
        options: Fields of it by name, and those of `models.Opening`.
        given: Fields that are set whatever the options say.

    Raises:
        UnknownName: When there is no such option.
    """
    from solidmark.models import Opening

    names = [one.name for one in fields(kind)]  # type: ignore[arg-type]
    opening = [one.name for one in fields(Opening)] if "opening" in names else []
    mine = [name for name in names if name not in ("opening", *given)]
    for name in options:
        if name not in (*mine, *opening, "opening"):
            raise UnknownName("option", name, [*mine, *opening])
    chosen = {name: value for name, value in options.items() if name in names}
    opens = {
        name: value for name, value in options.items() if name in opening and name not in names
    }
    if "device" in names and "device" not in options:
        chosen["device"] = usual_device()
    plain = {name: as_field(name, value, out) for name, value in {**chosen, **given}.items()}
    for one in fields(kind):  # type: ignore[arg-type]
        needed = one.default is MISSING and one.default_factory is MISSING
        if needed and one.name in plain and plain[one.name] is None:
            raise BadInput(f'"{one.name}" is None, and {kind.__name__} needs it.')
    if opening and "opening" not in options:
        plain["opening"] = _opening(opens, str(plain["model"]), out)
    return kind(**plain, **({"out": out} if "out" in names else {}))


def _opening(opens: Mapping[str, Any], model: str, out: Path) -> "Opening":
    """How a model is opened: as is said, and by what fits where nothing is."""
    from solidmark.models import Opening
    from solidmark.models.placing import left_open, placed
    from solidmark.runs import config_of

    left = left_open(opens)
    said = {name: value for name, value in opens.items() if name not in left}
    opening = Opening(**{"device": usual_device(), **said})
    return placed(model, opening, left, config_of(out))


MODELS = ("model",)
IMAGES = ("images", "training", "generated", "held_out", "data")
PARSED = ("mitigations", "perturb")
PATHS = ("marked", "out", "audit", "prompts", "features", "expected", "unrelated_prompts", "cache")


def as_field(name: str, value: Any, out: Path) -> Any:
    """A value as its field wants it: by the field's name.

    Arguments:
        name: Of the field.
        value: What was given.
        out: The folder of the result, where what has no path is kept.
    """
    if value is None:
        return None
    if name in MODELS:
        return model_path(value, out)
    if name in IMAGES and not isinstance(value, float):
        return images_path(value, out, name.replace("_", "-"))
    if name in PARSED:
        return _parsed(name, value)
    if name in PATHS and isinstance(value, str | os.PathLike):
        return Path(value)
    return tuple(value) if isinstance(value, list) else value


def _parsed(name: str, value: Any) -> tuple[Any, ...]:
    """Mitigations and perturbations, one or several, as they are or as a command line has them."""
    from solidmark import mitigations, perturbations

    parse = {"mitigations": mitigations.parse, "perturb": perturbations.parse}[name]
    some = value if isinstance(value, list | tuple) else (value,)
    return tuple(parse(one) if isinstance(one, str) else one for one in some)


def model_path(model: Any, out: Path) -> str:
    """The path or name of a model; a live one is written into the folder of the result.

    Arguments:
        model: A path, a name, a control, a diffusers pipeline, or `(network, scheduler)`.
        out: The folder of the result.

    Raises:
        BadInput: When it is none of these.
    """
    from solidmark.models.live import is_live, keep_model

    return str(keep_model(model, out / MODEL)) if is_live(model) else os.fspath(model)


def images_path(images: Any, out: Path, name: str) -> str:
    """The path or name of images; those that have none are written into the folder of the result.

    Arguments:
        images: A path, a name, or what `data.open_data` takes.
        out: The folder of the result.
        name: What they are to it.

    Raises:
        BadInput: When they are none of these, or hold no images.
        RunConflict: When the folder holds other images of this name.
    """
    if isinstance(images, str | os.PathLike):
        return os.fspath(images)
    return str(keep_images(images, out / f"given-{name}"))


def keep_images(images: Any, out: Path) -> Path:
    """Writes live images as an image folder: PNG files, and captions in `metadata.jsonl`."""
    from solidmark.data import open_data
    from solidmark.runs import open_run, write_bytes

    data = open_data(images)
    state, count = hashlib.sha256(), 0
    for _, line, picture in _readable(data):  # Looked at twice, so that none is held.
        state.update(line + picture.tobytes())
        count += 1
    if not count:
        raise BadInput(f"None of the {len(data):,} images that were given can be read.")
    asked = {"images": count, "broken": len(data) - count}
    run = open_run(out, "keep", asked, {"images": state.hexdigest()[:16]})
    folder = out / "images"
    if not run.finished:
        folder.mkdir(parents=True, exist_ok=True)
        lines = []
        for name, line, picture in _readable(data):
            picture.save(folder / name)
            lines.append(line)
        write_bytes(folder / "metadata.jsonl", b"".join(lines))
        run.finish("images")
    return folder


def _readable(data: "Records") -> "Iterator[tuple[str, bytes, Picture]]":
    """The file name, the line of metadata and the picture of each image that can be read."""
    from solidmark.data import to_picture

    for number, id in enumerate(data.ids):
        try:
            sample = data[number]
        except BrokenImage:
            continue
        name = f"{number:08d}.png"
        told = {"text": sample.caption, "class": sample.label, "group": sample.group}
        line = {"file_name": name, "id": id, **{k: v for k, v in told.items() if v is not None}}
        text = json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n"
        yield name, text.encode("utf-8", "backslashreplace"), to_picture(sample.image)
