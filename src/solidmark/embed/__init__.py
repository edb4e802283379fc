"""Embedders: what an image looks like to a network or a hash, as a vector of length 1."""

from solidmark.embed.cache import Cache, default_folder, embed_samples
from solidmark.embed.contrast import Fit, fit, views
from solidmark.embed.embedder import Embedder, EmbedderCard, unit_rows
from solidmark.embed.function import Function
from solidmark.embed.hashes import Pdq, PerceptualHash
from solidmark.embed.onnx import open_onnx
from solidmark.embed.opening import EMBEDDERS, open_embedder
from solidmark.embed.own import Own, Shape, open_own, save_own
from solidmark.embed.pixels import Pixels
from solidmark.embed.torchscript import open_sscd

__all__ = [
    "EMBEDDERS",
    "Cache",
    "Embedder",
    "EmbedderCard",
    "Fit",
    "Function",
    "Own",
    "Pdq",
    "PerceptualHash",
    "Pixels",
    "Shape",
    "default_folder",
    "embed_samples",
    "fit",
    "open_embedder",
    "open_onnx",
    "open_own",
    "open_sscd",
    "save_own",
    "unit_rows",
    "views",
]
