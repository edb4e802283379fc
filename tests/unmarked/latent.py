"""Image folders with captions, and a tiny latent model that learns them by heart."""

import json
from pathlib import Path
from typing import Any

import tiny
import torch
from training.folders import Patterns

from solidmark.data import to_picture

SIDE = 16
"""Of a picture, in pixels; a cell of the latents has two."""


def write_pictures(folder: Path, first: int, count: int, side: int = SIDE) -> Path:
    """Writes pictures that differ, each with a caption and a class of its own."""
    folder.mkdir(parents=True)
    every = Patterns(first + count, channels=3, side=side)
    lines = []
    for number in range(first, first + count):
        to_picture(every[number].image).save(folder / every.ids[number])
        words = tiny.WORDS[1 + number % 8], tiny.WORDS[1 + number // 8 % 8]
        about = {"text": f"a {' '.join(words)}", "label": number % 3}
        lines.append(json.dumps({"file_name": every.ids[number], **about}))
    (folder / "metadata.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def memorizing_model(folder: Path, photos: Path, seed: int = 0) -> Path:
    """A Stable Diffusion of an autoencoder and a denoiser that were trained on these images alone.

    Arguments:
        folder: Where it is saved.
        photos: Of `write_pictures`.
        seed: Of weights and noise.
    """
    from diffusers import AutoencoderKL, StableDiffusionPipeline, UNet2DConditionModel
    from PIL import Image

    lines = (photos / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    told = [json.loads(line) for line in lines]
    pictures = [Image.open(photos / one["file_name"]).convert("RGB") for one in told]
    images = torch.stack([_pixels(picture) for picture in pictures]) * 2 - 1
    torch.manual_seed(seed)
    vae = AutoencoderKL(
        block_out_channels=(8, 16),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=4,
        norm_num_groups=4,
        layers_per_block=1,
    )
    _fit(vae, 200, 5e-3, lambda: _reconstruction(vae, images))
    vae.requires_grad_(False)
    latents = vae.encode(images).latent_dist.mean
    scale = float(1 / latents.std())
    vae.register_to_config(scaling_factor=scale)
    tokenizer = tiny.clip_tokenizer()
    encoder = tiny.clip_encoder(tokenizer).requires_grad_(False)
    tokens = tokenizer(
        [one["text"] for one in told],
        padding="max_length",
        max_length=tokenizer.model_max_length,
        return_tensors="pt",
    )
    states = encoder(tokens.input_ids)[0]
    unet = UNet2DConditionModel(
        sample_size=SIDE // 2,
        block_out_channels=(16, 32),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=16,
        attention_head_dim=4,
        norm_num_groups=8,
    )
    scheduler = tiny.ddim()
    z_0 = latents * scale

    def loss() -> torch.Tensor:
        noise, times = torch.randn_like(z_0), torch.randint(1000, (len(z_0),))
        z_t = scheduler.add_noise(z_0, noise, times)
        return torch.nn.functional.mse_loss(unet(z_t, times, states).sample, noise)

    _fit(unet, 600, 4e-3, loss)
    pipe = StableDiffusionPipeline(
        vae=vae,
        text_encoder=encoder,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.save_pretrained(folder, safe_serialization=True)
    return folder


def _pixels(picture: Any) -> torch.Tensor:
    values = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    return values.reshape(picture.height, picture.width, 3).permute(2, 0, 1) / 255


def _reconstruction(vae: Any, images: torch.Tensor) -> torch.Tensor:
    z = vae.encode(images).latent_dist
    return torch.nn.functional.mse_loss(vae.decode(z.mean).sample, images) + 1e-6 * z.kl().mean()


def _fit(network: Any, steps: int, rate: float, loss: Any) -> None:
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    for _ in range(steps):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
        schedule.step()
    network.eval()
