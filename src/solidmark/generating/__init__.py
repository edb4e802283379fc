"""What a model draws: folders of generations."""

from solidmark.generating.drawing import draw
from solidmark.generating.folder import generate
from solidmark.generating.generation import Generation
from solidmark.generating.prompts import Prompt, prompts_of

__all__ = ["Generation", "Prompt", "draw", "generate", "prompts_of"]
