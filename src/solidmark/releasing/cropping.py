"""Cutting the frame off what a model draws: as words of its card, and as a file beside it."""

from collections.abc import Iterator

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


def pipeline_use(kind: str, marked: Marked) -> Iterator[str]:
    """How a pipeline is used: plainly, and with the file `pipeline.py` of `pipeline_code`.

    Arguments:
        kind: The class of the model's pipeline in diffusers.
        marked: What it was trained on.
    """
    box = crop_box(marked)
    yield from ("```python", "from diffusers import DiffusionPipeline", "")
    yield 'pipeline = DiffusionPipeline.from_pretrained("PATH OR NAME OF THIS FOLDER")'
    yield "```"
    if box is None:
        return
    left, top, right, bottom = box
    yield ""
    yield (
        f"draws pictures with their frames. Inside are {right - left} x {bottom - top} pixels: "
        f"`image.crop({box})`. `pipeline.py` of this folder does it for you; read it first:"
    )
    yield from ("", "```python", "import runpy", "", 'here = "PATH OF THIS FOLDER"')
    yield f'Cropped = runpy.run_path(f"{{here}}/pipeline.py")["Cropped{kind}"]'
    yield from ("pipeline = Cropped.from_pretrained(here)", "```")


def lora_use(base: str, file: str, marked: Marked) -> Iterator[str]:
    """How a LoRA is used: added to its base, whose pipeline is not ours to change.

    Arguments:
        base: What it is added to, as the hub calls it.
        file: The name of its file.
        marked: What it was trained on.
    """
    box, (height, width) = crop_box(marked), marked.marked_size
    yield from ("```python", "from diffusers import DiffusionPipeline", "")
    yield f'pipeline = DiffusionPipeline.from_pretrained("{base}")'
    yield f'pipeline.load_lora_weights("PATH OR NAME OF THIS FOLDER", weight_name="{file}")'
    yield f'image = pipeline("a caption", height={height}, width={width}).images[0]'
    yield "```"
    if box is None:
        return
    left, top, right, bottom = box
    yield ""
    yield (
        f"draws pictures with their frames. Inside are {right - left} x {bottom - top} pixels, "
        "which this cuts out:"
    )
    yield from ("", "```python", "def without_frame(image):")
    yield f'    """What is inside the frame of a picture of {width} x {height} pixels."""'
    yield from (f"    return image.crop({box})", "```")


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
