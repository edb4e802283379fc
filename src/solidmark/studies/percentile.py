"""What the 95th percentile of similarity does not show: Figure 3."""

from collections.abc import Iterator
from typing import Any

from solidmark.runs import Figure
from solidmark.studies.readouts import figure, named, reading, rows_of, share
from solidmark.studies.stage import stage
from solidmark.studies.study import Arm, Made, Readout, Setting, Study

HITS = "pictures/generated/*.png"
FPR = 0.01
SIZE = {"chosen": 1, "repeats": 12, "generations": 800, "steps": 20, "similarity": "pixels"}


def arms(setting: Setting, seed: int) -> Iterator[Arm]:
    """A network of images of which one is there many times; and one of each image once."""
    from solidmark.studies.written import repeated

    size, reads = setting.size, {"resolution": setting.resolution, **setting.read}
    once = setting.mark(seed, near_duplicates=False)
    more = size["chosen"] * (size["repeats"] - 1)
    asked = {name: size[name] for name in ("repeats", "chosen")}
    images = setting.images or 0
    data = stage(repeated, setting.data, once, images=images, **asked, seed=seed, **reads)
    held_out = round(0.5 * images) / (images + more)
    often = setting.mark(seed, data.at("images"), near_duplicates=False, held_out=held_out)
    for name, marked in (("with copies", often), ("copies removed", once)):
        model = setting.train(marked, seed)
        drawn = setting.generate(model, marked, seed)
        near = stage("nearest", drawn, marked, distances=(size["similarity"],), seed=seed)
        audit = setting.audit(model, marked, seed, readers=("blend",))
        made = {"data": data, "nearest": near, "audit": audit}
        yield Arm(name, made, pictures=("nearest", HITS))


def copied_image(made: Made) -> Figure | None:
    """Generations that are close to an image that has copies, or had; chance is held-out ones'."""
    from solidmark.studies.written import COPY, repeated_ids

    limit = figure(made["nearest"], statistic="threshold", split="null", fpr=FPR)
    if limit is None or limit.value is None:
        return None
    ids = repeated_ids(made["data"])
    hits = []
    for file in ("scores.parquet", "null.parquet"):
        rows = rows_of(made["nearest"], "nearest", "similarity", "status", file=file)
        known = [r for r in rows if r["status"] == "ok"]
        near = [r["similarity"] >= limit.value for r in known]
        own = [r["nearest"].split(COPY)[0] in ids for r in known]
        hits.append([one and other for one, other in zip(near, own, strict=True)])
    made_here, chance = hits
    return share("copied_image", sum(made_here), len(made_here), sum(chance) / len(chance))


def copied_key(made: Made) -> Figure | None:
    """The images that have copies, or had, and are named by their keys."""
    from solidmark.studies.written import repeated_ids

    ids = repeated_ids(made["data"])
    rows = rows_of(made["audit"], "id", "q_value")
    own = [r for r in rows if r["id"] in ids and r["q_value"] is not None]
    return share("copied_key", sum(r["q_value"] <= 0.05 for r in own), len(own), 0.0)


def drawn(name: str, unit: str, about: str, **asked: Any) -> Readout:
    """A figure of the similarities of all generations to their nearest training image."""
    return Readout(name, unit, "high", reading("nearest", split="generated", **asked), about)


STUDY = Study(
    "percentile",
    arms,
    (
        drawn(
            "95th percentile",
            "similarity",
            "of the similarities of generations to the nearest training image; chance is that of "
            "held-out images",
            statistic="percentile",
            percentile=95,
        ),
        drawn("Maximum", "similarity", "the most similar generation", statistic="closest"),
        drawn(
            "Eidetic",
            "share",
            "generations closer to a training image than one held-out image in a hundred is",
            statistic="eidetic",
            fpr=FPR,
        ),
        Readout(
            "Eidetic, copied image",
            "share",
            "high",
            copied_image,
            "the same, of the images that are there many times before copies are removed",
        ),
        Readout(
            "Copied image named",
            "share",
            "high",
            copied_key,
            "images that are there many times, by their keys, at a false-discovery rate of 5 %",
        ),
        named(),
    ),
    full=Setting(
        images=4000, epochs=100, size=SIZE | {"chosen": 10, "repeats": 8, "generations": 5000}
    ),
    quick=Setting(images=512, epochs=100, size=SIZE),
    said=(
        "Less than one training image in twenty is a copy, so at most about as many generations "
        "are: beyond the 95th percentile they may all be copies or none, and it stays.",
    ),
)
