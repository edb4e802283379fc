"""What a mitigation costs: whether a model still draws what its captions ask for."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from solidmark.runs import Figure, open_run, read_json, write_json
from solidmark.studies.study import Made, Readout

CHOICES = "choices.json"

BEFORE = "before "
"""What the stages of the arm without mitigation are called in the other arms."""


def agreed(
    model: str,
    marked: str,
    out: Path,
    *,
    mitigations: Sequence[Any] = (),
    captions: int,
    repeats: int,
    steps: int,
    guidance: float,
    times: int,
    device: str,
    seed: int,
) -> None:
    """Draws pictures of captions, and asks the model which caption explains each best.

    Arguments:
        model: The model, which is the judge too, without mitigations.
        marked: The marked folder that it was trained on.
        out: The folder to write: `choices.json`, a row a picture.
        captions: How many there are to choose from, at most.
    """
    from solidmark.generating.configuration import mitigated, open_any
    from solidmark.marks import open_marked
    from solidmark.mitigations import to_json
    from solidmark.models import Opening
    from solidmark.subjects import Agreement

    source = open_marked(Path(marked))
    firsts = {source.words(id)[0]: id for id in sorted(source.ids("trained"), reverse=True)}
    ask = Agreement(min(captions, len(firsts)), steps, guidance, times)
    asked = {**asdict(ask), "repeats": repeats, "mitigations": [*map(to_json, mitigations)]}
    run = open_run(out, "agreed", {"model": model, "marked": marked, "seed": seed, **asked})
    if run.finished:
        return
    samples = [
        replace(sample, id=f"{sample.id} {repeat}")
        for sample in map(source.sample, sorted(firsts.values()))
        for repeat in range(repeats)
    ]
    judge = open_any(model, Opening(device=device), source, seed)
    choices = ask.ask(mitigated(judge, mitigations, seed), judge, samples, seed)
    rows = [{**asdict(one), "right": one.right, "of": ask.captions} for one in choices]
    write_json(out / CHOICES, rows)
    run.finish(CHOICES)


def agreement(name: str = "Caption agreement", of: str = "") -> Readout:
    """The share of pictures that the caption explains best that they were drawn from."""

    def read(made: Made) -> Figure | None:
        if "agreed" not in made:
            return None
        rows = [r for r in read_json(made["agreed"] / CHOICES) if str(r["id"]).startswith(of)]
        if not rows:
            return None
        count = sum(r["right"] for r in rows)
        return Figure(
            measure="agreement",
            statistic="agreement",
            split="trained",
            value=count / len(rows),
            n=len(rows),
            count=count,
            chance=1 / rows[0]["of"],
        )

    about = "pictures whose own caption explains them best, to the model without mitigation"
    return Readout(name, "share", None, read, about)


def decrease(of: Readout) -> Readout:
    """By how much of itself a read-out is lower than without mitigation."""

    def read(made: Made) -> Figure | None:
        folders = {n.removeprefix(BEFORE): f for n, f in made.folders.items() if BEFORE in n}
        now, then = of.read(made), of.read(replace(made, folders=folders)) if folders else None
        if now is None or then is None or not then.value or now.value is None:
            return None
        return replace(
            now, value=100 * (1 - now.value / then.value), count=None, chance=0.0, ci_low=None,
            ci_high=None,
        )  # fmt: skip

    about = f"by how much of itself this is lower than without mitigation: {of.name}"
    return Readout(f"Decrease: {of.name[0].lower()}{of.name[1:]}", "percent", None, read, about)
