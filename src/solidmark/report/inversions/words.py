"""The words of the page of an `invmm` run: what came of an image, how to read the numbers."""

from collections.abc import Mapping

from solidmark.report.inversions.records import Outcome
from solidmark.report.numbers import percent
from solidmark.report.pairs.words import GLOSSARY as OF_DISTANCES

OUTCOMES: Mapping[Outcome, str] = {
    "reproduced": "Reproduced",
    "spent": "Budget spent",
    "failed": "Failed",
    "not_tried": "Not tried",
}
SPLITS = {"trained": "Trained", "held_out": "Held-out"}

_ABOVE = (
    (
        "reproduced",
        "Reproduced",
        "The search found noise from which the model draws this image again and again. It means "
        "that the image, or something that looks the same to the similarity used here, is stored "
        "in the model and comes out when asked the right way. It does not mean that the model "
        "draws it by itself, or for any caption that a user would type. And it does not mean "
        "memory at all where held-out images are reproduced as often.",
    ),
    (
        "spent",
        "Budget spent",
        "The search ended without reproducing the image. It is no proof that the image is not "
        "memorized: a longer search, or another start, may find it.",
    ),
    (
        "not_tried",
        "Not tried",
        "The budget of the run was used up before. Nothing at all is known of such an image here, "
        "and it counts nowhere.",
    ),
    (
        "kl",
        "KL",
        "How far the noise that was found lies from ordinary noise: the Kullback-Leibler "
        "divergence from the standard normal, in nats per dimension, at the first check at which "
        "the image was reproduced. Low means memorized: 0 is ordinary noise, so the model would "
        "draw the image unasked. Without a reproduction there is no KL, and the KL at the end says "
        "only how far the search had gone.",
    ),
    (
        "similarity",
        "Similarity, the least alike of the samples",
        "How alike the image and a sample are, at most 1; high means alike. Of the samples of a "
        "check the smallest counts, and it must reach the similarity needed.",
    ),
    (
        "score",
        "Score",
        "One number to rank all images by, from 0 to 2; low means memorized. Below 1: reproduced, "
        "KL / (1 + KL). From 1 on: not reproduced, 1 + (1 - best similarity) / 2.",
    ),
    (
        "path",
        "Path of the search",
        "Four lines over the steps of the search, one value a check. Loss: how far what the model "
        "makes of the noise lies from the image, low = close. Weight: how strongly the search "
        "is held at ordinary noise; it is halved whenever the loss stops falling. KL, and the "
        "least alike of the samples; dashed is what is needed. A cheap check looks at samples of a "
        "short sampler and stops at the first that is not alike, so that its similarity is the "
        "most that can have been. All cards have one scale, and each its own number of steps.",
    ),
    (
        "restarts",
        "Restarts",
        "The search again from another seed. The KL of an image is the median of its restarts, and "
        "it counts as reproduced when most of them reproduce it. The interval is the lowest and "
        "the highest of them; where some restarts reproduce it and some do not, the search is "
        "unstable there.",
    ),
    (
        "null",
        "Held-out images, the null",
        "Images of the same kind that the model never saw, searched for in the same way. What they "
        "reach is chance: a strong enough search makes a good model draw pictures that are new to "
        "it. Without them nothing can be judged.",
    ),
    (
        "p_value",
        "p",
        "How often a held-out image has at least as low a score: with m of them it is never below "
        "1 in m + 1. Low = memorized. Images of equal pixels are one picture.",
    ),
)
_BELOW = {
    "auc": "The chance that a trained image has a lower score than a held-out one. 0.5 is a coin "
    "toss, 1 is perfect separation.",
    "chance": "What the same number is on the held-out images: what is to be expected where "
    "nothing was memorized.",
}
_KEPT = ("q_value", "named", "auc", "tpr_at_fpr", "interval", "chance")
_CALLS = (
    "network_calls",
    "Network calls",
    "How many times the network was evaluated: the cost. A step of the search costs a forward and "
    "a backward pass for each of its noise samples; a backward pass counts as 1.3 calls.",
)


def glossary(fdr: float) -> list[tuple[str, str, str]]:
    """The glossary of a run: anchor, term, explanation.

    Arguments:
        fdr: The false-discovery rate at which its rows are named.
    """
    rate = {"fdr": f"{fdr:g}", "percent": percent(fdr)}
    known = {anchor: (term, meaning) for anchor, term, meaning in OF_DISTANCES}
    rest = [
        (anchor, known[anchor][0], _BELOW.get(anchor, known[anchor][1]).format(**rate))
        for anchor in _KEPT
    ]
    return [*_ABOVE, *rest, _CALLS]
