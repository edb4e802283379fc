"""What commands are told: an option a field, its range beside its type, its help in the docstring.

A command line offers these, and the configuration of its command is made of them: what stands here
stands once. Nothing slow is imported.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

from solidmark.cards.option import (
    ABOVE_ZERO,
    BELOW_ONE,
    IN_COSINES,
    IN_UNIT,
    NOT_NEGATIVE,
    Choice,
    Positive,
    Share,
    Whole,
    at_least,
    between,
)
from solidmark.errors import BadInput

Mode = Literal["RGB", "L"]
MODES: tuple[Mode, ...] = get_args(Mode)
Resolution = int | str
"""A side in pixels, or "HEIGHTxWIDTH"."""

Half = Literal["left", "right", "top", "bottom"]
Frame = Literal["hidden", "shown"]
Paste = Literal["pixels", "latents"]
"""What is pasted over the known part in the latent space: see `diffusion.inpaint_latents`."""

Triage = Literal["none", "solidmark", "energy", "loss", "magnitude", "spread"]
Null = Literal["held-out", "train"]
Prompt = Literal["given", "inverted"]
Checks = Literal["full", "cheap"]
Times = Literal["independent", "stratified"]
Way = Literal["auto", "exact", "approximate"]

Calls = Annotated[int, between(1, 1000)]
"""Of a sampler, whose times are training steps: more would only repeat them."""


def sides_of(resolution: Resolution) -> tuple[int, int]:
    """Height and width in pixels.

    Raises:
        BadInput: When they are no numbers of 1 or more.

    Example:
        >>> sides_of(64), sides_of("480x640")
        ((64, 64), (480, 640))
    """
    found = re.fullmatch(r"(\d{1,9})(?:x(\d{1,9}))?", str(resolution))
    height, width = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if height < 1 or width < 1:
        raise BadInput(
            f'A resolution of "{resolution}" pixels is no image. Use 1 or more, or HEIGHTxWIDTH, '
            "such as 480x640."
        )
    return height, width


def a_resolution(value: str | None) -> Resolution | None:
    """A side in pixels as a number, or HEIGHTxWIDTH as it is."""
    if value is not None:
        sides_of(value)
    return int(value) if value and value.isdecimal() else value


@dataclass(frozen=True, kw_only=True)
class Sized:
    """What images are brought to before they are compared or asked about.

    Arguments:
        resolution: Cut out the centre and resize it to this side in pixels, or HEIGHTxWIDTH, of all
            images. Needed when they differ in size.
        mode: RGB (colour) or L (grey); that of a marked folder, else RGB, when not given.
        window: 16-bit images, floats and DICOM files: the values that become black and white; used
            = each image's own lowest and highest, full = all that the file can hold, or the window
            that a DICOM file names.
    """

    resolution: Annotated[Resolution | None, "PIXELS", a_resolution] = None
    mode: Annotated[Mode | None, Choice("image mode", MODES)] = None
    window: Annotated[str, "LOW:HIGH"] = "full"


@dataclass(frozen=True, kw_only=True)
class Sought:
    """How near vectors are searched for.

    Arguments:
        search: Among vectors of embedders: exact, or approximate: few are looked at, and what share
            of copies is found is measured and told; auto = approximate among a million or more,
            where faiss is installed. Pixels are always compared exactly.
    """

    search: Annotated[Way, Choice("search", get_args(Way))] = "auto"


@dataclass(frozen=True, kw_only=True)
class Hashed:
    """How images are called.

    Arguments:
        hash_ids: Call images by keyed hashes of their ids in all that is written and said. FILE
            holds the secret, and is made where it is not there; FILE.csv says which image is meant.
            Keep both away from the results.
    """

    hash_ids: Annotated[Path | None, "FILE"] = None


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """How images are drawn.

    Arguments:
        steps: Sampling steps, 1 to 1000.
        eta: 0 = deterministic sampling (DDIM), 1 = ancestral (DDPM).
        guidance: Classifier-free guidance; 1 = none, what the model itself has learned. Others cost
            double; text-to-image models are mostly used with 3 to 8.
    """

    steps: Calls = 50
    eta: Annotated[float, IN_UNIT] = 0.0
    guidance: Annotated[float, NOT_NEGATIVE] = 1.0


@dataclass(frozen=True, kw_only=True)
class Generated(Sampled):
    """Which images are drawn.

    Arguments:
        number: How many images; 5000 when not given, or --per-prompt of every prompt.
        data: Data set whose captions or classes are drawn, of any kind that solidmark mark takes.
        caption: One prompt for all; beside --data, that of its images without a caption.
        caption_column: Of --data: column of the caption, else text or caption.
        label_column: Of --data: column of the class, else class or label.
        class_folders: Of --data: the folders inside are the classes, or are not; as for solidmark
            mark.
        per_prompt: So many images of each prompt; when not given, the prompts take turns.
        limit: At most so many prompts, the first by their ids.
        marked: Folder of solidmark mark that the model was trained on: gives the size, and without
            --data and --caption the captions or classes of its training images.
        crop: Cut the frames off; --marked says what they are.
    """

    number: Annotated[Whole, "--number", "-n"] = None
    data: Annotated[str | None, "DATA"] = None
    caption: Annotated[str | None, "TEXT"] = None
    caption_column: Annotated[str | None, "NAME"] = None
    label_column: Annotated[str | None, "NAME"] = None
    class_folders: Annotated[bool | None, "--class-folders/--no-class-folders"] = None
    per_prompt: Whole = None
    limit: Whole = None
    marked: Annotated[Path | None, "FOLDER"] = None
    crop: Annotated[bool, "--crop"] = False


@dataclass(frozen=True, kw_only=True)
class Inpainted(Sampled):
    """How images are inpainted.

    Arguments:
        half: Which half is hidden and drawn anew: left, right, top, bottom.
        frame: hidden: the frame is drawn anew too, since its key would tell the model which image
            is meant; shown: it is known, as in training.
        draws: How often each image is inpainted.
        jump_length: Models of pixels: steps that a RePaint jump goes back.
        jump_count: Models of pixels: RePaint's passes over each step; 1 = no jumps.
        paste: Models of latents: what is pasted over the known half: latents at every step, or
            pixels (decoded and encoded again) every --every steps.
        every: Of --paste pixels: steps from one pasting to the next.
    """

    half: Annotated[Half, Choice("half", get_args(Half))] = "left"
    frame: Annotated[Frame, Choice("frame", get_args(Frame))] = "hidden"
    draws: Positive = 100
    eta: Annotated[float, IN_UNIT] = 1.0
    jump_length: Positive = 10
    jump_count: Positive = 1
    paste: Annotated[Paste, Choice("way to paste", get_args(Paste))] = "latents"
    every: Positive = 10


@dataclass(frozen=True, kw_only=True)
class Descended:
    """How an image is inverted.

    Arguments:
        steps: Steps of descent at most.
        samples: Noise samples a step.
        rate: Adam's step size, for the noise and for the prompt.
        every: Steps from one check to the next (C).
        loss_window: Steps whose losses are averaged when the weight of the KL is adapted.
        improvement: The weight is halved when the loss fell by less than this (xi).
        weight_step: What the weight grows by at each step (delta).
        checked: Pictures drawn at a check, all of which must show the image.
        sampling_steps: Steps of the sampler that draws them.
        clip: The largest norm of a gradient; none by default.
        prompt: given (the image's own caption or class: what an auditor usually asks) or inverted
            (looked for beside the noise, as the authors do with text-to-image models, and the
            presets sd and sd3 with them).
        tau: Of an inverted prompt: temperature of its words.
        checks: full (as published) or cheap (a few-step sampler first, the full one to confirm).
        screen_steps: Of cheap checks: steps of the first sampler.
        margin: Of cheap checks: how far below the threshold the first sampler may stay, in the unit
            of the similarity.
        times: How times are drawn: independent (as published) or stratified (evenly).
    """

    steps: Positive = 2000
    samples: Positive = 32
    rate: Annotated[float, ABOVE_ZERO] = 0.1
    every: Positive = 50
    loss_window: Positive = 100
    improvement: Annotated[float, NOT_NEGATIVE] = 1e-3
    weight_step: Annotated[float, NOT_NEGATIVE] = 1e-4
    checked: Positive = 8
    sampling_steps: Calls = 200
    clip: Annotated[float | None, ABOVE_ZERO] = None
    prompt: Annotated[Prompt, Choice("prompt", get_args(Prompt))] = "given"
    tau: Annotated[float, ABOVE_ZERO] = 2.0
    checks: Annotated[Checks, Choice("check", get_args(Checks))] = "cheap"
    screen_steps: Calls = 10
    margin: Annotated[float, NOT_NEGATIVE] = 0.1
    times: Annotated[Times, Choice("way to draw times", get_args(Times))] = "independent"


@dataclass(frozen=True, kw_only=True)
class Inverted:
    """Which images are inverted, and how long.

    Arguments:
        similarity: By what drawn pictures are compared with the image: l2, patched-l2, or an
            embedder as solidmark nearest takes it, such as sscd:FILE for natural photos.
        fpr: Of --threshold auto: the share of unrelated pairs that may pass.
        restarts: Attempts an image, for an interval of its KL; the first of all images go first.
        triage: Who is inverted first: none (by chance), solidmark and energy (how well the key of a
            marked image is read), loss, magnitude, spread (cheap signals). Blind to the split.
        audit: Of --triage solidmark: an audit of these images, whose p-values are taken.
        batch_size: Images that are inverted at a time.
        call_size: Noise samples a network call; halved where they do not fit into the memory.
    """

    similarity: Annotated[str, "NAME"] = "l2"
    fpr: Annotated[float, "--fpr", BELOW_ONE] = 0.001
    restarts: Positive = 1
    triage: Annotated[Triage, Choice("triage", get_args(Triage))] = "none"
    audit: Annotated[Path | None, "--audit", "FOLDER"] = None
    batch_size: Positive = 32
    call_size: Positive = 256


@dataclass(frozen=True, kw_only=True)
class Prompted(Sampled):
    """Which prompts are asked about, and what names what.

    Arguments:
        prompts: Prompts, one a line; or .jsonl with text, and if you like id and entities. The
            captions of the training images when not given.
        per_prompt: Generations of each text.
        limit: At most so many prompts, drawn at random.
        expected: What you expect, .csv or .jsonl with feature (or image) and expected (yes, no): it
            has the last word on what is intended, and the report is split by it.
        unrelated: Further captions that are drawn to see what comes anyhow.
        unrelated_prompts: A file of prompts to take them from instead.
        similarity: What says how alike two pictures look: l2, patched-l2, or an embedder:
            {embedders}.
        text_encoder: A sentence encoder: then a prompt names a feature by what its words mean, not
            by exact words alone.
        text_threshold: With --text-encoder: the cosine from which two texts mean the same, in
            [-1, 1].
    """

    prompts: Annotated[Path | None, "FILE"] = None
    per_prompt: Positive = 16
    limit: Whole = None
    expected: Annotated[Path | None, "FILE"] = None
    unrelated: Annotated[int, at_least(0)] = 16
    unrelated_prompts: Annotated[Path | None, "FILE"] = None
    similarity: Annotated[str, "NAME"] = "l2"
    text_encoder: Annotated[str | None, "FOLDER|ID"] = None
    text_threshold: Annotated[float, IN_COSINES] = 0.6


@dataclass(frozen=True, kw_only=True)
class Ruled:
    """When a feature counts as shown, and when it counts as frequent.

    Arguments:
        fpr: The share of pairs of different training pictures that auto lets through.
        set_fpr: The share of training pictures outside a class or phrase that pass for showing it.
        frequent: The least share of a prompt's generations that counts as frequent.
        fdr: False-discovery rate of each kind of tests.
    """

    fpr: Annotated[float, BELOW_ONE] = 1e-3
    set_fpr: Annotated[float, BELOW_ONE] = 0.05
    frequent: Share = 0.25
    fdr: Annotated[float, BELOW_ONE] = 0.05


@dataclass(frozen=True, kw_only=True)
class Compared:
    """How generations are compared with what their model was trained on.

    Arguments:
        null: What is close is judged by: held-out, how close held-out images come to the training
            images; train, how close those come to one another.
        per_image: Ask too how close a generation comes to each training image.
        neighbours: Neighbours kept of each generation.
        limit: At most so many images of each side, the first by their ids.
    """

    null: Annotated[Null, Choice("null", get_args(Null))] = "held-out"
    per_image: bool = True
    neighbours: Positive = 10
    limit: Whole = None


@dataclass(frozen=True, kw_only=True)
class Deduplicated:
    """What counts as a copy.

    Arguments:
        near: Count re-encoded and resized copies as copies, or exact ones only.
        embedder: Count images as copies too that an embedder sees alike: {embedders}.
        above: How alike: similarity of at least this. It carries over to no other embedder: look at
            the groups.
        limit: At most so many images, the first by their ids.
    """

    near: bool = True
    embedder: Annotated[str | None, "NAME"] = None
    above: Share = 0.9
    limit: Whole = None


@dataclass(frozen=True, kw_only=True)
class Extracted:
    """What counts as a clique.

    Arguments:
        distance: What two generations are compared by, not rescaled: patched-l2, l2, or an
            embedder: {embedders}.
        threshold: Generations within this distance are joined (embedders: 1 - similarity).
            [default: 0.15 for patched-l2, which was chosen for 512 pixels]
        calibrate: Set the threshold on pairs of generations of different prompts.
        fpr: The share of those pairs that a calibrated threshold lets through.
        least: Members of a suspicious clique.
        repeats: Draws of generations of different prompts that say what chance gives; 0 = none.
        prompt_column: Column that says whose prompt an image is of, else prompt_id, else the
            caption, else the class.
        limit: At most so many prompts, the first by their ids.
    """

    distance: Annotated[str, "NAME"] = "patched-l2"
    threshold: Annotated[float | None, ABOVE_ZERO] = None
    calibrate: Annotated[bool, "--calibrate"] = False
    fpr: Annotated[float, BELOW_ONE] = 1e-4
    least: Annotated[int, at_least(2)] = 10  # Of 500 generations (Carlini et al., 2023).
    repeats: Annotated[int, at_least(0)] = 99
    prompt_column: Annotated[str | None, "NAME"] = None
    limit: Whole = None
