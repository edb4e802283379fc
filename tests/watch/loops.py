"""Tiny trainings that a watch looks at."""

from collections.abc import Callable
from pathlib import Path

import torch
from diffusers import DDPMScheduler, UNet2DModel
from torch.utils.data import DataLoader

from solidmark.marks import open_marked


def network(seed: int = 0) -> UNet2DModel:
    """A U-Net that has dropout, so that its mode and its draws can be told."""
    torch.manual_seed(seed)
    return UNet2DModel(
        sample_size=12,
        in_channels=1,
        out_channels=1,
        layers_per_block=1,
        block_out_channels=(8, 8),
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
        norm_num_groups=4,
        dropout=0.2,
    )


def images_of(marked: Path) -> torch.Tensor:
    """The marked training images, in [-1, 1]."""
    found = open_marked(marked)
    return torch.stack([found.sample(id).image for id in found.ids("trained")]) * 2 - 1


Look = Callable[[int, UNet2DModel, DDPMScheduler], object]


def train(marked: Path, steps: int, look: Look | None = None) -> UNet2DModel:
    """A plain loop of diffusers, with draws from torch's global generator."""
    unet, scheduler = network(), DDPMScheduler(num_train_timesteps=100)
    optimizer = torch.optim.AdamW(unet.parameters(), lr=1e-3)
    loader = DataLoader(images_of(marked), batch_size=4, shuffle=True)
    unet.train()
    step = 0
    while step < steps:
        for clean in loader:
            noise = torch.randn_like(clean)
            times = torch.randint(100, (len(clean),))
            noisy = scheduler.add_noise(clean, noise, times)
            loss = torch.nn.functional.mse_loss(unet(noisy, times).sample, noise)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            step += 1
            if look is not None and look(step, unet, scheduler):
                return unet
            if step == steps:
                break
    return unet
