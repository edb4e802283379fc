"""Which generations belong to one prompt."""

from dataclasses import dataclass

from solidmark.data import Mode, Records, Resolution, open_data
from solidmark.errors import BadInput
from solidmark.measures.nearest.sides import check_drawn

COLUMN = "prompt_id"
"""Where `solidmark generate` writes whose prompt an image was drawn from."""


@dataclass(frozen=True)
class Prompt:
    """The generations of one prompt.

    Arguments:
        id: Its id; the text itself where it has none.
        text: What the model was told, where known.
        numbers: The numbers of its images in the data set, rising.
    """

    id: str
    text: str | None
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Prompted:
    """Generations by prompt.

    Arguments:
        prompts: Those with two generations or more, by their ids.
        alone: How many images belong to no prompt, or are the only one of theirs.
    """

    data: Records
    prompts: tuple[Prompt, ...]
    alone: int


def open_prompted(
    where: str,
    column: str | None = None,
    *,
    resolution: Resolution | None = None,
    mode: Mode | None = None,
    window: str = "full",
    limit: int | None = None,
) -> Prompted:
    """Opens generations.

    Arguments:
        where: An image folder as `solidmark generate --per-prompt` writes it, or any data source
            whose images have captions or classes.
        column: Which column says whose prompt it is; when not given, `prompt_id` where there is
            one, else the caption, else the class.
        resolution: The side in pixels that all images are scaled to.
        window: Which values of deep pictures are black and white ("full", "used", "LOW:HIGH").
        limit: At most so many prompts, the first by their ids.

    Raises:
        NotFound: When there is no such data.
        BadInput: When no two images are of one prompt.
    """
    data, asked = _opened(where, column, resolution, mode, window)
    found: dict[str, list[int]] = {}
    texts: dict[str, str | None] = {}
    for number, record in enumerate(data.records):
        # A column that nobody asked for (a patient's) is no prompt.
        id = (record.group if asked else None) or record.caption or record.label
        if id is not None:
            found.setdefault(id, []).append(number)
            texts.setdefault(id, record.caption or record.label)
    several = sorted(id for id, numbers in found.items() if len(numbers) > 1)
    if not several:
        raise BadInput(
            f'"{where}" has no two images of one prompt (by {column or COLUMN}, caption or class), '
            'so there is nothing to compare. "solidmark generate --per-prompt 50" draws such a '
            "folder; --prompt-column names another column."
        )
    alone = len(data) - sum(len(found[id]) for id in several)
    chosen = tuple(Prompt(id, texts[id], tuple(found[id])) for id in several[:limit])
    return Prompted(data, chosen, alone)


def _opened(
    where: str,
    column: str | None,
    resolution: Resolution | None,
    mode: Mode | None,
    window: str,
) -> tuple[Records, bool]:
    """The images, and whether their groups are prompts."""
    check_drawn(where)
    kind = mode or "RGB"
    try:
        data = open_data(
            where, resolution=resolution, mode=kind, window=window, group_column=column or COLUMN
        )
        return data, True
    except BadInput:
        if column is not None:
            raise
        # There is no such column. If anything else is amiss, the second look says so.
        return open_data(where, resolution=resolution, mode=kind, window=window), False
