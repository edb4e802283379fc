"""What a plan says to people: the frame, what it costs, and what it will show."""

from collections.abc import Callable, Iterator, Sequence

from solidmark.marks import Frame
from solidmark.measures.audit.thickness import Trial
from solidmark.scores import Outlook, Prospect

CALLS_OF_A_TRAINING_STEP = 3
"""Of one image: forwards, and backwards through activations and weights, each about a call."""

HALF = 0.5
"""The share from which "most" are named."""

LOST = 0.05
"""A reading floor above it is more than the error of an image that is known by heart."""

ERROR = """\
The reading error of an image is the mean distance between the greys painted round it and those
read from the model, from 0 to 1 (black to white). Known by heart: 0.02 to 0.05; well memorized:
0.1; a faint trace: 0.2; not memorized: about 0.33. A finished audit has it as "distance".
Look along the rows, not down: of the same training, more greys are read less exactly. In one of
our runs an error of 0.14 with 16 greys was one of 0.22 with 64, and 64 still showed more."""


def frame_lines(frame: Frame, calls: float, trained: int) -> Iterator[str]:
    """The frame and its cost, with what speaks against it."""
    before, after = (f"{height} x {width}" for height, width in (frame.size, frame.marked_size))
    greys = f"{_greys(frame.pattern.count)} of {frame.block_pixels} pixels"
    epochs = max(1, round(calls / trained / CALLS_OF_A_TRAINING_STEP))
    yield f"Frame:    {frame.pattern.thickness} pixels thick, {greys}; {before} becomes {after}."
    yield f"Cost:     {100 * frame.extra:.0f} % more pixels, and about so much more time to train a"
    yield "          model of pixels. Reading the keys afterwards takes about as long as"
    yield f"          {epochs} epoch{'s' if epochs > 1 else ''} of training."
    if not frame.fits_the_network:
        yield f"Warning:  {after} is no multiple of {frame.multiple}. Unless your network takes any"
        yield "          size, leave --thickness out or change --resolution."
    elif frame.is_thick:
        yield "Warning:  the frame is thicker than 1/8 of the image, which costs time. Larger"
        yield "          images or a smaller --multiple allow a thinner one."
    if frame.has_small_blocks:
        yield f"Warning:  {frame.block_pixels} pixels a grey are too few to gain anything where"
        yield "          memory is weak. Use a lower --count."
    if frame.is_extrapolated:
        yield "Note:     frames were tried round images of 12 to 32 pixels. For other sizes this is"
        yield "          an extrapolation that nobody has measured."


def round_trip_lines(trials: Sequence[Trial], chosen: Trial, images: int) -> Iterator[str]:
    """What comes back of frames from the autoencoder of the model.

    Arguments:
        chosen: The one that is advised, which is among them.
    """
    some = f"{images} image{'' if images == 1 else 's'}"
    yield f"Greys that come back from the autoencoder of the model, round {some}, without a"
    yield "call of the network (grey levels from 0 to 1, low is good):"
    yield "  thickness      greys      bias    spread   reading floor"
    for trial in trials:
        pattern, found = trial.frame.pattern, trial.round_trip
        numbers = f"{found.bias:>10.3f}{found.spread:>10.3f}{found.floor:>16.3f}"
        mine = "   <- this frame" if trial is chosen else ""
        yield f"  {pattern.thickness:>6} px {pattern.count:>10}{numbers}{mine}"
    yield "The bias is taken out of what is read. The reading floor is the error that is left then:"
    yield "no reader that looks at decoded pictures has a smaller one. It adds in squares to the"
    yield "errors below."
    if chosen.round_trip.floor > LOST:
        yield "Warning:  this autoencoder loses much of the greys. Use a thicker frame, larger"
        yield "          images or fewer greys, and --reader energy or blend."


def pixel_lines() -> Iterator[str]:
    """What there is to say of the autoencoder of a model of pixels."""
    yield "The model works on pixels: greys reach it as they are painted, so nothing was tried."


def forecast_lines(
    outlooks: Sequence[Outlook], chosen: Outlook, images: int, share: float, fdr: float
) -> Iterator[str]:
    """The tables, and what they come to for the chosen frame.

    Arguments:
        chosen: The one of the frame, which is among them.
        share: The share of them that is supposed memorized.
    """
    memorized = round(share * images)
    yield from ERROR.split("\n")
    yield ""
    yield f"Memorized images that are named, if {memorized:,} of {images:,} are memorized"
    yield f"({_percent(share)}) and {_percent(fdr)} of the names may be false:"
    yield from _table(outlooks, chosen, lambda prospect: _percent(prospect.named))
    yield ""
    yield "Smallest share of memorized images at which half of them are named:"
    yield from _table(outlooks, chosen, lambda p: _share(p.smallest_named, images))
    yield ""
    yield "Smallest share that a verdict would call memorized, whether or not anybody can be named:"
    few = [row for row in outlooks if row.count == 1 or row is chosen]
    yield from _table(few, chosen, lambda p: _share(p.smallest_seen, images))
    yield ""
    yield from _summary(chosen, memorized, images)


def _summary(chosen: Outlook, memorized: int, images: int) -> Iterator[str]:
    named = [p.error for p in chosen.prospects if p.named >= HALF]
    who = f"With {_greys(chosen.count)},"
    if named:
        yield f"{who} most of {memorized:,} memorized images are named if they are read with an"
        yield f"error of {max(named):g} or less."
    else:
        yield f"{who} hardly any of {memorized:,} memorized images is named, however well it is"
        yield "known. Only the test over all images can notice them."
    if chosen.weakest_error is None:
        yield f"A single memorized image among {images:,} cannot be named."
    else:
        yield f"A single memorized image among {images:,} is named, in half of the runs, up to an"
        yield f"error of {chosen.weakest_error:.2f}."


def _table(
    outlooks: Sequence[Outlook], chosen: Outlook, cell: Callable[[Prospect], str]
) -> Iterator[str]:
    errors = [f"{prospect.error:g}" for prospect in chosen.prospects]
    yield "  reading error" + "".join(f"{error:>10}" for error in errors)
    for row in outlooks:
        cells = "".join(f"{cell(prospect):>10}" for prospect in row.prospects)
        mine = "   <- this frame" if row is chosen else ""
        yield f"  {_greys(row.count):<13}{cells}{mine}"


def _greys(count: int) -> str:
    return f"{count} grey{'' if count == 1 else 's'}"


def _share(share: float | None, images: int) -> str:
    if share is None:
        return "never"
    return "1 image" if share * images < 1.5 else _percent(share)


def _percent(share: float) -> str:
    from solidmark.scores.written import percent

    return percent(share)
