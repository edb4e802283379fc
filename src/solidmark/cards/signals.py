"""The cheap signals: what a model gives away of an image for a few network calls."""

from solidmark.cards.card import Card, by_name
from solidmark.cards.option import BELOW_ONE, NOT_NEGATIVE, Option, at_least, between

_PREDICTION = "l2 norm of the difference of two predictions of noise, over all latents"
_TOLD = "a model that is told captions or classes, and can be told nothing"
_TIMES = Option(
    "times",
    int,
    8,
    "Levels of noise, for loss and image-magnitude: so many calls, and twice as many.",
    range=at_least(1),
)
_DRAWS = Option(
    "draws",
    int,
    4,
    "Noises of an image or prompt, for spread, magnitude and magnitude-path.",
    range=at_least(1),
)

SIGNALS = by_name(
    Card(
        "loss",
        "Denoising loss",
        "How well does the model tell the noise on an image from the image? On its training images "
        "it was trained to. Plain images are easy for every model.",
        "how well the image is denoised",
        "mean squared error of the predicted noise (of a flow: velocity), at `--times` evenly "
        "spread times, told the image's own caption or class",
        unit="mean squared error of the predicted noise",
        paper="Matsumoto et al., 2023; Carlini et al., 2023, Section 5.2; the mean over times is "
        "ours",
        needs="any model",
        calls="8",
        options=(_TIMES,),
    ),
    Card(
        "spread",
        "Bottleneck spread",
        "Does the image excite a few features strongly, or many evenly? A network that stored an "
        "image is said to answer with a few spikes. Captions are not asked.",
        "spikes in the middle of the network",
        "standard deviation over the channels of the largest activation in the middle of the "
        "network, at `--spread-t` 0.01, told nothing",
        unit="standard deviation of activations over channels",
        direction="high",
        paper="Zhang et al., 2026, and its code; the layer, and its use on training images, are "
        "ours",
        needs="a network of diffusers with a middle: a U-Net or a transformer",
        calls="4",
        options=(
            Option(
                "t",
                float,
                0.01,
                "The time at which spread asks: little noise, as its authors do.",
                range=BELOW_ONE,
                called="spread_t",
            ),
            _DRAWS,
        ),
    ),
    Card(
        "magnitude",
        "Noise magnitude",
        "Does the prompt alone say exactly what to draw, before there is anything to see? It "
        "judges prompts: images of one prompt share its value.",
        "what the prompt changes in pure noise",
        "what the prompt changes in the prediction at pure noise, l2 norm, mean of `--draws` "
        "noises",
        unit=_PREDICTION,
        direction="high",
        paper="Wen et al., 2024, Section 3",
        needs=_TOLD,
        calls="8 a prompt",
        per="prompt",
        options=(_DRAWS,),
    ),
    Card(
        "magnitude-path",
        "Path magnitude",
        "Does the prompt go on saying exactly what to draw over the first steps of sampling? It "
        "judges prompts: images of one prompt share its value.",
        "the same over some steps",
        "the same, mean over the first `--path-steps` of 50 deterministic sampling steps at "
        "`--path-guidance` 7.5",
        unit=_PREDICTION,
        direction="high",
        paper="Wen et al., 2024, Section 3",
        needs=_TOLD,
        calls="40 a prompt",
        per="prompt",
        options=(
            _DRAWS,
            Option(
                "steps",
                int,
                5,
                "How many of the first of 50 sampling steps magnitude-path averages.",
                range=between(1, 50),
                called="path_steps",
            ),
            Option(
                "guidance",
                float,
                7.5,
                "The scale of guidance along that path.",
                range=NOT_NEGATIVE,
                called="path_guidance",
            ),
        ),
    ),
    Card(
        "image-magnitude",
        "Image magnitude",
        "How much does its prompt change what the model sees in a noisy version of the image "
        "itself? One that it knows by heart it recognises anyway. The use is ours.",
        "the same at the image",
        "what the prompt changes at noised versions of the image itself, at `--times` times",
        unit=_PREDICTION,
        paper="ours, after Wen et al., 2024, and so is its direction",
        needs=_TOLD,
        calls="16",
        options=(_TIMES,),
    ),
)
"""The signals, in the order of the page."""
