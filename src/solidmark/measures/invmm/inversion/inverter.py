"""InvMM over many images at once: rounds of descent, each followed by a check.

An attempt draws from a generator of its own and descends on a loss of its own; only the network is
called for all of them together. So what comes of an image does not depend on which others are in
the batch, but for the last digits of the network's arithmetic.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from solidmark.data import Sample
from solidmark.diffusion import Model
from solidmark.errors import BadInput
from solidmark.late import torch
from solidmark.measures.invmm.inversion.asking import Network, Subject
from solidmark.measures.invmm.inversion.attempt import Attempt, Look
from solidmark.measures.invmm.inversion.checking import Verdict, cheap_check, full_check
from solidmark.measures.invmm.inversion.configuration import Inversion
from solidmark.measures.invmm.inversion.descent import Descent
from solidmark.measures.invmm.inversion.examining import Drawable, Examiner, Similarity
from solidmark.measures.invmm.inversion.objective import kl_per_dimension
from solidmark.measures.invmm.inversion.words import SEEDS, soft_words
from solidmark.models.prompts import PromptSpace
from solidmark.randomness import generator as seeded_generator


@dataclass(frozen=True)
class Inverter:
    """Inverts images.

    Arguments:
        model: The model.
        inversion: The configuration.
        similarity: How alike a drawn picture is to its image, pair by pair; high = alike.
        prompts: What a prompt can be made of, where prompts are inverted.
        batch_size: The most rows that one network call gets, with the graph of its gradient.

    Raises:
        BadInput: When prompts are to be inverted and there is nothing to make them of.

    References:
        InvMM (Ma et al., 2024), Algorithm 1.
    """

    model: Model
    inversion: Inversion
    similarity: Similarity
    prompts: PromptSpace | None = None
    batch_size: int = 64

    def __post_init__(self) -> None:
        if self.inversion.prompt == "inverted" and self.prompts is None:
            raise BadInput(
                'To invert a prompt the inverter needs the words of the model. Give "prompts", '
                'or the prompt "given".'
            )

    def start(
        self, sample: Sample, generator: "torch.Generator", repeat: int = 0, split: str = ""
    ) -> Attempt:
        """An attempt that has not begun: q is N(0, I), and every word is as likely as another.

        Arguments:
            sample: The image.
            generator: Of all its draws; its state goes on within the attempt.
            repeat: Which restart.
            split: Kept with the attempt.
        """
        check_seed = int(torch.randint(SEEDS, (), generator=generator))
        zero = torch.zeros_like(self.model.encode(sample.image[None])[0], device="cpu").float()
        logits = None
        if self.inversion.prompt == "inverted" and self.prompts is not None:
            logits = torch.zeros(self.prompts.length, len(self.prompts.table))
        state = generator.get_state()
        return Attempt(sample.id, zero, zero.clone(), logits, state, check_seed, split, repeat)

    def advance(self, attempts: Sequence[Attempt], samples: Sequence[Sample]) -> list[Attempt]:
        """One round: C steps for each attempt, or what is left of its budget, and a check.

        Arguments:
            attempts: Those with an outcome are returned as they are.
            samples: The image of each.

        Returns:
            The attempts after the round, in the same order.

        Raises:
            BadInput: When there is not one sample an attempt, or the images differ in size.
        """
        if [attempt.id for attempt in attempts] != [sample.id for sample in samples]:
            raise BadInput("Every attempt needs the sample that it is about, in the same order.")
        if len({sample.image.shape for sample in samples}) > 1:
            raise BadInput("Images that are inverted together have one size. Invert them apart.")
        found = list(attempts)
        live = [number for number, attempt in enumerate(attempts) if attempt.outcome is None]
        if live:
            asked = [samples[number] for number in live]
            network = Network(self.model, self.inversion, self.prompts, self.batch_size)
            subject = Subject.of(self.model, self.inversion, asked)
            stepped = Descent(network).round([attempts[number] for number in live], subject)
            for number, attempt in zip(live, self._check(stepped, asked, subject), strict=True):
                found[number] = attempt
        return found

    def _check(
        self, attempts: Sequence[Attempt], samples: Sequence[Sample], subject: Subject
    ) -> list[Attempt]:
        """Checks those that have not failed, side by side."""
        found = list(attempts)
        live = [number for number, attempt in enumerate(attempts) if attempt.outcome is None]
        if not live:
            return found
        asked = [attempts[number] for number in live]
        drawable = self._drawable(asked, [samples[number] for number in live], live, subject)
        checks = [
            full_check(self.inversion)
            if self.inversion.checks == "full"
            else cheap_check(self.inversion, one.closeness, one.step >= self.inversion.steps)
            for one in asked
        ]
        examiner = Examiner(self.model, self.similarity, self.batch_size)
        for number, (verdict, calls) in zip(live, examiner.verdicts(checks, drawable), strict=True):
            checked = replace(attempts[number], calls=attempts[number].calls + calls)
            found[number] = self._judged(checked, verdict)
        return found

    def _drawable(
        self,
        attempts: Sequence[Attempt],
        samples: Sequence[Sample],
        live: Sequence[int],
        subject: Subject,
    ) -> Drawable:
        """Draws the noises, and the words, of a check of each attempt."""
        count = self.inversion.checked
        noises, prompts = [], []
        for attempt in attempts:
            draws = seeded_generator(
                attempt.check_seed, attempt.id, attempt.step, purpose="check of an inversion"
            )
            xi = torch.randn(count, *attempt.mu.shape, generator=draws)
            noises.append(attempt.mu + (attempt.log_variance / 2).exp() * xi)
            if attempt.logits is not None and self.prompts is not None:
                seed = int(torch.randint(SEEDS, (), generator=draws))
                table = self.prompts.table
                logits = attempt.logits.to(table.device)
                prompts.append(soft_words(logits, table, seed, count, self.inversion.tau))
        if prompts and self.prompts is not None:
            asked = [sample for sample in samples for _ in range(count)]
            told = self.prompts.tell(torch.cat(prompts), asked)
        else:
            told = subject.told([number for number in live for _ in range(count)])
        images = torch.stack([sample.image for sample in samples])
        return Drawable(torch.stack(noises).to(subject.latents), told, images)

    def _judged(self, attempt: Attempt, verdict: Verdict) -> Attempt:
        """An attempt after its check."""
        kl = float(kl_per_dimension(attempt.mu[None], attempt.log_variance[None]))
        weight = attempt.weight
        look = Look(attempt.step, weight.mean, kl, weight.value, verdict.similarity)
        best = attempt.best_similarity
        if verdict.complete:
            best = max(best, verdict.similarity)
        checked = replace(
            attempt,
            path=(*attempt.path, look),
            closeness=dict(verdict.closeness),
            kl_end=kl,
            best_similarity=best,
            guidance=verdict.guidance,
        )
        if not math.isfinite(verdict.similarity):
            note = f"At step {attempt.step} the similarity of a sample to its image was no number."
            return checked.ended("failed", note=note)
        if verdict.reproduced:
            return checked.ended("reproduced", kl=kl, pictures=verdict.pictures)
        if attempt.step >= self.inversion.steps:
            return checked.ended("spent", pictures=verdict.pictures)
        return checked
