"""Weights that lie, pickles in every place, and model folders that ask for code."""

import io
import json
import os
import pickle
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .case import AUDIT_OPTIONS, NEAREST, REFUSED, SET_APART, TAKEN, Case, Make
from .running import CANARY

AUDIT = ("audit", "sd", "marked-32", "OUT", *AUDIT_OPTIONS)
INSPECT_SD = ("inspect", "sd")
UNET = "sd/unet/diffusion_pytorch_model.safetensors"
PROGRAM = f"import os\nos.mkdir({CANARY!r})\nclass Evil:\n    pass\n"
REFUSALS, GOES_ON = (REFUSED,), (TAKEN, SET_APART)
ALL = (REFUSED, SET_APART, TAKEN)


class Planted:
    """Makes a folder when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (CANARY,)


PICKLED = pickle.dumps(Planted())


def zipped() -> bytes:
    """A pickle as `torch.save` packs it."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("archive/data.pkl", PICKLED)
        archive.writestr("archive/version", "3")
        archive.writestr("archive/byteorder", "little")
    return data.getvalue()


def head_of(whole: bytes) -> tuple[dict[str, Any], bytes]:
    """The head and the numbers of a safetensors file."""
    size = struct.unpack("<Q", whole[:8])[0]
    return json.loads(whole[8 : 8 + size]), whole[8 + size :]


def with_head(head: object, numbers: bytes) -> bytes:
    """A safetensors file."""
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + numbers


def _first(change: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    """Changes what the head says of the first tensor."""

    def damage(whole: bytes) -> bytes:
        head, numbers = head_of(whole)
        name = next(name for name in head if name != "__metadata__")
        change(head[name])
        return with_head(head, numbers)

    return damage


def _numbers(pattern: bytes) -> Callable[[bytes], bytes]:
    def damage(whole: bytes) -> bytes:
        head, numbers = head_of(whole)
        return with_head(head, pattern * (len(numbers) // len(pattern)))

    return damage


def _overlapping(whole: bytes) -> bytes:
    head, numbers = head_of(whole)
    names = [name for name in head if name != "__metadata__"]
    for name in names:
        start, end = head[name]["data_offsets"]
        head[name]["data_offsets"] = [0, end - start]
    return with_head(head, numbers)


LIES: dict[str, Callable[[bytes], bytes]] = {
    "a head of 2^63 bytes": lambda w: struct.pack("<Q", 2**63) + w[8:],
    "a head of 0 bytes": lambda w: struct.pack("<Q", 0) + w[8:],
    "a head longer than the file": lambda w: struct.pack("<Q", len(w)) + w[8:],
    "a head of 90 MB that is not there": lambda w: struct.pack("<Q", 90 * 2**20) + w[8:],
    "a head that is no JSON": lambda w: w[:8] + b"x" + w[9:],
    "a head that is a list": lambda w: with_head([1, 2], b""),
    "a head that is empty": lambda w: with_head({}, b""),
    "a deep head": lambda w: struct.pack("<Q", 10**6) + b"[" * 10**6,
    "a deep head of objects": lambda w: struct.pack("<Q", 5 * 10**5) + b'{"a":' * 10**5,
    "an offset behind the end": _first(lambda t: t.update(data_offsets=[0, 2**40])),
    "a negative offset": _first(lambda t: t.update(data_offsets=[-8, 8])),
    "offsets the wrong way round": _first(lambda t: t.update(data_offsets=[64, 0])),
    "words for offsets": _first(lambda t: t.update(data_offsets=["a", "b"])),
    "one offset": _first(lambda t: t.update(data_offsets=[0])),
    "an unknown dtype": _first(lambda t: t.update(dtype="OBJECT")),
    "another dtype": _first(lambda t: t.update(dtype="F64")),
    "a number for a dtype": _first(lambda t: t.update(dtype=7)),
    "a shape of 2^62": _first(lambda t: t.update(shape=[2**62, 4])),
    "a negative shape": _first(lambda t: t.update(shape=[-1, -2])),
    "a word for a shape": _first(lambda t: t.update(shape="many")),
    "a fraction in a shape": _first(lambda t: t.update(shape=[1.5])),
    "infinity in a shape": _first(lambda t: t.update(shape=[float("inf")])),
    "another shape": _first(lambda t: t.update(shape=[1])),
    "overlapping": _overlapping,
    "NaN in all": _numbers(struct.pack("<f", float("nan"))),
    "infinity in all": _numbers(struct.pack("<f", float("inf"))),
    "1e38 in all": _numbers(struct.pack("<f", 1e38)),
    "cut off": lambda w: w[: len(w) // 2],
    "empty": lambda w: b"",
    "a pickle": lambda w: PICKLED,
    "a pickle in a zip": lambda w: zipped(),
    "metadata that are numbers": lambda w: with_head(
        {**head_of(w)[0], "__metadata__": {"a": 1}}, head_of(w)[1]
    ),
    "a tensor that is called out of the network": lambda w: with_head(
        {f"x.{n}" if n != "__metadata__" else n: t for n, t in head_of(w)[0].items()}, head_of(w)[1]
    ),
}
PICKLES = {
    "sd/unet/diffusion_pytorch_model.bin": True,
    "sd/vae/diffusion_pytorch_model.bin": True,
    "sd/text_encoder/pytorch_model.bin": True,
    "sd/text_encoder/model.pt": True,
    "sd/tokenizer/tokenizer.pkl": False,
    "sd/scheduler/scheduler.ckpt": False,
    "sd/model.ckpt": False,
}
INDEX = "sd/model_index.json"
CODE = {"AutoModel": "evil.Evil", "AutoTokenizer": ["evil.Evil", None]}
ASKS: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "code beside a unet": ("sd/unet/config.json", {"auto_map": CODE}, REFUSALS),
    "code beside a text encoder": ("sd/text_encoder/config.json", {"auto_map": CODE}, REFUSALS),
    "code beside a tokenizer": ("sd/tokenizer/tokenizer_config.json", {"auto_map": CODE}, REFUSALS),
    "code beside a scheduler": ("sd/scheduler/scheduler_config.json", {"auto_map": CODE}, REFUSALS),
    "a pipeline of the folder": (INDEX, {"_class_name": ["evil", "Evil"]}, REFUSALS),
    "a pipeline of another name": (INDEX, {"_class_name": "EvilPipeline"}, REFUSALS),
    "a pipeline that is no text": (INDEX, {"_class_name": {"a": 1}}, REFUSALS),
    "a part of os": (INDEX, {"unet": ["os", "system"]}, REFUSALS),
    "a part of the folder": (INDEX, {"unet": ["evil", "Evil"]}, REFUSALS),
    "a part that is a path": (INDEX, {"unet": ["../evil", "Evil"]}, REFUSALS),
    "a part that is a text": (INDEX, {"unet": "evil.Evil"}, REFUSALS),
    "a part that is a number": (INDEX, {"unet": 7}, REFUSALS),
    "a part that is an object": (INDEX, {"unet": {"a": ["evil", "Evil"]}}, REFUSALS),
    "a scheduler that is none": (
        INDEX,
        {"scheduler": ["diffusers", "DiffusionPipeline"]},
        REFUSALS,
    ),
    "a further part of the folder": (INDEX, {"safety_checker": ["evil", "Evil"]}, ALL),
    "a custom pipeline": (INDEX, {"custom_pipelines": {"x": "evil"}}, ALL),
    "a kernel of the hub": (
        "sd/text_encoder/config.json",
        {"attn_implementation": "evil/kernel"},
        REFUSALS,
    ),
    "rounded weights": (
        "sd/unet/config.json",
        {"quantization_config": {"quant_method": "evil"}},
        REFUSALS,
    ),
    "an activation of code": (
        "sd/unet/config.json",
        {"act_fn": "__import__('os').mkdir('canary')"},
        REFUSALS,
    ),
    "a million layers": ("sd/unet/config.json", {"layers_per_block": 10**6}, REFUSALS),
    "channels of 2^40": ("sd/unet/config.json", {"block_out_channels": [2**40, 2**41]}, REFUSALS),
    "words for channels": ("sd/unet/config.json", {"block_out_channels": "wide"}, REFUSALS),
    "blocks of another kind": (
        "sd/unet/config.json",
        {"down_block_types": ["Evil", "Evil"]},
        REFUSALS,
    ),
    "a side of 10^9": ("sd/unet/config.json", {"sample_size": 10**9}, ALL),
    "a side that is a list of words": ("sd/unet/config.json", {"sample_size": ["a", "b"]}, ALL),
    "a side that is a deep list": ("sd/unet/config.json", {"sample_size": [[8, 8], 8]}, ALL),
    "a side below 0": ("sd/unet/config.json", {"sample_size": -8}, ALL),
    "channels of the autoencoder that are a number": (
        "sd/vae/config.json",
        {"block_out_channels": 7},
        REFUSALS,
    ),
    "10^10 steps": (
        "sd/scheduler/scheduler_config.json",
        {"num_train_timesteps": 10**10},
        REFUSALS,
    ),
    "0 steps": ("sd/scheduler/scheduler_config.json", {"num_train_timesteps": 0}, REFUSALS),
    "a schedule of words": (
        "sd/scheduler/scheduler_config.json",
        {"trained_betas": ["a", "b"]},
        REFUSALS,
    ),
    "a schedule of NaN": (
        "sd/scheduler/scheduler_config.json",
        {"beta_start": float("nan")},
        REFUSALS,
    ),
    "a schedule above 1": ("sd/scheduler/scheduler_config.json", {"beta_end": 7.0}, REFUSALS),
    "another prediction": (
        "sd/scheduler/scheduler_config.json",
        {"prediction_type": "evil"},
        REFUSALS,
    ),
    "a prediction that is a list": (
        "sd/scheduler/scheduler_config.json",
        {"prediction_type": [1]},
        REFUSALS,
    ),
    "a vocabulary of 10^12": ("sd/text_encoder/config.json", {"vocab_size": 10**12}, REFUSALS),
    "captions of 10^12 tokens": (
        "sd/tokenizer/tokenizer_config.json",
        {"model_max_length": 10**12},
        ALL,
    ),
    "escapes in a class": (INDEX, {"_class_name": "\x1b[31m\nError: x\x07"}, REFUSALS),
}
TEXTS: dict[str, bytes] = {
    "no JSON": b"{",
    "a list": b"[1, 2]",
    "a number": b"7",
    "a deep list": b"[" * 10**6,
    "NUL": bytes(1000),
    "no UTF-8": b'{"a": "\xff"}',
    "empty": b"",
    "a long number": b'{"sample_size": ' + b"9" * 10**5 + b"}",
}
CONFIGS = (
    INDEX,
    "sd/unet/config.json",
    "sd/scheduler/scheduler_config.json",
    "sd/vae/config.json",
    "sd/text_encoder/config.json",
    "sd/tokenizer/vocab.json",
)


def _damaged(path: str, damage: Callable[[bytes], bytes]) -> Make:
    def make(here: Path) -> None:
        (here / path).write_bytes(damage((here / path).read_bytes()))

    return make


def _edited(path: str, changes: dict[str, Any]) -> Make:
    def make(here: Path) -> None:
        (here / "evil.py").write_text(PROGRAM)
        (here / "sd" / "evil.py").write_text(PROGRAM)
        (here / path).parent.joinpath("evil.py").write_text(PROGRAM)
        (here / path).write_text(json.dumps(json.loads((here / path).read_text()) | changes))

    return make


def _pickled(path: str, alone: bool, content: bytes) -> Make:
    def make(here: Path) -> None:
        for weights in (here / path).parent.glob("*.safetensors") if alone else ():
            weights.unlink()
        (here / path).write_bytes(content)

    return make


def _content(path: str, content: bytes) -> Make:
    def make(here: Path) -> None:
        (here / path).write_bytes(content)

    return make


def _link(path: str, target: str) -> Make:
    def make(here: Path) -> None:
        (here / path).unlink()
        (here / path).symlink_to(target)

    return make


def _pipe(path: str) -> Make:
    def make(here: Path) -> None:
        (here / path).unlink(missing_ok=True)
        os.mkfifo(here / path)

    return make


def _index_of_shards(name: str) -> Make:
    def make(here: Path) -> None:
        index = {"metadata": {}, "weight_map": {"conv_in.weight": name}}
        shutil.move(here / UNET, here / "sd/unet/other.safetensors")
        (here / f"{UNET}.index.json").write_text(json.dumps(index))
        (here / "outside.safetensors").write_bytes(PICKLED)
        (here / "sd/unet/x.bin").write_bytes(PICKLED)

    return make


def _lora(tensors: Callable[[], dict[str, Any]]) -> Make:
    def make(here: Path) -> None:
        from safetensors.torch import save_file

        save_file(tensors(), here / "lora.safetensors")

    return make


def _loras() -> dict[str, Callable[[], dict[str, Any]]]:
    import torch

    layer = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"

    def pair(a: Any, b: Any, name: str = layer) -> dict[str, Any]:
        return {f"{name}.lora_A.weight": a, f"{name}.lora_B.weight": b}

    good = torch.zeros(2, 8), torch.zeros(8, 2)
    return {
        "wrong widths": lambda: pair(torch.zeros(2, 99), torch.zeros(99, 2)),
        "ranks that differ": lambda: pair(torch.zeros(2, 8), torch.zeros(8, 3)),
        "one half": lambda: {f"{layer}.lora_A.weight": good[0]},
        "no dimensions": lambda: pair(torch.tensor(1.0), torch.tensor(1.0)),
        "rank 0": lambda: pair(torch.zeros(0, 8), torch.zeros(8, 0)),
        "rank 100,000": lambda: pair(torch.zeros(100_000, 8), torch.zeros(8, 100_000)),
        "whole numbers": lambda: pair(good[0].long(), good[1].long()),
        "NaN": lambda: pair(good[0] * float("nan"), good[1]),
        "a layer that is not there": lambda: pair(*good, name="unet.evil.layer"),
        "a layer called __class__": lambda: pair(*good, name="unet.__class__.__init__"),
        "a layer of dots": lambda: pair(*good, name="unet....."),
        "escapes in a name": lambda: pair(*good, name="unet.\x1b[31m\n"),
        "no names of a LoRA": lambda: {"x": good[0]},
        "nothing": dict,
    }


def _onnx(location: str) -> Make:
    def make(here: Path) -> None:
        from onnx import TensorProto, helper

        weight = helper.make_tensor("w", TensorProto.FLOAT, [3, 4], bytes(48), raw=True)
        weight.ClearField("raw_data")
        weight.data_location = TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", "0"), ("length", "48")):
            entry = weight.external_data.add()
            entry.key, entry.value = key, value
        graph = helper.make_graph(
            [
                helper.make_node("ReduceMean", ["x"], ["m"], axes=[2, 3], keepdims=0),
                helper.make_node("MatMul", ["m", "w"], ["y"]),
            ],
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["b", 3, 16, 16])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["b", 4])],
            [weight],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
        model.ir_version = 8
        (here / "net.onnx").write_bytes(model.SerializeToString())
        (here / "numbers.bin").write_bytes(bytes(48))
        (here / "below").mkdir()

    return make


ONNX_PLACES = {
    "../world/photos/50.png": REFUSALS,
    "/etc/passwd": REFUSALS,
    "below/../../x.bin": REFUSALS,
    "numbers.bin": ALL,
    "nowhere.bin": REFUSALS,
    "/dev/zero": REFUSALS,
    "": REFUSALS,
    "below": REFUSALS,
}
EMBEDDERS: dict[str, tuple[str, str, bytes]] = {
    "a pickle as ONNX": ("net.onnx", "onnx:net.onnx", PICKLED),
    "zeros as ONNX": ("net.onnx", "onnx:net.onnx", bytes(1000)),
    "a protobuf that claims 2 GB": (
        "net.onnx",
        "onnx:net.onnx",
        b"\x08\x08\x3a\xff\xff\xff\xff\x07",
    ),
    "a pickle as SSCD": ("net.pt", "sscd:net.pt", PICKLED),
    "a pickle in a zip as SSCD": ("net.pt", "sscd:net.pt", zipped()),
    "a text as SSCD": ("net.pt", "sscd:net.pt", b"hello"),
    "a pickle as a network of ours": ("net.safetensors", "own:net.safetensors", PICKLED),
    "a folder of nothing as CLIP": ("x", "clip:photos", b""),
}


def cases() -> Iterator[Case]:
    """Pipelines, single files, LoRAs and embedders."""
    nan = ("NaN in all", "infinity in all", "1e38 in all", "metadata that are numbers")
    for name, damage in LIES.items():
        ends = ALL if name in nan else REFUSALS
        yield Case("safetensors", name, _damaged(UNET, damage), AUDIT, ends)
        yield Case("safetensors", name, _damaged(UNET, damage), INSPECT_SD, ALL)
        lora = ("audit", "sd", "marked-32", "OUT", *AUDIT_OPTIONS, "--lora", UNET)
        if name not in nan:
            yield Case("safetensors", f"{name}, as a LoRA", _damaged(UNET, damage), lora, REFUSALS)
    for path, alone in PICKLES.items():
        for kind, content in (("", PICKLED), (" in a zip", zipped())):
            name = f"{path.removeprefix('sd/')}{kind}"
            ends = REFUSALS if alone else GOES_ON
            yield Case("pickles", name, _pickled(path, alone, content), AUDIT, ends)
            yield Case("pickles", name, _pickled(path, alone, content), INSPECT_SD)
    for end in ("bin", "pt", "ckpt", "pth", "pkl", "safetensors"):
        make = _content(f"alone.{end}", PICKLED)
        yield Case(
            "pickles",
            f"alone.{end}",
            make,
            ("audit", f"alone.{end}", "marked-32", "OUT", *AUDIT_OPTIONS),
            REFUSALS,
        )
        yield Case("pickles", f"alone.{end}", make, ("inspect", f"alone.{end}"))
        yield Case(
            "pickles", f"alone.{end} as a LoRA", make, (*AUDIT, "--lora", f"alone.{end}"), REFUSALS
        )
    for name in ("x.bin", "../../outside.safetensors", "/etc/passwd", "nowhere.safetensors"):
        yield Case("models", f"an index that names {name}", _index_of_shards(name), AUDIT, REFUSALS)
    for name, (path, changes, ends) in ASKS.items():
        yield Case("models", name, _edited(path, changes), AUDIT, ends)
        yield Case("models", name, _edited(path, changes), INSPECT_SD)
    for path in CONFIGS:
        for name, text in TEXTS.items():
            said = f"{path.removeprefix('sd/')} that is {name}"
            # The words of a vocabulary stand in tokenizer.json too, which goes first.
            ends = ALL if path.endswith("vocab.json") else REFUSALS
            yield Case("models", said, _content(path, text), AUDIT, ends)
            yield Case("models", said, _content(path, text), INSPECT_SD)
    for name, place in (
        ("the weights are a pipe", UNET),
        ("a configuration is a pipe", "sd/unet/config.json"),
        ("the index is a pipe", INDEX),
    ):
        yield Case("models", name, _pipe(place), AUDIT, REFUSALS)
        yield Case("models", name, _pipe(place), INSPECT_SD)
    yield Case("models", "the weights are /dev/zero", _link(UNET, "/dev/zero"), AUDIT, REFUSALS)
    yield Case("models", "the weights are /dev/zero", _link(UNET, "/dev/zero"), INSPECT_SD)
    yield Case("models", "a configuration is /dev/zero", _link(INDEX, "/dev/zero"), INSPECT_SD)
    for name, tensors in _loras().items():
        yield Case("LoRAs", name, _lora(tensors), (*AUDIT, "--lora", "lora.safetensors"))
        yield Case("LoRAs", name, _lora(tensors), ("inspect", "lora.safetensors"))
    for place, ends in ONNX_PLACES.items():
        yield Case(
            "embedders",
            f"ONNX with numbers in {place!r}",
            _onnx(place),
            (*NEAREST, "onnx:net.onnx"),
            ends,
        )
    for name, (file, typed, content) in EMBEDDERS.items():
        yield Case("embedders", name, _content(file, content), (*NEAREST, typed), REFUSALS)
