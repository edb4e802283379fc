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
        "perturbation",
        "Perturbations",
        asks="How much may a picture be changed until its key is no longer read?",
        paper="SolidMark, Table 4, Figure 5 and appendix G",
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
    Card(
        "pattern",
        "Marks",
        asks="Which mark shows memory best: border or center, thin or thick, one grey or several?",
        paper="SolidMark, Table 5 and appendix D",
    ),
    Card(
        "unconditional",
        "Told nothing",
        asks="Does a network that is told nothing of its images remember them less?",
        paper="SolidMark, Table 6 and appendix E",
    ),
    Card(
        "monochrome",
        "Plain pictures",
        asks="Do distances of pixels take plain pictures for copies?",
        paper="SolidMark, Figures 2 and 4 and appendix A",
    ),
    Card(
        "percentile",
        "Percentiles",
        asks="Does the 95th percentile of similarity show that copies are gone?",
        paper="SolidMark, Figure 3",
    ),
    Card(
        "metrics",
        "Metrics",
        asks="Which metric sees which memory: of pixels, or of what is in a picture?",
        paper="SolidMark, Table 1 and appendix K",
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
