"""What every diffusion model is to us: a schedule and a denoiser, and the loops over them."""

from solidmark.diffusion.denoiser import Denoiser
from solidmark.diffusion.inpainting import Known, inpaint_latents, inpaint_pixels, touched
from solidmark.diffusion.model import Condition, Metered, Model
from solidmark.diffusion.prediction import Prediction, to_sample
from solidmark.diffusion.sampling import Sampler, jump_times, spaced_times
from solidmark.diffusion.schedule import (
    DiscreteSchedule,
    FlowSchedule,
    Schedule,
    beta_schedule,
    moments,
    times_told,
    training_steps,
    training_times,
)

__all__ = [
    "Condition",
    "Denoiser",
    "DiscreteSchedule",
    "FlowSchedule",
    "Known",
    "Metered",
    "Model",
    "Prediction",
    "Sampler",
    "Schedule",
    "beta_schedule",
    "inpaint_latents",
    "inpaint_pixels",
    "jump_times",
    "moments",
    "spaced_times",
    "times_told",
    "to_sample",
    "touched",
    "training_steps",
    "training_times",
]
