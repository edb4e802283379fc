"""Where networks run."""

from solidmark.errors import BadInput


def check_device(device: str) -> None:
    """Checks that a device is there, so that nobody waits for a run that cannot start.

    Arguments:
        device: A name of torch: `cpu`, `cuda`, `cuda:1`, `mps`.

    Raises:
        BadInput: When it is not.
    """
    import torch

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise BadInput(
            f'The device "{device}" cannot be used here ({str(error).splitlines()[0]}). '
            "Use --device cpu."
        ) from error
