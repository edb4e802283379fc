"""The mitigations: what is changed of what a model is told, so that it recalls less."""

from solidmark.cards.card import Card, by_name

MITIGATIONS = by_name(
    Card(
        "gni",
        "Gaussian noise",
        brief="noise on their embedding, strength 0.1",
        paper="Somepalli et al., 2023",
    ),
    Card("rt", "Random tokens", brief="random tokens", paper="Somepalli et al., 2023"),
    Card("cwr", "Word repetition", brief="words again", paper="Somepalli et al., 2023"),
    Card("rna", "Random numbers", brief="random numbers", paper="Somepalli et al., 2023"),
    Card(
        "wen",
        "Magnitude descent",
        brief="embedding optimised to a target magnitude, 4",
        paper="Wen et al., 2024",
    ),
)
