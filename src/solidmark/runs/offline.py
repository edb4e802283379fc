"""Nothing goes out unless it was asked for: hubs are asked for what a hub name means, and no more.

Libraries report that they are used (onnxruntime looks up a host when it is imported, and writes a
database of events into the home folder), and look on the hub for what a folder here lacks. They
read from the environment whether they may, once, when they are imported.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SILENCE = ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK")
"""With 1, nothing is reported: by onnxruntime, by the libraries of Hugging Face, by others."""

SHUT = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")
"""With 1, the hub is not asked; transformers and diffusers ask through the first."""

_FLAGS = {
    "huggingface_hub.constants": ("HF_HUB_OFFLINE",),
    "datasets.config": ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"),
}
"""Where the libraries keep what they have read."""

_shut_by_us: set[str] = set()


def report_nothing() -> None:
    """Tells libraries that have yet to be imported to report nothing to anybody."""
    for name in SILENCE:
        os.environ[name] = "1"


def stay_offline() -> None:
    """Keeps the libraries of this process from the network; a choice of the user's own stands."""
    report_nothing()
    for name in SHUT:
        if name not in os.environ:
            os.environ[name] = "1"
            _shut_by_us.add(name)
    if _shut_by_us:
        _set(offline=True)


@contextmanager
def asking_the_hub() -> Iterator[None]:
    """Lets what was asked for by its name on the hub be asked for there."""
    if not _shut_by_us:
        yield
        return
    shut = {name: os.environ.pop(name) for name in _shut_by_us if name in os.environ}
    _set(offline=False)
    try:
        yield
    finally:
        os.environ.update(shut)
        _set(offline=True)


def _set(*, offline: bool) -> None:
    """Tells the libraries that are there already."""
    for module, flags in _FLAGS.items():
        for flag in flags:
            if module in sys.modules:
                setattr(sys.modules[module], flag, offline)
