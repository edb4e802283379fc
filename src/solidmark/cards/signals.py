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
    "Noises of an image or prompt, for the signals that draw any.",
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
    Card(
        "fixed-loss",
        "Loss at fixed noise",
        "How well does the model tell the noise on an image from the image, at four noise levels "
        "and the same noises for every checkpoint? It is what trainers watch on held-out images.",
        "the loss with the same noise for every checkpoint",
        "mean squared error of the predicted noise (of a flow: velocity), at the times .2, .4, .6 "
        "and .8, mean of `--draws` noises that the id of the image draws",
        unit="mean squared error of the predicted noise",
        paper="as the validation loss of kohya's sd-scripts",
        needs="any model",
        calls="16",
        options=(_DRAWS,),
    ),
    Card(
        "sima",
        "SimA",
        "How much noise does the model see in a picture that has none? At a peak of its density "
        "it sees none. One call.",
        "noise seen in the clean picture",
        "4-norm of the predicted noise for the clean picture, unscaled and without noise, at "
        "time .1, told the image's own caption or class",
        unit="4-norm of the predicted noise",
        paper="arXiv 2509.25003; the time is fixed beforehand, where its code reports the best",
        needs="any model",
        calls="1",
    ),
    Card(
        "flipd",
        "FLIPD",
        "In how many directions can an image change and stay likely? A memorized one in none. "
        "Plain images have few, memorized or not.",
        "dimensions of the density round the image",
        "local intrinsic dimension at time .05, the trace estimated from `--draws` directions by "
        "central differences",
        unit="dimensions",
        paper="Kamkari et al., 2024; Ross et al., 2025; differences in the place of derivatives "
        "are ours",
        needs="any model",
        calls="9",
        options=(_DRAWS,),
    ),
    Card(
        "anisotropy",
        "Anisotropy",
        "Does what the prompt adds to pure noise point where the model would go anyway, and how "
        "far? It judges prompts: images of one prompt share its value.",
        "what the prompt changes, and whither",
        "norm of what the prompt changes in the prediction at pure noise, plus twice the cosine "
        "of that with the prediction without the prompt when the noise is said to be small; mean "
        "of `--draws` noises",
        unit="norm, plus twice a cosine",
        direction="high",
        paper="Asthana and Belagiannis, 2026; one cosine of all latents, weights as in its code "
        "for SD 1.4",
        needs=_TOLD,
        calls="16 a prompt",
        per="prompt",
        options=(_DRAWS,),
    ),
    Card(
        "sharpness",
        "Sharpness",
        "How much more does the density bend with the prompt than without it, along the way that "
        "the prompt pulls? It judges prompts: images of one prompt share its value.",
        "how narrow the peak of a prompt is",
        "norm of the difference of the Hessians of the log density with and without the prompt, "
        "times the difference of the scores, at pure noise; mean of `--draws` noises",
        unit="norm of a product of Hessian and score",
        direction="high",
        paper="Jeon, Kim and No, 2025; a difference in the place of the derivative",
        needs=_TOLD,
        calls="16 a prompt",
        per="prompt",
        options=(_DRAWS,),
    ),
    Card(
        "attention-entropy",
        "Attention entropy",
        "Does the picture look at the words of its prompt, or at its start token alone, before "
        "there is anything to see? It judges prompts: images of one prompt share its value.",
        "how evenly the words are looked at",
        "entropy of the mean cross attention to the tokens of the prompt, over layers, heads and "
        "places, at pure noise; mean of `--draws` noises",
        unit="nats",
        direction="high",
        paper="Ren et al., 2024; over all layers, where its cheap variant takes one",
        needs="a model that is told captions by cross attention: Stable Diffusion 1 to XL, PixArt",
        calls="4 a prompt",
        per="prompt",
        options=(_DRAWS,),
    ),
    Card(
        "bright-ending",
        "Bright ending",
        "How much does the prompt change, before there is anything to see, where the finished "
        "picture looks at no word of it? It judges prompts: images of one prompt share its value.",
        "what a prompt changes where its picture is copied",
        "what the prompt changes in the prediction at pure noise, l2 norm, weighed by the cross "
        "attention to the end token at the last step of a drawing; mean of `--draws` drawings",
        unit="norm",
        direction="high",
        paper="Chen, Liu, Shah and Xu, 2025; at the first step of the magnitude",
        needs="a U-Net that is told captions by cross attention at the size of its latents: Stable "
        "Diffusion 1 and 2",
        calls="404 a prompt",
        per="prompt",
        on_request=True,
        options=(_DRAWS,),
    ),
)
"""The signals, in the order of the page."""

USUAL_SIGNALS = tuple(name for name, card in SIGNALS.items() if not card.on_request)
"""Those that are asked for where nobody names any."""

PROVENANCE = ("loss", "fixed-loss", "sima", "flipd")
"""Those by which `provenance` judges a set when none is named: they look at the image, take a few
calls, and any model can be asked for them."""
