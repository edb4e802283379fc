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
        "mitigation",
        "Mitigations",
        asks="What do mitigations at inference take away from memory, and from captions?",
        paper="SolidMark, Table 3 and appendix H",
    ),
    Card(
        "gni-classes",
        "Noise on classes",
        asks="Is less read from a class-conditional network whose classes are told with noise?",
        paper="SolidMark, Figure 6 and appendix I",
    ),
    Card(
        "pretraining",
        "Pretraining",
        asks="What does a denoiser remember that is trained from scratch beside frozen parts?",
        paper="SolidMark, Figure 7 and appendix J",
    ),
    Card(
        "intent",
        "Intent",
        asks="What is lost when unintended memorization is mitigated, and when intended is?",
        paper="Naseh, Roh and Houmansadr, 2023",
    ),
)
