"""A watch as the trainers want it; their packages are imported when a callback is made."""

from collections.abc import Callable
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

    class WatchCallback(Callback):  # type: ignore[misc]
        """Looks every so many optimizer steps."""

        def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
            # With accumulated gradients several batches end at one step, which is asked once.
            step, before = trainer.global_step, {one.step for one in watch.looks}
            if watch(step, of(pl_module)):
                trainer.should_stop = True
            for one in watch.looks:
                if one.step not in before:
                    for logger in trainer.loggers:
                        logger.log_metrics(one.logged, step=step)

    return WatchCallback()


def trainer_callback(watch: "Watch", of: Callable[[Any], Any]) -> Any:
    """A `transformers.TrainerCallback` that looks after a step, and stops the trainer.

    Arguments:
        watch: The watch.
        of: Gives the model from what the trainer trains.
    """
    from transformers import TrainerCallback

    class WatchCallback(TrainerCallback):  # type: ignore[misc]
        """Looks every so many optimizer steps."""

        def on_step_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            if watch(state.global_step, of(given["model"])):
                control.should_training_stop = True

    return WatchCallback()
