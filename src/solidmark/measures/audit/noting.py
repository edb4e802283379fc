"""What must be known of how a model was opened: said at once, and again on the page."""

from collections.abc import Sequence

from solidmark.diffusion import Model
from solidmark.errors import BrokenImage
from solidmark.marks import Marked, few_line
from solidmark.mitigations.telling import bare
from solidmark.runs import Room, say
from solidmark.subjects import choose
from solidmark.subjects.opened import doubts

IMAGES = 8
"""How many images a model is asked about: what is looked for is the same for all."""


def notes_on(model: Model, marked: Marked, ids: Sequence[str], seed: int, room: Room) -> list[str]:
    """What the opening of a model found, and what its answers to a few images speak against.

    Arguments:
        model: The model that is audited; mitigations are left out.

    Returns:
        Sentences; none where all is as it should be.
    """
    samples = []
    for id in choose(sorted(marked.largest(ids)), IMAGES, seed):
        try:
            samples.append(marked.sample(id))
        except BrokenImage:
            continue
    plain = bare(model)
    found = room.fit(lambda size: doubts(plain, samples[:size], seed)) if samples else ()
    # Keys are exchanged with those of all trained images, asked or not.
    buckets = marked.by_bucket(marked.ids("trained")).items()
    few = few_line({name: len(ids) for name, ids in buckets if name}, "trained images")
    notes = [*found, *filter(None, [few])]
    for note in notes:
        say(note, error=True)
    return [*getattr(plain, "notes", ()), *notes]
