"""Where and in what a model runs, and what is added to it."""

from dataclasses import dataclass
from typing import Literal, get_args

from solidmark.errors import UnknownName
from solidmark.late import torch

Precision = Literal["fp32", "bf16", "fp16"]


@dataclass(frozen=True)
class Opening:
    """How a model is opened.

    Arguments:
        device: A name of torch: `cpu`, `cuda`, `cuda:1`, `mps`.
        precision: What the denoiser computes in.
        vae_precision: What the autoencoder computes in; its errors are those of the keys.
        text_precision: What the text encoders compute in.
        loras: Files or folders of LoRA weights, added in this order.
        lora_scale: What their weights are multiplied with.
        offload: Keep text encoders and autoencoder on the CPU while they are not needed.
        attention_slicing: Compute attention head by head: slower, in less memory.
        base_config: For a single file: the pipeline folder or hub id whose configuration it has.
        prediction: For a single file: what its network predicts, where it does not say so itself,
            or not clearly.

    Raises:
        UnknownName: When there is no such precision.
    """

    device: str = "cpu"
    precision: Precision = "fp32"
    vae_precision: Precision = "fp32"
    text_precision: Precision = "fp32"
    loras: tuple[str, ...] = ()
    lora_scale: float = 1.0
    offload: bool = False
    attention_slicing: bool = False
    base_config: str | None = None
    prediction: str | None = None

    def __post_init__(self) -> None:
        for precision in (self.precision, self.vae_precision, self.text_precision):
            if precision not in get_args(Precision):
                raise UnknownName("precision", precision, get_args(Precision))

    @property
    def extras(self) -> list[str]:
        """The options that are for latent pipelines only, as they stand on the command line."""
        asked = {
            "--lora": self.loras,
            "--offload": self.offload,
            "--attention-slicing": self.attention_slicing,
        }
        return [option for option, value in asked.items() if value]

    def precision_of(self, part: str) -> Precision:
        """The precision of a part of a pipeline, by its name there."""
        if part.startswith("text_encoder"):
            return self.text_precision
        return self.vae_precision if part in ("vae", "vqvae") else self.precision

    def dtype_of(self, part: str) -> "torch.dtype":
        """The type of a part of a pipeline, by its name there."""
        return dtype_of(self.precision_of(part))


def dtype_of(precision: Precision) -> "torch.dtype":
    """The type of torch that a precision means."""
    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
