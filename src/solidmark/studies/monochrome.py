"""Do distances of pixels take plain pictures for copies? Figures 2 and 4, and appendix A."""

from collections.abc import Iterator, Mapping
from typing import Any

from solidmark.runs import Figure
from solidmark.studies.readouts import figure, named, rows_of, share
from solidmark.studies.stage import stage
from solidmark.studies.study import Arm, Made, Readout, Setting, Study

PUBLISHED = {"l2": 0.15, "modified-l2": 1.0, "patched-l2": 1.0}
"""The thresholds that were published for each distance."""

CLOSEST = 10
HITS = "pictures/generated/*.png"
PLAIN = "of the ten strongest hits, pictures with a contrast below .1; chance is their share of all"
WITHIN = "generations within .15 (l2) or 1 (the others); chance is the share of held-out images"
NAMED = "generations, or images, that are named at a false-discovery rate of 5 %"


def arms(setting: Setting, seed: int) -> Iterator[Arm]:
    """One network and its generations, by each distance; and its images by their keys."""
    from solidmark.studies.written import faded

    size: Any = setting.size
    data: Any = setting.data
    if size["contrast"] < 1:
        reads = {"resolution": setting.resolution, **setting.read}
        asked = {"images": setting.images, "contrast": size["contrast"], "seed": seed}
        data = stage(faded, data, **asked, **reads).at("images")
    # Plain pictures are alike, and would all be held for copies of one.
    marked = setting.mark(seed, data, limit=setting.images, near_duplicates=False)
    model = setting.train(marked, seed)
    drawn = setting.generate(model, marked, seed)
    near = stage("nearest", drawn, marked, distances=tuple(PUBLISHED), seed=seed)
    for name in PUBLISHED:
        yield Arm(name, {"nearest": near, name: near}, pictures=("nearest", HITS))
    audit = setting.audit(model, marked, seed, readers=("blend",))
    yield Arm("SolidMark", {"nearest": near, "audit": audit})


def measure_of(made: Made) -> str | None:
    """Which distance an arm is about; None of SolidMark."""
    return next((name for name in PUBLISHED if name in made), None)


def plain_among_closest(made: Made) -> Figure | None:
    """How many of the ten strongest hits are nearly of one colour; chance is their share of all."""
    name = measure_of(made)
    if name is not None:
        asked = {"statistic": "low_content", "split": "generated", "measure": name}
        return figure(made["nearest"], **asked)
    columns = ("id", "split", "measure", "low_content")
    rows = rows_of(made["nearest"], *columns, file="images.parquet")
    plain = {r["id"]: r["low_content"] for r in rows if r["split"] == "trained"}
    scores = rows_of(made["audit"], "id", "p_value", "distance")
    known = [r for r in scores if r["id"] in plain and r["p_value"] is not None]
    hits = [plain[r["id"]] for r in sorted(known, key=by_key)[:CLOSEST]]
    return share("low_content", sum(hits), len(hits), sum(plain.values()) / len(plain))


def by_key(row: Mapping[str, Any]) -> tuple[float, float]:
    """The order of hits of SolidMark: the smallest p-values, the closest keys among these."""
    return row["p_value"], row["distance"]


def within_published(made: Made) -> Figure | None:
    """Generations within the threshold that was published; chance is the share of held-out ones."""
    name = measure_of(made)
    if name is None:
        return None
    asked = {"statistic": "eidetic", "split": "generated", "threshold": PUBLISHED[name]}
    return figure(made["nearest"], **asked, measure=name)


def named_share(made: Made) -> Figure | None:
    """The share that is named at a false-discovery rate of 5 %."""
    name = measure_of(made)
    if name is None:
        return named().read(made)
    return named("nearest", split="generated", measure=name).read(made)


STUDY = Study(
    "monochrome",
    arms,
    (
        Readout("Plain among the ten closest", "share", None, plain_among_closest, PLAIN),
        Readout("Within the published threshold", "share", "high", within_published, WITHIN),
        Readout("Named", "share", "high", named_share, NAMED),
    ),
    full=Setting(
        data="land",
        images=2048,
        epochs=40,
        size={"contrast": 1.0, "generations": 5000, "steps": 50},
    ),
    quick=Setting(
        images=512,
        epochs=20,
        size={"contrast": 0.25, "generations": 1000, "steps": 20},
    ),
    said=(
        "The paper shows pictures and no counts: of 5,000 generations of a model of CIFAR-10, the "
        "ten that are nearest to a training image are plain, and copies of none.",
        "Hits of the distances are generations, those of SolidMark are training images.",
    ),
)
