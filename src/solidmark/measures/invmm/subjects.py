"""Who is asked about: each picture once, and what is known of the others without asking."""

from dataclasses import dataclass, field

from solidmark.data import content_hash
from solidmark.errors import BadInput, BrokenImage
from solidmark.subjects import Subjects

Unit = tuple[str, str]
"""An image: its split and its id."""


@dataclass(frozen=True)
class Roll:
    """All images, sorted into those that are inverted and those that are not.

    Arguments:
        units: Those that are inverted, by split and id.
        copies: For each further image of the same pixels, the unit that is inverted in its place.
        excluded: Held-out images that are a training image too, with a note.
        broken: Images that cannot be read, with a note.
    """

    units: list[Unit]
    copies: dict[Unit, Unit] = field(default_factory=dict)
    excluded: dict[Unit, str] = field(default_factory=dict)
    broken: dict[Unit, str] = field(default_factory=dict)


def call_roll(subjects: Subjects) -> Roll:
    """Looks at every image once.

    Images of equal pixels, without their frames, are one picture: it is inverted once, and told
    what the first of them by its id is told. A held-out image that was trained on is no control.

    Raises:
        BadInput: When no trained image can be read.
    """
    roll = Roll([])
    first: dict[tuple[str, str], Unit] = {}
    for split in ("trained", "held_out"):
        for id in subjects.ids(split):
            unit = split, id
            try:
                image = subjects.sample(split, id).image
            except BrokenImage as error:
                roll.broken[unit] = str(error)
                continue
            content = content_hash(subjects.crop(image[None])[0])
            same = first.setdefault((split, content), unit)
            trained = first.get(("trained", content))
            if split == "held_out" and trained is not None:
                roll.excluded[unit] = f'It is the training image "{trained[1]}".'
            elif same == unit:
                roll.units.append(unit)
            else:
                roll.copies[unit] = same
    if not roll.units:
        raise BadInput("None of the images can be read. Name others.")
    return roll
