"""InvMM: the one measure that searches instead of asking once."""

from solidmark.cards.card import Card, by_name

INVMM = by_name(
    Card(
        "invmm",
        "InvMM",
        "Is there a small region of noise from which the model draws this very image, whichever "
        "noise of it is taken? For each image a distribution of starting noise is searched by "
        "gradient descent, as near to ordinary noise as can be. The image is reproduced when even "
        "the least alike of the pictures drawn from it is as similar to it as needed.",
        "noise from which the model draws the image again",
        unit="KL per dimension of the noise, in nats",
        paper="Ma et al., 2024",
    ),
)
