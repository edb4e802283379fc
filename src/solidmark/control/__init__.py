"""Is the control of the same kind? Asked of the images, before anything that a model says."""

from solidmark.control.gate import control_of, look_at_control, measured, side_of, sides_of, told_by
from solidmark.control.looking import Side

__all__ = ["Side", "control_of", "look_at_control", "measured", "side_of", "sides_of", "told_by"]
