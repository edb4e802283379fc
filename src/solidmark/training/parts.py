"""The parts of a tiny text-to-image model: autoencoder, tokenizer, text encoder, empty denoiser.

So that text-to-image models can be trained, fine-tuned and audited where nothing can be
downloaded. All of it is stock diffusers and transformers; the result is an ordinary Stable
Diffusion folder, only small.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from solidmark.cards.recipe import TINY, Recipe
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.marks import Marked, Pattern, mark_again
from solidmark.models import Conditions
from solidmark.models.reading import hush_transformers
from solidmark.models.text import captions, tokenize
from solidmark.models.vae import Vae, factor_of
from solidmark.randomness import seeded, uniform
from solidmark.runs import Run, open_run, progress
from solidmark.training.latents import AT_ONCE
from solidmark.training.network import BETAS, save_whole
from solidmark.training.pictures import TrainingSet, load_training_set
from solidmark.training.trainer import LATEST, begin, require_last_state

FACTOR = 4
"""The pixels along a side of one cell of its latents."""


@dataclass(frozen=True)
class Tokens:
    """The tokens of captions.

    Arguments:
        ids: Of all images, with shape (N, L).
    """

    ids: Tensor

    def __call__(self, numbers: Sequence[int]) -> Conditions:
        from solidmark.training.captions import TOKENS

        return Conditions({TOKENS: self.ids[list(numbers)]})


def train_parts(
    run: Run, source: Marked, recipe: Recipe, accelerator: Any, num_workers: int
) -> str:
    """Trains the parts that are not there yet.

    Arguments:
        run: The run that they are for; they lie in folders of it.
        source: The marked folder. Frames are painted anew, so that no key gets into the parts:
            whatever knows a key in the end has learned it in the denoiser.
        recipe: Its network options say what the denoiser is like, its seed decides all weights.

    Returns:
        The folder of a Stable Diffusion pipeline whose denoiser has learned nothing.

    Raises:
        BadInput: When an image has no caption.
    """
    # Their classes are torch's, which is there only when something is computed.
    from solidmark.training.autoencoder import AUTOENCODER, autoencoder_task, build_autoencoder
    from solidmark.training.captions import CAPTIONS, build_matching, build_tokenizer, captions_task

    folder = run.folder / "base"
    if (folder / "model_index.json").is_file():
        return str(folder)
    hush_transformers()
    images = load_training_set(source, False)
    texts = [captions([source.sample(id)])[0] for id in images.ids]

    def go(name: str, how: Recipe, data: TrainingSet, network: Any, task: Any) -> Path:
        how = replace(how, seed=recipe.seed)
        with accelerator.main_process_first():
            part = open_run(run.folder / name, "train", {"part": name, **how.to_json()})
        if part.lost:
            require_last_state(part)
        if not part.finished:
            network.to(accelerator.device).train()
            training = begin(part, source, how, accelerator, data, network, task)
            training.resume(LATEST)
            training.go(num_workers)
        return part.folder / "model"

    network = build_autoencoder(recipe.seed)
    task = autoencoder_task(network, source.pattern)
    vae = _load_vae(go("autoencoder", AUTOENCODER, images, network, task), accelerator.device)
    latents = _encode(vae, images, source.pattern, recipe.seed)
    scale = float(1 / latents.std())
    tokenizer = build_tokenizer(texts)
    tokens = Tokens(tokenize(tokenizer, texts).input_ids)
    latents *= scale
    told = TrainingSet(images.ids, lambda n: latents[list(n)], images.broken, tokens)
    matching = build_matching(tokenizer, latents.shape[1], recipe.seed)
    encoder = go("text", CAPTIONS, told, matching, captions_task(matching))
    if accelerator.is_main_process:
        # The name would else be a path of this machine.
        vae.register_to_config(scaling_factor=scale, _name_or_path=TINY)
        _assemble(folder, vae.cpu(), tokenizer, encoder, recipe, source.marked_size)
    accelerator.wait_for_everyone()
    return str(folder)


def check_tiny(recipe: Recipe, source: Marked) -> None:
    """Checks that the tiny model can be built for a marked folder.

    Raises:
        BadInput: When its images are grey or cannot be halved so often, or captions would not
            reach the network.
    """
    unit = FACTOR * 2 ** (len(recipe.block_out_channels) - 1)
    if source.channels != 3:
        raise BadInput(
            f"{TINY} draws in colour, the marked images are in grey. {mark_again(source, 'RGB')}"
        )
    if any(side % unit for side in source.marked_size):
        found = " x ".join(map(str, source.marked_size))
        raise BadInput(
            f"{TINY} takes sides that are multiples of {unit} pixels, the marked images have "
            f"{found}. Mark with a resolution and a thickness that give such a size."
        )
    if not recipe.attention_levels and not recipe.mid_attention:
        raise BadInput(
            f"{TINY} is told captions by its attention. Use attention_levels, or mid_attention."
        )


def _load_vae(folder: Path, device: "torch.device") -> Any:
    from diffusers import AutoencoderKL

    vae = AutoencoderKL.from_pretrained(folder, use_safetensors=True)
    return vae.to(device).eval().requires_grad_(False)


def _encode(vae: Any, images: TrainingSet, pattern: Pattern, seed: int) -> Tensor:
    """The latents of all images under frames that mean nothing, before scaling."""
    found = []
    encode = Vae(vae, factor_of(vae)).encode
    with progress("encoding images", len(images.ids)) as advance:
        for start in range(0, len(images.ids), AT_ONCE):
            ids = images.ids[start : start + AT_ONCE]
            shown = images.pictures(range(start, start + len(ids))).float() / 255
            keys = torch.tensor(
                [[uniform(seed, "frame", id, k) for k in range(pattern.count)] for id in ids]
            )
            reframed = pattern.apply(pattern.crop(shown), keys)
            found.append(encode(reframed).cpu() / vae.config.scaling_factor)
            advance(len(ids))
    return torch.cat(found)


def _assemble(
    folder: Path, vae: Any, tokenizer: Any, encoder: Path, recipe: Recipe, size: tuple[int, int]
) -> None:
    """Saves the pipeline, with a denoiser that has learned nothing."""
    from diffusers import DDPMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel

    from solidmark.training.captions import WIDTH

    levels = range(len(recipe.block_out_channels))
    kinds = ["CrossAttn" if level in recipe.attention_levels else "" for level in levels]
    middle = "UNetMidBlock2DCrossAttn" if recipe.mid_attention else "UNetMidBlock2D"
    with seeded(recipe.seed, "weights"):
        unet = UNet2DConditionModel(
            sample_size=max(size) // FACTOR,
            block_out_channels=recipe.block_out_channels,
            layers_per_block=recipe.layers_per_block,
            down_block_types=tuple(f"{kind}DownBlock2D" for kind in kinds),
            mid_block_type=middle,
            up_block_types=tuple(f"{kind}UpBlock2D" for kind in reversed(kinds)),
            cross_attention_dim=WIDTH,
            # In this class the name stands for the number of heads.
            attention_head_dim=tuple(
                max(width // recipe.attention_head_dim, 1) for width in recipe.block_out_channels
            ),
            norm_num_groups=recipe.norm_num_groups,
            dropout=recipe.dropout,
        )
    pipe = StableDiffusionPipeline(
        vae=vae,
        text_encoder=CLIPTextModel.from_pretrained(encoder, use_safetensors=True),
        tokenizer=tokenizer,
        unet=unet,
        scheduler=DDPMScheduler(
            num_train_timesteps=recipe.num_train_timesteps,
            beta_schedule=BETAS[recipe.schedule],
            prediction_type=recipe.prediction_type,
            clip_sample=False,
            steps_offset=1,
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    facts: Mapping[str, Any] = {"version": 1, "base": TINY, "recipe": recipe.to_json()}
    save_whole(folder, lambda to: pipe.save_pretrained(to, safe_serialization=True), facts)
