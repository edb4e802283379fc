"""The tensors that every layer passes on, with their shapes and ranges.

An image is float32 in [0, 1] everywhere outside a model adapter; a network's own range (usually
[-1, 1]) is known only to the adapter of that network.
"""

from jaxtyping import Bool, Float, Int

from solidmark.late import Tensor

Images = Float[Tensor, "B C H W"]
"""A batch of images, float32 in [0, 1]."""

MarkedImages = Float[Tensor, "B C Hm Wm"]
"""A batch of images with their frames: a pattern may make them larger. Float32 in [0, 1]."""

Image = Float[Tensor, "C H W"]
"""One image, float32 in [0, 1]."""

MarkedImage = Float[Tensor, "C Hm Wm"]
"""One image with its frame, float32 in [0, 1]."""

Latents = Float[Tensor, "B c h w"]
"""What a model denoises; a pixel model's latents are its images in [-1, 1]."""

Times = float | Float[Tensor, " B"]
"""One time in [0, 1] for a whole batch, or one a row."""

Keys = Float[Tensor, "B M"]
"""Key vectors, each value in [0, 1]; M = 1 for a solid pattern."""

Mask = Bool[Tensor, "H W"]
"""True where the key is painted."""

Layout = Int[Tensor, "H W"]
"""The index of the key that each pixel shows, -1 where the image is."""
