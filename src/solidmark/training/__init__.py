"""Training, from scratch or from a base: recipes, presets, and runs that a kill does not change."""

from solidmark.cards.recipe import Recipe
from solidmark.training.checkpoints import read_checkpoint, read_latest
from solidmark.training.network import build_scheduler, build_unet
from solidmark.training.presets import PRESETS, preset, usual_preset
from solidmark.training.task import Watching
from solidmark.training.train import check_fit, train

__all__ = [
    "PRESETS",
    "Recipe",
    "Watching",
    "build_scheduler",
    "build_unet",
    "check_fit",
    "preset",
    "read_checkpoint",
    "read_latest",
    "train",
    "usual_preset",
]
