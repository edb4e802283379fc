"""Ways round a look at the text of a TorchScript program: each once wrote a file, none does now."""

import pickle
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import embedders
import pytest
import torch
from torch import Tensor, nn

from solidmark.embed import open_sscd
from solidmark.embed.operators import ALLOWED
from solidmark.errors import BadInput, UnsafeCheckpoint

FORWARD = """class Descriptor(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  def forward(self: __torch__.Descriptor,
    x: Tensor) -> Tensor:
    %s
    return torch.mean(x, [2, 3])
"""
CODE = "script/code/__torch__.py"
SAVE = 'torch.\\\nsave(x, "ran")'
"""What a search for ".save" does not see, and torch does."""

BY_NAME = 'getattr(torch, "save")(x, "ran")'

LINES = {
    "plainly": 'torch.save(x, "ran")',
    "over two lines": SAVE,
    "after a form feed": 'torch.\x0csave(x, "ran")',
    "as an operator": 'ops.aten.\\\nsave(x, "ran")',
    "by its name": BY_NAME,
    "behind a condition": f"if torch.gt(torch.len(torch.size(x)), 3):\n      {BY_NAME}",
    "in a loop": f"for i in range(2):\n      {BY_NAME}",
    "reading": 'x = torch.add(x, torch.sum(getattr(torch, "from_file")("secret", False, 4)))',
    "another's memory": "x = torch.as_strided(x, [1, 3, 4, 4], [48, 16, 4, 1], 0)",
    "printing": 'print("here")',
}


class Bare(nn.Module):
    """The smallest program, whose text and objects are then replaced."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=[2, 3])


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def parts() -> dict[str, bytes]:
    """The parts of the smallest program."""
    Bare.__name__ = Bare.__qualname__ = "Descriptor"
    Bare.__module__ = "__main__"  # So that the program stands in one file.
    embedders.save_script(Bare(), Path("bare.pt"))
    with zipfile.ZipFile("bare.pt") as archive:
        names = [name for name in archive.namelist() if not name.endswith(".debug_pkl")]
        return {name.replace("bare/", "script/", 1): archive.read(name) for name in names}


def pack(held: Mapping[str, bytes | str], *more: tuple[str, bytes | str]) -> Path:
    path = Path("sscd.torchscript.pt")
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Two parts of one name are what one case is about.
        for name, part in [*held.items(), *more]:
            archive.writestr(name, part)
    return path


def program(text: str) -> dict[str, bytes]:
    """The smallest archive with another text."""
    return parts() | {CODE: text.encode()}


def as_torch_does(path: Path) -> None:
    """What the file does where nobody looks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.load(path).eval()(torch.ones(1, 3, 4, 4))


@pytest.mark.parametrize("way", LINES)
def test_an_operator_is_found_however_it_is_written(way: str) -> None:
    path = pack(program(FORWARD % LINES[way]))
    with pytest.raises(UnsafeCheckpoint, match=r'calls "(aten|prim)::\w+", which no network needs'):
        open_sscd(str(path), 32)
    assert not Path("ran").exists()


@pytest.mark.parametrize("way", [way for way, line in LINES.items() if "save" in line])
def test_the_ways_are_real(way: str) -> None:
    """Without the look at the operators each writes its file."""
    as_torch_does(pack(program(FORWARD % LINES[way])))
    assert Path("ran").exists()


class Remembers(nn.Module):
    """Runs a line of its own while it is loaded."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=[2, 3])

    @torch.jit.export
    def __getstate__(self) -> tuple[int, bool]:
        return (1, self.training)

    @torch.jit.export
    def __setstate__(self, state: tuple[int, bool]) -> None:
        torch.save(torch.ones(1), "ran")
        self.training = state[1]


def test_nothing_runs_while_a_file_is_loaded() -> None:
    path = embedders.save_script(Remembers(), Path("sscd.pt"))
    with pytest.raises(UnsafeCheckpoint, match=r'names "__[gs]etstate__"'):
        open_sscd(str(path), 32)
    assert not Path("ran").exists()
    as_torch_does(path)
    assert Path("ran").exists()


def test_a_part_is_found_in_any_case_of_its_letters() -> None:
    """torch looks names up so; the program that it found was not the one that was looked at."""
    held = program(FORWARD % SAVE)
    shouted = {name.replace("code/", "CODE/").replace(".py", ".PY"): held[name] for name in held}
    path = pack(shouted, ("script/code/innocent.py", ""))
    with pytest.raises((UnsafeCheckpoint, BadInput)):
        open_sscd(str(path), 32)
    assert not Path("ran").exists()
    as_torch_does(path)
    assert Path("ran").exists()


def test_two_parts_of_one_name_are_refused() -> None:
    held = program(FORWARD % SAVE)
    path = pack(held, (CODE.upper(), FORWARD % "y = 1"))
    with pytest.raises(UnsafeCheckpoint, match="two parts of one name"):
        open_sscd(str(path), 32)
    assert not Path("ran").exists()


class Property(nn.Module):
    """Writes a file where a property is read."""

    @property
    def scale(self) -> int:
        torch.save(torch.ones(1), "ran")
        return 1

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=[2, 3]) * self.scale


class Asked(nn.Module):
    """Writes a file in a method that nobody has to call."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=[2, 3])

    @torch.jit.export
    def train_more(self, x: Tensor) -> Tensor:
        torch.save(x, "ran")
        return x


class Layer(nn.Module):
    """What only a run decides: which program stands behind a name."""

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[empty-body]
        pass


with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    Layer = torch.jit.interface(Layer)  # type: ignore[misc]


class Behind(nn.Module):
    """Calls a network through an interface."""

    layer: Layer

    def __init__(self) -> None:
        super().__init__()
        self.layer = embedders.Saver()

    def forward(self, x: Tensor) -> Tensor:
        return self.layer.forward(x)


class Forks(nn.Module):
    """Hands the work to another thread."""

    def forward(self, x: Tensor) -> Tensor:
        future = torch.jit.fork(torch.sum, x)
        return x.mean(dim=[2, 3]) + torch.jit.wait(future)


class Inner(nn.Module):
    """Writes a file in a part of a part."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Sequential(embedders.Saver()))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


@pytest.mark.parametrize("network", [Property, Asked, Behind, Forks, Inner])
def test_a_program_is_looked_at_in_all_of_its_methods(network: Callable[[], nn.Module]) -> None:
    path = embedders.save_script(network(), Path("sscd.pt"))
    Path("ran").unlink(missing_ok=True)  # To become a program, a property is read once.
    with pytest.raises(UnsafeCheckpoint, match="is TorchScript that"):
        open_sscd(str(path), 32)
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    "name", ["eval", "to", "modules", "train", "parameters", "_apply", "__len__"]
)
def test_a_method_that_python_would_call_is_looked_at_before_it_is_called(name: str) -> None:
    method = f"""  def {name}(self: __torch__.Descriptor) -> int:
    torch.save(1, "ran")
    return 1
"""
    path = pack(program(FORWARD % "y = 1" + method))
    with pytest.raises(UnsafeCheckpoint, match='"aten::save"'):
        open_sscd(str(path), 32)
    assert not Path("ran").exists()


def objects(change: Callable[[bytes], bytes]) -> Path:
    """A network of convolutions whose objects say something else."""
    embedders.save_script(embedders.descriptor(), Path("script.pt"))
    with zipfile.ZipFile("script.pt") as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    return pack(held | {"script/data.pkl": change(held["script/data.pkl"])})


SIZES = b"K\x06K\x03K\x03K\x03t"
"""The shape (6, 3, 3, 3) of the convolution, as it stands in the file."""

LIES = {
    "a shape that is too large": lambda data: data.replace(SIZES, b"K\x3cK\x03K\x03K\x03t"),
    "bytes that are not there": lambda data: data.replace(b"K\xa2t", b"K\xfft"),
    "a negative size": lambda data: data.replace(SIZES, b"J\xff\xff\xff\xffK\x03K\x03K\x03t"),
    "a class of C++": lambda data: data.replace(
        b"c__torch__", b"c__torch__.torch.classes.quantized", 1
    ),
    "another step": lambda data: data.replace(b"N", b"N0N", 1),
    "no end": lambda data: data[:-1],
}


@pytest.mark.parametrize("lie", LIES)
def test_objects_that_torch_would_believe_are_refused(lie: str) -> None:
    """torch takes sizes as they are said, and would read beyond the file."""
    honest = objects(lambda data: data)
    assert open_sscd(str(honest), 32).card.dimensions == 6
    changed: list[bool] = []

    def change(data: bytes) -> bytes:
        made = LIES[lie](data)
        changed.append(made != data)
        return made

    with pytest.raises(UnsafeCheckpoint, match="is TorchScript that"):
        open_sscd(str(objects(change)), 32)
    assert changed == [True]


def test_a_pickle_beside_the_program_is_never_read() -> None:
    planted = pickle.dumps(Path("ran"))
    held = program(FORWARD % "y = 1")
    path = pack(held, ("script/extra/more.pkl", planted), (f"{CODE}.debug_pkl", planted))
    assert open_sscd(str(path), 32).card.dimensions == 3


class Usual(nn.Module):
    """What networks of images are made of."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 8, 1, groups=2),
            nn.GroupNorm(2, 8),
            nn.GELU(),
            nn.Dropout(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(32, 8),
            nn.LayerNorm(8),
            nn.Softmax(dim=1),
            nn.BatchNorm1d(8),
        )
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.power = nn.Parameter(torch.ones(1) * 3)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.interpolate(x, size=[32, 32], mode="bilinear")
        y = self.layers(x)
        z, _ = self.attention(y[:, None], y[:, None], y[:, None])
        means = nn.functional.adaptive_avg_pool2d(x.clamp(min=1e-6).pow(self.power), 1)
        row = torch.cat([y, z[:, 0], means.pow(1.0 / self.power).flatten(1)], dim=1)
        return nn.functional.normalize(row, p=2.0, dim=1)


@pytest.mark.parametrize("traced", [False, True])
def test_usual_networks_are_opened_and_give_the_same_rows(traced: bool) -> None:
    torch.manual_seed(0)
    network, images = Usual().eval(), embedders.images()
    if traced:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.jit.trace(network, torch.rand(8, 3, 32, 32)).save("sscd.pt")
    else:
        embedders.save_script(network, Path("sscd.pt"))
    opened = open_sscd("sscd.pt", 32)
    with torch.no_grad():
        expected = network(opened.squares.tensor(images))
    assert torch.allclose(opened.embed(images), expected, atol=1e-6)


def test_no_allowed_operator_reaches_beyond_the_process_or_runs_what_it_is_told() -> None:
    schemas = [s for s in torch._C._jit_get_all_schemas() if s.name in ALLOWED]
    words = {argument.name for schema in schemas for argument in schema.arguments}
    assert len(schemas) > 300
    assert not {word for word in words if "file" in word or word in ("fut", "process_group")}
    beyond = {"save", "from_file", "as_strided", "set_", "resize_", "fork", "Print", "CallMethod"}
    assert not beyond & {name.partition("::")[2] for name in ALLOWED}


def test_every_allowed_operator_is_one_of_torchs() -> None:
    """A name with a slip in it would refuse a network that is meant to be opened."""
    known = {schema.name for schema in torch._C._jit_get_all_schemas()}
    language = {name for name in ALLOWED if name.startswith("prim::")}
    assert sorted(ALLOWED - language - known) == []
