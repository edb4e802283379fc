"""Packing a model for others."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solidmark.errors import BadInput, WrongKeys
from solidmark.marks import Marked, open_marked
from solidmark.models import Opening, model_fingerprints
from solidmark.models.finding import FACTS, find_alone, find_pipeline
from solidmark.models.numbers import check_tensors
from solidmark.models.reading import PICKLES, read_config, refuse_pickles
from solidmark.models.trusted import refuse_code
from solidmark.releasing.card import About, card
from solidmark.releasing.cropping import lora_use, pipeline_code, pipeline_use
from solidmark.releasing.packed import Packed, asked_of, base_of, lora_of, with_base, without_paths
from solidmark.releasing.pushing import push
from solidmark.runs import (
    Results,
    fingerprint,
    open_results,
    open_run,
    read_manifest,
    write_bytes,
    write_json,
)

KEYS = "keys.parquet"
PARTS = ("*.json", "*.safetensors", "*/*.json", "*/*.safetensors", "*/*.txt", "*/*.model")
"""What pipelines are made of: configurations, weights, tokenizers."""


@dataclass(frozen=True)
class Release:
    """What is packed.

    Arguments:
        model: A folder of `solidmark train` or of diffusers, a name on the hub, or a LoRA: its
            folder or file, of diffusers or kohya.
        out: The folder to write, as the hub has models.
        marked: The marked images that it was trained on.
        audit: An audit of this model with these marks.
        base: Of a LoRA: what it is added to, as the hub calls it; None = as its training or its
            audit calls it.
        keys: Whether the keys are packed too.
        name: What it is called; the name of `out` when None.
        license: Of the weights, by its name on the hub ("apache-2.0").
        push_to_hub: A repository of the hub, "owner/name", that it is uploaded into; None = none.
        public: Whether everybody may see what is uploaded.

    Raises:
        BadInput: When something is to be public that is not uploaded, or a base is named of what
            is no LoRA.
    """

    model: str
    out: Path
    marked: Path
    audit: Path | None = None
    base: str | None = None
    keys: bool = False
    name: str | None = None
    license: str | None = None
    push_to_hub: str | None = None
    public: bool = False

    def __post_init__(self) -> None:
        if self.base is not None and find_alone(self.model) is None:
            raise BadInput(
                f'A base is what a LoRA is added to, and "{self.model}" is none. Leave it out.'
            )
        if self.public and self.push_to_hub is None:
            raise BadInput("Only what is uploaded can be public. Name a repository too.")


def release(wanted: Release) -> Path:
    """Packs a model, and uploads it where that is asked for.

    Copies weights and configurations; adds a card, a crop and perhaps the keys. Nothing of the
    training but what the model says of it goes along: no images, no optimizer.

    Arguments:
        wanted: What is packed.

    Returns:
        The folder: `README.md` is the card, with the figures of the audit as metadata;
        `pipeline.py` a pipeline of diffusers that cuts the frame off, where there is one. A LoRA
        stays one, and its card names the base.

    Raises:
        NotFound: When something named is not there.
        UnsafeCheckpoint: When the weights are pickles.
        WrongKeys: When model or audit belong to other marks, or the audit to another model.
        BadInput: When it is neither pipeline nor LoRA, would bring code of its own, has weights
            that are no numbers, or is a LoRA of a base that others cannot find.
        RunConflict: When the folder holds another release.
    """
    pack(wanted)
    if wanted.push_to_hub is not None:
        push(wanted.out, wanted.push_to_hub, public=wanted.public)
    return wanted.out


def pack(wanted: Release) -> None:
    """Writes the folder of `release`."""
    marked = open_marked(wanted.marked)
    marked.require_one_size("release")
    audit = None if wanted.audit is None else open_results(wanted.audit)
    lora = find_alone(wanted.model)
    packed = _pipeline(wanted) if lora is None else lora_of(wanted.model, lora)
    _require_same(wanted, marked, packed, audit)
    base = None if lora is None else base_of(wanted.base, packed, audit)
    found = {**packed.prints, **marked.fingerprints()}
    if audit is not None:
        found["audit"] = fingerprint(audit.folder / "results.json")
    asked = {"keys": wanted.keys, "name": wanted.name, "license": wanted.license}
    asked |= {} if base is None else {"base": base}
    run = open_run(wanted.out, "release", asked, found)
    if run.finished:
        return
    name = wanted.name or wanted.out.resolve().name
    facts = without_paths(packed.facts)
    products: list[str] = []
    if base is None or lora is None:
        kind = packed.kind
        about = About(name, f"A `{kind}`", [*pipeline_use(kind, marked)])
        products += _copied(packed.folder, wanted.out)
        if facts != packed.facts:
            write_json(wanted.out / FACTS, facts)
        if code := pipeline_code(kind, marked):
            write_bytes(wanted.out / "pipeline.py", code.encode())
            products.append("pipeline.py")
    else:
        about = About(
            name,
            f"A LoRA for `{base}`",
            [*lora_use(base, lora.name, marked)],
            base,
            asked_of(audit),
        )
        facts = with_base(facts, base)
        shutil.copyfile(lora, wanted.out / lora.name)
        products.append(lora.name)
        if facts:
            write_json(wanted.out / FACTS, facts)
            products.append(FACTS)
    text = card(about, facts, marked, audit, keys=wanted.keys, license=wanted.license)
    write_bytes(wanted.out / "README.md", text.encode())
    if wanted.keys:
        (wanted.out / "keys").mkdir(exist_ok=True)
        # Written as all of ours: for its owner alone.
        write_bytes(
            wanted.out / "keys" / "keys.parquet", (wanted.marked / "keys.parquet").read_bytes()
        )
        products.append("keys")
    run.finish("README.md", *products)


def _pipeline(wanted: Release) -> Packed:
    """A whole model, which brings no code and no pickles."""
    folder = find_pipeline(wanted.model)
    refuse_code(folder)
    for part in (one for one in folder.iterdir() if one.is_dir()):
        if any(path.suffix in (*PICKLES, ".safetensors") for path in part.iterdir()):
            refuse_pickles(part)
    for path in sorted(folder.glob("*/*.safetensors")):
        check_tensors(_tensors(path), path, size=False, variety=False)
    facts = read_config(folder / FACTS) if (folder / FACTS).is_file() else {}
    index = folder / "model_index.json"
    kind = str(read_config(index)["_class_name"]) if index.is_file() else "DDPMPipeline"
    return Packed(folder, kind, facts, model_fingerprints(wanted.model, Opening()))


def _tensors(path: Path) -> Iterator[tuple[str, Any]]:
    """The weights of a file, one after the other.

    Raises:
        BadInput: When it cannot be read.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            for name in file.keys():  # noqa: SIM118
                yield name, file.get_tensor(name)
    except SafetensorError as error:
        raise BadInput(f'"{path}" cannot be read ({error}). Take another copy.') from error


def _require_same(wanted: Release, marked: Marked, packed: Packed, audit: Results | None) -> None:
    own = str(marked.manifest["keys"])
    if packed.facts.get("marked") not in (None, own):
        raise WrongKeys(
            f'"{wanted.model}" was trained on other marks than those of "{wanted.marked}". Name '
            "the marked folder that it was trained on."
        )
    if audit is None:
        return
    if audit.command != "audit":
        raise BadInput(f'"{wanted.audit}" is no audit. Name a folder of "solidmark audit".')
    read = dict(read_manifest(audit.folder)["fingerprints"])
    if read.get("keys") != own:
        raise WrongKeys(f'"{wanted.audit}" asked for other keys than those of "{wanted.marked}".')
    if not packed.is_asked(read):
        raise WrongKeys(
            f'"{wanted.audit}" is the audit of another model than "{wanted.model}". Audit this one.'
        )


def _copied(folder: Path, out: Path) -> Iterator[str]:
    """Copies what a pipeline is made of; other files stay."""
    for path in sorted({path for pattern in PARTS for path in folder.glob(pattern)}):
        place = out / path.relative_to(folder)
        place.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, place)
        yield place.relative_to(out).as_posix()
