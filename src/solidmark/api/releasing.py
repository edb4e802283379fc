"""A model for others."""

import os
from pathlib import Path

from solidmark.api.result import Folder

Where = str | os.PathLike[str]


def release(
    model: Where,
    out: Where,
    *,
    marked: Where,
    audit: Where | None = None,
    base: str | None = None,
    keys: bool = False,
    name: str | None = None,
    license: str | None = None,
    push_to_hub: str | None = None,
    public: bool = False,
) -> Folder:
    """Packs a model as the hub has models: weights, a card with the audit, a crop of the frame.

    Arguments:
        model: A folder of `train` or of diffusers, a name on the hub, or a LoRA: its folder or
            file, of diffusers or kohya.
        out: The folder to write; `DiffusionPipeline.from_pretrained` opens it, `load_lora_weights`
            where it is a LoRA.
        marked: The marked images that it was trained on.
        audit: An audit of this model with these marks, for the card.
        base: Of a LoRA: what it is added to, as the hub calls it; as its training or its audit
            calls it when None.
        keys: Whether the keys are packed too.
        name: What it is called; the name of `out` when None.
        license: Of the weights, by its name on the hub.
        push_to_hub: A repository, "owner/name", to upload it into; nothing is when None.
        public: Whether everybody may see what is uploaded.

    Returns:
        The folder.

    Raises:
        NotFound: When something named is not there.
        WrongKeys: When model, marks and audit do not belong together.
        UnsafeCheckpoint: When the weights are pickles.
        BadInput: When it is neither pipeline nor LoRA, the base of a LoRA has no name that others
            know, or the hub refuses.

    Example:
        released = solidmark.release(model, "released", marked=marked, license="apache-2.0")
    """
    from solidmark.releasing import Release
    from solidmark.releasing import release as pack

    known = None if audit is None else Path(audit)
    asked = (known, base, keys, name, license, push_to_hub, public)
    return Folder(pack(Release(os.fspath(model), Path(out), Path(marked), *asked)))
