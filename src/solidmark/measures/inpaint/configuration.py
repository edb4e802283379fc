"""What a run of `solidmark inpaint` asks: which half of which images, drawn anew how often.

.. math:: d_j = \\lVert m \\odot (x - \\hat x_j) \\rVert_2 / \\sqrt{|m|}

x is an image, m the half of it that is hidden, :math:`\\hat x_j` the j-th picture that the model
makes of the other half. A model that has memorized the image knows how it goes on; one that has
not can only continue it plausibly.

The frame of a marked image is hidden with the half (`frame="hidden"`). It shows a key that no other
image has: left in sight, it would tell a model that was trained on it which image is meant, and
trained images would be told from held-out ones by a mark that nobody's own images carry. A grey
frame in its place would be a frame that the model has never seen. It is drawn anew and not scored.
`frame="shown"` asks what the key alone brings back.
"""

from dataclasses import dataclass
from typing import Any

from solidmark.cards.asked import Half, Inpainted
from solidmark.errors import BadInput
from solidmark.late import torch
from solidmark.marks import Pattern
from solidmark.mitigations import Mitigation
from solidmark.subjects import AskingSome, Subjects
from solidmark.types import Mask


@dataclass(frozen=True)
class Inpainting(Inpainted, AskingSome):
    """The whole configuration of an inpainting attack.

    Arguments:
        mitigations: What is done to what the model is told, in this order.

    References:
        Carlini et al., 2023, "Extracting training data from diffusion models", Section 5.3;
        Lugmayr et al., 2022 (RePaint).
    """

    command = "inpaint"
    mitigations: tuple[Mitigation, ...] = ()

    def open_subjects(self) -> Subjects:
        """Opens the images.

        Raises:
            NotFound: When there is no such data.
            BadInput: When a split of a marked folder that is asked for has no marked image.
        """
        subjects = super().open_subjects()
        for split in self.splits if subjects.marked is not None else ():
            if not subjects.ids(split):
                raise BadInput(
                    f'"{self.images}" has no {split} images. '
                    "Mark with a larger --held-out, or leave the split out with --split."
                )
        return subjects

    def to_json(self) -> dict[str, Any]:
        """The configuration as it stands in the manifest: of plain images what is said of them."""
        plain = super().to_json()
        plain["marked"] = plain.pop("images")
        usual = {"held_out": None, "resolution": None, "mode": None, "window": "full"}
        return {name: v for name, v in plain.items() if name not in usual or v != usual[name]}


def hidden_half(pattern: Pattern | None, size: tuple[int, int], half: Half) -> Mask:
    """Where an image is hidden and scored: one half of what the frame leaves of it.

    Arguments:
        pattern: How the images were marked; None where they were not.
        size: The height and width of the images, in their frames, in pixels.
        half: Which half; of an odd number of rows or columns it is the smaller one at the left and
            the top.
    """
    picture = ~frame_of(pattern, size)
    rows, columns = picture.any(1).nonzero(), picture.any(0).nonzero()
    top, bottom = int(rows.min()), int(rows.max()) + 1
    left, right = int(columns.min()), int(columns.max()) + 1
    across, down = (left + right) // 2, (top + bottom) // 2
    parts = {
        "left": (slice(None), slice(None, across)),
        "right": (slice(None), slice(across, None)),
        "top": (slice(None, down), slice(None)),
        "bottom": (slice(down, None), slice(None)),
    }
    hidden = torch.zeros(size, dtype=torch.bool)
    hidden[parts[half]] = True
    return hidden & picture


def frame_of(pattern: Pattern | None, size: tuple[int, int]) -> Mask:
    """Where an image is frame; nowhere without one.

    Arguments:
        pattern: How the images were marked; None where they were not.
        size: The height and width of the images, in pixels.
    """
    return torch.zeros(size, dtype=torch.bool) if pattern is None else pattern.mask(*size)
