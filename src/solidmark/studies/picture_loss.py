"""The denoising loss in the picture alone: what a network remembers whatever frame it sees."""

import json
from pathlib import Path

from solidmark.runs import open_run, read_json, write_bytes

TIMES = 8


def picture_loss(model: str, marked: str, out: Path, *, seed: int, device: str) -> None:
    """Measures the denoising loss of every image over its picture, its mark left out.

    Arguments:
        marked: The images, in the marks that the model is to see.
        out: The folder to write: `losses.json`, by split and id; low = memorized.
        seed: Of the noise, which an image has whatever its mark.
    """
    import torch

    from solidmark.diffusion import touched
    from solidmark.diffusion.noise import noise_per_latent
    from solidmark.generating.configuration import open_any
    from solidmark.marks import FOLDERS, open_marked
    from solidmark.measures.signals.kinds.noised import even_times, noised
    from solidmark.models import Opening
    from solidmark.randomness import generator

    images = open_marked(Path(marked))
    asked = {"model": model, "marked": marked, "seed": seed}
    run = open_run(out, "picture_loss", asked, images.fingerprints())
    if run.finished:
        return
    network = open_any(model, Opening(device=device), images, seed)
    picture = ~touched(images.pattern.mask(*images.marked_size), network.factor)
    losses: dict[str, dict[str, float]] = {}
    for split in FOLDERS:
        ids = images.ids(split)
        for start in range(0, len(ids), 64):
            samples = [images.sample(id) for id in ids[start : start + 64]]
            noises = [generator(seed, one.id, purpose="picture loss") for one in samples]
            condition = network.condition(samples)
            total = torch.zeros(len(samples), dtype=torch.float64)
            for t, z_t, z_0 in noised(network, samples, noises, even_times(TIMES)):
                missed = noise_per_latent(network.schedule, t) * (
                    network.denoise(z_t, t, condition) - z_0
                )
                total += missed[..., picture].cpu().double().square().flatten(1).mean(1)
            found = dict(zip((one.id for one in samples), (total / TIMES).tolist(), strict=True))
            losses.setdefault(split, {}).update(found)
    write_bytes(out / "losses.json", json.dumps(losses).encode())
    run.finish("losses.json")


def losses_of(folder: Path) -> dict[str, list[float]]:
    """The losses by split."""
    found: dict[str, dict[str, float]] = read_json(folder / "losses.json")
    return {split: list(own.values()) for split, own in found.items()}
