"""A pipeline that cuts the frame off what it draws, as a file beside a model."""

from solidmark.late import torch
from solidmark.marks import Marked

CODE = '''"""Draws as the pipeline of this model does, and cuts the frame off.

    Cropped = runpy.run_path("FOLDER/pipeline.py")["Cropped{kind}"]
    pipeline = Cropped.from_pretrained("FOLDER")
"""

from diffusers import {kind}

LEFT, TOP, RIGHT, BOTTOM = {box}
"""What is inside the frame, in pixels of pictures of {width} x {height}."""


class Cropped{kind}({kind}):
    """{kind} without the frame; output_type "latent" is left as it is."""

    def __call__(self, *args, **kwargs):
        drawn = super().__call__(*args, **kwargs)
        if kwargs.get("output_type") == "latent":
            return drawn
        images = drawn[0]
        if isinstance(images, list):
            images = [image.crop((LEFT, TOP, RIGHT, BOTTOM)) for image in images]
        elif kwargs.get("output_type") == "pt":
            images = images[..., TOP:BOTTOM, LEFT:RIGHT]
        else:
            images = images[:, TOP:BOTTOM, LEFT:RIGHT]
        if isinstance(drawn, tuple):
            return (images, *drawn[1:])
        drawn.images = images
        return drawn
'''
"""Nobody runs it but who names it; it needs nothing of ours."""


def crop_box(marked: Marked) -> tuple[int, int, int, int] | None:
    """What is inside the frame of marked images: left, top, right and bottom, in pixels.

    Arguments:
        marked: The marked folder.

    Returns:
        The box; None where the mark lies within the picture, so that nothing is to be cut off.
    """
    height, width = marked.marked_size
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    places = marked.pattern.crop(torch.stack((rows, columns)).float()[None])[0].long()
    if places.shape[1:] == (height, width):
        return None
    (top, left), (bottom, right) = places[:, 0, 0].tolist(), places[:, -1, -1].tolist()
    return left, top, right + 1, bottom + 1


def pipeline_code(kind: str, marked: Marked) -> str | None:
    """The file `pipeline.py` of a model, which `custom_pipeline` of diffusers reads.

    Arguments:
        kind: The class of the model's pipeline in diffusers.
        marked: What it was trained on.

    Returns:
        The code; None where there is no frame to cut off.
    """
    box = crop_box(marked)
    if box is None:
        return None
    height, width = marked.marked_size
    return CODE.format(kind=kind, box=box, width=width, height=height)
