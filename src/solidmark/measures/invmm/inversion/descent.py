"""A round of descent: Adam on the noise of many attempts, and on their prompts, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from solidmark.diffusion.model import GRADIENT_COST
from solidmark.late import Tensor, torch
from solidmark.measures.invmm.inversion.adam import adam_step
from solidmark.measures.invmm.inversion.asking import Draws, Network, Subject
from solidmark.measures.invmm.inversion.attempt import Attempt
from solidmark.measures.invmm.inversion.objective import (
    clipped,
    kl_per_dimension,
    kl_slopes,
    over_rows,
)


@dataclass
class _Live:
    """An attempt in a round, on the device of the model."""

    row: int
    attempt: Attempt
    free: dict[str, Tensor]
    moments: dict[str, Tensor]
    generator: "torch.Generator"

    @classmethod
    def of(cls, row: int, attempt: Attempt, device: "torch.device") -> "_Live":
        free = {name: value.to(device) for name, value in attempt.free().items()}
        kinds = [f"{name}.{kind}" for name in free for kind in ("first", "second")]
        moments = {
            kind: attempt.moments[kind].to(device)
            if kind in attempt.moments
            else torch.zeros_like(free[kind.split(".")[0]])
            for kind in kinds
        }
        generator = torch.Generator()
        generator.set_state(attempt.generator)
        return cls(row, attempt, free, moments, generator)

    def result(self) -> Attempt:
        """The attempt as the round leaves it."""
        free: dict[str, Any] = {name: value.cpu() for name, value in self.free.items()}
        done = replace(self.attempt, generator=self.generator.get_state(), **free)
        if done.outcome == "failed":
            kl = kl_per_dimension(done.mu[None], done.log_variance[None])
            return replace(done, kl_end=float(kl))
        return replace(done, moments={name: value.cpu() for name, value in self.moments.items()})


@dataclass(frozen=True)
class Descent:
    """Descends for many attempts at once."""

    network: Network

    def round(self, attempts: Sequence[Attempt], subject: Subject) -> list[Attempt]:
        """C steps for each attempt, or what is left of its budget.

        Arguments:
            attempts: Without an outcome.
            subject: What each is about, in the same order.

        Returns:
            The attempts. One whose numbers leave the finite has failed, and stands where it stood
            before that step; the others go on.
        """
        inversion, device = self.network.inversion, subject.latents.device
        every = [_Live.of(row, attempt, device) for row, attempt in enumerate(attempts)]
        goals = [min(one.step + inversion.every, inversion.steps) for one in attempts]
        while live := [
            one
            for one in every
            if one.attempt.outcome is None and one.attempt.step < goals[one.row]
        ]:
            self._step(live, subject)
        return [one.result() for one in every]

    def _step(self, live: Sequence[_Live], subject: Subject) -> None:
        """One step of each."""
        inversion = self.network.inversion
        free = {name: torch.stack([one.free[name] for one in live]) for name in live[0].free}
        losses, slopes = self._slopes(live, free, subject)
        steps = [one.attempt.step + 1 for one in live]
        finite = torch.isfinite(losses)
        after: dict[str, tuple[Tensor, Tensor, Tensor]] = {}
        for name, value in free.items():
            first, second = (
                torch.stack([one.moments[f"{name}.{kind}"] for one in live])
                for kind in ("first", "second")
            )
            after[name] = adam_step(value, slopes[name], first, second, steps, inversion.rate)
            finite &= torch.isfinite(after[name][0].flatten(1)).all(1)
        finite &= torch.isfinite(kl_per_dimension(after["mu"][0], after["log_variance"][0]))
        kept, lost = finite.tolist(), losses.tolist()
        for number, one in enumerate(live):
            calls = one.attempt.calls + inversion.samples * GRADIENT_COST
            if not kept[number]:
                note = f"At step {steps[number]} the numbers left the finite ({lost[number]:g})."
                one.attempt = one.attempt.ended("failed", note=note, calls=calls)
                continue
            weight = one.attempt.weight.after(lost[number], steps[number], inversion)
            one.attempt = replace(one.attempt, step=steps[number], weight=weight, calls=calls)
            for name, (value, first, second) in after.items():
                one.free[name] = value[number]
                one.moments |= {f"{name}.first": first[number], f"{name}.second": second[number]}

    def _slopes(
        self, live: Sequence[_Live], free: dict[str, Tensor], subject: Subject
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The losses p of attempts, and the gradients of p + w r."""
        inversion, schedule = self.network.inversion, self.network.model.schedule
        shape = subject.latents.shape[1:]
        draws = [Draws.of(one.generator, inversion, schedule, shape) for one in live]
        rows = [one.row for one in live]
        losses, slopes = self.network.slopes(free, draws, subject, rows)
        weights = [one.attempt.weight.value for one in live]
        for name, slope in kl_slopes(free["mu"], free["log_variance"]).items():
            slopes[name] = slopes[name] + over_rows(weights, slope) * slope
        return losses, clipped(slopes, inversion.clip)
