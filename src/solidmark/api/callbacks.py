"""A watch as the trainers want it; their packages are imported when a callback is made."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from solidmark.api.watching import Watch


def lightning_callback(watch: "Watch", of: Callable[[Any], Any]) -> Any:
    """A `lightning.pytorch.Callback` that looks after a step, logs, and stops the trainer.

    Arguments:
        watch: The watch.
        of: Gives the model from the `LightningModule`.

    Raises:
        ImportError: When neither lightning nor pytorch_lightning is installed.
    """
    try:
        from lightning.pytorch import Callback
    except ImportError:
        from pytorch_lightning import Callback

    class WatchCallback(Callback):
        """Looks every so many optimizer steps."""

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            self._log = partial(_to_loggers, trainer)
            watch.trackers.append(self._log)

        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            watch.trackers.remove(self._log)

        def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
            # With accumulated gradients several batches end at one step, which is asked once, and
            # the first ones before there was any.
            if trainer.global_step and watch(trainer.global_step, of(pl_module)):
                trainer.should_stop = True

    return WatchCallback()


def _to_loggers(trainer: Any, values: Mapping[str, float], step: int) -> None:
    for logger in trainer.loggers:
        logger.log_metrics(dict(values), step=step)


def trainer_callback(watch: "Watch", of: Callable[[Any], Any]) -> Any:
    """A `transformers.TrainerCallback` that looks after a step, and stops the trainer.

    Arguments:
        watch: The watch.
        of: Gives the model from what the trainer trains.
    """
    from transformers import TrainerCallback

    class WatchCallback(TrainerCallback):
        """Looks every so many optimizer steps."""

        def on_step_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            if watch(state.global_step, of(given["model"])):
                control.should_training_stop = True

    return WatchCallback()
