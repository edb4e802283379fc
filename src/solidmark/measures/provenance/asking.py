"""`ask_provenance`: measures the signals, and finds out which images came to their side together.

Copies, near-copies, images of one group (a patient) and, for signals of prompts, images of one
prompt are one unit: they were used together or not at all, and have one vote.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from solidmark.data import Signature, group_duplicates, inventories, sign
from solidmark.errors import BrokenImage
from solidmark.measures.copies.similar import joined
from solidmark.measures.provenance.configuration import Provenance
from solidmark.measures.signals import measure_signals
from solidmark.measures.signals.measuring import EVIDENCE
from solidmark.runs import Processes, Run, progress, read_manifest, read_table, typed, write_rows
from solidmark.subjects import Subjects

Unit = tuple[str, str]
"""An image: its split and its id."""

UNITS = pa.schema([*typed(pa.string(), "split", "id"), ("unit", pa.int64())])
"""The columns of `units.parquet`: a row an image; no unit where it cannot be read."""


def ask_provenance(asked: Provenance) -> Run:
    """Asks a model about suspect images, and about images that were not used.

    Arguments:
        asked: The model, the images, and the signals.

    Returns:
        The run, with `units.parquet` in its folder, and the run of its signals. The same call goes
        on where it was stopped.

    Raises:
        NotFound: When the model or the images are not there.
        BadInput: When model and images do not fit.
        MissingCapability: When the model can be asked for none of the signals.
        RunConflict: When the folder holds another run.
    """
    subjects = asked.open_subjects()
    asked.open_model(subjects)  # What does not fit shows before anything is asked.
    run = asked.open_folder(subjects)
    measured = measure_signals(asked.measuring())
    if Processes.here().is_main and not run.finished:
        rows = _units(subjects, _prompts(measured))
        write_rows(run.folder / "units.parquet", rows, UNITS)
        run.finish("units.parquet", inventory=inventories(**subjects.data))
    Processes.here().wait()
    return run


def _prompts(measured: Run) -> Mapping[Unit, str]:
    """What the model was told of each image, where a signal asks about that alone."""
    cards = read_manifest(measured.folder, "signals")["signals"].values()
    if all(card["per"] != "prompt" for card in cards):
        return {}
    again = 'Run "solidmark provenance" into a new folder.'
    table = read_table(measured.folder / "signals.parquet", EVIDENCE, again)
    some = table.select(["split", "id", "prompt"]).to_pylist()
    return {(row["split"], row["id"]): row["prompt"] for row in some if row["prompt"] is not None}


def _units(subjects: Subjects, prompts: Mapping[Unit, str]) -> Sequence[Mapping[str, object]]:
    """The unit of each image, by number: groups and prompts may be names of people."""
    images = [(split, id) for split in subjects.splits for id in subjects.ids(split)]
    signatures: dict[Unit, Signature] = {}
    names: dict[tuple[str, str], list[int]] = {}
    with progress("looking for copies", len(images)) as advance:
        for number, unit in enumerate(images):
            try:
                sample = subjects.sample(*unit)
                signatures[unit] = sign(subjects.crop(sample.image[None])[0])
            except BrokenImage:
                continue
            finally:
                advance()
            bound = {"group": sample.group, "prompt": prompts.get(unit)}
            for what, name in bound.items():
                if name is not None:
                    names.setdefault((what, name), []).append(number)
    place = {unit: number for number, unit in enumerate(images)}
    called = {" ".join(unit): place[unit] for unit in signatures}
    for one, name in group_duplicates([*called], signatures.values()).items():
        names.setdefault(("copies", name), []).append(called[one])
    ties = [(some[0], one) for some in names.values() for one in some]
    unit_of = joined(len(images), np.array(ties, dtype=np.int64).reshape(-1, 2))
    return [
        {"split": unit[0], "id": unit[1], "unit": number if unit in signatures else None}
        for unit, number in zip(images, unit_of.tolist(), strict=True)
    ]
