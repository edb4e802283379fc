"""DINOv2, CLIP and SigLIP: the image networks of transformers.

Weights are read as safetensors, from a folder or the hub. Images are prepared by transformers' own
processors on Pillow, as preprocessor_config.json says; those of DINOv2 and CLIP cut out the centre.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jaxtyping import Float

from solidmark.cards import EMBEDDERS
from solidmark.data import to_picture
from solidmark.embed.embedder import EmbedderCard, unit_rows
from solidmark.embed.weights import weights_hash
from solidmark.errors import BadInput, NotFound, UnsafeCheckpoint
from solidmark.late import Tensor, torch
from solidmark.models.finding import download
from solidmark.models.memory import move
from solidmark.models.numbers import check_numbers
from solidmark.models.reading import PICKLES, first_line, hush_transformers, read_config
from solidmark.models.sizes import weights_bytes
from solidmark.models.trusted import FAILURES, from_folder
from solidmark.runs import memory_for
from solidmark.types import Image

WANTED = ["config.json", "*processor_config.json", "*.safetensors", "*.safetensors.index.json"]


@dataclass(frozen=True)
class Family:
    """A kind of image network.

    Arguments:
        model: The hub id of the default.
        kinds: The `model_type`s of its configurations.
        network: The class of transformers that computes images only.
        processor: The class of transformers that prepares them.
        row: Which part of the network's answer is the row.
    """

    name: str
    model: str
    kinds: tuple[str, ...]
    network: str
    processor: str
    row: Callable[[Any], Tensor]


FAMILIES = {
    family.name: family
    for family in (
        Family(
            "clip",
            "openai/clip-vit-large-patch14",
            ("clip", "clip_vision_model"),
            "CLIPVisionModelWithProjection",
            "CLIPImageProcessor",
            lambda answer: answer.image_embeds,  # What get_image_features gives.
        ),
        Family(
            "dinov2",
            "facebook/dinov2-base",
            ("dinov2",),
            "Dinov2Model",
            "BitImageProcessor",
            lambda answer: answer.last_hidden_state[:, 0],  # The CLS token.
        ),
        Family(
            "siglip",
            "google/siglip-base-patch16-224",
            ("siglip", "siglip_vision_model"),
            "SiglipVisionModel",
            "SiglipImageProcessor",
            lambda answer: answer.pooler_output,  # What get_image_features gives.
        ),
    )
}


@dataclass(frozen=True)
class Vision:
    """An image network of transformers.

    Arguments:
        network: As transformers loaded it, in evaluation mode.
        card: What stands with its numbers.
    """

    family: Family
    network: Any
    processor: Any
    card: EmbedderCard
    device: str = "cpu"

    def embed(self, images: Sequence[Image]) -> Float[Tensor, "B D"]:
        prepared = [self.prepare(image) for image in images]
        alike = len({values.shape for values in prepared}) == 1
        batches = [torch.cat(prepared)] if alike else prepared
        with torch.inference_mode():
            answers = [self.network(pixel_values=b.to(self.device)) for b in batches]
            rows = torch.cat([self.family.row(answer) for answer in answers])
        return unit_rows(rows, self.card.name)

    def prepare(self, image: Image) -> Float[Tensor, "1 3 h w"]:
        """One image as the network takes it. Grey images become three equal channels."""
        picture = to_picture(image).convert("RGB")
        made: Tensor = self.processor(images=[picture], return_tensors="pt")["pixel_values"]
        return made


def open_vision(family: Family, where: str | None = None, device: str = "cpu") -> Vision:
    """An image network of transformers.

    Arguments:
        family: Which kind it is.
        where: A folder of `save_pretrained` or a hub id; None for the default of the family.
        device: Where it runs.

    Raises:
        NotFound: When nothing is there.
        UnsafeCheckpoint: When the weights would have to be unpickled.
        BadInput: When it is no such network.
    """
    where = where or family.model
    path = Path(where)
    if path.is_file():
        raise BadInput(f'"{where}" is a file. Name a folder of save_pretrained, or a hub id.')
    folder = path if path.is_dir() else download(where, WANTED)
    weights = [*_weights(folder), *sorted(folder.glob("*config.json"))]  # They change rows too.
    config = read_config(folder / "config.json")
    if (kind := config.get("model_type")) not in family.kinds:
        raise BadInput(f'"{where}" is a "{kind}". Name one of {family.name}, as {family.model}.')
    network, processor = _loaded(family, folder, config, device)
    paper = EMBEDDERS[family.name].paper
    card = EmbedderCard(family.name, where, weights_hash(weights), None, 0, paper)
    opened = Vision(family, network, processor, card, device)
    grey = torch.full((3, 32, 32), 0.5)
    height, width = opened.prepare(grey).shape[-2:]
    card = replace(
        card,
        input_size=height if height == width else None,
        dimensions=opened.embed([grey]).shape[1],
        preparation=_preparation(processor),
    )
    return replace(opened, card=card)


def _weights(folder: Path) -> list[Path]:
    """The files of the weights, safetensors all."""
    if not (folder / "config.json").is_file():
        raise NotFound(f'"{folder}" has no config.json. Name a folder of save_pretrained.')
    found = sorted(folder.glob("*.safetensors"))
    if found:
        return found
    if any(child.suffix.lower() in PICKLES for child in folder.iterdir()):
        raise UnsafeCheckpoint(
            f'"{folder}" holds pickled weights, and opening them could run any code. Convert them '
            "where you trust them: AutoModel.from_pretrained(OLD).save_pretrained(NEW)."
        )
    raise BadInput(f'"{folder}" holds no weights (*.safetensors). Save the model again.')


def _loaded(
    family: Family, folder: Path, config: Mapping[str, Any], device: str
) -> tuple[Any, Any]:
    import transformers

    hush_transformers()
    kind = getattr(transformers, family.network)
    # Since transformers 5 the processors on Pillow, which need no torchvision, have their own name.
    named = getattr(transformers, f"{family.processor}Pil", None)
    # A CLIP of both towers says how long its rows are beside the configuration of its image tower.
    told = {name: config[name] for name in ("projection_dim",) if name in config}
    try:
        processor = from_folder(named or getattr(transformers, family.processor), folder)
        with memory_for(f'the model "{folder}"', weights_bytes(folder)):
            network, report = from_folder(
                kind,
                folder,
                use_safetensors=True,
                output_loading_info=True,
                torch_dtype=torch.float32,
                **told,
            )
    except FAILURES as error:
        raise BadInput(
            f'The model "{folder}" cannot be loaded ({first_line(error)}). Save it again.'
        ) from error
    if missing := sorted(report["missing_keys"]):
        raise BadInput(
            f'The weights of "{folder}" do not fit its config.json: {len(missing)} missing, '
            f'"{missing[0]}" among them. Save the model again.'
        )
    check_numbers(network, folder)
    move(network, device, f'the model "{folder}"')
    return network.eval(), processor


def _preparation(processor: Any) -> str:
    """What a processor does, in the order in which it does it."""
    says = processor.to_dict()
    steps = {
        "do_resize": ("size", "resample"),
        "do_center_crop": ("crop_size",),
        "do_rescale": ("rescale_factor",),
        "do_normalize": ("image_mean", "image_std"),
    }
    done = [name for step, names in steps.items() if says.get(step) for name in names]
    return ", ".join(f"{name} {says.get(name)}" for name in done)
