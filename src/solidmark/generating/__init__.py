"""What a model draws: folders of generations, and halves of images drawn again."""

from solidmark.generating.attack import inpaint
from solidmark.generating.drawing import draw
from solidmark.generating.folder import generate
from solidmark.generating.generation import Generation
from solidmark.generating.inpainting import Inpainting, hidden_half
from solidmark.generating.prompts import Prompt, prompts_of

__all__ = [
    "Generation",
    "Inpainting",
    "Prompt",
    "draw",
    "generate",
    "hidden_half",
    "inpaint",
    "prompts_of",
]
