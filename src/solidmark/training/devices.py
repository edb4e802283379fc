"""Where training runs: one process or several, which device, which precision."""

from typing import Any

from solidmark.cards.recipe import Recipe
from solidmark.errors import BadInput
from solidmark.late import torch
from solidmark.runs import Processes, check_device


def start_accelerator(recipe: Recipe, device: str) -> Any:
    """Starts accelerate.

    Arguments:
        device: `auto`, or a name of torch: `cpu`, `cuda`, `cuda:1`, `mps`.

    Raises:
        BadInput: When the device is not there, or cannot do what the recipe asks.
    """
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    if device != "auto":
        check_device(device)
    if recipe.mixed_precision == "fp16" and (device == "cpu" or not torch.cuda.is_available()):
        raise BadInput("mixed_precision fp16 needs a CUDA device. Use bf16 or no.")
    if Processes.here().count == 1:
        # accelerate keeps one state for the whole interpreter and refuses a second training in
        # another precision or on another device; a single process may begin anew.
        AcceleratorState._reset_state(reset_partial_state=True)
    if device.startswith("cuda:"):
        torch.cuda.set_device(device)
    return Accelerator(cpu=device == "cpu", mixed_precision=recipe.mixed_precision)


def here(accelerator: Any) -> Processes:
    """This process among those that accelerate knows of."""
    return Processes(accelerator.process_index, accelerator.num_processes)
