"""What every diffusion model is to us: a schedule and a denoiser, and the loops over them."""

from solidmark.diffusion.model import Condition, Metered, Model
from solidmark.diffusion.prediction import Prediction, to_sample
from solidmark.diffusion.sampling import Sampler, jump_times, spaced_times
from solidmark.diffusion.schedule import DiscreteSchedule, FlowSchedule, Schedule, beta_schedule

__all__ = [
    "Condition",
    "DiscreteSchedule",
    "FlowSchedule",
    "Metered",
    "Model",
    "Prediction",
    "Sampler",
    "Schedule",
    "beta_schedule",
    "jump_times",
    "spaced_times",
    "to_sample",
]
