"""SSCD, and any other network that is a TorchScript file.

A TorchScript file holds a program and its weights, and a program could do anything that torch can,
some of it while it is loaded. So a file is read before torch gets it (`archive`), and every
operator of what was loaded is looked at before any of it runs (`operators`). ONNX files hold no
program; where there is one of the same network, use it.
"""

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jaxtyping import Float

from solidmark.cards import EMBEDDERS
from solidmark.embed.archive import read_archive
from solidmark.embed.embedder import EmbedderCard, unit_rows
from solidmark.embed.operators import check_operators
from solidmark.embed.squares import Squares, imagenet
from solidmark.embed.weights import weights_hash
from solidmark.errors import BadInput, NotFound
from solidmark.late import Tensor, torch
from solidmark.models.numbers import check_numbers
from solidmark.models.reading import first_line
from solidmark.runs import memory_for
from solidmark.types import Image

SSCD_URL = "https://dl.fbaipublicfiles.com/sscd-copy-detection/sscd_disc_mixup.torchscript.pt"
SSCD_SIDE = 288


@dataclass(frozen=True)
class TorchScript:
    """A network in a TorchScript file, from normalised squares (B, 3, side, side) to rows (B, D).

    Arguments:
        network: As torch loaded it, in evaluation mode.
        card: What stands with its numbers.
    """

    network: Any
    squares: Squares
    card: EmbedderCard
    device: str = "cpu"

    def embed(self, images: Sequence[Image]) -> Float[Tensor, "B D"]:
        batch = self.squares.tensor(images).to(self.device)
        # The optimizer would fuse after some calls: slow when batches differ, and other roundings.
        unfused = torch.jit.optimized_execution(False)  # type: ignore[attr-defined]
        with torch.inference_mode(), unfused, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # A program words its own; they are nothing to show.
            rows = self.network(batch)
        if not isinstance(rows, Tensor) or rows.shape[:1] != batch.shape[:1]:
            raise BadInput(
                f'The network "{self.card.model}" gives no row an image. '
                "Name one that embeds images, such as those of SSCD."
            )
        return unit_rows(rows.flatten(1), self.card.name)


def open_sscd(where: str, side: int = SSCD_SIDE, device: str = "cpu") -> TorchScript:
    """A network of SSCD, from the authors' TorchScript file.

    Images are resized to squares by the bilinear filter and normalised by ImageNet's mean and
    spread. The authors advise either squares (320 pixels in their example) or a short edge of 288;
    squares of 288 let images of every shape share a batch. Their threshold for copies with a
    precision of 90 % is 0.75, for sscd_disc_mixup and photographs; for small images it does not
    hold.

    Arguments:
        where: The file, such as sscd_disc_mixup.torchscript.pt.
        side: Of the squares, in pixels.
        device: Where it runs.

    Raises:
        NotFound: When the file is not there.
        UnsafeCheckpoint: When it is not TorchScript, or could do more than compute.
        BadInput: When torch cannot read or run it.

    References:
        SSCD (Pizzi et al., 2022).
    """
    path = Path(where)
    network = load_torchscript(path, device)
    squares = imagenet(side, "bilinear")
    paper = EMBEDDERS["sscd"].paper
    card = EmbedderCard("sscd", where, weights_hash([path]), side, 0, paper, str(squares))
    opened = TorchScript(network, squares, card, device)
    try:
        with memory_for(f"one picture of {side} x {side} pixels", device=device):
            rows = opened.embed([torch.full((3, side, side), 0.5)])
    except RuntimeError as error:
        raise BadInput(
            f'The network "{where}" cannot embed {side} x {side} pixels ({first_line(error)}). '
            "Use another size (sscd:FILE@SIZE) or another file."
        ) from error
    return replace(opened, card=replace(card, dimensions=rows.shape[1]))


def load_torchscript(path: Path, device: str) -> Any:
    """Loads a TorchScript file whose program computes and does nothing else.

    Raises:
        NotFound: When it is not there.
        UnsafeCheckpoint: When it is not TorchScript, or could do more than compute.
        BadInput: When torch cannot read it.
    """
    if not path.is_file():
        raise NotFound(f'There is no file "{path}". Download the network: {SSCD_URL}')
    data = read_archive(path)
    try:
        with warnings.catch_warnings():
            # The authors publish nothing newer, and it is read by every torch that we run with.
            warnings.filterwarnings("ignore", ".*torch.jit.load.*", DeprecationWarning)
            with memory_for(f'the network "{path}"', len(data), device):
                network = torch.jit.load(io.BytesIO(data), map_location=device)
    except (RuntimeError, ValueError) as error:
        reason = first_line(Exception(str(error).strip()))
        raise BadInput(
            f'"{path}" is not readable TorchScript ({reason}). Download it again.'
        ) from error
    check_operators(network, path)
    check_numbers(network, path)
    return network.eval()
