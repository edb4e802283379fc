"""What mitigations at inference take away from memory, and what they cost in captions.

    python benchmarks/mitigations.py MODEL MARKED OUT > benchmarks/mitigations.md

MODEL is any text-to-image model that was trained on MARKED, such as a folder of `solidmark train`.
Audits it without and with each mitigation, with the same reader and the same seed, compares the
audits image by image, and asks the model itself which caption explains the images that it draws.
The same call resumes.
"""

import argparse
import json
import statistics
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from solidmark.data import Sample
from solidmark.diffusion import Model
from solidmark.marks import Marked
from solidmark.measures.audit import Question, compare, observe, score
from solidmark.mitigations import Mitigated, Mitigation, first_noise, magnitude, parse
from solidmark.models import Opening
from solidmark.randomness import generator, uniform
from solidmark.readers import READERS, default_reader
from solidmark.scores import agreement
from solidmark.subjects import Agreement

DELTA = 0.05
WITHOUT = ("none", "gni:0.1", "gni:1", "rt", "cwr", "rna")
"""And `wen`, whose target depends on the model."""


@dataclass(frozen=True)
class Case:
    """What is asked of one model.

    Arguments:
        question: The audit without mitigation, in the folder above all audits.
        agreement: How agreement is asked for.
        images: Trained images that it is asked for.
    """

    question: Question
    agreement: Agreement
    images: int

    def under(self, title: str) -> Question:
        """The audit with one mitigation."""
        values = {**self.question.__dict__, "out": self.question.out / title.replace(":", "-")}
        return Question(**{**values, "mitigations": mitigations(title)})


def mitigations(title: str) -> tuple[Mitigation, ...]:
    return () if title == "none" else (parse(title),)


def main() -> None:
    asked = options().parse_args()
    opening = Opening(device=asked.device, precision=asked.precision)
    question = Question(
        asked.model,
        asked.marked,
        asked.out,
        limit=asked.limit,
        ceiling=False,
        batch_size=asked.batch_size,
        caption=asked.caption,
        seed=asked.seed,
        opening=opening,
    )
    marked = question.open_images()
    reader = READERS[asked.reader]() if asked.reader else default_reader(marked.pattern)
    question = Question(**{**question.__dict__, "readers": (reader,)})
    model = question.open_model(marked)
    samples = choose(marked, "trained", asked.images, asked.seed)
    captions = min(asked.captions, len({sample.caption for sample in samples}))
    ask = Agreement(captions, asked.steps, asked.guidance, asked.times)
    case = Case(question, ask, len(samples))
    target = asked.wen_target or usual_magnitude(marked, model, asked.seed)
    titles = (*WITHOUT, f"wen:{target:.3g}")
    rows = []
    for title in titles:
        rows.append(measure(case, title, model, samples))
        sys.stderr.write(f"{title}\n")
    sys.stdout.write(page(case, rows) + "\n")


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("marked", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--reader", help="the one that fits the marks when not given")
    parser.add_argument("--limit", type=int, help="images a split; all when not given")
    parser.add_argument("--images", type=int, default=64, help="images drawn for the agreement")
    parser.add_argument("--captions", type=int, default=8, help="captions to choose from")
    parser.add_argument("--steps", type=int, default=20, help="steps of DDIM")
    parser.add_argument("--guidance", type=float, default=3.0)
    parser.add_argument("--times", type=int, default=8, help="times an image and caption")
    parser.add_argument("--wen-target", type=float, help="as held-out captions have, if not given")
    parser.add_argument("--caption", help="the prompt of images without a caption")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--seed", type=int, default=0)
    return parser


def choose(marked: Marked, split: str, count: int, seed: int) -> list[Sample]:
    ids = sorted(marked.ids(split), key=lambda id: uniform(seed, "agreement", id))
    return [marked.sample(id) for id in sorted(ids[:count])]


def usual_magnitude(marked: Marked, model: Model, seed: int) -> float:
    """The median magnitude of captions that the model was not trained on."""
    found: list[float] = []
    for sample in choose(marked, "held_out", 64, seed):
        noise = first_noise(model, [sample], [generator(seed, sample.id, purpose="magnitude")])
        found += magnitude(model, noise, model.condition([sample])).tolist()
    return statistics.median(found)


def measure(case: Case, title: str, model: Model, samples: list[Sample]) -> dict[str, Any]:
    """One row: the audit, its difference from the one without, and the agreement."""
    question = case.under(title)
    observe(question)
    rows = score(question.out)["rows"]

    def find(statistic: str, split: str = "trained", **which: float) -> dict[str, Any]:
        wanted = {"statistic": statistic, "split": split, **which}
        return next(row for row in rows if wanted.items() <= row.items())

    pairs = compare(case.under("none").out, question.out, deltas=(DELTA,)).to_json()["rows"]
    trained = {row["statistic"]: row for row in pairs if row["split"] == "trained"}
    return {
        "title": title,
        "calls": find("eidetic")["network_calls_per_image"],
        "hits": find("eidetic", delta=DELTA),
        "z": [find("permutation_z", split)["value"] for split in ("trained", "held_out")],
        "named": find("named")["count"] / max(1, find("named")["n"]),
        "distance": trained["distance"],
        "share": trained["eidetic"],
        "agreement": agree(case, title, model, samples),
    }


def agree(case: Case, title: str, model: Model, samples: list[Sample]) -> dict[str, Any]:
    """The agreement of what is drawn under a mitigation; kept, since it takes long."""
    asked = {**asdict(case.agreement), "images": len(samples)}
    kept = case.under(title).out / "agreement.json"
    if kept.is_file() and (found := json.loads(kept.read_text()))["asked"] == asked:
        return dict(found["estimate"])
    question = case.question
    told = Mitigated(model, mitigations(title), question.seed)
    choices = case.agreement.ask(told, model, samples, question.seed, question.batch_size)
    estimate = asdict(agreement([choice.right for choice in choices], case.agreement.captions))
    kept.write_text(json.dumps({"asked": asked, "estimate": estimate}))
    return estimate


def page(case: Case, rows: list[dict[str, Any]]) -> str:
    """The table, and how it was made."""
    ask, hits = case.agreement, rows[0]["hits"]
    reader = case.question.readers[0].name
    lines = [
        "# Mitigations at inference",
        "",
        f"`python benchmarks/mitigations.py MODEL MARKED OUT`, reader `{reader}`, {hits['n']} "
        f"trained images, seed {case.question.seed}. Within {DELTA:g}: images whose key is read so "
        f"closely, of {hits['n']} (chance {hits['chance'] * hits['n']:.1f}). "
        "Permutation z: trained / "
        "held-out. Differences are less the row `none`, image by image: of the share within "
        f"{DELTA:g} (p: McNemar) and of the distance (p: Wilcoxon). Agreement: images drawn from "
        f"the mitigated captions ({ask.steps} steps of DDIM, guidance {ask.guidance:g}) whose "
        f"right caption explains them best among {ask.captions}, to the model without mitigation; "
        f"chance {1 / ask.captions:.3f}, n = {case.images}. Intervals are 95 %. The target of wen "
        "is the median magnitude of held-out captions unless it was given.",
        "",
        f"| mitigation | network calls | within {DELTA:g} | permutation z | named | distance "
        "| difference within | difference of distance | agreement |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(line(row) for row in rows)])


def line(row: dict[str, Any]) -> str:
    hits, distance = row["hits"], row["distance"]
    cells = [
        row["title"],
        f"{row['calls']:g}",
        f"{hits['count']} ({hits['ci_low'] * hits['n']:.1f} to {hits['ci_high'] * hits['n']:.1f})",
        f"{row['z'][0]:.1f} / {row['z'][1]:.1f}",
        f"{row['named']:.3f}",
        f"{distance['second']:.4f}",
        "" if row["title"] == "none" else difference(row["share"], 3),
        "" if row["title"] == "none" else difference(distance, 4),
        "{value:.3f} ({ci_low:.3f} to {ci_high:.3f})".format(**row["agreement"]),
    ]
    return f"| {' | '.join(cells)} |"


def difference(row: dict[str, Any], digits: int) -> str:
    numbers = (row[name] for name in ("value", "ci_low", "ci_high"))
    value, low, high = (f"{number:+.{digits}f}" for number in numbers)
    return f"{value} ({low} to {high}; p {row['p_value']:.1g})"


if __name__ == "__main__":
    main()
