"""The readers: how a key is read out of a model."""

from typing import get_args

from solidmark.cards.asked import Paste
from solidmark.cards.card import Card, by_name
from solidmark.cards.option import Option

_TIME = "the time to ask at, in (0, 1)"
_CHOSEN = Option("t", float | None, None, f"{_TIME}; chosen without the keys when not given.")
_FRAME_WEIGHT = Option(
    "frame_weight", float, 0.1, "weight of the frame's pixels beside the image's, in [0, 1]."
)
_GRADIENTS = Option("steps", int, 4, "steps, 2.3 network calls each.")
_SAMPLING = "sampling steps, 1 to 1000."
_GUIDANCE = "classifier-free guidance; 1 = none, above costs double."

READERS = by_name(
    Card(
        "energy",
        "Energy",
        "Energy asks whether the model knows the picture in this frame: the joint memory of image "
        "and key.",
        "one grey",
        "It paints candidate keys round the image and measures how much of the image the model "
        "takes for noise. The key with the least of it, the lowest energy, is the key read.",
        calls="K = 9",
        options=(
            Option("candidates", int, 9, "how many keys are tried, 3 or more."),
            _CHOSEN,
            _FRAME_WEIGHT,
        ),
    ),
    Card(
        "blend",
        "Blend",
        "Blend asks what Energy asks, of all greys of a segmented frame at once: does the model "
        "know the picture in this frame?",
        "segments: the mean of the next two",
        "It starts from a neutral grey frame and lets the frame slide downhill, to where the model "
        "takes least of the image for noise. The keys read lie between where it ends and where "
        "the first slope pointed.",
        calls="4 gradients = 9.2",
        options=(
            Option(
                "linear_weight",
                float,
                0.2,
                "weight of the linear reading beside the descent's, in [0, 1].",
            ),
            _GRADIENTS,
            _CHOSEN,
            _FRAME_WEIGHT,
        ),
    ),
    Card(
        "gradient",
        "Gradient",
        "Gradient asks what Energy asks, of all greys of a segmented frame at once: does the model "
        "know the picture in this frame?",
        "strong memory",
        "It starts from a neutral grey frame and lets the frame slide downhill, to where the model "
        "takes least of the image for noise. Where it ends are the keys read.",
        calls="4 gradients = 9.2",
        options=(
            _GRADIENTS,
            Option("step_size", float, 0.3, "length of the first step, in grey levels."),
            _CHOSEN,
            _FRAME_WEIGHT,
        ),
    ),
    Card(
        "linear",
        "Linear",
        "Linear asks which way the model pulls each grey of a neutral frame.",
        "weak memory",
        "It looks at the first slope only, and at how the model would redraw the frame. It is the "
        "best reader of models that remember little.",
        calls="1 gradient = 2.3",
        options=(_CHOSEN, _FRAME_WEIGHT),
    ),
    Card(
        "fitted",
        "Fitted",
        "Fitted asks what Blend asks, at several noise levels, and learns from the keys of other "
        "images how this model shows a key.",
        "faint memory, from a hundred images on",
        "It looks at the first slope and at the redrawn frame at seven times, and lets the frame "
        "slide downhill. How these looks are weighed for an image is learned from the keys of "
        "images before it in a random order; so its p-values are exact, and independent of each "
        "other.",
        paper="ours; the order of learning is that of Dawid, 1984",
        calls="25, by its budget",
        options=(
            Option(
                "calls",
                int,
                26,
                "network calls an image at most, 3 or more: 26 for seven times and the descent, "
                "12 more for each draw of noise.",
            ),
            _FRAME_WEIGHT,
        ),
    ),
    Card(
        "outpaint",
        "Outpaint",
        "Outpaint asks whether the model emits the key when shown the picture.",
        "the paper's, for models of pixels",
        "It hides the key, lets the model draw what is missing, and reads the grey it drew.",
        paper="SolidMark (Kriplani et al., 2025), Algorithm 2; Lugmayr et al., 2022",
        calls="250",
        draws=True,
        options=(
            Option("steps", int, 250, _SAMPLING),
            Option("jump_length", int, 10, "steps that a RePaint jump goes back."),
            Option("jump_count", int, 1, "RePaint's passes over each step; 1 = as published."),
            Option("eta", float, 1.0, "1 = ancestral sampling (DDPM), 0 = deterministic (DDIM)."),
            Option("start", float, 1.0, "the time sampling begins at, in (0, 1]."),
        ),
    ),
    Card(
        "latent-outpaint",
        "Latent Outpaint",
        "Latent Outpaint asks whether the model emits the key when shown the picture. It is "
        "Outpaint for models that work on latents.",
        "the paper's, for models of latents",
        "It hides the key, lets the model draw what is missing, and reads the grey it drew. What "
        "the autoencoder does to greys is taken out of the reading.",
        paper="SolidMark (Kriplani et al., 2025), Algorithm 1; Avrahami et al., 2023",
        calls="100, 200 with guidance",
        draws=True,
        options=(
            Option("steps", int, 100, _SAMPLING),
            Option("guidance", float, 3.0, _GUIDANCE),
            Option("every", int, 10, "steps from one pasting of pixels to the next."),
            Option(
                "paste",
                str,
                "pixels",
                "what is pasted: pixels (decoded and encoded again, as published) or latents "
                "(cheap).",
                choices=get_args(Paste),
                kind="way to paste",
            ),
            Option("eta", float, 0.0, "1 = ancestral sampling, 0 = deterministic."),
        ),
    ),
    Card(
        "recall",
        "Recall",
        "Recall asks what the model sees in pure noise when it is told the caption.",
        "pure noise and the caption: four calls",
        "A caption that belongs to one picture names it before anything is drawn: a model that has "
        "memorized both expects the picture in its frame at once. What the autoencoder does to "
        "greys is taken out of the reading.",
        paper="ours, at the step of Wen et al., 2024",
        needs="captions or classes",
        calls="4, 8 with guidance",
        draws=True,
        options=(
            Option("draws", int, 4, "noises an image, a network call each."),
            Option("guidance", float, 1.0, _GUIDANCE),
            Option("t", float, 0.999, f"{_TIME}."),
        ),
    ),
    Card(
        "probe",
        "Probe",
        "Probe asks which way the model pulls a neutral grey frame when shown the picture.",
        "one call an image",
        "It needs one network call. It is cheap and weaker than Energy.",
        calls="1",
        options=(_CHOSEN,),
    ),
)
"""The readers, in the order of the page."""
