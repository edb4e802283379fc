"""Mitigations at inference: Table 3 and appendix H, beside the similarity that they lower."""

from collections.abc import Iterator
from dataclasses import replace

from solidmark.studies.agreed import BEFORE, agreed, agreement, decrease
from solidmark.studies.captioned import captioned, text_model
from solidmark.studies.readouts import TITLES, reading, within
from solidmark.studies.stage import Stage, stage
from solidmark.studies.study import Arm, Published, Readout, Setting, Study

DELTAS = (0.1, 0.05, 0.005)


def arms(setting: Setting, seed: int) -> Iterator[Arm]:
    """No mitigation, and each one by strength."""
    from solidmark.mitigations import parse
    from solidmark.readers import Blend, Recall

    marked, model = text_model(setting, seed, captioned(setting))
    size, run = setting.size, {"device": setting.device, "seed": seed}
    before: dict[str, Stage] = {}
    for name in ("none", *size["mitigations"]):
        told = () if name == "none" else (parse(name),)
        drawn = stage(
            "generate",
            model,
            mitigations=told,
            marked=marked,
            crop=True,
            per_prompt=size["per_prompt"],
            steps=size["steps"],
            guidance=size["guidance"],
            **run,
        )
        own = {
            "audit": setting.audit(
                model, marked, seed, readers=(Blend(), Recall()), mitigations=told
            ),
            "drawn": drawn,
            "near": stage(
                "nearest", drawn, marked, distances=(size["similarity"],), seed=seed,
                device=setting.device,
            ),
            "agreed": stage(
                agreed, model, marked, mitigations=told, captions=8, repeats=1,
                steps=size["steps"], guidance=size["guidance"], times=size["times"], **run,
            ),
        }  # fmt: skip
        before = before or {BEFORE + name: one for name, one in own.items()}
        yield Arm(name, own if name == "none" else own | before, None, ("drawn", "images/*.png"))


similarity = Readout(
    "95th percentile of similarity",
    "similarity",
    "high",
    reading("near", statistic="percentile", split="generated", percentile=95),
    "how alike the generation of the 20 is to a training picture that is most so",
)
counts = tuple(within(delta, reader="blend") for delta in DELTAS)
from_caption = replace(
    within(0.05, reader="recall"),
    name="Trained within 0.05, from the caption alone",
    about=f"{TITLES['trained']} images whose key is read from noise and the caption (Recall)",
)

SIZE = {
    "mitigations": (
        *("gni:0.1", "gni:1", "rt:1", "rt:4", "cwr:1", "cwr:4", "rna:1", "rna:4"),
        "wen:0.001",
    ),
    **{"per_prompt": 1, "steps": 50, "guidance": 3.0, "times": 8, "similarity": "pixels"},
}

STUDY = Study(
    "mitigation",
    arms,
    (
        counts[1],
        similarity,
        agreement(),
        *map(decrease, (*counts, from_caption, similarity)),
        counts[0],
        counts[2],
        from_caption,
    ),
    full=Setting(
        "openmoji", 512, 48, 400, (0, 1, 2, 3, 4), "tiny-t2i", size={**SIZE, "per_prompt": 4}
    ),
    quick=Setting(
        "openmoji", 64, 32, 400, (0, 1, 2), "tiny-t2i", size={**SIZE, "steps": 20, "times": 4}
    ),
    published=(
        Published(
            "SolidMark, Table 3: images within delta, beside the decrease of the 95th percentile "
            "of SSCD similarity (Somepalli et al., 2023) in percent",
            (*(f"within {delta:g}" for delta in DELTAS), "similarity lower by, %"),
            (
                ("none", (1066, 549, 55, None)),
                ("GNI", (1066, 517, 53, 3.62)),
                ("RT", (1072, 539, 58, 16.29)),
                ("CWR", (1074, 533, 56, 9.20)),
                ("RNA", (1036, 513, 55, 14.33)),
            ),
            (1066, 547, 56, 0),
            "n (2 delta - delta^2) of a key that is only guessed, with n = 5,610, since n is not "
            "given and the first count then fits",
            "The counts stand to one another as those of guessed keys do (19 : 9.75 : 1), so they "
            "cannot be told from chance; were n 5,000, a guess of mid-grey would give 1000, 500 "
            "and 50, from which they lie 2.3, 2.3 and 0.7 standard deviations. Two independent "
            "counts like these differ by 3.9, 5.7 and 19 % (one standard deviation), and no "
            "published change of a count is larger than 7 %: none was measurable.",
        ),
    ),
    said=(
        "Counts are read by Blend, from the picture in its frame and the caption; Recall has the "
        "caption only. Wen's target depends on the model.",
    ),
)  # fmt: skip
