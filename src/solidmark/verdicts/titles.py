"""What measures are called, and what they ask."""

TITLES = {
    "l2": "Plain l2",
    "modified-l2": "Modified l2",
    "patched-l2": "Patched l2",
    "pixels": "Pixels",
    "phash": "pHash",
    "pdq": "PDQ",
    "sscd": "SSCD",
    "sscd-onnx": "SSCD (ONNX)",
    "dinov2": "DINOv2",
    "clip": "CLIP",
    "siglip": "SigLIP",
    "inpainting": "Best draw",
    "inpainting-lowest": "Mean of the lowest",
    "inpainting-mean": "Mean of all",
    "loss": "Denoising loss",
    "spread": "Bottleneck spread",
    "magnitude": "Noise magnitude",
    "magnitude-path": "Path magnitude",
    "image-magnitude": "Image magnitude",
    "invmm": "InvMM",
}

ASKS = {
    "l2": "Is a training image the same, pixel by pixel? It takes pictures of nearly one colour "
    "for copies, since those are near to many, and misses a copy that is shifted.",
    "modified-l2": "Is one training image much nearer than the others? The distance to the nearest "
    "over a share of the mean distance to its neighbours; below 1 is suspicious. A shifted copy "
    "is missed.",
    "patched-l2": "Is a training image the same in every part? The largest distance of any two "
    "aligned tiles, rescaled by the neighbours; below 1 is suspicious. A shifted copy is missed.",
    "pixels": "Is a training image the same after both were made very small? Little but the "
    "layout counts.",
    "phash": "Is a training image the same in its coarse light and dark? A hash for finding "
    "resized and recompressed copies.",
    "pdq": "Is a training image the same in its coarse light and dark? A hash for finding resized "
    "and recompressed copies.",
    "sscd": "Is one picture an edited copy of the other? It was trained to find copies through "
    "crops, colours and text on them.",
    "dinov2": "Do both pictures show the same things in the same way? Two pictures of one kind are "
    "alike to it, copied or not.",
    "clip": "Do both pictures mean the same? Two pictures of one kind are alike to it, copied or "
    "not.",
    "siglip": "Do both pictures mean the same? Two pictures of one kind are alike to it, copied or "
    "not.",
    "inpainting": "How close is the closest of all draws? What an attacker would show; one lucky "
    "draw is enough.",
    "inpainting-lowest": "How close are the closest draws on average? One lucky draw is not "
    "enough.",
    "inpainting-mean": "How close are all draws on average? What the model makes of the image, "
    "whether or not a draw ever hits it.",
    "loss": "How well does the model tell the noise on an image from the image? On its training "
    "images it was trained to. Plain images are easy for every model.",
    "spread": "Does the image excite a few features strongly, or many evenly? A network that "
    "stored an image is said to answer with a few spikes. Captions are not asked.",
    "magnitude": "Does the prompt alone say exactly what to draw, before there is anything to see? "
    "It judges prompts: images of one prompt share its value.",
    "magnitude-path": "Does the prompt go on saying exactly what to draw over the first steps of "
    "sampling? It judges prompts: images of one prompt share its value.",
    "image-magnitude": "How much does its prompt change what the model sees in a noisy version of "
    "the image itself? One that it knows by heart it recognises anyway. The use is ours.",
    "invmm": "Is there a small region of noise from which the model draws this very image, "
    "whichever noise of it is taken? For each image a distribution of starting noise is searched "
    "by gradient descent, as near to ordinary noise as can be. Every few steps 8 pictures are "
    "drawn from it. The image is reproduced when even the least alike of the 8 is as similar to it "
    "as needed.",
}


def title_of(name: str) -> str:
    """What a measure is called; one that is not known keeps its name."""
    return TITLES.get(name) or name


def asks_of(name: str) -> str:
    """What it asks; nothing of one that is not known."""
    kind = name.split(":")[0]
    return ASKS.get(kind) or (ASKS["sscd"] if kind.startswith("sscd") else "")
