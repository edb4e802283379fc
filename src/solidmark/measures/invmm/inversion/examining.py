"""Drawing what checks ask for: samples of many attempts in common network calls."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from jaxtyping import Float

from solidmark.diffusion import Condition, Denoiser, Model, Sampler, spaced_times
from solidmark.late import Tensor, torch
from solidmark.measures.invmm.inversion.checking import Answer, Check, Request, Verdict
from solidmark.types import Images, Latents

Similarity = Callable[[Images, Images], Float[Tensor, " N"]]
"""How alike the i-th of some images is to the i-th of others; high = alike."""


@dataclass(frozen=True)
class Drawable:
    """What the samples of many checks are drawn from, before any is drawn.

    Arguments:
        noises: The initial noises, drawn from q, S for each of A attempts, on the model's device.
        condition: What the model is told of each, with A S rows, or None.
        images: What they should show, in [0, 1].
    """

    noises: Float[Tensor, "A S c h w"]
    condition: Condition
    images: Float[Tensor, "A C H W"]

    def told(self, rows: Sequence[tuple[int, int]]) -> Condition:
        """What the model is told of some (attempt, sample)."""
        if self.condition is None:
            return None
        each = self.noises.shape[1]
        return self.condition[torch.tensor([number * each + sample for number, sample in rows])]


def calls_of(request: Request) -> int:
    """The network calls of a request, per image; guidance needs two for one."""
    each = request.steps * (1 if request.guidance == 1 else 2)
    return each * len(request.samples)


@dataclass(frozen=True)
class Examiner:
    """Runs checks.

    Arguments:
        similarity: Of a sample and its image.
        batch_size: The most samples that are drawn at a time.
    """

    model: Model
    similarity: Similarity
    batch_size: int

    def verdicts(self, checks: Sequence[Check], drawable: Drawable) -> list[tuple[Verdict, int]]:
        """Runs checks side by side until each has its verdict.

        What is asked for at the same moment, of one guidance and one number of steps, goes through
        the network together.

        Returns:
            The verdict of each check, and its network calls. Where a similarity is not finite the
            check ends, with NaN.
        """
        calls = [0] * len(checks)
        verdicts: dict[int, Verdict] = {}
        asked = {number: next(check) for number, check in enumerate(checks)}
        while asked:
            answers: dict[int, Answer] = {}
            for kind in sorted({(request.guidance, request.steps) for request in asked.values()}):
                alike = {n: r for n, r in asked.items() if (r.guidance, r.steps) == kind}
                with torch.no_grad():
                    answers |= self._answer(alike, drawable)
            for number, answer in answers.items():
                request = asked.pop(number)
                calls[number] += calls_of(request)
                if not all(map(math.isfinite, answer.similarities)):
                    verdicts[number] = Verdict(False, math.nan, request.guidance, False)
                    continue
                try:
                    asked[number] = checks[number].send(answer)
                except StopIteration as stop:
                    verdicts[number] = stop.value
        return [(verdicts[number], calls[number]) for number in range(len(checks))]

    def _answer(self, asked: Mapping[int, Request], drawable: Drawable) -> dict[int, Answer]:
        """Answers requests of one guidance and one number of steps."""
        first = next(iter(asked.values()))
        rows = [(number, sample) for number, one in asked.items() for sample in one.samples]
        drawn = []
        for start in range(0, len(rows), self.batch_size):
            part = rows[start : start + self.batch_size]
            z = torch.stack([drawable.noises[row] for row in part])
            denoiser = Denoiser(self.model, drawable.told(part), first.guidance)
            drawn.append(sample_from(denoiser, z, first.steps))
        images = torch.cat(drawn)
        shown = torch.stack([drawable.images[number] for number, _ in rows])
        similarities = self.similarity(images, shown).tolist()
        answers, start = {}, 0
        for number, request in asked.items():
            mine = slice(start, start + len(request.samples))
            answers[number] = Answer(similarities[mine], images[mine])
            start = mine.stop
        return answers


def sample_from(denoiser: Denoiser, z: Latents, steps: int) -> Images:
    """What the deterministic sampler (DDIM; Euler for a flow) makes of noises.

    The times are those that diffusers calls `trailing`; they begin at the noisiest.

    Returns:
        Images in [0, 1], on the CPU.

    References:
        Song et al., 2021, Eq. 12 with eta = 0.
    """
    sampler = Sampler(denoiser.model.schedule, eta=0.0)
    still = torch.zeros_like(z)
    for t, s in pairwise([*spaced_times(steps), -1.0]):
        z = sampler.step(z, denoiser(z, t), still, t, s)
    return denoiser.model.decode(z).clamp(0, 1).float().cpu()
