"""A training, looked at while it goes on: audited every so many steps, in any loop."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from solidmark.api.asking import as_reader
from solidmark.api.given import configured
from solidmark.api.result import Result
from solidmark.errors import BadInput
from solidmark.randomness import undisturbed
from solidmark.runs import Processes

if TYPE_CHECKING:
    from solidmark.measures.watch import Look, StopAt

LIVE = "in training"
"""What stands for the name of a model that has none yet."""

IMAGES = 256
"""So many images of each split are asked about at a look, when nothing else is said."""


class Tracker(Protocol):
    """Keeps numbers by step: an `accelerate.Accelerator`, or a function with the same arguments."""

    def __call__(self, values: Mapping[str, float], step: int) -> object: ...


class Watch:
    """Audits the marked images every so many steps of a training, and keeps the curve.

    A look changes nothing in the training: parts go into evaluation mode and back, and what is
    drawn at random next is what would have been drawn. Every process of a training calls it.

    Arguments:
        marked: The folder that `mark` made, whose `train/` is trained on.
        out: The folder to write; one that holds a watch of the same goes on.
        every: Optimizer steps between two looks.
        stop_at: When `should_stop` becomes true: at the verdict "memorized", or when at least this
            share of the images is memorized.
        log: Where the numbers go too: an `accelerate.Accelerator`, or `log(values, step)`.
        readers: As of `audit`; the one that fits the marks when empty.
        page: Whether the page is made anew at every look.
        options: As of `audit.Question` (limit, batch_size, ceiling, perturb ...). `limit` is 256
            images of each split when not given.

    Raises:
        NotFound: When there is no marked folder.
        UnknownName: When there is no such reader or option.
        BadInput: When an option makes no sense.
        RunConflict: When `out` holds something else.

    Example:
        watch = solidmark.Watch(marked, "watched", every=2, stop_at="memorized", limit=8)
        for step in range(1, 5):
            # ... a step of the training, then:
            if watch(step, "memorizer"):
                break
        watch.result.verdict.headline, watch.looks, watch.result.page
    """

    def __init__(
        self,
        marked: str | os.PathLike[str],
        out: str | os.PathLike[str],
        *,
        every: int = 500,
        stop_at: "StopAt" = None,
        log: Tracker | Any = None,
        readers: Any = (),
        page: bool = True,
        **options: Any,
    ) -> None:
        from solidmark.marks import open_marked
        from solidmark.measures.audit import Question
        from solidmark.measures.watch import begin, is_reached, require_stop
        from solidmark.readers import default_reader

        if every < 1:
            raise BadInput(f"every must be 1 step or more, not {every}.")
        require_stop(stop_at)
        self.folder = Path(out).absolute()
        self.every, self.stop_at = every, stop_at
        self.trackers: list[Tracker] = [] if log is None else [getattr(log, "log", log)]
        self._page = page
        usual = default_reader(open_marked(Path(marked)).pattern)
        chosen = tuple(map(as_reader, readers)) or (usual,)
        given = {"model": LIVE, "marked": Path(marked), "readers": chosen}
        self._question = configured(Question, self.folder, {"limit": IMAGES, **options}, **given)
        self._checked = False
        begin(self._question)
        self.should_stop = is_reached(self.looks, stop_at)

    def __call__(
        self,
        step: int,
        model: Any = None,
        *,
        network: Any = None,
        scheduler: Any = None,
        images: int | None = None,
    ) -> bool:
        """Looks, if it is time.

        Arguments:
            step: How many optimizer steps are done.
            model: A diffusers pipeline, `(network, scheduler)`, a path, a control.
            network: The denoiser, in place of a model; averaged weights (EMA), if there are any.
            scheduler: Its noise schedule.
            images: How many images the training has seen.

        Returns:
            Whether the training should stop.

        Raises:
            BadInput: When the model was not made for images like these.
        """
        from solidmark.measures.watch import check
        from solidmark.models.live import is_live

        given = (network, scheduler) if model is None else model
        if not self._checked and is_live(given):
            with undisturbed():
                check(self._question, given)
            self._checked = True
        return self.should_stop if step % self.every else self.look(step, given, images)

    def look(self, step: int, model: Any, images: int | None = None) -> bool:
        """Looks now, whatever the step; one that was looked at already is not asked again.

        Arguments:
            step: How many optimizer steps are done.
            model: As of a call.
            images: How many images the training has seen.

        Returns:
            Whether the training should stop.

        Raises:
            BadInput: When the model was not made for images like these.
        """
        from solidmark.measures.watch import ask, is_reached
        from solidmark.models.live import is_live

        with undisturbed():
            if is_live(model):
                ask(self._question, step, live=model, images=images)
            else:
                question = replace(self._question, model=os.fspath(model))
                ask(question, step, images=images)
            processes = Processes.here()
            # One that was made, and killed before it was on the curve, still goes there.
            if processes.is_main and all(one.step != step for one in self.looks):
                self._keep(step)
            processes.wait()
            # A training that goes on from before a look is not stopped by what that has seen.
            so_far = [one for one in self.looks if one.step <= step]
            self.should_stop = is_reached(so_far, self.stop_at)
        return self.should_stop

    def _keep(self, step: int) -> None:
        from solidmark.measures.watch import gather
        from solidmark.reporting import write_report

        gather(self.folder)
        if self._page:
            write_report(self.folder)
        for one in self.looks:
            if one.step == step:
                for log in self.trackers:
                    log(one.logged, step=step)

    @property
    def looks(self) -> list["Look"]:
        """The curve: a row a look and reader, in the order in which they were made."""
        from solidmark.measures.watch import looks_of

        return looks_of(self.folder)

    @property
    def result(self) -> Result:
        """The result so far: `verdict`, `figures`, `rows`, `page`."""
        return Result(self.folder)

    def for_lightning(self, of: Callable[[Any], Any]) -> Any:
        """A callback for `lightning.Trainer`, which stops it and writes into its loggers.

        Arguments:
            of: Gives the model from the `LightningModule`: `lambda module: (module.unet,
                module.scheduler)`, or a pipeline made of its parts.

        Raises:
            ImportError: When lightning is not installed.
        """
        from solidmark.api.callbacks import lightning_callback

        return lightning_callback(self, of)

    def for_trainer(self, of: Callable[[Any], Any]) -> Any:
        """A callback for the `Trainer` of transformers, which stops it.

        Arguments:
            of: Gives the model from what the trainer trains: `lambda model: (model.unet,
                scheduler)`, or a pipeline made of its parts.
        """
        from solidmark.api.callbacks import trainer_callback

        return trainer_callback(self, of)
