"""A small network fitted to the user's own images: for sets that no published network knows.

A residual network of a few hundred thousand weights. It knows nothing but the images that it was
fitted to and the changes that it was shown of them (`contrast`), and is kept as `config.json` and
`model.safetensors`.

.. math:: f(x) = \\frac{W g(x)}{\\lVert W g(x) \\rVert}, \\quad
          g(x) = \\left(\\mathrm{mean}_{h, w}\\; \\phi_{h, w}(x)^3\\right)^{1/3}
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jaxtyping import Float

from solidmark.cards import EMBEDDERS
from solidmark.embed.embedder import EmbedderCard, unit_rows
from solidmark.embed.squares import Squares
from solidmark.embed.weights import weights_hash
from solidmark.errors import BadInput, NotFound
from solidmark.late import Tensor, functional, torch
from solidmark.models.numbers import check_tensors
from solidmark.randomness import seeded
from solidmark.runs import memory_for, read_ours, read_tensors, write_ours, write_tensors
from solidmark.types import Image

NAME = "own"
CONFIG, WEIGHTS = "config.json", "model.safetensors"

GROUPS = 8
"""Channels are normalised in so many groups, each image by itself."""

POWER = 3.0
"""Of the generalised mean over places (Radenovic et al., 2018): between mean and maximum."""

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Shape:
    """How large the network is.

    Arguments:
        side: Of the squares that it is given, in pixels.
        widths: The channels of its blocks, multiples of 8; each but the first halves the picture.
        dimensions: Of a vector.
    """

    side: int
    widths: tuple[int, ...] = (24, 48, 96)
    dimensions: int = 64

    @property
    def stride(self) -> int:
        """How much the first layer makes a picture smaller."""
        return 4 if self.side >= 48 else 2

    @property
    def squares(self) -> Squares:
        """What the network is given: colours round 0, spread by about 1."""
        return Squares(self.side, mean=(0.5,) * 3, std=(0.25,) * 3)

    def sizes(self) -> dict[str, tuple[int, ...]]:
        """The weights by their names, with their sizes."""
        found: dict[str, tuple[int, ...]] = {
            "stem": (self.widths[0], 3, 2 * self.stride, 2 * self.stride)
        }
        before = self.widths[0]
        for number, width in enumerate(self.widths):
            found |= {
                f"{number}.scale1": (before,),
                f"{number}.shift1": (before,),
                f"{number}.conv1": (width, before, 3, 3),
                f"{number}.scale2": (width,),
                f"{number}.shift2": (width,),
                f"{number}.conv2": (width, width, 3, 3),
                f"{number}.past": (width, before, 1, 1),
            }
            before = width
        return found | {"scale": (before,), "shift": (before,), "rows": (self.dimensions, before)}

    def fresh(self, seed: int) -> Weights:
        """Weights to begin with, a function of the seed (He et al., 2015)."""
        with seeded(seed, "own embedder"):
            return {name: _fresh(name, size) for name, size in self.sizes().items()}


def _fresh(name: str, size: tuple[int, ...]) -> Tensor:
    if len(size) == 1:
        return torch.ones(size) if "scale" in name else torch.zeros(size)
    inputs = torch.Size(size[1:]).numel()
    return torch.randn(size) * (2 / inputs) ** 0.5


def features(
    weights: Mapping[str, Tensor], shape: Shape, x: Float[Tensor, "B 3 side side"]
) -> Float[Tensor, "B D"]:
    """The rows of normalised squares, not yet of length 1.

    Arguments:
        weights: Of the network.
        shape: Its shape.
        x: The squares.

    References:
        He et al. (2016), "Identity mappings in deep residual networks", for the blocks.
    """
    x = functional.conv2d(x, weights["stem"], stride=shape.stride, padding=shape.stride // 2)
    for number in range(len(shape.widths)):
        own = {name: weights[f"{number}.{name}"] for name in ("conv1", "conv2", "past")}
        stride = 2 if number else 1
        y = _normal(x, weights, f"{number}.", "1")
        past = functional.conv2d(y, own["past"], stride=stride)
        y = functional.conv2d(y, own["conv1"], stride=stride, padding=1)
        y = functional.conv2d(_normal(y, weights, f"{number}.", "2"), own["conv2"], padding=1)
        x = past + y
    x = _normal(x, weights).clamp(min=1e-6) ** POWER
    return x.mean(dim=(2, 3)) ** (1 / POWER) @ weights["rows"].T


def _normal(
    x: Float[Tensor, "B C h w"], weights: Mapping[str, Tensor], before: str = "", after: str = ""
) -> Float[Tensor, "B C h w"]:
    scale, shift = (weights[f"{before}{name}{after}"] for name in ("scale", "shift"))
    return functional.relu(functional.group_norm(x, GROUPS, scale, shift))


@dataclass(frozen=True)
class Own:
    """A fitted network.

    Arguments:
        weights: Of the network, on the device.
        shape: Its shape.
        card: What stands with its numbers.
        device: Where it runs.
    """

    weights: Mapping[str, Tensor] = field(repr=False, compare=False)
    shape: Shape
    card: EmbedderCard
    device: str = "cpu"

    def embed(self, images: Sequence[Image]) -> Float[Tensor, "B D"]:
        squares = self.shape.squares.tensor(images).to(self.device)
        with torch.inference_mode():
            return unit_rows(features(self.weights, self.shape, squares), NAME)


def save_own(folder: Path, weights: Mapping[str, Tensor], shape: Shape) -> None:
    """Writes a network into a folder.

    Arguments:
        folder: The folder.
        weights: Of the network.
        shape: Its shape.
    """
    write_ours(folder / CONFIG, {"model_type": NAME, **asdict(shape)})
    kept = {name: value.detach().cpu().contiguous() for name, value in weights.items()}
    write_tensors(folder / WEIGHTS, kept)


def open_own(where: str, device: str = "cpu") -> Own:
    """Opens a network that `solidmark fit` has written.

    Arguments:
        where: Its folder.
        device: Where it runs.

    Raises:
        NotFound: When there is none.
        BadInput: When it is none of ours, or its weights do not fit.
    """
    folder = Path(where)
    if not all((folder / name).is_file() for name in (CONFIG, WEIGHTS)):
        raise NotFound(f'"{where}" holds no embedder. "solidmark fit DATA {where}" makes one.')
    shape = _shape(folder)
    with memory_for(f'the embedder "{folder}"'):
        weights, _ = read_tensors(folder / WEIGHTS, AGAIN)
    sizes = {name: tuple(value.shape) for name, value in weights.items()}
    if sizes != shape.sizes() or any(one.dtype != torch.float32 for one in weights.values()):
        raise BadInput(f'The weights of "{folder}" do not fit its {CONFIG}. {AGAIN}')
    check_tensors(weights.items(), folder, AGAIN)
    card = EmbedderCard(
        name=NAME,
        model=where,
        weights=weights_hash([folder / CONFIG, folder / WEIGHTS]),
        input_size=shape.side,
        dimensions=shape.dimensions,
        paper=EMBEDDERS[NAME].paper,
        preparation=str(shape.squares),
    )
    return Own({name: one.to(device) for name, one in weights.items()}, shape, card, device)


AGAIN = "Fit it again with solidmark fit."


def _shape(folder: Path) -> Shape:
    """The shape as its configuration says it."""
    config = read_ours(folder / CONFIG, AGAIN)
    if config.get("model_type") != NAME:
        raise BadInput(f'"{folder}" is no embedder of solidmark fit. {AGAIN}')
    side, dimensions, widths = (config.get(n) for n in ("side", "dimensions", "widths"))
    numbers: list[Any] = [side, dimensions, *(widths if isinstance(widths, list) else [None])]
    if not all(isinstance(one, int) and 0 < one <= LARGEST for one in numbers):
        raise BadInput(f'The sizes in "{folder / CONFIG}" are no sizes. {AGAIN}')
    return Shape(numbers[0], tuple(numbers[2:]), numbers[1])


LARGEST = 4096
"""No side, width or dimension of ours is larger."""
