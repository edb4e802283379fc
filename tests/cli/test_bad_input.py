"""Every kind of bad input is one line that says what was found and what to do, and exit code 2."""

import json
from pathlib import Path

import pytest

from cli.conftest import AUDIT, MARK, TINY, Run

M, A, T = " ".join(MARK), " ".join(AUDIT), " ".join(TINY)
E = "--reader energy"
G, L = "guard an-index photos", "--threshold l2=0.1"

# What is typed (OUT is a new folder) and what the line must say.
CASES = {
    # the command line itself
    "no such command": ("mrak photos OUT", 'no command "mrak"', 'Did you mean "mark"?'),
    "no such option": ("mark photos OUT --thicknes 2", '"--thicknes"', '"--thickness"?', "--help"),
    "option of nobody": ("--verbose", 'no option "--verbose"', "solidmark --help"),
    "option without value": (
        "mark photos OUT --thickness",
        "--thickness needs a value",
        "solidmark mark --help",
    ),
    "missing argument": ("audit model marked", '"solidmark audit" needs OUT', "--help"),
    "one argument too many": (
        "inspect marked more",
        'no place for "more"',
        "solidmark inspect --help",
    ),
    "word for a number": ("mark photos OUT --thickness wide", 'a whole number, not "wide"'),
    "fraction for a number": ("mark photos OUT --limit=1.5", 'a whole number, not "1.5"'),
    "word for a share": ("mark photos OUT --held-out some", 'takes a number, not "some"'),
    "number of no machine": (f"mark photos OUT --thickness {10**20}", "--thickness", "below 2^63"),
    "word among deltas": ("score audit --delta 0.1 --delta x", '--delta takes a number, not "x"'),
    # mark: the data
    "no such data": ("mark nowhere/at/all OUT", '"nowhere/at/all"', "digits"),
    "no such example": ("mark example:digit OUT", 'Did you mean "digits"?'),
    "empty name": ("mark  OUT", 'The data set is ""'),
    "hub name": ("mark nobody-knows/nothing OUT", '"nobody-knows/nothing"', "hub"),
    "empty folder": ("mark empty OUT", '"empty" holds no images'),
    "folder without images": ("mark notes OUT", '"notes" holds no images'),
    "broken images only": ("mark broken OUT", "None of the 3 images can be read", '"0.png"'),
    "sizes that differ": ("mark sizes OUT", "differ in size", "9 x 9", "--resolution"),
    "spreadsheet": ("mark table.xlsx OUT", '"table.xlsx" is no data set', ".parquet"),
    "packed folder": ("mark photos.zip OUT", '"photos.zip" is compressed', "Unpack"),
    "torn parquet": ("mark torn.parquet OUT", '"torn.parquet" is cut off or damaged'),
    "torn tar": ("mark torn.tar OUT", '"torn.tar" is not a plain tar'),
    "no such column": ("mark good-metadata OUT --caption-column txt", '"txt"', '"text"'),
    "columns of a plain folder": ("mark photos OUT --label-column x", "no column", "photos"),
    "class folders of an example": ("mark digits OUT --class-folders", "digits", "class folders"),
    "id that comes twice": ("mark twice OUT", 'Two images have the id "x"', "unique"),
    "path that leads out": ("mark outside OUT", "../photos/digit-00.png", "relative to"),
    "absolute path": ("mark absolute OUT", "/etc/passwd", "relative to"),
    # mark: the options
    "pattern": ("mark photos OUT --pattern boarder", 'no pattern "boarder"', '"border"?'),
    "image mode": ("mark photos OUT --mode RBG", 'no image mode "RBG"', '"RGB"?'),
    "keys per copy": ("mark photos OUT --keys-per-copy sharde", 'mean "shared"?'),
    "thickness of 0": ("mark photos OUT --thickness 0", "--thickness must be 1 or more, not 0"),
    "square too large": (f"mark photos OUT {M} --pattern center --thickness 8", "below 8"),
    "resolution below 0": ("mark photos OUT --resolution -4", '"-4" pixels', "such as 480x640"),
    "limit of 0": ("mark photos OUT --limit 0", "--limit must be 1 or more, not 0"),
    "all held out": ("mark photos OUT --held-out 1.0", "--held-out", "below 1, not 1"),
    "nothing left": (f"mark photos OUT {M} --limit 1", "1 image", "--held-out"),
    "share below 0": ("mark photos OUT --held-out -0.1", "--held-out", "not -0.1"),
    "no canaries": ("mark photos OUT --canaries 0", "--canaries must be above 0", "not 0"),
    "canaries not a number": ("mark photos OUT --canaries nan", "--canaries", "not nan"),
    # the folder to write
    "a file": (f"mark photos a-file {M}", '"a-file" is a file', "folder"),
    "foreign files": (f"mark photos foreign {M}", '"foreign" is not empty', "new folder"),
    "another run": (f"mark photos marked {M} --seed 9", "another run", "(another seed)"),
    "run of another command": (f"train marked audit {T}", 'made by "solidmark audit"'),
    "audit with other options": (
        f"audit gaussian marked audit {A} --seed 1",
        "another run",
        "seed",
    ),
    "folder below a file": (f"mark photos a-file/below {M}", "a-file/below", "cannot be written"),
    # the marked folder
    "no marked folder": ("train nowhere OUT", 'no folder "nowhere"', "solidmark mark"),
    "no marked folder to audit": ("audit model nowhere OUT", 'no folder "nowhere"'),
    "not a marked folder": ("audit model photos OUT", "manifest.json", "solidmark mark"),
    "folder of another command": ("audit model audit OUT", '"solidmark audit"', "is needed"),
    "marking not finished": ("train unfinished OUT", "not finished", "again"),
    "half a manifest": ("audit model half-manifest OUT", "not readable JSON", "manifest.json"),
    "strange manifest": ("inspect strange-manifest", "is not a file of solidmark"),
    "no keys": ("audit gaussian no-keys OUT", "keys.parquet", "missing"),
    "wrong keys": ("audit gaussian wrong-keys OUT", "fingerprint", "one marking"),
    "corrupt keys": ("audit gaussian corrupt-keys OUT", "keys.parquet", "one marking"),
    "images of another marking": (f"audit gaussian wrong-images OUT {A}", "is not the image"),
    "no controls": ("audit gaussian no-controls OUT", "no held_out images", "--held-out"),
    # the model
    "no such model": (f"audit nowhere marked OUT {A}", 'no model "nowhere"', "path"),
    "no such folder": (f"audit ./nowhere/model marked OUT {A}", 'no model "./nowhere/model"'),
    "hub without a network": (f"audit nobody/nothing marked OUT {A}", '"nobody/nothing"', "hub"),
    "pickled file": (f"audit model.ckpt marked OUT {A}", "pickle", "Convert"),
    "empty file": (f"audit model.safetensors marked OUT {A}", "single file", "pipeline folder"),
    "weights of a part": (
        f"audit model/unet/diffusion_pytorch_model.safetensors marked OUT {A}",
        "no whole model",
        "--base-config",
    ),
    "configuration of a folder": (
        f"audit model marked OUT {A} --base-config model",
        "configuration of a single file",
        "Leave it out",
    ),
    "LoRA of a pixel model": (
        f"audit model marked OUT {A} --lora nowhere --offload",
        'pixel-space model "model" has no LoRA',
        "Leave --lora and --offload out",
    ),
    "LoRA of a control": (f"audit gaussian marked OUT {A} --lora nowhere", "has no LoRA"),
    "pickled weights": (f"audit pickled marked OUT {A}", "pickled weights", "Convert"),
    "no weights": (f"audit no-weights marked OUT {A}", "no weights", "safetensors"),
    "torn weights": (f"audit torn-model marked OUT {A}", "cannot be loaded", "again"),
    "not a pipeline": (
        f"audit photos marked OUT {A}",
        "not a diffusers pipeline",
        "save_pretrained",
    ),
    "bare network": (f"audit bare-network marked OUT {A}", "without its noise schedule"),
    "network of another class": (f"audit text-model marked OUT {A}", "UNet2DConditionModel"),
    "weights of another width": (f"audit wide-model marked OUT {A}", '"wide-model"', "again"),
    "flow matching": (f"audit flow-model marked OUT {A}", "FlowMatch", "is a flow", "DDPM or DDIM"),
    "model of another size": (f"audit large-model marked OUT {A}", "16 x 16", "12 x 12"),
    "model of other channels": (f"audit colour-model marked OUT {A}", "in colour", "--mode RGB"),
    "classes missing": (f"audit class-model marked OUT {A}", "classes 0 to 2", "--label-column"),
    # audit: the options
    "reader": ("audit model marked OUT --reader enrgy", 'no reader "enrgy"', '"energy"?'),
    "reader twice": (f"audit model marked OUT {A} --reader energy --reader energy", "once"),
    "split": ("audit model marked OUT --split trian", 'no split "trian"', '"trained"?'),
    "precision": ("observe model marked OUT --precision bf61", '"bf16"?', "fp32"),
    "batch of 0": ("audit model marked OUT --batch_size 0", "--batch-size must be 1 or more"),
    "batch of words": ("audit model marked OUT --batch-size many", "a whole number or auto"),
    "negative repeats": ("observe model marked OUT --repeats -1", "--repeats", "not -1"),
    "few candidates": (f"audit model marked OUT {A} {E} --energy-candidates 2", "at least 3"),
    "time outside": (f"audit model marked OUT {A} {E} --energy-t 1.5", "between 0 and 1", "1.5"),
    "option of another reader": (
        f"audit model marked OUT {A} --reader probe --energy-t 0.1",
        "--energy-t",
        "Add --reader energy",
    ),
    "no steps": (f"audit model marked OUT {A} --reader outpaint --outpaint-steps 0", "1 to 1000"),
    "device not there": ("audit model marked OUT --device cuda:7", '"cuda:7"', "--device cpu"),
    "device of nobody": ("audit model marked OUT --device gpu", '"gpu"', "--device cpu"),
    # train
    "preset": ("train marked OUT --preset ddmp-32", 'no preset "ddmp-32"', '"ddpm-32"?'),
    "channels as words": ("train marked OUT --block-out-channels a,b", '32,64, not "a,b"'),
    "no epochs": (f"train marked OUT {T} --num-train-epochs 0", "num_train_epochs", "not 0"),
    "negative rate": (f"train marked OUT {T} --learning-rate -1", "learning_rate", "above 0"),
    "momentum of 1": (f"train marked OUT {T} --adam-beta1 1", "adam_beta1", "[0, 1)"),
    "schedule": (f"train marked OUT {T} --schedule cosin", '"cosine"?', "linear"),
    "prediction": (f"train marked OUT {T} --prediction-type eps", 'no prediction_type "eps"'),
    "groups": (f"train marked OUT {T} --norm-num-groups 5", "norm_num_groups", "divide"),
    "attention level": (f"train marked OUT {T} --attention-levels 9", "level 9", "2 levels"),
    "canvas": (f"train marked OUT {T} --block-out-channels 8,8,8,8", "12 x 12", "multiples of 8"),
    "no classes": (f"train marked OUT {T} --class-conditional", "no classes", '"marked"'),
    "late checkpoint": (f"train marked OUT {T} --checkpoint-at 99", "epoch 99", "earlier"),
    "half precision": (f"train marked OUT {T} --mixed-precision fp16", "fp16", "bf16"),
    "training device": ("train marked OUT --preset digits-demo --device cuda:7", '"cuda:7"'),
    "workers": ("train marked OUT --dataloader-num-workers -1", "0 or more, not -1"),
    "network of a base": (
        "train marked OUT --base model --block-out-channels 32,64",
        "block_out_channels is for a network that is built anew",
        "a base has one",
    ),
    "network of a preset's base": (
        "train marked OUT --preset sd-lora --schedule linear",
        "schedule is for a network that is built anew",
    ),
    "network of another base": (
        "train marked OUT --preset tiny-t2i --base model --dropout 0.1",
        "dropout is for a network that is built anew",
    ),
    "base of pixels": ("train marked OUT --base model --device cpu", "not a latent pipeline"),
    "no base": ("train marked OUT --base nowhere --device cpu", 'no model "nowhere"', "path"),
    "LoRA of nothing": (f"train marked OUT {T} --lora-rank 4", "lora_rank", "Name one with base"),
    "prompt of pixels": (f"train marked OUT {T} --caption dog", "caption is for latent models"),
    "LoRA from scratch": (
        "train marked OUT --base model --lora-rank 4 --from-scratch",
        "A LoRA adds to a network that knows something",
    ),
    "classes of a base": (
        "train marked OUT --base model --class-conditional",
        "class_conditional is for models of pixels",
    ),
    "all captions dropped": (
        "train marked OUT --base model --caption-dropout 1",
        "caption_dropout must be a number in [0, 1)",
    ),
    "rank below 0": ("train marked OUT --base model --lora-rank -1", "lora_rank", "from 0"),
    "tiny model of grey": ("train marked OUT --base tiny-t2i", "tiny-t2i", "--mode RGB"),
    "no checkpoint": (f"train marked OUT {T} --resume-from-checkpoint here", '"here"', "latest"),
    # generate
    "no model to draw from": ("generate nowhere OUT --device cpu", 'no model "nowhere"', "path"),
    "control of nothing": ("generate memorizer OUT --device cpu", "made of marked images"),
    "no marked size": ("generate model OUT --marked nowhere", 'no folder "nowhere"'),
    "two sizes": ("generate model OUT --marked marked --resolution 9", "Leave one out"),
    "size of another model": ("generate model OUT --resolution 16 --device cpu", "12 x 12", "16"),
    "marked size of another model": (
        "generate large-model OUT --marked marked --device cpu",
        "16 x 16",
        "12 x 12",
    ),
    "frame of nothing": ("generate model OUT --crop", "--marked"),
    "no images": ("generate model OUT -n 0", "--number must be 1 or more, not 0"),
    "steps of a sampler": ("generate model OUT --steps 1001", "--steps must be 1 to 1000"),
    "eta": ("generate model OUT --eta 2", "--eta must be in [0, 1], not 2"),
    "guidance below 0": ("generate model OUT --guidance -1", "--guidance must be 0 or more"),
    "prompt of nobody": (
        "generate model OUT --caption dog --device cpu",
        "neither captions nor classes",
        "Leave --caption out",
    ),
    "caption for classes": ("generate class-model OUT --caption dog --device cpu", "from classes"),
    "classes that are missing": (
        "generate class-model OUT --marked marked --device cpu",
        "classes 0 to 2",
    ),
    "nothing to lead from": (
        "generate class-model OUT --guidance 3 --device cpu",
        "guidance of 1",
    ),
    "too few prompts": (
        "generate class-model OUT --per-prompt 2 -n 7 --device cpu",
        "6 at the most",
    ),
    "no prompts at all": ("generate class-model OUT --data nowhere/at/all --device cpu", "at/all"),
    "column of nothing": ("generate model OUT --label-column x", "--data"),
    "images of another run": ("generate model marked --device cpu", '"solidmark mark"'),
    # inpaint
    "no folder to inpaint": ("inpaint model nowhere OUT", 'no path "nowhere"', "Check the path"),
    "half": ("inpaint model marked OUT --half lfet", 'no half "lfet"', '"left"?'),
    "frame": ("inpaint model marked OUT --frame shwon", 'no frame "shwon"', '"shown"?'),
    "no draws": ("inpaint model marked OUT --draws 0", "--draws must be 1 or more, not 0"),
    "no false positives": ("inpaint model marked OUT --fpr 0", "--fpr must be above 0"),
    "inpaint without controls": (
        "inpaint gaussian no-controls OUT --device cpu",
        "no held_out images",
    ),
    "inpaint at another size": (
        "inpaint large-model marked OUT --device cpu",
        "16 x 16",
        "12 x 12",
    ),
    # nearest
    "generations of nowhere": ("nearest nowhere/at/all marked OUT", '"nowhere/at/all"'),
    "nearest to nothing": ("nearest photos nowhere/at/all OUT", '"nowhere/at/all"'),
    "held-out images of nowhere": (
        "nearest photos photos OUT --held-out nowhere/at/all",
        '"nowhere/at/all"',
    ),
    "no generations": ("nearest empty photos OUT", '"empty" holds no images'),
    "broken generations": ("nearest broken photos OUT", "None of the 3 generated images can be"),
    "broken training images": ("nearest photos broken OUT", "None of the 3 training images can be"),
    "distance": (
        "nearest photos photos OUT --distance modified-l3",
        'no distance "modified-l3"',
        '"modified-l2"?',
    ),
    "embedder as distance": ("nearest photos photos OUT --distance phush", '"phash"?'),
    "distance twice": ("nearest photos photos OUT --distance l2 --distance l2", "asked once"),
    "embedder without weights": ("nearest photos photos OUT --distance sscd", "needs its weights"),
    "null": ("nearest photos marked OUT --null trian", 'no null "trian"', '"train"?'),
    "two nulls": ("nearest photos photos OUT --null train --held-out photos", "Leave one out"),
    "memory in words": ("nearest photos marked OUT --memory lots", "500MB or 2GB", '"lots"'),
    "no memory": ("nearest photos marked OUT --memory 0", "500MB or 2GB", '"0"'),
    "too little memory": (
        "nearest photos marked OUT --device cpu --memory 1MB",
        "needs --memory of",
        "not 1",
    ),
    "tiles that do not fit": (
        "nearest photos photos OUT --device cpu --tiles 3",
        "3 x 3 equal tiles",
        "--tiles 2 or 4 or 8",
    ),
    "one tile": ("nearest photos photos OUT --tiles 1", "--tiles must be 2 or more, not 1"),
    "generations of another size": (
        "nearest marked/train photos OUT --device cpu",
        "3 x 12 x 12",
        "3 x 8 x 8",
        "--resolution",
    ),
    "no neighbours": ("nearest photos photos OUT --neighbours 0", "--neighbours must be 1 or more"),
    "no neighbourhood": ("nearest photos photos OUT --n 0", "--n must be 1 or more, not 0"),
    "alpha of 0": ("nearest photos photos OUT --alpha 0", "--alpha must be above 0, not 0"),
    "feature": ("nearest photos marked OUT --feature authpc", 'no feature "authpc"', '"authpct"?'),
    "feature of an embedder": ("nearest photos marked OUT --feature mifid", "--distance dinov2"),
    "false positives of 0": ("nearest photos marked OUT --fpr 0", "--fpr must be above 0", "not 0"),
    "marked images at another size": (
        "nearest photos marked OUT --resolution 9",
        "marked at its own size",
        "Leave --resolution and --mode out",
    ),
    "marking that is not finished": ("nearest photos unfinished OUT", "not finished", "again"),
    "frames without keys": ("nearest photos no-keys OUT", "keys.parquet", "missing"),
    "cache in a file": (
        "nearest photos photos OUT --device cpu --distance phash --cache a-file",
        "a-file",
        "--cache",
    ),
    "folder of another run": ("nearest photos marked audit --device cpu", '"solidmark audit"'),
    # duplicates, cliques
    "copies of nothing": ("duplicates nowhere/at/all OUT", '"nowhere/at/all"'),
    "copies of broken images": ("duplicates broken OUT", "None of the 3 images can be read"),
    "similar above 1": ("duplicates photos OUT --above 1.5", "--above must be above 0", "not 1.5"),
    "embedder of copies": ("duplicates photos OUT --embedder phush", '"phash"?'),
    "distance of copies": ("duplicates photos OUT --distance l3", 'no distance "l3"', "Available"),
    "copies at another size": ("duplicates marked OUT --resolution 9", "marked at its own size"),
    "generations of nothing": ("cliques nowhere/at/all OUT", '"nowhere/at/all"'),
    "generations without prompts": ("cliques photos OUT", "no two images of one prompt"),
    "column of prompts": ("cliques drawn OUT --prompt-column x", '"x"', '"prompt_id"'),
    "threshold of l2": ("cliques drawn OUT --distance l2", "No threshold is known", "--calibrate"),
    "rescaled without a training set": (
        "cliques drawn OUT --distance modified-l2",
        "Use l2 or patched-l2",
    ),
    "two thresholds": ("cliques drawn OUT --threshold 0.1 --calibrate", "Leave --threshold or"),
    "threshold of 0": ("cliques drawn OUT --threshold 0", "--threshold must be above 0, not 0"),
    "clique of one": ("cliques drawn OUT --least 1", "--least must be 2 or more, not 1"),
    "too few for a clique": ("cliques drawn OUT --least 20", "more than 12 generations"),
    "too few pairs": (
        "cliques drawn OUT --calibrate --fpr 0.00001",
        "99,999 pairs",
        "11,232",
        "--fpr 9e-05",
    ),
    "tiles of generations": ("cliques drawn OUT --tiles 5", "5 x 5 equal tiles", "--tiles 2 or 3"),
    # index, guard
    "index of nothing": ("index nowhere/at/all OUT", '"nowhere/at/all"'),
    "index by nothing": ("index photos OUT --distance l3", 'no distance "l3"', " l2, modified-l2"),
    "index by one thing twice": ("index photos OUT --distance l2 --distance l2", "once"),
    "index of another size": ("index marked OUT --resolution 4", "marked at its own size"),
    "index of tiles": ("index photos OUT --tiles 3", "3 x 3 equal tiles", "--tiles 2 or 4"),
    "index of broken images": ("index broken OUT", "None of the 3 training images can be read"),
    "index into another": ("index photos an-index --distance phash", "another run", "distances"),
    "index without a rate": ("index photos OUT --fpr 0", "--fpr must be above 0"),
    "no index": ("guard nowhere photos", "manifest.json", "solidmark index"),
    "guard of a marked folder": ("guard marked photos", '"solidmark mark"', "is needed"),
    "nobody says what is close": ("guard an-index photos", "no held-out", "--threshold l2=VALUE"),
    "threshold without a name": (f"{G} --threshold 0.1", "NAME=VALUE", '"0.1"'),
    "threshold without a number": (f"{G} --threshold l2=near", "NAME=VALUE", '"l2=near"'),
    "threshold of nothing": (f"{G} --threshold l3=1", "no distance in this index", "l2"),
    "no image to judge": (f"{G} {L} nowhere.png", '"nowhere.png"', "path"),
    "images to judge in nothing": (f"{G} {L} notes", '"notes" holds no images'),
    "broken image to judge": (f"guard an-index broken/0.png {L}", "broken/0.png", "another"),
    "broken images to judge": (f"guard an-index broken {L}", "None of the 3 images can be judged"),
    "image of another size": (f"guard an-index marked/train {L}", "3 x 12 x 12", "3 x 8 x 8"),
    # score, report, inspect
    "no folder to score": ("score nowhere", '"nowhere"', "not a folder of solidmark"),
    "marked folder to score": ("score marked", "no evidence", "solidmark observe"),
    "no evidence": ("score no-evidence", "no evidence.parquet", "solidmark observe"),
    "torn evidence": ("score torn-evidence", "evidence.parquet", "again"),
    "keys of another audit": ("score audit --marked other-seed", "other keys"),
    "no marked folder to score": ("score audit --marked nowhere", 'no folder "nowhere"'),
    "delta of 0": ("score audit --delta 0", "--delta must be above 0", "not 0"),
    "delta above 1": ("score audit --delta 0.1 --delta 1.5", "at most 1, not 1.5"),
    "statistic": ("score audit --statistic fischer", 'no statistic "fischer"', '"fisher"?'),
    "correction": ("score audit --correction holm", 'no correction "holm"', "bh, by"),
    "energies of nobody": ("score no-energies --statistic energy", "found: probe", '"fisher"'),
    "rate of 1": ("score audit --fdr 1", "--fdr", "below 1, not 1"),
    "no folder to show": ("report nowhere", "no manifest.json", "Check the path"),
    "no results": ("report no-results", "no results.json", "solidmark score"),
    "torn results": ("report torn-results", "results.json", "not readable JSON"),
    "negative top": ("report audit --top -1", "--top must be 0 or more, not -1"),
    "nothing to inspect": ("inspect notes", "holds no images", "Nor is it a model"),
    # --config
    "no configuration": ("mark photos OUT --config nowhere.yaml", '"nowhere.yaml"', "path"),
    "not YAML": ("mark photos OUT --config torn.yaml", '"torn.yaml" is not readable YAML'),
    "not text": ("mark photos OUT --config binary.yaml", "not readable YAML"),
    "list of options": ("mark photos OUT --config list.yaml", '"list.yaml" holds no options'),
    "configured option": ("mark photos OUT --config option.yaml", '"thicknes"', '"thickness"?'),
    "configured value": ("mark photos OUT --config value.yaml", 'a whole number, not "wide"'),
    "configured mapping": ("mark photos OUT --config mapping.yaml", "thickness", "value"),
    "other command": ("mark photos OUT --config audit.yaml", "solidmark audit"),
}


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_one_line(
    name: str, world: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    line, *expected = CASES[name]
    monkeypatch.chdir(world)
    before = sorted(world.rglob("*"))
    answer = run(*(str(tmp_path / "OUT") if w == "OUT" else w for w in line.split(" ")))
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("Error: ")
    assert answer.err.count("\n") == 1
    assert answer.err.endswith((".\n", "?\n")), answer.err
    assert "Traceback" not in answer.err
    assert len(answer.err) < 500
    for words in expected:
        assert words in answer.err
    assert sorted(world.rglob("*")) == before


@pytest.mark.parametrize(
    ("folder", "reason"),
    [("no-id", 'no "id"'), ("no-json", "is not JSON"), ("no-name", 'no "file_name"')],
)
def test_a_bad_line_is_one_quarantined_row(
    folder: str, reason: str, world: Path, tmp_path: Path, run: Run
) -> None:
    out = tmp_path / "out"
    answer = run("mark", world / folder, out, "--held-out", 0, "--thickness", 4, "--count", 4)
    assert answer.code == 0, answer.err
    (line,) = (out / "quarantine.jsonl").read_text().splitlines()
    assert "Line 2" in line
    assert reason in json.loads(line)["reason"]
    (last,) = (line for line in answer.out.splitlines() if line.startswith("Data: "))
    assert last.startswith("Data: 1 image, ")
    assert "1 quarantined row (" in last
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["inventory"]["data"]["images"] == manifest["trained"] == 1


def test_the_table_is_long() -> None:
    assert len(CASES) >= 100
