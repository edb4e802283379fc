"""Whether samples of q show the image: the authors' check, and a cheaper one.

An image is reproduced when the smallest similarity of 8 samples, drawn by the full sampler under
one guidance, reaches the threshold. A check is written as a generator: it asks for samples, is sent
their similarities, and returns a verdict. So the samples that many attempts ask for at the same
moment are drawn in common network calls.

`full` draws every sample under one guidance after another, until one suffices.

`cheap` comes to the same verdict from fewer samples.

- Exact: it stops at the first sample below the threshold, since the smallest decides. The samples
  that look worst under the few-step sampler come first, and the guidances that came closest at the
  last check; neither order changes the decision, only which of several guidances is named.
- Approximate: before that, a few-step sampler draws the samples, and one that stays below the
  threshold less the margin refuses the check. So it may refuse what `full` accepts, never accept
  what `full` refuses: an image is then reproduced at a later check, or not at all.
- The last check of a budget draws all samples in full under the closest guidance, without a screen:
  what was not reproduced then has a similarity to be ranked by.

The noises of a check are drawn whatever is skipped, so both see the same ones.
"""

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from solidmark.late import torch
from solidmark.measures.invmm.inversion.configuration import Inversion
from solidmark.types import Image, Images


@dataclass(frozen=True)
class Request:
    """Samples that a check wants to see.

    Arguments:
        steps: Network calls of the sampler, per sample.
        samples: Which of the samples of the check.
    """

    guidance: float
    steps: int
    samples: tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    """What a check is shown of a request.

    Arguments:
        similarities: One a sample; high = close.
    """

    similarities: list[float]
    images: Images


@dataclass(frozen=True)
class Verdict:
    """What came of a check.

    Arguments:
        reproduced: Whether the image was.
        similarity: The lowest similarity seen, under the guidance at which it was highest.
        guidance: That guidance.
        complete: Whether it is the smallest over all samples, drawn by the full sampler; an upper
            bound, or of the few-step sampler, where it is not.
        pictures: The samples, where it is complete.
        closeness: The lowest similarity seen under each guidance tried.
    """

    reproduced: bool
    similarity: float
    guidance: float
    complete: bool
    pictures: Images | None = None
    closeness: Mapping[float, float] = field(default_factory=dict)


Check = Generator[Request, Answer, Verdict]


def full_check(inversion: Inversion) -> Check:
    """All samples by the full sampler, under one guidance after another until one suffices."""
    tried: list[Verdict] = []
    for guidance in inversion.guidances:
        tried.append((yield from _whole(inversion, guidance)))
        if tried[-1].reproduced:
            break
    best = max(tried, key=lambda verdict: verdict.similarity)
    return replace(best, closeness={one.guidance: one.similarity for one in tried})


def cheap_check(inversion: Inversion, before: Mapping[float, float], last: bool) -> Check:
    """The few-step sampler first, the worst sample first, no more than it takes to refuse.

    Arguments:
        before: The lowest similarity of each guidance at the last check; those that came closest
            are tried first. Empty at first.
        last: Whether the budget ends with this check.
    """
    tried: list[Verdict] = []
    for guidance in sorted(inversion.guidances, key=lambda one: -before.get(one, -math.inf)):
        look = _whole if last and not tried else _sift
        tried.append((yield from look(inversion, guidance)))
        if tried[-1].reproduced:
            break
    # What is complete can be ranked by, and only bounds stand beside it.
    best = max(tried, key=lambda one: (one.reproduced, one.complete, one.similarity))
    return replace(best, closeness={one.guidance: one.similarity for one in tried})


def _whole(inversion: Inversion, guidance: float) -> Check:
    """Every sample by the full sampler."""
    samples = tuple(range(inversion.checked))
    answer = yield Request(guidance, inversion.sampling_steps, samples)
    lowest = min(answer.similarities)
    return Verdict(lowest >= inversion.threshold, lowest, guidance, True, answer.images)


def _sift(inversion: Inversion, guidance: float) -> Check:
    """The few-step and then the full sampler, until a sample refuses."""
    limit = inversion.threshold - inversion.margin
    samples = range(inversion.checked)
    few, _ = yield from _until(limit, guidance, inversion.screen_steps, samples)
    if min(few.values()) < limit:
        return Verdict(False, min(few.values()), guidance, False)
    worst_first = sorted(few, key=lambda sample: few[sample])
    limit = inversion.threshold
    seen, images = yield from _until(limit, guidance, inversion.sampling_steps, worst_first)
    lowest = min(seen.values())
    if lowest < limit:
        return Verdict(False, lowest, guidance, False)
    return Verdict(True, lowest, guidance, True, torch.stack([images[s] for s in samples]))


def _until(
    limit: float, guidance: float, steps: int, samples: Sequence[int]
) -> Generator[Request, Answer, tuple[dict[int, float], dict[int, Image]]]:
    """Draws samples in the order given, 1, 1, 2, 4, ... at a time, until one is below a limit.

    Returns:
        The similarities and the images of those that were drawn.
    """
    similarities: dict[int, float] = {}
    images: dict[int, Image] = {}
    while len(similarities) < len(samples) and min(similarities.values(), default=limit) >= limit:
        start = len(similarities)
        group = tuple(samples[start : start + max(start, 1)])
        answer = yield Request(guidance, steps, group)
        similarities |= dict(zip(group, answer.similarities, strict=True))
        images |= dict(zip(group, answer.images, strict=True))
    return similarities, images
