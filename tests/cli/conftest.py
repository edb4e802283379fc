"""A folder with everything that the commands are tried on, and a way to run them."""

import json
import shutil
from collections.abc import Callable
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

import pytest
from breaking import unfinish

from solidmark.cli import main
from solidmark.data import open_data, to_picture

TINY = [
    *("--preset", "digits-demo", "--block-out-channels", "8,16", "--norm-num-groups", "4"),
    *("--max-train-steps", "2", "--train-batch-size", "4", "--device", "cpu"),
]
"""A recipe that trains in a second."""


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict:
        return json.loads(self.out)

    @property
    def result(self) -> dict:
        """What `--json` gives beside the verdict and the pages."""
        return {k: v for k, v in self.json.items() if k not in ("verdict", "pages", "stale")}


Run = Callable[..., Answer]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line in this process."""

    def run(*words: object) -> Answer:
        capsys.readouterr()
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return run


def write_digits(folder: Path, count: int, side: int = 8) -> Path:
    """Writes real handwritten digits as PNG files."""
    folder.mkdir(parents=True)
    digits = open_data("digits", resolution=side, limit=5 * count)
    for number in range(count):
        to_picture(digits[5 * number].image).save(folder / f"digit-{number:02d}.png")
    return folder


def write_drawn(folder: Path, prompts: int = 13, each: int = 12) -> Path:
    """Writes a folder as `solidmark generate --per-prompt` does: noise, and one picture again."""
    import torch

    from solidmark.marks import write_image

    images = torch.rand(prompts * each, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    lines = []
    for number, image in enumerate(images):
        name = f"images/{number:06d}.png"
        write_image(folder / name, images[0] * 0.98 + image * 0.02 if number < each else image)
        lines.append({"file_name": name, "prompt_id": f"prompt-{number // each}"})
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return folder


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder. Nobody may write into what is there already."""
    here = tmp_path_factory.mktemp("world")
    write_digits(here / "photos", 16)
    write_drawn(here / "drawn")
    with chdir(here):
        assert main(["mark", "photos", "marked", *MARK]) == 0
        assert main(["mark", "photos", "other-seed", *MARK, "--seed", "1"]) == 0
        assert main(["mark", "photos", "no-controls", *MARK, "--held-out", "0"]) == 0
        assert main(["audit", "gaussian", "marked", "audit", *AUDIT]) == 0
        assert main(["index", "photos", "an-index", "--distance", "l2", "--device", "cpu"]) == 0
        probe = ["observe", "gaussian", "marked", "no-energies", "--reader", "probe", *AUDIT]
        assert main(probe) == 0
    _make_data(here)
    _make_marked(here)
    _make_models(here)
    _make_configs(here)
    return here


MARK = ["--mode", "L", "--thickness", "2", "--held-out", "0.5", "--seed", "0"]
AUDIT = ["--no-ceiling", "--device", "cpu"]


def _make_data(here: Path) -> None:
    """Data sets, most of them bad."""
    (here / "empty").mkdir()
    (here / "broken").mkdir()
    for number in range(3):
        (here / "broken" / f"{number}.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing more")
    write_digits(here / "sizes", 2)
    to_picture(open_data("digits", resolution=9, limit=1)[0].image).save(
        here / "sizes" / "nine.png"
    )
    (here / "notes").mkdir()
    (here / "notes" / "a.txt").write_text("no image here")
    (here / "said.csv").write_text("generation,image,verdict\ndigit-00.png,digit-00.png,copy\n")
    (here / "table.xlsx").write_bytes(b"PK")
    (here / "photos.zip").write_bytes(b"PK")
    (here / "torn.parquet").write_bytes(b"PAR1 and then nothing")
    (here / "torn.tar").write_bytes(b"not a tar" * 100)
    for name, lines in METADATA.items():
        write_digits(here / name, 2)
        (here / name / "metadata.jsonl").write_text("\n".join(lines), encoding="utf-8")


METADATA = {
    "good-metadata": [
        '{"file_name": "digit-00.png", "text": "a"}',
        '{"file_name": "digit-01.png", "text": "b"}',
    ],
    "twice": [
        '{"file_name": "digit-00.png", "id": "x"}',
        '{"file_name": "digit-01.png", "id": "x"}',
    ],
    "no-json": ['{"file_name": "digit-00.png"}', '{"file_name": "digit-01.png"'],
    "no-name": ['{"file_name": "digit-00.png"}', '{"text": "which?"}'],
    "outside": ['{"file_name": "../photos/digit-00.png"}'],
    "absolute": ['{"file_name": "/etc/passwd"}'],
    "no-id": ['{"file_name": "digit-00.png", "id": "x"}', '{"file_name": "digit-01.png"}'],
}


def _make_marked(here: Path) -> None:
    """Marked folders in which something is wrong."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(here / "marked", here / name))

    unfinish(copy("unfinished"))
    (copy("no-keys") / "keys.parquet").unlink()
    (copy("corrupt-keys") / "keys.parquet").write_bytes(b"PAR1 and then nothing")
    (copy("half-manifest") / "manifest.json").write_text('{"command": "mark", ')
    (copy("strange-manifest") / "manifest.json").write_text('["mark"]')
    other = here / "other-seed"
    shutil.copy(other / "keys.parquet", copy("wrong-keys") / "keys.parquet")
    swapped, theirs = copy("wrong-images"), sorted((other / "train").glob("*.png"))
    for path in theirs:
        if (swapped / "train" / path.name).is_file():
            shutil.copy(path, swapped / "train" / path.name)
    (here / "foreign").mkdir()
    (here / "foreign" / "thesis.tex").write_text("mine")
    (here / "a-file").write_text("mine")
    no_results = Path(shutil.copytree(here / "audit", here / "no-results"))
    (no_results / "results.json").unlink()
    (Path(shutil.copytree(here / "audit", here / "no-evidence")) / "evidence.parquet").unlink()
    torn = Path(shutil.copytree(here / "audit", here / "torn-evidence"))
    (torn / "evidence.parquet").write_bytes(b"PAR1 and then nothing")
    torn = Path(shutil.copytree(here / "audit", here / "torn-results"))
    (torn / "results.json").write_text('{"rows": ')


def _make_models(here: Path) -> None:
    """Checkpoints that cannot be opened, or do not fit."""
    import torch
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    def save(name: str, side: int = 12, channels: int = 1, classes: int | None = None) -> None:
        unet = UNet2DModel(
            sample_size=side,
            in_channels=channels,
            out_channels=channels,
            layers_per_block=1,
            block_out_channels=(8, 16),
            down_block_types=("DownBlock2D",) * 2,
            up_block_types=("UpBlock2D",) * 2,
            norm_num_groups=4,
            add_attention=False,
            num_class_embeds=classes,
        )
        DDPMPipeline(unet, DDPMScheduler()).save_pretrained(here / name)

    def copy(name: str) -> Path:
        return Path(shutil.copytree(here / "model", here / name))

    def edit(path: Path, **changes: object) -> None:
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    save("model")
    save("large-model", side=16)
    save("colour-model", channels=3)
    save("class-model", classes=3)
    torch.save({}, here / "model.ckpt")
    (here / "model.safetensors").write_bytes(b"")
    weights = Path("unet") / "diffusion_pytorch_model.safetensors"
    (copy("pickled") / weights).rename(here / "pickled/unet/diffusion_pytorch_model.bin")
    (copy("no-weights") / weights).unlink()
    torn = copy("torn-model") / weights
    torn.write_bytes(torn.read_bytes()[:1000])
    edit(copy("text-model") / "unet" / "config.json", _class_name="UNet2DConditionModel")
    edit(copy("wide-model") / "unet" / "config.json", block_out_channels=[8, 32])
    flow = copy("flow-model") / "scheduler" / "scheduler_config.json"
    edit(flow, _class_name="FlowMatchEulerDiscreteScheduler")
    shutil.copytree(here / "model" / "unet", here / "bare-network")


def _make_configs(here: Path) -> None:
    """Configuration files."""
    (here / "torn.yaml").write_text("seed: [1, 2")
    (here / "list.yaml").write_text("- seed\n- 1\n")
    (here / "option.yaml").write_text("thicknes: 2\n")
    (here / "value.yaml").write_text("thickness: wide\n")
    (here / "mapping.yaml").write_text("thickness: {wide: 2}\n")
    (here / "audit.yaml").write_text("command: audit\nseed: 1\n")
    (here / "binary.yaml").write_bytes(b"\xff\xfe\x00\x01")
