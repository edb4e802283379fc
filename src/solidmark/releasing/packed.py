"""What is packed: a whole model, or a LoRA, which is nothing without its base."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solidmark.cards.recipe import TINY
from solidmark.errors import BadInput
from solidmark.models import Opening, model_fingerprints
from solidmark.models.finding import FACTS
from solidmark.models.identity import lora_fingerprint
from solidmark.models.lora_file import BESIDE, read_lora
from solidmark.models.reading import read_config
from solidmark.runs import Results, fingerprint, read_manifest


@dataclass(frozen=True)
class Packed:
    """A model as it lies here.

    Arguments:
        folder: Where its files are.
        kind: The class of its pipeline in diffusers; empty of a LoRA.
        facts: What its training left beside it; empty of other trainers.
        prints: The hashes of its files, as those of a run.
        alone: The hash of a file of LoRA weights, as audits have it that name it with its base.
    """

    folder: Path
    kind: str
    facts: Mapping[str, Any]
    prints: Mapping[str, str]
    alone: str | None = None

    def is_asked(self, read: Mapping[str, str]) -> bool:
        """Whether an audit asked this model, and nothing added to it.

        Arguments:
            read: The fingerprints of the audit.
        """
        added = [value for name, value in read.items() if name.startswith("lora_")]
        if self.alone is not None and added == [self.alone]:
            return True
        return not added and read.get("model") == self.prints["model"]


def lora_of(where: str, file: Path) -> Packed:
    """A LoRA, which plain diffusers can add.

    Arguments:
        where: What the user calls it.
        file: Its file.

    Raises:
        BadInput: When it cannot be read, or was trained on top of another LoRA.
    """
    read_lora(file)
    folder, alone = file.parent, lora_fingerprint(file)
    if file.with_name(BESIDE).is_file():
        raise BadInput(
            f'"{file}" is a network of peft with its {BESIDE} beside it, which diffusers does not '
            "add. Save it with save_lora_weights of its pipeline first."
        )
    facts = read_config(folder / FACTS) if (folder / FACTS).is_file() else {}
    if not facts:
        return Packed(folder, "", facts, {"model": alone}, alone)
    prints = model_fingerprints(where, Opening()) if Path(where).is_dir() else {}
    if any(name.startswith("base_lora_") for name in prints):
        raise BadInput(
            f'"{where}" was trained on top of another LoRA. Release the model with both merged.'
        )
    return Packed(folder, "", facts, {"model": fingerprint(folder)}, alone)


def base_of(named: str | None, packed: Packed, audit: Results | None) -> str:
    """What a LoRA is added to, as others find it.

    Arguments:
        named: What the user says.
        packed: The LoRA.
        audit: Its audit.

    Raises:
        BadInput: When nobody says it, or it is a path of this machine.
    """
    asked = None if audit is None else audit.config.get("model")
    said = named or packed.facts.get("base") or (asked if asked and _is_name(asked) else None)
    if said is not None and _is_name(str(said)):
        return str(said)
    found = "nothing says which" if said is None else f'"{said}" is none'
    raise BadInput(
        f"A LoRA is released with the name that its base has on the hub, and {found}. Name it, as "
        "OWNER/NAME, with --base (base=)."
    )


def asked_of(audit: Results | None) -> str:
    """To what a LoRA was added in its audit, by the hash of the files, and how strongly."""
    if audit is None:
        return ""
    read = read_manifest(audit.folder)["fingerprints"]
    base, scale = read.get("base", read.get("model")), audit.config.get("lora_scale", 1.0)
    return (
        f"The audit added the LoRA to a base whose files have the fingerprint `{base}`, with a "
        f"scale of {scale:g}."
    )


def with_base(facts: Mapping[str, Any], base: str) -> dict[str, Any]:
    """The facts of a training, where it names its base, with the name that others know."""
    if not facts:
        return {}
    recipe = {**(facts.get("recipe") or {}), "base": base}
    return {**facts, "base": base, "recipe": recipe}


def without_paths(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a training, where a base that lies here has its own name and not its path."""
    recipe = dict(facts.get("recipe") or {})
    base = recipe.get("base")
    if base is None or base == TINY or _is_name(str(base)):
        return dict(facts)
    return {**facts, "recipe": {**recipe, "base": Path(str(base)).name}}


def _is_name(said: str) -> bool:
    return said.count("/") == 1 and not said.startswith((".", "/", "~")) and not Path(said).exists()
