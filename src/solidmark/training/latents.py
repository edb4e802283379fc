"""The latents and conditions of the training images, computed once.

Autoencoder and text encoders are frozen, so nothing of what they say changes between epochs. It is
kept in shards, each written whole, so that a kill costs one shard; a shard is named by what it was
made from, so that it is never taken for another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from safetensors import safe_open

from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.marks import Marked
from solidmark.models import Conditions, LatentModel
from solidmark.models.conditions import stack
from solidmark.randomness import digest
from solidmark.runs import Processes, progress, read_tensors, write_tensors
from solidmark.training.pictures import MEMORY_BYTES

SHARD = 32
"""Images of a shard."""

AT_ONCE = 4
"""Images of a call of the autoencoder: at 512 x 512 pixels each takes about a gigabyte."""

LATENTS, MIRRORED, TOLD = "latents", "mirrored", "told."


@dataclass(frozen=True)
class LatentCache:
    """Shards of latents and conditions.

    Arguments:
        paths: The shards, in the order of the images.
        held: All that is in them; None where that is too large for the memory.
    """

    paths: tuple[Path, ...]
    held: Mapping[str, Tensor] | None

    @cached_property
    def names(self) -> list[str]:
        """What is kept of each image."""
        with safe_open(self.paths[0], "pt") as shard:
            return list(shard.keys())

    def rows(self, name: str, numbers: Sequence[int]) -> Tensor:
        """What is kept of some images, by number."""
        if self.held is not None:
            return self.held[name][list(numbers)]
        rows = []
        for number in numbers:
            with safe_open(self.paths[number // SHARD], "pt") as shard:
                rows.append(shard.get_slice(name)[number % SHARD : number % SHARD + 1])
        return torch.cat(rows)

    def latents(self, numbers: Sequence[int]) -> Tensor:
        """Clean latents."""
        return self.rows(LATENTS, numbers)

    def mirrored(self, numbers: Sequence[int]) -> Tensor:
        """Clean latents of the images with left and right changed."""
        return self.rows(MIRRORED, numbers)

    def conditions(self, numbers: Sequence[int]) -> Conditions:
        """What the network is told."""
        names = [name for name in self.names if name.startswith(TOLD)]
        return Conditions({name.removeprefix(TOLD): self.rows(name, numbers) for name in names})


def open_cache(paths: Sequence[Path], memory_bytes: int = MEMORY_BYTES) -> LatentCache:
    """Opens shards that are all there.

    Arguments:
        memory_bytes: Up to this size they are kept in memory.
    """
    held = None
    if sum(path.stat().st_size for path in paths) <= memory_bytes:
        # Now, not when they are asked for: processes that prepare batches then share them.
        from safetensors.torch import load_file

        shards = [load_file(path) for path in paths]
        held = {name: torch.cat([shard[name] for shard in shards]) for name in shards[0]}
    return LatentCache(tuple(paths), held)


def encode_shards(
    folder: Path,
    model: LatentModel,
    source: Marked,
    ids: Sequence[str],
    *,
    mirrored: bool,
    origin: str = "",
    here: Processes | None = None,
) -> list[Path]:
    """Encodes the images and captions that are not there yet and are this process's share.

    Arguments:
        model: The model; only its autoencoder and encoders are asked.
        mirrored: Whether mirrored images are encoded too.

    Returns:
        The shards of all processes.
    """
    shards = {}
    for start in range(0, len(ids), SHARD):
        some = ids[start : start + SHARD]
        made_from: list[str | int] = [origin, source.caption or "", int(mirrored), *some]
        shards[folder / f"{digest(0, *made_from).hex()[:24]}.safetensors"] = some
    mine = (here or Processes()).share(list(shards))
    with progress("encoding images", sum(len(shards[path]) for path in mine)) as advance:
        for path in mine:
            if not _is_whole(path):
                with torch.no_grad():
                    encoded = _encode(model, source, shards[path], mirrored)
                write_tensors(path, encoded)
            advance(len(shards[path]))
    return list(shards)


def _is_whole(path: Path) -> bool:
    """Whether a shard of a killed training is there, as it was written."""
    if not path.is_file():
        return False
    try:
        read_tensors(path, "")
    except BadInput:
        return False
    return True


def _encode(
    model: LatentModel, source: Marked, ids: Sequence[str], mirrored: bool
) -> dict[str, Tensor]:
    latents, others, told = [], [], []
    for start in range(0, len(ids), AT_ONCE):
        samples = [source.sample(id) for id in ids[start : start + AT_ONCE]]
        images = torch.stack([sample.image for sample in samples])
        latents.append(model.encode(images).cpu())
        if mirrored:
            others.append(model.encode(images.flip(3)).cpu())
        told.append(model.condition(samples).map(lambda tensor: tensor.cpu()))
    kept = {TOLD + name: tensor for name, tensor in stack(told).tensors.items()}
    kept[LATENTS] = torch.cat(latents)
    if mirrored:
        kept[MIRRORED] = torch.cat(others)
    return {name: tensor.contiguous() for name, tensor in kept.items()}
