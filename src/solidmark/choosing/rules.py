"""Which measure is asked when: a table. Of the rules of a measure the first that holds counts.

The order of the measures is the order in which they are asked: what is cheap and what others rest
on comes first. Sources: SolidMark (Kriplani et al., 2025), appendix K, and what was measured here.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """Something that can be asked.

    Arguments:
        blind: What it cannot see, as a sentence.
        marks: Whether it needs marked images.
        asks: Whether it asks a model at all.
    """

    name: str
    title: str
    blind: str
    marks: bool = False
    asks: bool = True


@dataclass(frozen=True)
class Rule:
    """A line of the table.

    Arguments:
        of: The measure, or the distance of `nearest`.
        asked: Whether it is asked then.
        when: Names of `facts.CONDITIONS`, "no " before one that must not hold; all must be so.
        reason: Why, in sentences, with `Case.words` in braces.
        options: What its command line has then.
    """

    of: str
    asked: bool
    when: tuple[str, ...]
    reason: str
    options: tuple[str, ...] = ()
    source: str = ""


APPENDIX_K = "SolidMark, appendix K"

MEASURES = (
    Measure(
        "duplicates",
        "Copies in the data",
        "It says nothing of a model.",
        asks=False,
    ),
    Measure(
        "audit",
        "Keys",
        "It sees joint memory of picture and frame, not what a picture alone brings back, nor "
        "images that were trained on without a frame.",
        marks=True,
    ),
    Measure(
        "signals",
        "Cheap signals",
        "It sees that training left a trace, which is no memory yet, not what can be brought back.",
    ),
    Measure(
        "nearest",
        "Generations against the training set",
        "It sees what was drawn this time, unchanged as far as its distances go: no crops or "
        "mirror images by pixels, no image that the model draws too seldom.",
    ),
    Measure(
        "inpaint",
        "Inpainting attack",
        "It sees images whose one half brings the other back, in so many draws.",
    ),
    Measure(
        "invmm",
        "InvMM",
        "It sees images whose noise the search finds in its steps, and misses weakly memorized "
        "ones.",
    ),
    Measure(
        "intent",
        "Prompts and what comes back",
        "It sees what prompts bring back, not what no prompt of the set asks for.",
    ),
    Measure(
        "cliques",
        "Prompts that give back one picture",
        "It sees prompts that always draw alike, whether or not that picture was trained on.",
    ),
)
"""The measures, in the order in which they are asked."""

ONE_SIZE = ("signals", "nearest", "inpaint", "invmm", "intent")
"""The measures that do not ask bucket by bucket."""

RULES = (
    *(
        Rule(
            name,
            False,
            ("buckets",),
            "It takes images of one size, and these were marked in buckets.",
            source="docs/decisions/027-buckets.md",
        )
        for name in ONE_SIZE
    ),
    Rule(
        "duplicates",
        True,
        ("copies",),
        "{copies} of {looked} images looked at are copies. What comes often is memorized first, "
        "and is one picture under several names.",
        source="benchmarks/copies.md",
    ),
    Rule(
        "duplicates",
        True,
        ("unlooked",),
        "Only {looked} of {images} images were looked at for copies, which are memorized first.",
        source="benchmarks/copies.md",
    ),
    Rule("duplicates", False, (), "There are no copies among the {looked} images, all looked at."),
    Rule(
        "audit",
        False,
        ("no marks",),
        "The images carry no keys, so joint memory by key cannot be asked of this model. Where it "
        "can be trained again: solidmark mark.",
    ),
    Rule(
        "audit",
        False,
        ("no pixels",),
        "Keys show memory of pixels. What changes what a picture shows leaves it as it is.",
        source="SolidMark, section 5",
    ),
    Rule(
        "audit",
        True,
        (),
        "The measure for memory of pixels: no key can be guessed, and plain pictures and shifts do "
        "not mislead it. It found images that came twice better than any distance those that came "
        "eight times, at a twentieth of the calls.",
        source=f"{APPENDIX_K}; benchmarks/copies.md",
    ),
    Rule(
        "signals",
        False,
        ("no control",),
        "Without held-out images it is not known what a signal says of images that the model never "
        "saw.",
        source="docs/decisions/020-control-of-another-kind.md",
    ),
    Rule(
        "signals",
        True,
        (),
        "A few calls an image say whether training left a trace at all, and at which images to "
        "look first.",
        source="docs/signals.md",
    ),
    Rule(
        "nearest",
        True,
        ("control",),
        "What the model draws, against what it was trained on; held-out images say how near fresh "
        "ones come. Every count within a threshold has its chance beside it.",
        source=APPENDIX_K,
    ),
    Rule(
        "nearest",
        True,
        (),
        "What the model draws, against what it was trained on. Nothing is held out, so training "
        "images among themselves say what is near: that is cautious, and names no training image.",
        ("--null", "train"),
        source="docs/nearest.md",
    ),
    Rule("inpaint", False, ("no pixels",), "It asks for pixels of the hidden half."),
    Rule(
        "inpaint",
        False,
        ("no control",),
        "Without held-out images it is not known how well the model continues images that it never "
        "saw.",
        source="docs/decisions/020-control-of-another-kind.md",
    ),
    Rule(
        "inpaint",
        True,
        (),
        "It asks for each image by itself, where generations find those only that happen to be "
        "drawn. Of digits it found fewer than generations did, and fewer than InvMM.",
        source="Carlini et al., 2023, section 5.3; docs/studies/agreement.md",
    ),
    Rule(
        "invmm",
        False,
        ("no control",),
        "Without held-out images it is not known how many images the same search would bring back "
        "that the model never saw.",
        source="docs/decisions/017-inversion.md",
    ),
    Rule(
        "invmm",
        True,
        (),
        "It looks for the noise that an image comes from, so it needs no luck in drawing. Dear: "
        "last, and of a few images of both kinds, drawn at random.",
        source="benchmarks/inversion.md",
    ),
    Rule("intent", False, ("no meaning",), "It asks what prompts bring back, not for pixels."),
    Rule("intent", False, ("no captions",), "The images have no captions to ask about."),
    Rule("intent", False, ("no told text",), "The model is told no captions."),
    Rule(
        "intent",
        True,
        (),
        "Reconstructive memory arises from the prompt: it tells apart what was asked for and what "
        "comes unasked.",
        source="SolidMark, section 5; benchmarks/intent.md",
    ),
    Rule("cliques", False, ("no meaning",), "It asks what prompts bring back, not for pixels."),
    Rule("cliques", False, ("no captions",), "The images have no captions to draw."),
    Rule("cliques", False, ("no told text",), "The model is told no captions."),
    Rule(
        "cliques",
        True,
        ("no control",),
        "It needs no held-out images: prompts that draw one picture again and again show "
        "themselves.",
        source="docs/decisions/016-groups.md",
    ),
    Rule(
        "cliques", False, (), "With held-out images nearest and intent say more of the same draws."
    ),
)
"""When each measure is asked."""

DISTANCES = (
    Rule(
        "patched-l2",
        True,
        ("pixels", "no many copies"),
        "patched l2, since one tile that differs is enough to be no copy",
        source="Carlini et al., 2023, section 4",
    ),
    Rule(
        "modified-l2",
        True,
        ("pixels", "no many copies"),
        "modified l2, beside it, though plain pictures still mislead it",
        source="docs/studies/monochrome.md",
    ),
    Rule(
        "l2",
        True,
        ("pixels", "exact copies"),
        "plain l2, since there are exact copies; look at its pairs, since it takes plain pictures "
        "for copies",
        source=APPENDIX_K,
    ),
    Rule(
        "l2",
        False,
        ("pixels", "plain"),
        "plain l2 is left out: {plain} of the images are nearly of one colour, and come close to "
        "everything",
        source="benchmarks/monochrome.md",
    ),
    Rule("l2", True, ("pixels",), "plain l2, beside them, since few images are plain"),
    Rule(
        "sscd-onnx",
        False,
        ("meaning", "no large"),
        "no network that finds copies: at {side} pixels it says nothing",
        source="benchmarks/embedders.md",
    ),
    Rule(
        "sscd-onnx",
        False,
        ("meaning", "no colour"),
        "no SSCD: it was made for photographs",
        source=APPENDIX_K,
    ),
    Rule(
        "sscd-onnx",
        True,
        ("meaning", "sscd", "drawn"),
        "SSCD (on drawings it found crops and mirror images, but strangers come close: look at the "
        "pairs)",
        source="benchmarks/embedders.md",
    ),
    Rule(
        "sscd-onnx",
        True,
        ("meaning", "sscd"),
        "SSCD, the most consistent one for photographs: crops and mirror images too",
        source=APPENDIX_K,
    ),
    Rule(
        "sscd-onnx",
        False,
        ("meaning",),
        "SSCD would fit, and is not at hand: name its weights with sscd:FILE",
        source=APPENDIX_K,
    ),
    Rule(
        "own",
        False,
        ("meaning", "niche", "many"),
        "no published network knows pictures of this kind: solidmark fit makes one in minutes from "
        "others like these (--distance own:FOLDER). It brings more crops and mirror images to the "
        "top, and names no more: look at its pairs (solidmark judge)",
        source=f"{APPENDIX_K}; benchmarks/own.md",
    ),
    Rule("pdq", True, ("meaning", "pdq", "large"), "PDQ, a hash", source="benchmarks/embedders.md"),
    Rule(
        "phash",
        True,
        ("meaning",),
        "pHash: resized, blurred and brighter copies, no crops",
        source="benchmarks/embedders.md",
    ),
)
"""Which distances `nearest` takes; one without a rule that holds is not asked."""
