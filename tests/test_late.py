"""torch, and what of scipy is slow, is imported when something is computed, and not before."""

import pkgutil
import subprocess
import sys

import numpy as np
import pytest
import torch

import solidmark
from solidmark import late
from solidmark.late import Tensor, functional
from solidmark.types import Keys

SLOW = (
    *("torch", "diffusers", "transformers", "datasets", "accelerate", "peft"),
    *("scipy.stats", "scipy.optimize", "scipy.sparse"),
)
NETWORKS = ("solidmark.training.autoencoder", "solidmark.training.captions")
"""They define a network each, so that its class is one of torch's."""
IMPORT = f"""
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
    found = [name for name in {SLOW} if name in sys.modules]
    if found:
        sys.exit(f"{{name}} imports {{found}}")
"""


def test_no_module_imports_what_is_slow() -> None:
    """One that does so would make every command that imports it slow."""
    every = [one.name for one in pkgutil.walk_packages(solidmark.__path__, "solidmark.")]
    assert set(NETWORKS) < set(every)
    names = [name for name in every if name not in (*NETWORKS, "solidmark.__main__")]
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, *names], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_a_tensor_is_what_torch_takes_for_one() -> None:
    assert isinstance(torch.zeros(2), Tensor)
    assert isinstance(torch.nn.Parameter(torch.zeros(2)), Tensor)
    assert not isinstance(np.zeros(2), Tensor)
    assert not isinstance(None, Tensor)


def test_shapes_and_kinds_are_checked_as_ever() -> None:
    """The checks of jaxtyping in all other tests rest on it."""
    assert isinstance(torch.zeros(2, 3), Keys)
    assert not isinstance(torch.zeros(2), Keys)
    assert not isinstance(torch.zeros(2, 3, dtype=torch.int64), Keys)
    assert not isinstance(np.zeros((2, 3), np.float32), Keys)


def test_what_is_named_late_is_the_thing_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert late.torch.Tensor is torch.Tensor
    assert functional.pad is torch.nn.functional.pad
    monkeypatch.setattr(torch, "zeros", "changed")
    assert late.torch.zeros == "changed"
    with pytest.raises(AttributeError):
        late.torch.no_such_thing  # noqa: B018
