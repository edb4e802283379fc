"""The balance: what is lost when unintended memorization is mitigated, and when intended is."""

from collections.abc import Iterator

from solidmark.runs import Figure, read_results
from solidmark.studies.agreed import agreed, agreement
from solidmark.studies.captioned import captioned, text_model
from solidmark.studies.planted import FEW, FOREIGN, MANY, OTHER, planted
from solidmark.studies.readouts import rows_of
from solidmark.studies.stage import stage
from solidmark.studies.study import Arm, Made, Readout, Setting, Study

KINDS = {
    OTHER: "names that do not ask for it",
    FEW: "names of one picture",
    MANY: "names of many pictures",
}


def arms(setting: Setting, seed: int) -> Iterator[Arm]:
    """No mitigation, and some."""
    from solidmark.measures.intent import Rules
    from solidmark.mitigations import parse

    size, run = setting.size, {"device": setting.device, "seed": seed}
    data = stage(
        planted, captioned(setting), names=size["names"], pictures=size["pictures"],
        seed=seed,
    )  # fmt: skip
    marked, model = text_model(setting, seed, data.at("images"), held_out=0.0)
    for name in ("none", *size["mitigations"]):
        told = () if name == "none" else (parse(name),)
        asked = stage(
            "intent",
            model,
            marked,
            prompts=data.at("prompts.jsonl"),
            features=data.at("features.jsonl"),
            per_prompt=size["per_prompt"],
            unrelated=0,
            steps=size["steps"],
            guidance=size["guidance"],
            mitigations=told,
            rules=Rules(fpr=size["fpr"]),
            **run,
        )
        agrees = stage(
            agreed, model, marked, mitigations=told, captions=8, repeats=size["repeats"],
            steps=size["steps"], guidance=size["guidance"], times=size["times"], **run,
        )  # fmt: skip
        made = {"intent": asked, "agreed": agrees}
        yield Arm(name, made, None, ("intent", "pictures/generations/*-000.png"))


def shown(kind: str) -> Readout:
    """The share of the drawings of some names that are copies of the picture they stand for."""

    def read(made: Made) -> Figure | None:
        drawn = [
            row
            for row in rows_of(
                made["intent"], "kind", "prompt", "similarity", "nearest", "status",
                file="generations.parquet",
            )
            if row["kind"] == "prompt" and row["prompt"].startswith(kind)
        ]  # fmt: skip
        bar = read_results(made["intent"])["calibration"]["threshold"]
        rows = [row for row in drawn if row["status"] == "ok"]
        if not rows or bar is None:
            return None
        count = sum(
            row["similarity"] >= bar
            and (FOREIGN if kind == OTHER else row["prompt"]) in row["nearest"]
            for row in rows
        )
        return Figure(
            measure="intent",
            statistic="shown",
            split="generated",
            value=count / len(rows),
            n=len(rows),
            count=count,
            failed=len(drawn) - len(rows),
        )

    what = "of the foreign picture" if kind == OTHER else "of a picture of the name"
    title = "Unintended copies" if kind == OTHER else f"Intended copies, {KINDS[kind]}"
    return Readout(title, "share", "high", read, f"drawings that are a copy {what}")


STUDY = Study(
    "intent",
    arms,
    (
        *map(shown, KINDS),
        *(agreement(f"Caption agreement, {said}", of) for of, said in KINDS.items()),
    ),
    full=Setting(
        "openmoji", 512, 48, 200, (0, 1, 2, 3, 4), "tiny-t2i",
        size={
            "mitigations": ("gni:0.1", "gni:1", "rt:4", "cwr:4", "rna:4", "wen:0.001"),
            **{"names": 12, "pictures": 12, "per_prompt": 16, "steps": 50, "guidance": 1.0},
            **{"fpr": 0.01, "repeats": 16, "times": 8},
        },
    ),
    quick=Setting(
        "openmoji", 64, 32, 120, (0, 1, 2, 3, 4), "tiny-t2i",
        size={
            "mitigations": ("gni:1", "rt:4", "cwr:4", "rna:4"),
            **{"names": 4, "pictures": 6, "per_prompt": 16, "steps": 12, "guidance": 1.0},
            **{"fpr": 0.01, "repeats": 8, "times": 4},
        },
    ),
    said=(
        "Into the set one picture was planted under names that do not ask for it, as often as "
        "their own pictures: what comes of it is unintended. What a name asks for is intended; a "
        "name with one picture can only be answered by that picture.",
    ),
)  # fmt: skip
