"""The words of the page: how to read each number."""

from collections.abc import Mapping
from typing import Any

from solidmark.report.numbers import percent
from solidmark.verdicts.readers import DRAWING as DRAWING
from solidmark.verdicts.readers import reader as reader
from solidmark.verdicts.words import expect_wrong as expect_wrong

SPLITS = {
    "trained": "Trained",
    "held_out": "Held-out",
    "ceiling": "Reference",
    "trained_vs_held_out": "Trained against held-out",
}
"""The splits, in the order and with the names of the page."""

GLOSSARY = (
    (
        "key",
        "Key",
        "A grey level between 0 (black) and 1 (white), or several of them, drawn at random for "
        "each image and painted on it as a mark before training. It says nothing about the image, "
        "so a model can only know it by having memorized this very image.",
    ),
    (
        "reader",
        "Reader",
        "A way to ask the model for the key of an image. Different readers ask different "
        "questions, so their answers may differ.",
    ),
    (
        "trained",
        "Trained",
        "The images that the model was trained on. These are the ones in question.",
    ),
    (
        "held_out",
        "Held-out",
        "The control: images with keys of their own that the model never saw. Everything about "
        "them must be at chance. When it is not, the run is faulty.",
    ),
    (
        "ceiling",
        "Reference",
        "The same images and the same reader, asked of an ideal model that has memorized all of "
        "them, with their captions or classes where the model is told any. A reader that is blind "
        "here cannot see anything elsewhere. It is no upper bound: a trained network remembers in "
        "its own way, and can be read better or worse.",
    ),
    (
        "distance",
        "Distance",
        "How far the key read is from the true key: the mean absolute difference in grey levels, "
        "from 0 to 1. Low means memorized.",
    ),
    (
        "eidetic",
        "Within delta (eidetic)",
        "The share of images whose key is read within a distance of delta. High means memorized. "
        "Compare it with chance, never with zero.",
    ),
    (
        "chance",
        "Chance",
        "What a model that has memorized nothing would reach, worked out from the very keys that "
        "were read here.",
    ),
    (
        "interval",
        "95 % interval",
        "The range in which the true value lies in 95 of 100 runs like this one. Fewer images, "
        "wider interval.",
    ),
    (
        "peers",
        "Peers",
        "The images whose keys an image’s own key is exchanged with: those with the same class and "
        "caption, or where there are none, the others of its class, or all. A model may know what "
        "peers have in common, such as their average frame, and that must not pass for knowing one "
        "of them.",
    ),
    (
        "p_value",
        "p",
        "How often a key handed out at random among its peers would be read as well as the true "
        "one. Low means memorized. One image in a hundred has p below 0.01 by luck.",
    ),
    (
        "q_value",
        "q",
        "p corrected for looking at many images: the false-discovery rate of a list that ends with "
        "this one. Of the images with q at most {fdr}, about {percent} or fewer are there by luck. "
        "Low means memorized.",
    ),
    (
        "named",
        "Named",
        "How many images have q at most {fdr}, the false-discovery rate chosen for this run, so "
        "that one may point at them one by one. With a single grey level as key this is rarely "
        "possible; with 8 or more it is.",
    ),
    (
        "share",
        "Memorized share",
        "The share of the images that is memorized, estimated from all p-values together, whoever "
        "can be named. The lower end of its interval holds whatever the memorized images look "
        "like. High means memorized.",
    ),
    (
        "exposure_bits",
        "Exposure",
        "The same as p in bits: 1 bit is a coin toss guessed, 10 bits are ten in a row. "
        "High means memorized.",
    ),
    (
        "correlation",
        "Correlation",
        "How closely the keys read follow the true keys, from −1 to 1. 0 is chance, "
        "1 is perfect memory. Within groups of peers.",
    ),
    (
        "permutation_z",
        "Permutation z",
        "All images tested together: how much nearer the readings lie to the own keys than to keys "
        "exchanged among peers, in standard deviations. Without memorization it lies between −2 "
        "and 2 in 95 of 100 runs; its p is counted over up to 9,999 exchanges, so never below "
        "0.0001. High means memorized. It sees weak memory that no count within delta shows.",
    ),
    (
        "averages",
        "Averages known",
        "The share of the groups of peers whose average key the model knows, tested group by group "
        "at the false-discovery rate {fdr}. It says what images of one caption or class are known "
        "by together, and nothing of a single one.",
    ),
    (
        "smallest_share",
        "Smallest share",
        "The smallest share of memorized images that this run would have called memorized, four "
        "times in five, by either of its two tests. A run that sees nothing says nothing about "
        "shares below it.",
    ),
    (
        "auc",
        "AUC",
        "The chance that a trained image has a smaller p-value than a held-out one. "
        "0.5 is a coin toss, 1 is perfect separation.",
    ),
    (
        "tpr_at_fpr",
        "Detections at a false-alarm rate",
        "The share of trained images that are caught when so few held-out images are wrongly "
        "caught. High means memorized; the false-alarm rate itself is chance.",
    ),
    (
        "own_key",
        "Own key",
        "Its place among the keys of all images of the run, trained and held-out, by how near they "
        "lie to what was read; 1 is the nearest. By luck each place is equally likely. Images that "
        "share a key count once.",
    ),
    (
        "energy_path",
        "Energy by step",
        "How much of the image the model takes for noise, as Gradient lets the frame slide from "
        "neutral grey to the keys that it reads, on a log scale. An image that falls further than "
        "held-out images do on average is better known in its frame; one that does not may be "
        "known all the same, by its keys.",
    ),
    (
        "round_trip",
        "Grey round trip",
        "What comes back when a frame is only sent through the autoencoder of a latent model and "
        "decoded, without asking the network. Bias is how far the greys come back off on average, "
        "spread how much one grey varies from picture to picture, and the reading floor the mean "
        "error that is left once the bias is taken out. All in grey levels from 0 to 1; low is "
        "good.",
    ),
    (
        "network_calls",
        "Network calls per image",
        "How many times the network was evaluated to read one key: the cost.",
    ),
)
"""Anchor, term, explanation; `{fdr}` stands for the chosen false-discovery rate."""


def glossary(fdr: float) -> list[tuple[str, str, str]]:
    """The glossary of a run: anchor, term, explanation.

    Arguments:
        fdr: The false-discovery rate at which its rows are named.
    """
    rate = {"fdr": f"{fdr:g}", "percent": percent(fdr)}
    return [(anchor, term, meaning.format(**rate)) for anchor, term, meaning in GLOSSARY]


def memory(found: Mapping[str, Any] | None) -> str:
    """Where the model was asked and what that took, in words; nothing for runs of before.

    Arguments:
        found: `memory` in the results.

    Example:
        >>> memory({"device": "cpu", "peak_memory_bytes": 432013312, "batch_size": 16})
        'Asked on cpu, 16 images at a time, with 412 MiB of memory at the peak.'
    """
    if not found:
        return ""
    size, mebibytes = found["batch_size"], found["peak_memory_bytes"] / 2**20
    images = f"{size:,} images at a time" if size > 1 else "image by image"
    return f"Asked on {found['device']}, {images}, with {mebibytes:,.0f} MiB of memory at the peak."
