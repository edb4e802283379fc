"""What a model can be told: captions, classes, or nothing."""

from typing import Any

from solidmark.diffusion import Model
from solidmark.errors import MissingCapability
from solidmark.mitigations.mitigation import Mitigation, Reembedding
from solidmark.models import LatentModel, PixelModel
from solidmark.models.dit import DiT, class_embedders
from solidmark.models.foreseen import Foreseen


def bare(model: Any) -> Any:
    """The adapter inside whatever was put round it."""
    while hasattr(model, "model"):
        model = model.model
    return model


def tokenizer_of(model: Model) -> Any | None:
    """The tokenizer of a model that draws from captions, the first of several; else None."""
    family = getattr(bare(model), "family", None)
    several = getattr(family, "tokenizers", (None,))
    return getattr(family, "tokenizer", several[0])


def class_width(model: Model) -> int:
    """The width of the embedding of a class; 0 for a model that knows no classes."""
    adapter = bare(model)
    if isinstance(adapter, Foreseen):
        return adapter.classes  # There is an embedding, as wide as its network has it.
    if isinstance(adapter, PixelModel) and adapter.classes:
        return int(adapter.unet.time_embedding.linear_2.out_features)  # Both are added up.
    if isinstance(adapter, LatentModel) and isinstance(adapter.family, DiT):
        return int(class_embedders(adapter.network)[0].embedding_table.embedding_dim)
    return 0


def require_told(model: Model, mitigation: Mitigation) -> None:
    """Checks that a model is told what a mitigation changes.

    Raises:
        MissingCapability: When it is not.
    """
    if tokenizer_of(model) is not None or getattr(bare(model), "captioned", False):
        return
    takes_classes = isinstance(mitigation, Reembedding) and mitigation.takes_classes
    if takes_classes and class_width(model):
        return
    changes = "captions or classes" if takes_classes else "captions"
    told = "classes only" if class_width(model) else "nothing"
    raise MissingCapability(
        f'The mitigation "{mitigation.name}" changes {changes}, but the model is told {told}. '
        "Leave it out, or name a model that is told more."
    )
