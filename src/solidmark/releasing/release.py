"""Packing a model for others."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from solidmark.errors import BadInput, WrongKeys
from solidmark.marks import Marked, open_marked
from solidmark.models import Opening, model_fingerprints
from solidmark.models.finding import FACTS, find_pipeline
from solidmark.models.reading import PICKLES, read_config, refuse_pickles
from solidmark.models.trusted import refuse_code
from solidmark.releasing.card import card
from solidmark.releasing.cropping import pipeline_code
from solidmark.releasing.pushing import push
from solidmark.runs import Results, fingerprint, open_results, open_run, read_manifest, write_bytes

KEYS = "keys.parquet"
PARTS = ("*.json", "*.safetensors", "*/*.json", "*/*.safetensors", "*/*.txt", "*/*.model")
"""What pipelines are made of: configurations, weights, tokenizers."""


@dataclass(frozen=True)
class Release:
    """What is packed.

    Arguments:
        model: A folder of `solidmark train` or of diffusers, or a name on the hub.
        out: The folder to write, as the hub has models.
        marked: The marked images that it was trained on.
        audit: An audit of this model with these marks.
        keys: Whether the keys are packed too.
        name: What it is called; the name of `out` when None.
        license: Of the weights, by its name on the hub ("apache-2.0").
        push_to_hub: A repository of the hub, "owner/name", that it is uploaded into; None = none.
        public: Whether everybody may see what is uploaded.

    Raises:
        BadInput: When something is to be public that is not uploaded.
    """

    model: str
    out: Path
    marked: Path
    audit: Path | None = None
    keys: bool = False
    name: str | None = None
    license: str | None = None
    push_to_hub: str | None = None
    public: bool = False

    def __post_init__(self) -> None:
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
        `pipeline.py` a pipeline of diffusers that cuts the frame off, where there is one.

    Raises:
        NotFound: When something named is not there.
        UnsafeCheckpoint: When the weights are pickles.
        WrongKeys: When model or audit belong to other marks, or the audit to another model.
        BadInput: When it is no pipeline, or would bring code of its own.
        RunConflict: When the folder holds another release.
    """
    pack(wanted)
    if wanted.push_to_hub is not None:
        push(wanted.out, wanted.push_to_hub, public=wanted.public)
    return wanted.out


def pack(wanted: Release) -> None:
    """Writes the folder of `release`."""
    marked = open_marked(wanted.marked)
    folder = find_pipeline(wanted.model)
    refuse_code(folder)
    for part in (one for one in folder.iterdir() if one.is_dir()):
        if any(path.suffix in (*PICKLES, ".safetensors") for path in part.iterdir()):
            refuse_pickles(part)
    facts = read_config(folder / FACTS) if (folder / FACTS).is_file() else {}
    prints = model_fingerprints(wanted.model, Opening())
    audit = None if wanted.audit is None else open_results(wanted.audit)
    _require_same(wanted, marked, facts.get("marked"), audit, prints)
    found = {**prints, **marked.fingerprints()}
    if audit is not None:
        found["audit"] = fingerprint(audit.folder / "results.json")
    asked = {"keys": wanted.keys, "name": wanted.name, "license": wanted.license}
    run = open_run(wanted.out, "release", asked, found)
    if run.finished:
        return
    index = folder / "model_index.json"
    kind = str(read_config(index)["_class_name"]) if index.is_file() else "DDPMPipeline"
    products = list(_copied(folder, wanted.out))
    name = wanted.name or wanted.out.resolve().name
    text = card(name, kind, facts, marked, audit, keys=wanted.keys, license=wanted.license)
    write_bytes(wanted.out / "README.md", text.encode())
    if code := pipeline_code(kind, marked):
        write_bytes(wanted.out / "pipeline.py", code.encode())
        products.append("pipeline.py")
    if wanted.keys:
        (wanted.out / "keys").mkdir(exist_ok=True)
        # Written as all of ours: for its owner alone.
        write_bytes(
            wanted.out / "keys" / "keys.parquet", (wanted.marked / "keys.parquet").read_bytes()
        )
        products.append("keys")
    run.finish("README.md", *products)


def _require_same(
    wanted: Release,
    marked: Marked,
    trained_on: object,
    audit: Results | None,
    prints: dict[str, str],
) -> None:
    own = str(marked.manifest["keys"])
    if trained_on not in (None, own):
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
    if read.get("model") != prints.get("model"):
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
