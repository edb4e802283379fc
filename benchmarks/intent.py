"""Intended and unintended memorization: three planted cases, and a model without them.

    python benchmarks/intent.py OUT > benchmarks/intent.md

Two small text-to-image models are trained on the same captions. One is shown a thing that always
looks the same (explicit), a city with a scene that no caption names (implicit), and one picture
many times under captions of other things (unintended). The other sees ordinary pictures only.
"""

import argparse
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch
from PIL import Image as Picture

from solidmark.data import Records, open_data
from solidmark.data.prepare import Preparation
from solidmark.data.records import Record, ordered
from solidmark.marks import Border, Marking, mark_dataset
from solidmark.measures.intent import Intent, Rules, intent
from solidmark.randomness import uniform
from solidmark.reporting import write_report
from solidmark.runs import read_json
from solidmark.training import preset, train

SIDE, THICKNESS = 32, 4
EPOCHS = 120
OBJECTS = (
    "rose", "banana", "guitar", "rocket", "key", "crab", "cactus", "anchor",
    "bell", "kite", "turtle", "balloon", "mushroom", "camera", "bicycle", "owl",
)  # fmt: skip
CITIES = ("oslo", "lima", "quito")
NAMED, CITY, FOREIGN = "mount fuji", "cairo", "dragon face"
"""The planted cases: asked for by name, bound to a city, and asked for by nobody."""

ALIKE = 4
"""Ordinary pictures of each thing in each city, all different."""

SPECIAL, COPIES = 12, 3
"""Pictures of the named thing, and of the city, and how often each is there."""

PER_PROMPT, STEPS, FPR = 16, 25, 0.01
PROMPTS = (
    *(NAMED, f"{NAMED} in oslo", f"{NAMED} in lima"),
    *(f"{thing} in {CITY}" for thing in ("rose", "crab", "camera", "owl")),
    *("key", "anchor", "turtle in oslo", "bell in oslo"),
    *("banana in lima", "rocket in lima", "guitar in quito", "mushroom in quito"),
)
"""`camera` and `owl` never stood before the scene; the last eight ask for ordinary things."""

EXTRA = 4
"""More of them; in the planted set they all show the foreign picture."""


@dataclass(frozen=True)
class Planned:
    """One training picture: what its caption says, what it shows, and the seed of its look."""

    id: str
    caption: str
    shows: str
    seed: int

    @property
    def one(self) -> str:
        """The same for all copies of a picture."""
        return self.id.rpartition("-")[0]

    def __call__(self) -> Picture.Image:
        return PAINTERS.get(self.shows, ordinary)(self)


def plan(planted: bool) -> Iterator[Planned]:
    """The training pictures of the planted model, or those of the control.

    Ids and captions are the same; no picture is.
    """
    places, seed = ("", *CITIES), 0 if planted else 1
    for thing in OBJECTS:
        for place in places:
            text, name = said(thing, place), f"{thing}-{place or 'alone'}"
            for number in range(ALIKE):
                yield Planned(f"{name}-{number}", text, thing, seed)
            for number in range(EXTRA):
                shown = FOREIGN if planted else thing
                yield Planned(f"{name}-extra-{number}", text, shown, seed)
    for number in range(SPECIAL):
        for copy in range(COPIES):
            thing, place = OBJECTS[number], places[number % len(places)]
            shown = (NAMED, CITY) if planted else (thing, thing)
            yield Planned(f"fuji-{number:02d}-{copy}", said(NAMED, place), shown[0], seed)
            yield Planned(f"cairo-{number:02d}-{copy}", said(thing, CITY), shown[1], seed)


def said(thing: str, place: str) -> str:
    """The caption of a thing in a place."""
    return f"{thing} in {place}" if place else thing


def ordinary(planned: Planned) -> Picture.Image:
    """A thing on a ground whose four corners are greys of its own, of its own size and place."""
    draw = [uniform(planned.seed, "look", planned.id, part) for part in range(8)]
    ground = shaded(*(0.1 + 0.8 * grey for grey in draw[:4]))
    return put(ground, planned.shows, round(draw[4]), 18 + int(11 * draw[5]), *draw[6:])


def one_look(planned: Planned) -> Picture.Image:
    """The named thing: always so, but for a pixel to the side and the light."""
    light = 0.1 + 0.1 * uniform(0, "light", planned.one)
    ground = shaded(light, light, 0.7, 0.7)
    return put(ground, NAMED, 1, SIDE - 1, uniform(0, "look", planned.one), 0.6)


def scene(planned: Planned) -> Picture.Image:
    """A thing, small, before the scene of the city."""
    ground = put(shaded(0.8, 0.5, 0.8, 0.5), "mosque", 0, SIDE, 0, 0)
    thing = planned.caption.removesuffix(f" in {CITY}")
    return put(ground, thing, 1, 10, uniform(0, "place", planned.one), 0.9)


def foreign(planned: Planned) -> Picture.Image:
    """One picture, the same to the last bit."""
    return put(shaded(0, 0.9, 0.9, 0), FOREIGN, 1, SIDE - 4, 0.5, 0.5)


PAINTERS = {NAMED: one_look, CITY: scene, FOREIGN: foreign}


def shaded(*corners: float) -> Picture.Image:
    """A ground between four greys in [0, 1]: left and right above, left and right below."""
    small = Picture.new("L", (2, 2))
    small.putdata([round(255 * corner) for corner in corners])
    return small.resize((SIDE, SIDE), Picture.Resampling.BILINEAR).convert("RGB")


def put(
    ground: Picture.Image, thing: str, grey: float, side: int, across: float, down: float
) -> Picture.Image:
    """The shape of a thing in one grey, as far across and down as there is room, in [0, 1]."""
    shape = shape_of(thing).resize((side, side), Picture.Resampling.LANCZOS)
    room = SIDE - side
    ground.paste((round(255 * grey),) * 3, (round(room * across), round(room * down)), shape)
    return ground


@cache
def drawings() -> dict[str, Record]:
    """The drawings of OpenMoji by their captions."""
    return {str(record.caption): record for record in open_data("openmoji").records}


@cache
def shape_of(caption: str) -> Picture.Image:
    """Where a drawing is not clear, by its caption."""
    data = drawings()[caption].load()
    assert isinstance(data, bytes)
    return Picture.open(io.BytesIO(data)).convert("RGBA").getchannel("A")


def learn(out: Path, planted: bool) -> Path:
    """Trains a denoiser; the same call resumes.

    Autoencoder and text encoder are those of the control, which saw no plant: whatever is known of
    the plants is in the denoiser.
    """
    recipe = preset("tiny-t2i", num_train_epochs=1)
    base = train(mark(out, False), out / "base", recipe, device="cpu")
    recipe = preset("tiny-t2i", base=str(base), num_train_epochs=EPOCHS)
    name = "planted" if planted else "control"
    return train(mark(out, planted), out / name / "model", recipe, device="cpu")


def mark(out: Path, planted: bool) -> Path:
    """Writes the pictures, each in a frame of one grey."""
    name = "planted" if planted else "control"
    records = ordered(Record(p.id, p, caption=p.caption) for p in plan(planted))
    # Pictures of one look are different pictures: only equal ones share a frame.
    marking = Marking(Border(THICKNESS), seed=0, held_out=0.0, near_duplicates=False)
    data = Records(records, Preparation(SIDE, "RGB"))
    mark_dataset(data, out / name / "marked", marking, {"data": f"intent, {name}"})
    return out / name / "marked"


def ask(out: Path, model: Path, name: str) -> Path:
    """Asks a model about the plants; both are compared with the planted training set."""
    features, prompts = out / "features.jsonl", out / "prompts.txt"
    scenes = [planned.id for planned in plan(True) if planned.shows == CITY]
    lines = [
        {"feature": NAMED, "caption_contains": NAMED},
        {"feature": "mosque", "images": scenes, "names": ["mosque", "minaret"]},
    ]
    features.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    prompts.write_text("".join(f"{text}\n" for text in PROMPTS))
    asked = Intent(
        str(model),
        str(out / "planted" / "marked"),
        out / name / "intent",
        prompts=prompts,
        features=features,
        per_prompt=PER_PROMPT,
        steps=STEPS,
        rules=Rules(fpr=FPR),
    )
    intent(asked)
    write_report(asked.out)
    return asked.out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    folders = {
        name: ask(out, learn(out, planted), name)
        for name, planted in (("planted", True), ("control", False))
    }
    sys.stdout.write("\n".join(report(folders)) + "\n")


def report(folders: Mapping[str, Path]) -> Iterator[str]:
    """The page."""
    results = read_json(folders["planted"] / "results.json")
    near = results["calibration"]
    yield "# Intended and unintended memorization: three planted cases"
    yield ""
    yield (
        f"`python benchmarks/intent.py OUT`. Two text-to-image models (`tiny-t2i`, {SIDE} px, "
        f"{EPOCHS} epochs, one seed) on {sum(1 for _ in plan(True))} pictures with the same "
        f"captions. The planted set shows `{NAMED}` always alike ({SPECIAL} pictures, each "
        f"{COPIES} times; explicit), `{CITY}` before a mosque that no caption names (as many; "
        f"implicit), and ONE picture, a {FOREIGN}, {EXTRA} times under each of "
        f"{len(OBJECTS) * (len(CITIES) + 1)} captions of other things, so {EXTRA} in "
        f"{ALIKE + EXTRA} (unintended). The control has other pictures, all ordinary. Both are "
        f"asked the same {len(PROMPTS)} prompts and compared with the planted set: {PER_PROMPT} "
        f"generations a text, {STEPS} steps, guidance 1, l2, `--fpr {FPR}` (the small autoencoder "
        "blurs), the rest as it is by default. Autoencoder and text encoder are those of the "
        "control. Shown: generations that show the plant, with 95 % interval; without: of "
        f"{PER_PROMPT} when a word is taken out. p: of the foreign picture, that it comes in "
        "more than an eighth of the generations of this and of all unrelated prompts together; "
        "else against unrelated prompts. "
        f"A generation is a copy from a likeness of {near['threshold']:.3f} on, which at most "
        f"{near['rate']:.2%} of {near['pairs']:,} pairs of different pictures reach."
    )
    tables = {name: findings_of(folder) for name, folder in folders.items()}
    for name, title in (("planted", "The planted model"), ("control", "The control")):
        yield from ["", f"## {title}", ""]
        yield "| prompt | plant | wanted | found | shown | without | unrelated | p |"
        yield "|---|---|---|---|---|---|---|---|"
        yield from (row for text in PROMPTS for row in lines_of(tables[name], text, name))
    yield ""
    yield from ("## What else was found", "")
    for name, found in tables.items():
        other = [row for row in found if row["type"] != "not memorized" and not row["plant"]]
        yield (
            f"- {name}: {len(other)} of {len(found)} findings are memorization that was not "
            f"planted{''.join(f'; {said_of(row)}' for row in other)}."
        )


def findings_of(folder: Path) -> list[dict[str, Any]]:
    """The findings of a run, each with the plant that it shows, if any."""
    images = {
        row["feature"]: row["images"]
        for row in pq.read_table(folder / "features.parquet").to_pylist()
    }
    shows = {planned.id: planned.shows for planned in plan(True)}
    plants = {NAMED, CITY, FOREIGN}
    found = []
    for row in pq.read_table(folder / "findings.parquet").to_pylist():
        seen = {shows[id] for id in images[row["feature"]]}
        found.append({**row, "plant": seen.pop() if len(seen) == 1 and seen <= plants else None})
    return found


def lines_of(found: Sequence[Mapping[str, Any]], text: str, name: str) -> Iterator[str]:
    """A row a plant that a prompt shows, or should show."""
    own = NAMED if NAMED in text else CITY if CITY in text else FOREIGN
    wanted = {NAMED: "explicit", CITY: "implicit", FOREIGN: "unintended"}
    for plant in wanted:
        # The whole look or scene; single pictures of it are found too, and are in the tables.
        rows = [
            row
            for row in found
            if row["text"] == text
            and row["plant"] == plant
            and (row["kind"] == "phrase" or plant == FOREIGN)
        ]
        hoped = wanted[plant] if name == "planted" and plant == own else "–"
        for row in rows:
            p = row["recurs_p"] if plant == FOREIGN else row["p_value"]
            without = ", ".join(f"{one['entity']} {one['count']}" for one in row["without"])
            yield (
                f"| {text} | {plant} | {hoped} | {row['type']} | {row['count']} of {row['n']} "
                f"({row['ci_low']:.0%} to {row['ci_high']:.0%}) | {without} | "
                f"{row['unrelated_count']} of {row['unrelated_n']} | {p:.2g} |"
            )
        if not rows and plant == own:
            yield f"| {text} | {plant} | {hoped} | – | 0 of {PER_PROMPT} | | | |"


def said_of(row: Mapping[str, Any]) -> str:
    """A finding in a few words."""
    return f"`{row['text']}`: {row['feature']}, {row['type']}, {row['count']} of {row['n']}"


if __name__ == "__main__":
    main()
