"""The studies: what each asks, and which table of which paper it follows."""

from solidmark.cards.card import Card, by_name

STUDIES = by_name(
    Card(
        "duplication",
        "Copies",
        asks="Are images remembered more that are there more often?",
        paper="SolidMark, Table 2 and appendix F",
    ),
    Card(
        "training-curve",
        "Training",
        asks="When does a network begin to remember its images?",
        paper="ours",
    ),
    Card(
        "readers",
        "Readers",
        asks="Which reader of keys sees how much, and what does it cost?",
        paper="ours",
    ),
    Card(
        "observer",
        "Observer",
        asks="Does the mark change what is memorized?",
        paper="ours",
    ),
    Card(
        "agreement",
        "Agreement",
        asks="Does the key score rank images as extraction, InvMM and copies do?",
        paper="ours",
    ),
    Card(
        "invmm-factors",
        "InvMM",
        asks="What moves InvMM: training, copies, sampling, or mere membership?",
        paper="InvMM (Ma et al., 2024)",
    ),
)
