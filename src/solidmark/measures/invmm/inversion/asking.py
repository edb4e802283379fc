"""Asking the network: the loss of each attempt, and its gradient, in common calls.

.. math::
    \\frac{\\partial p}{\\partial \\mu} = \\sum_s \\sigma_t \\frac{\\partial p}{\\partial z_t},
    \\qquad
    \\frac{\\partial p}{\\partial \\nu}
    = \\sum_s \\sigma_t \\frac{\\partial p}{\\partial z_t} \\, \\frac{e^{\\nu / 2} \\xi}{2}
"""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float

from solidmark.data import Sample
from solidmark.diffusion import Condition, Model, Schedule, moments, training_steps, training_times
from solidmark.late import Tensor, torch
from solidmark.measures.invmm.inversion.configuration import Inversion
from solidmark.measures.invmm.inversion.objective import draw_steps
from solidmark.measures.invmm.inversion.words import SEEDS, logit_slopes, soft_words
from solidmark.models.prompts import PromptSpace
from solidmark.types import Latents


@dataclass(frozen=True)
class Subject:
    """What attempts are about, as the model sees it.

    Arguments:
        latents: Those of its images, one a row.
        condition: What the model is told of each; None where nothing, or prompts are inverted.
    """

    samples: Sequence[Sample]
    latents: Latents
    condition: Condition

    @classmethod
    def of(cls, model: Model, inversion: Inversion, samples: Sequence[Sample]) -> "Subject":
        """Encodes images, and asks what the model is told of them."""
        images = torch.stack([sample.image for sample in samples])
        with torch.no_grad():
            latents = model.encode(images).float()
            told = model.condition(samples) if inversion.prompt == "given" else None
        return cls(samples, latents, told)

    def told(self, rows: Sequence[int]) -> Condition:
        """What the model is told of some rows, which may come several times."""
        return None if self.condition is None else self.condition[torch.tensor(rows)]


@dataclass(frozen=True)
class Draws:
    """What a step draws for one attempt.

    Arguments:
        times: One a sample, of those that the model was trained at.
        xi: Standard normal noise, one a sample.
        seed: Of the words, where the prompt is inverted.
    """

    times: Float[Tensor, " S"]
    xi: Float[Tensor, "S c h w"]
    seed: int | None

    @classmethod
    def of(
        cls,
        generator: "torch.Generator",
        inversion: Inversion,
        schedule: Schedule,
        shape: "torch.Size",
    ) -> "Draws":
        """Draws from an attempt's generator: the times, the noise, the seed of the words.

        Arguments:
            generator: Of the attempt.
            inversion: The configuration.
            schedule: Of the model, whose training steps are drawn from.
            shape: Of the latents of one image.
        """
        steps = draw_steps(generator, inversion, training_steps(schedule))
        times = training_times(schedule, steps)
        xi = torch.randn(inversion.samples, *shape, generator=generator)
        if inversion.prompt == "given":
            return cls(times, xi, None)
        return cls(times, xi, int(torch.randint(SEEDS, (), generator=generator)))


@dataclass(frozen=True)
class Network:
    """The network of a model, as a loss to descend on.

    Arguments:
        prompts: What prompts are made of, where they are inverted.
        batch_size: The most rows of a call: its graph is gone before the next.
    """

    model: Model
    inversion: Inversion
    prompts: PromptSpace | None
    batch_size: int

    def slopes(
        self,
        free: dict[str, Tensor],
        draws: Sequence[Draws],
        subject: Subject,
        rows: Sequence[int],
    ) -> tuple[Float[Tensor, " A"], dict[str, Tensor]]:
        """p of each attempt, and its gradient with respect to what that attempt descends on.

        Arguments:
            rows: Which row of it each attempt is about.

        Returns:
            p in the square of the latents' unit, and the gradients by name.
        """
        count = self.inversion.samples
        owners = [row for row in rows for _ in range(count)]
        z_0 = subject.latents[owners]
        xi = torch.cat([one.xi for one in draws]).to(z_0)
        t = torch.cat([one.times for one in draws]).to(z_0)
        spread = (free["log_variance"] / 2).exp().repeat_interleave(count, 0)
        alpha, sigma = moments(self.model.schedule, t)
        z_t = alpha * z_0 + sigma * (free["mu"].repeat_interleave(count, 0) + spread * xi)
        soft = self._soft(free, draws)
        errors: list[Tensor] = []
        z_slopes: list[Tensor] = []
        soft_slopes: list[Tensor] = []
        for start in range(0, len(owners), self.batch_size):
            part = slice(start, start + self.batch_size)
            wanted = [z_t[part].detach().requires_grad_()]
            if soft is None or self.prompts is None:
                told = subject.told(owners[part])
            else:
                wanted.append(soft[part].detach().requires_grad_())
                told = self.prompts.tell(wanted[1], [subject.samples[o] for o in owners[part]])
            expected = self.model.denoise(wanted[0], t[part], told)
            error = (expected - z_0[part]).square().flatten(1).mean(1)
            found = torch.autograd.grad(error.sum() / count, wanted)
            errors.append(error.detach())
            z_slopes.append(found[0])
            soft_slopes += found[1:]
        n_slopes = sigma * torch.cat(z_slopes)
        slopes = {
            "mu": _sum(n_slopes, count),
            "log_variance": _sum(n_slopes * spread * xi / 2, count),
        }
        if soft is not None:
            slopes["logits"] = self._logit_slopes(free, draws, torch.cat(soft_slopes))
        return torch.cat(errors).reshape(-1, count).mean(1), slopes

    def _soft(
        self, free: dict[str, Tensor], draws: Sequence[Draws]
    ) -> Float[Tensor, "B L E"] | None:
        """The soft prompts of all samples, attempt by attempt."""
        if self.prompts is None or "logits" not in free:
            return None
        count, tau, table = self.inversion.samples, self.inversion.tau, self.prompts.table
        return torch.cat(
            [
                soft_words(logits.to(table), table, one.seed or 0, count, tau)
                for logits, one in zip(free["logits"], draws, strict=True)
            ]
        )

    def _logit_slopes(
        self, free: dict[str, Tensor], draws: Sequence[Draws], soft_slopes: Tensor
    ) -> Float[Tensor, "A L V"]:
        """The gradient of the logits, given that of the soft prompts."""
        assert self.prompts is not None
        count, tau, table = self.inversion.samples, self.inversion.tau, self.prompts.table
        parts = soft_slopes.split(count)
        return torch.stack(
            [
                logit_slopes(logits.to(table), table, one.seed or 0, part, tau).to(logits)
                for logits, one, part in zip(free["logits"], draws, parts, strict=True)
            ]
        )


def _sum(rows: Tensor, count: int) -> Tensor:
    """The sum over each attempt's samples."""
    return rows.unflatten(0, (-1, count)).sum(1)
