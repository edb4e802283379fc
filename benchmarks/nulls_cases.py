"""The cases of `nulls.py`: who is asked about what, and which readers ask.

Everything is made in memory: 8 x 8 digits in frames of 2 pixels, with one grey or sixteen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import torch
from torch.nn.functional import mse_loss, pixel_shuffle, pixel_unshuffle

from solidmark.data import Sample, open_data
from solidmark.diffusion import Model, beta_schedule
from solidmark.marks import Border, Pattern, Segments
from solidmark.models import Average, Codec, Gaussian, Memorizer, PixelModel, Pixels
from solidmark.randomness import LEVELS, generator, seeded
from solidmark.readers import (
    Blend,
    Energy,
    Gradient,
    LatentOutpaint,
    Linear,
    Outpaint,
    Probe,
    Reader,
    Recall,
)
from solidmark.scores import Statistic
from solidmark.types import Images, Keys

SIDE = 8
SIXTEEN, ONE = Segments(2, 16), Border(2)

READERS: tuple[Reader, ...] = (
    Energy(candidates=3, t=0.1),
    Blend(t=0.1),
    Gradient(t=0.1),
    Linear(t=0.1),
    Outpaint(steps=10),
    LatentOutpaint(steps=10, every=5, guidance=1.0),
    Recall(),
    Probe(t=0.1),
)
"""All readers, with few steps and candidates: what is tested is what is made of their answers."""

CHOOSING = (Energy(candidates=3), Blend(), Gradient(), Linear(), *READERS[4:-1], Probe())
"""The same choosing their times among five, as they do: five sixths of what they cost."""

OF_ONE = (Energy(t=0.1), *READERS[1:])
"""The same for frames of one grey, where candidates cost less."""

DRAWING = ("outpaint", "latent-outpaint", "recall")
"""Only these draw noise, so only these gain by repeats."""

HADAMARD = torch.tensor([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2


@dataclass(frozen=True)
class Haar:
    """An autoencoder that loses nothing: the mean of 2 x 2 pixels and three differences."""

    @property
    def factor(self) -> int:
        return 2

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return self._mixed(pixel_unshuffle(images * 2 - 1, 2))

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return pixel_shuffle(self._mixed(latents), 2) / 2 + 0.5

    def _mixed(self, blocks: torch.Tensor) -> torch.Tensor:
        """Its own inverse."""
        parts = blocks.unflatten(1, (-1, 4))
        return torch.einsum("ij,bcjhw->bcihw", HADAMARD.to(parts), parts).flatten(1, 2)


@dataclass(frozen=True)
class World:
    """One marking of the images: the keys are drawn for this audit, all else is the same.

    Arguments:
        case: What is asked.
        number: Of the audit; it seeds everything.
        trained: The training images, marked.
        held_out: Those that no model was shown.
        keys: Of all of them, the trained first.
    """

    case: "Case"
    number: int
    trained: list[Sample]
    held_out: list[Sample]
    keys: Keys

    @property
    def images(self) -> Images:
        return torch.stack([sample.image for sample in self.trained])

    @property
    def memorized(self) -> list[Sample]:
        """The trained images that the model has memorized, if it has."""
        return self.trained[: round(self.case.memorized * len(self.trained))]


@dataclass(frozen=True)
class Case:
    """A null, or a control.

    Arguments:
        name: What stands in the table.
        n: Trained images.
        held_out: Those set aside.
        model: Makes the model of a world, behind a codec.
        readers: The readers, each by itself; a tuple of two = both in one audit.
        statistics: What the p-values rank.
        pattern: How images are marked.
        per_caption: So many trained images have one caption; 0 = each has its own.
        classes: Whether images are told by their class, not by their caption.
        copies: So many trained images are copies of one, with one key.
        repeats: Evaluations an image; readers that draw nothing answer the same again.
        memorized: The share of the trained images that the model has memorized.
        shared: So many audits share one reading, where no model of the case depends on a key.
        ceiling: Whether the readers are pointed at a perfect memorizer too.
        nominal: What is promised, in words.
    """

    name: str
    n: int
    held_out: int
    model: Callable[[World, Codec], Model]
    readers: tuple[tuple[Reader, ...], ...] = field(default=tuple((r,) for r in READERS))
    statistics: tuple[Statistic, ...] = ("l1", "fisher")
    pattern: Pattern = SIXTEEN
    per_caption: int = 0
    classes: bool = False
    copies: int = 0
    repeats: int = 1
    memorized: float = 0.0
    shared: int = 1
    ceiling: bool = False

    def world(self, number: int) -> World:
        """The images under keys drawn for this audit."""
        samples, crops = self._pictures
        keys = self._keys(number)
        marked = self.pattern.apply(crops, keys)
        own = [replace(s, image=image) for s, image in zip(samples, marked, strict=True)]
        return World(self, number, own[: self.n], own[self.n :], keys)

    def key_groups(self) -> list[str]:
        """Whose key each image has, the trained first."""
        ids = [sample.id for sample in self._pictures[0]]
        return [ids[0]] * self.copies + ids[self.copies :]

    def _keys(self, number: int) -> Keys:
        drawn = generator(number, self.name, purpose="keys")
        shape = (self.n + self.held_out, self.pattern.count)
        keys = torch.randint(LEVELS, shape, generator=drawn) / (LEVELS - 1)
        keys[: self.copies] = keys[:1]
        return keys

    @property
    def told(self) -> str:
        """What the model is told of an image."""
        if self.classes:
            return "class"
        return "caption" if self.per_caption or self.model is told_memorizer else "nothing"

    @property
    def _pictures(self) -> tuple[list[Sample], Images]:
        digits = pictures(self.n + self.held_out)
        crops = torch.stack([sample.image for sample in digits])
        crops[: self.copies] = crops[:1]
        samples = [replace(s, caption=self._caption(i, s)) for i, s in enumerate(digits)]
        return samples, crops

    def _caption(self, number: int, sample: Sample) -> str | None:
        if self.classes:
            return None
        if not self.per_caption:
            return f"picture {number}"
        return f"caption {number % self.n // self.per_caption}"


@cache
def pictures(count: int) -> list[Sample]:
    """The first digits of the example, small."""
    data = open_data("digits", resolution=SIDE, mode="L", limit=count)
    found = [data[number] for number in range(count)]
    return [replace(s, class_index=int(s.label or 0)) for s in found]


def gaussian(world: World, codec: Codec) -> Model:
    """Two moments of the images under keys that are not theirs, eight times over."""
    pattern, images = world.case.pattern, world.images
    redrawn = generator(world.number, "gaussian", purpose="control keys")
    cropped = pattern.crop(images).repeat(8, 1, 1, 1)
    keys = torch.randint(LEVELS, (len(cropped), pattern.count), generator=redrawn) / (LEVELS - 1)
    return Gaussian(pattern.apply(cropped, keys), codec=codec)


def average(world: World, codec: Codec) -> Model:
    """Means and variances of the images under their own keys."""
    return Average(world.images, codec=codec)


def average_per_caption(world: World, codec: Codec) -> Model:
    """The same for each caption, or class."""
    model = Average(world.images, codec=codec)
    return replace(model, told=tuple(map(model.telling, world.trained)))


def memorizer(world: World, codec: Codec) -> Model:
    """The posterior mean over the images that it has memorized."""
    images = torch.stack([sample.image for sample in world.memorized])
    return Memorizer(images, codec=codec)


def told_memorizer(world: World, codec: Codec) -> Model:
    """The same, told captions: `Recall` has nothing else to go by."""
    captions = tuple(sample.caption or "" for sample in world.memorized)
    model = memorizer(world, codec)
    assert isinstance(model, Memorizer)
    return replace(model, told=captions)


def untrained(world: World, codec: Codec) -> Model:
    """A U-Net with the weights that it begins with."""
    return PixelModel(_network(world).eval().requires_grad_(False), beta_schedule("linear"))


def one_step(world: World, codec: Codec) -> Model:
    """The same after one step of Adam on all of the marked images."""
    network, schedule = _network(world), beta_schedule("linear")
    draw = generator(world.number, "one step", purpose="training")
    images = world.images * 2 - 1
    steps = torch.randint(1000, (len(images),), generator=draw)
    moments = torch.tensor([schedule(step / 1000) for step in steps.tolist()])
    alpha, sigma = (m[:, None, None, None] for m in moments.float().unbind(1))
    noise = torch.randn(images.shape, generator=draw)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    mse_loss(network(alpha * images + sigma * noise, steps).sample, noise).backward()
    optimizer.step()
    return PixelModel(network.eval().requires_grad_(False), schedule)


def _network(world: World) -> Any:
    from diffusers import UNet2DModel

    with seeded(world.number, "network"):
        return UNet2DModel(
            in_channels=1,
            out_channels=1,
            sample_size=SIDE + 4,
            layers_per_block=1,
            block_out_channels=(8,),
            down_block_types=("DownBlock2D",),
            up_block_types=("UpBlock2D",),
            norm_num_groups=4,
            add_attention=False,
        )


def codec_of(reader: Reader) -> Codec:
    """`LatentOutpaint` is asked behind an autoencoder, all others on the pixels themselves."""
    return Haar() if reader.name == "latent-outpaint" else Pixels()


def _alone(readers: Sequence[Reader]) -> tuple[tuple[Reader, ...], ...]:
    return tuple((reader,) for reader in readers)


_REPEATED = _alone([r for r in READERS if r.name in ("blend", *DRAWING)])


def _cases() -> list[Case]:
    found = []
    for n, held_out in ((20, 20), (64, 20), (1000, 100)):
        dear: dict[str, Any] = {"statistics": ("l1",)} if n == 1000 else {}
        readers = READERS if n == 1000 else CHOOSING
        found += [
            Case(f"average, n = {n}", n, held_out, average, _alone(readers), **dear),
            Case(f"gaussian, n = {n}", n, held_out, gaussian, _alone(readers), shared=10, **dear),
        ]
    for per in (2, 4, 8, 64):
        name = f"average-per-caption, {per} a caption"
        found.append(Case(name, 64, 20, average_per_caption, per_caption=per))
    by_class = "average-per-caption, ten classes"
    found.append(Case(by_class, 64, 20, average_per_caption, classes=True))
    for repeats in (1, 5, 10):
        common: dict[str, Any] = {"statistics": ("l1",), "repeats": repeats}
        told = f"half memorized, told captions, {repeats} repeats"
        for name, share, some in (
            ("half", 0.5, _REPEATED[:2]),
            ("an eighth", 0.125, _REPEATED[1:3]),
        ):
            name = f"{name} memorized, {repeats} repeats"
            found.append(Case(name, 64, 20, memorizer, some, memorized=share, **common))
        found += [
            Case(told, 64, 20, told_memorizer, _REPEATED[-1:], memorized=0.5, **common),
            Case(f"gaussian, {repeats} repeats", 64, 20, gaussian, _REPEATED, shared=10, **common),
        ]
    one: dict[str, Any] = {"pattern": ONE, "statistics": ("l1",), "readers": _alone(OF_ONE)}
    for n in (20, 64):
        found += [
            Case(f"average, one grey, n = {n}", n, 20, average, **one),
            Case(f"gaussian, one grey, n = {n}", n, 20, gaussian, shared=10, **one),
        ]
    both = {"sixteen": (Blend(), Outpaint(steps=10)), "one": (Energy(), Outpaint(steps=10))}
    found += [
        Case("gaussian, two readers", 64, 64, gaussian, (both["sixteen"],), ("l1",), shared=10),
        Case(
            "gaussian, two readers, one grey",
            64,
            64,
            gaussian,
            (both["one"],),
            ("l1",),
            ONE,
            shared=10,
        ),
        Case(
            "gaussian, 50 of 1,000 are copies",
            1000,
            100,
            gaussian,
            _alone([r for r in READERS if r.name in ("linear", "outpaint", "probe")]),
            ("l1",),
            copies=50,
            shared=10,
        ),
        Case("memorizer", 64, 20, memorizer, _alone(READERS[:6] + READERS[7:]), memorized=1.0),
        Case("memorizer, told captions", 64, 20, told_memorizer, _REPEATED[-1:], memorized=1.0),
    ]
    networks: dict[str, Any] = {
        "readers": _alone(READERS[1:]),
        "statistics": ("l1",),
        "ceiling": True,
    }
    greys: dict[str, Any] = {
        "readers": _alone(OF_ONE[:1]),
        "pattern": ONE,
        "statistics": ("l1",),
        "ceiling": True,
    }
    for name, model, shared in (("one-step network", one_step, 1), ("untrained", untrained, 10)):
        found += [
            Case(name, 20, 10, model, shared=shared, **networks),
            Case(f"{name}, one grey", 20, 10, model, shared=shared, **greys),
        ]
    return found


CASES = _cases()
