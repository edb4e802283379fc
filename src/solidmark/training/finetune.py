"""Fine-tuning a latent model: its whole denoiser, a LoRA beside it, or a fresh one in its place."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solidmark.cards.recipe import Recipe
from solidmark.data import Sample
from solidmark.errors import BadInput, MissingCapability
from solidmark.late import Tensor, torch
from solidmark.marks import Marked
from solidmark.models import Conditions, LatentModel, Opening
from solidmark.models.fit import check_fit
from solidmark.models.index import DENOISERS, kind_of
from solidmark.models.pipelines import FAMILIES, load_pipeline, to_model
from solidmark.randomness import seeded
from solidmark.training.devices import here
from solidmark.training.latents import encode_shards, open_cache
from solidmark.training.lora import add_lora, save_lora
from solidmark.training.loss import DenoisingLoss
from solidmark.training.network import save_whole, twin
from solidmark.training.pictures import TrainingSet, load_training_set
from solidmark.training.task import Task


@dataclass(frozen=True)
class Base:
    """What is fine-tuned.

    Arguments:
        where: What the user calls it: a folder here, or a hub id.
        origin: The fingerprint of its files.
        pipe: The pipeline of diffusers.
        model: The same as a model.
    """

    where: str
    origin: str
    pipe: Any
    model: LatentModel

    @property
    def part(self) -> str:
        """The name of the denoiser in the pipeline."""
        return next(name for name in DENOISERS if name in self.pipe.components)


def open_base(where: str, folder: Path, origin: str, device: "torch.device") -> Base:
    """Opens what is fine-tuned, in single precision.

    Raises:
        BadInput: When it is not a latent pipeline, or not whole.
    """
    if kind_of(folder) not in FAMILIES:
        raise BadInput(
            f'"{where}" is not a latent pipeline. Fine-tune one of {", ".join(FAMILIES)}, or train '
            "a model of pixels from scratch, without --base."
        )
    pipe = load_pipeline(folder, Opening())
    for part in pipe.components.values():
        if hasattr(part, "register_to_config"):
            # It is saved with the part; without this it would be a path of this machine.
            part.register_to_config(_name_or_path=where)
    return Base(where, origin, pipe, to_model(pipe, device))


def latent_set(
    base: Base, source: Marked, recipe: Recipe, folder: Path, accelerator: Any
) -> TrainingSet:
    """The training images as latents, with what the network is told of them.

    Autoencoder and text encoders have nothing to do after it, so they leave the device.

    Arguments:
        recipe: Says whether they are mirrored, and whether captions are left out.
        accelerator: Of accelerate; its processes share the work.

    Raises:
        BadInput: When sizes or captions do not fit the model.
        MissingCapability: When captions are to be left out and the model cannot do without.
    """
    model = base.model
    check_fit(model, source.channels, source.marked_size, source)
    images = load_training_set(source, False, memory_bytes=0)
    nothing = None
    if recipe.caption_dropout:
        nothing = _nothing(model, source.sample(images.ids[0]))
    paths = encode_shards(
        folder,
        model,
        source,
        images.ids,
        mirrored=recipe.random_flip,
        origin=base.origin,
        here=here(accelerator),
    )
    for part in base.pipe.components.values():
        if isinstance(part, torch.nn.Module) and part is not model.network:
            part.cpu()
    accelerator.wait_for_everyone()
    cache = open_cache(paths)
    return TrainingSet(
        images.ids,
        cache.latents,
        images.broken,
        cache.conditions,
        cache.mirrored if recipe.random_flip else None,
        nothing,
    )


def _nothing(model: LatentModel, sample: Sample) -> Conditions:
    """One row that says nothing of an image; all images have one size, so any will do."""
    try:
        empty = model.unconditional(model.condition([sample]))
    except MissingCapability as error:
        raise MissingCapability(
            f"{model.family.name} cannot be trained without captions. Use a caption_dropout of 0."
        ) from error
    return empty.map(lambda tensor: tensor.cpu())


def network_of(base: Base, recipe: Recipe) -> Any:
    """The denoiser that is trained, ready to train.

    Raises:
        MissingCapability: When diffusers has no LoRA for models of this kind.
    """
    network = base.model.network
    if recipe.lora_rank and not hasattr(base.pipe, "save_lora_weights"):
        raise MissingCapability(
            f"A {type(base.pipe).__name__} has no LoRA: diffusers has none for it. Leave "
            "lora_rank out, and all of its denoiser is trained."
        )
    if recipe.from_scratch:
        network = fresh(network, recipe.seed)
        base.model.network.cpu()
    network.requires_grad_(True)
    if recipe.lora_rank:
        add_lora(network, recipe)
    if recipe.gradient_checkpointing:
        network.enable_gradient_checkpointing()
    return network.train()


def fresh(network: Any, seed: int) -> Any:
    """A network of the same kind whose weights are a function of the seed.

    References:
        SolidMark (Kriplani et al., 2025), Appendix J.
    """
    with seeded(seed, "weights"):
        return type(network).from_config(network.config).to(network.device)


def latent_task(base: Base, network: Any, recipe: Recipe) -> Task:
    """Denoising latents, saved as a pipeline of the kind of the base, or as a LoRA of it."""
    model = base.model

    def call(shown: Any, z_t: Tensor, time: Tensor, condition: Conditions | None) -> Tensor:
        assert condition is not None
        return model.family.predict(shown, z_t, time, condition)

    loss = DenoisingLoss(model.schedule, model.prediction, call, recipe.snr_gamma)

    def save(folder: Path, weights: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        if recipe.lora_rank:
            path = Path(base.where)
            named = {"base": str(path.resolve()) if path.exists() else base.where}
            save_whole(
                folder,
                lambda to: save_lora(to, base.pipe, base.part, network, weights),
                {**facts, **named},
            )
            return
        pipe = _pipeline(base, twin(network, weights))
        save_whole(folder, lambda to: pipe.save_pretrained(to, safe_serialization=True), facts)

    origin = {"base_print": base.origin}
    steps = model.schedule.steps
    return Task("training", loss, save, steps, origin=origin, live=lambda: _pipeline(base, network))


def _pipeline(base: Base, network: Any) -> Any:
    """The pipeline of a base with another denoiser."""
    parts = {**base.pipe.components, base.part: network}
    options = {
        name: value
        for name, value in base.pipe.config.items()
        if not name.startswith("_") and name not in parts
    }
    return type(base.pipe)(**parts, **options)
