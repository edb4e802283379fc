"""What each reader asks a model, in words."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reader:
    """A way to ask a model for a key.

    Arguments:
        title: Its name on the page.
        asks: The question it puts to the model.
        how: What it does, for somebody who has not read the paper.
    """

    title: str
    asks: str
    how: str


READERS = {
    "energy": Reader(
        "Energy",
        "Energy asks whether the model knows the picture in this frame: "
        "the joint memory of image and key.",
        "It paints candidate keys round the image and measures how much of the image the model "
        "takes for noise. The key with the least of it, the lowest energy, is the key read.",
    ),
    "blend": Reader(
        "Blend",
        "Blend asks what Energy asks, of all greys of a segmented frame at once: does the model "
        "know the picture in this frame?",
        "It starts from a neutral grey frame and lets the frame slide downhill, to where the model "
        "takes least of the image for noise. The keys read lie between where it ends and where "
        "the first slope pointed.",
    ),
    "gradient": Reader(
        "Gradient",
        "Gradient asks what Energy asks, of all greys of a segmented frame at once: does the model "
        "know the picture in this frame?",
        "It starts from a neutral grey frame and lets the frame slide downhill, to where the model "
        "takes least of the image for noise. Where it ends are the keys read.",
    ),
    "linear": Reader(
        "Linear",
        "Linear asks which way the model pulls each grey of a neutral frame.",
        "It looks at the first slope only, and at how the model would redraw the frame. It is the "
        "best reader of models that remember little.",
    ),
    "outpaint": Reader(
        "Outpaint",
        "Outpaint asks whether the model emits the key when shown the picture.",
        "It hides the key, lets the model draw what is missing, and reads the grey it drew.",
    ),
    "latent-outpaint": Reader(
        "Latent Outpaint",
        "Latent Outpaint asks whether the model emits the key when shown the picture. It is "
        "Outpaint for models that work on latents.",
        "It hides the key, lets the model draw what is missing, and reads the grey it drew. What "
        "the autoencoder does to greys is taken out of the reading.",
    ),
    "recall": Reader(
        "Recall",
        "Recall asks what the model sees in pure noise when it is told the caption.",
        "A caption that belongs to one picture names it before anything is drawn: a model that has "
        "memorized both expects the picture in its frame at once. What the autoencoder does to "
        "greys is taken out of the reading.",
    ),
    "probe": Reader(
        "Probe",
        "Probe asks which way the model pulls a neutral grey frame when shown the picture.",
        "It needs one network call. It is cheap and weaker than Energy.",
    ),
}

ORDER = tuple(READERS)

DRAWING = ("outpaint", "latent-outpaint", "recall")
"""The readers that let the model draw."""


def reader(name: str) -> Reader:
    """The words for a reader; a reader the page does not know keeps its name."""
    return READERS.get(name) or Reader(name, f'A reader called "{name}".', "")
