"""The embedders: an image as a vector of length 1."""

from solidmark.cards.card import Card, by_name

_HASHED = (
    "Is a training image the same in its coarse light and dark? A hash for finding resized and "
    "recompressed copies."
)
_EDITED = (
    "Is one picture an edited copy of the other? It was trained to find copies through crops, "
    "colours and text on them."
)
_SHOWN = (
    "Do both pictures show the same things in the same way? Two pictures of one kind are alike to "
    "it, copied or not."
)
_MEANT = "Do both pictures mean the same? Two pictures of one kind are alike to it, copied or not."
UNIT = "similarity in [-1, 1]"

# In use with three models of SSCD and four sizes of input: 0.5 (Somepalli et al., 2023), 0.7, and
# 0.75 (Pizzi et al., 2022, for edited copies of full-size photos).
_COPIES = (0.5, 0.6, 0.7, 0.75)
# Embedders of meaning, where two pictures of one thing are alike: ours, near the top.
_ALIKE = (0.9, 0.95, 0.99)


def _within(bits: int, *differing: int) -> tuple[float, ...]:
    """The similarity of a hash of which some bits differ: 1 - 2 h / b."""
    return tuple(1 - 2 * number / bits for number in differing)


def _embedder(
    name: str,
    title: str,
    asks: str,
    how: str,
    thresholds: tuple[float, ...],
    paper: str = "",
    where: str = "",
) -> Card:
    return Card(
        name,
        title,
        asks,
        how=how,
        unit=UNIT,
        direction="high",
        paper=paper,
        spelled=f"{name}:{where}" if where else name,
        thresholds=thresholds,
    )


_BITS = "a hash, 1 - 2 x the share of differing bits; small crops already lose it"
_SSCD = "a network trained to find copies of photographs; meaningless at 32 pixels"
_SEEN = "a network that sees what is in the picture"

EMBEDDERS = by_name(
    _embedder(
        "pixels",
        "Pixels",
        "Is a training image the same after both were made very small? Little but the layout "
        "counts.",
        "correlation of the pixels; brightness and contrast do not count",
        _ALIKE,
        "Lewis 1995",
    ),
    # 5 bits: "probably close enough to be similar" (Krawetz, 2011, "Looks like it").
    _embedder("phash", "pHash", _HASHED, _BITS, _within(64, 5, 0), "Zauner 2010"),
    # 31 bits: the authors' confident match (ThreatExchange).
    _embedder("pdq", "PDQ", _HASHED, _BITS, _within(256, 31, 0), "Davis and Rosen 2019"),
    _embedder("sscd", "SSCD", _EDITED, _SSCD, _COPIES, "Pizzi et al. 2022", "FILE"),
    _embedder("sscd-onnx", "SSCD (ONNX)", _EDITED, _SSCD, _COPIES, "Pizzi et al. 2022"),
    _embedder("dinov2", "DINOv2", _SHOWN, _SEEN, _ALIKE, "Oquab et al. 2023", "FOLDER"),
    _embedder("clip", "CLIP", _MEANT, _SEEN, _ALIKE, "Radford et al. 2021", "FOLDER"),
    _embedder("siglip", "SigLIP", _MEANT, _SEEN, _ALIKE, "Zhai et al. 2023", "FOLDER"),
    _embedder(
        "own",
        "Own network",
        "Is one picture a changed copy of the other, to a small network that was fitted to images "
        "like these? It was shown crops, mirror images, turns, colours and blur, and cannot see "
        "other changes, other kinds of images, or what two pictures have in common in meaning.",
        "a small network fitted to your own images by solidmark fit",
        _ALIKE,
        "Chen et al. 2020",
        "FOLDER",
    ),
    _embedder(
        "onnx",
        "ONNX",
        "Are both pictures alike to a network of your own? One that was fitted to your data is "
        "best where those are not photographs.",
        "a network of your own; in Python, a function",
        _ALIKE,
        where="FILE",
    ),
)
"""The embedders, from the plainest to the user's own."""

NAMED = ", ".join(card.spelled for card in EMBEDDERS.values()) + " (FOLDER: or a hub name)"
"""How a command line names them, for its help."""
