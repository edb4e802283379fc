"""Is the control of the same kind? Asked of the images, before anything that a model says."""

from solidmark.control.gate import Side, control_of, look_at_control, sides_of

__all__ = ["Side", "control_of", "look_at_control", "sides_of"]
