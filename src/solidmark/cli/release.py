"""`solidmark release MODEL OUT`."""

from pathlib import Path
from typing import Annotated

from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.opening import Model
from solidmark.cli.options import Out

Folder = Annotated[Path | None, "FOLDER"]


@command()
def release(
    asked: Asked,
    model: Model,
    out: Out,
    marked: Annotated[Path, "--marked", "MARKED"],
    audit: Annotated[Path | None, "--audit", "AUDIT"] = None,
    base: Annotated[str | None, "--base", "OWNER/NAME"] = None,
    keys: Annotated[bool, "--keys"] = False,
    name: Annotated[str | None, "--name", "TEXT"] = None,
    license: Annotated[str | None, "--license", "NAME"] = None,
    push_to_hub: Annotated[str | None, "--push-to-hub", "OWNER/NAME"] = None,
    public: Annotated[bool, "--public"] = False,
) -> None:
    """Pack a model for others: weights, card, crop.

    DiffusionPipeline.from_pretrained("OUT") opens it; a LoRA stays one, for load_lora_weights.
    The card has the figures of the audit.

    Example: solidmark release model/ released/ --marked marked/ --audit audit/

    Arguments:
        marked: The marked images that it was trained on.
        audit: An audit of this model with these marks, for the card.
        base: Of a LoRA: what it is added to, as the hub calls it; as its training or its audit
            calls it when not given.
        keys: Pack the keys too: whoever has them can forge marks.
        name: What the model is called; the name of OUT when not given.
        license: License of the weights, as the hub calls it.
        push_to_hub: Upload it into this repository of the hub, private unless --public.
        public: Let everybody see what is uploaded.
    """
    from solidmark.releasing import Release
    from solidmark.releasing import release as pack

    wanted = asked.fill(Release)
    if asked.dry_run:
        return asked.plan(model_name=wanted.name or out.resolve().name)
    pack(wanted)
    asked.save()
    lines = [f"The model, with its card: {out}"]
    lines += [f"On the hub: {push_to_hub}"] if push_to_hub else []
    return asked.answer({"model": str(out)}, *lines)
