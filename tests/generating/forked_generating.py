"""Drawings and attacks that a process of its own does, to be killed or shared."""

from pathlib import Path

from solidmark.generating import Generation, generate
from solidmark.measures.inpaint import Inpainting, inpaint


def generation(model: Path, out: Path, number: int) -> Generation:
    """Long enough to be killed within."""
    return Generation(str(model), out, number=number, steps=20, eta=1.0, batch_size=2)


def attack(model: Path, marked: Path, out: Path) -> Inpainting:
    """Long enough to be killed within."""
    return Inpainting(str(model), str(marked), out, draws=6, steps=20, batch_size=4)


def draw_images(model: Path, out: Path, number: int) -> None:
    generate(generation(model, out, number))


def fill(model: Path, marked: Path, out: Path) -> None:
    inpaint(attack(model, marked, out))
