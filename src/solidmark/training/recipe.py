"""A recipe: everything that decides what a trained network becomes, and nothing else.

Option names are those of the diffusers examples where they have one. The device, the number of
processes and of workers are no part of it: they must not change the result.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from solidmark.diffusion import Prediction
from solidmark.errors import BadInput, UnknownName

CHOICES = {
    "lr_scheduler": (
        "constant",
        "constant_with_warmup",
        "cosine",
        "cosine_with_restarts",
        "linear",
        "polynomial",
    ),
    "mixed_precision": ("no", "bf16", "fp16"),
    "prediction_type": ("epsilon", "v_prediction", "sample"),
    "schedule": ("cosine", "linear"),
}
AT_LEAST_ONE = (
    "num_train_epochs",
    "train_batch_size",
    "gradient_accumulation_steps",
    "lr_num_cycles",
    "num_train_timesteps",
    "layers_per_block",
    "attention_head_dim",
    "norm_num_groups",
)
AT_LEAST_ZERO = ("lr_warmup_steps", "checkpointing_steps", "checkpointing_epochs", "lora_rank")
BELOW_ONE = ("adam_beta1", "adam_beta2", "ema_decay", "dropout", "caption_dropout")
ABOVE_ZERO = ("learning_rate", "lr_power", "adam_epsilon")
NOT_NEGATIVE = ("adam_weight_decay", "max_grad_norm", "snr_gamma")
YES_OR_NO = (
    "class_conditional",
    "mid_attention",
    "random_flip",
    "from_scratch",
    "gradient_checkpointing",
)
LAST_RATE = 1e-7
"""Where the polynomial schedule of diffusers ends."""
LISTS = {"block_out_channels": 1, "attention_levels": 0, "checkpoint_at": 1}


@dataclass(frozen=True)
class Recipe:
    """How a network is built and trained.

    Arguments:
        num_train_epochs: How often each image is seen.
        max_train_steps: Where training stops instead; None = after the epochs.
        train_batch_size: Images of one pass, over ALL processes together.
        gradient_accumulation_steps: Passes of one optimizer step. A step is the mean over all its
            images, so two passes of 32 are a batch of 64.
        learning_rate: Of AdamW, at its highest.
        lr_scheduler: A name of `diffusers.optimization.get_scheduler`.
        lr_warmup_steps: Steps of linear warm-up.
        lr_num_cycles: Restarts, for `cosine_with_restarts`.
        lr_power: The exponent, for `polynomial`.
        adam_beta1: Of AdamW.
        adam_beta2: Of AdamW.
        adam_weight_decay: Of AdamW.
        adam_epsilon: Of AdamW.
        max_grad_norm: Where the gradient is clipped; 0 = nowhere.
        ema_decay: Of the moving average that is saved; 0 = the last weights are saved.
        mixed_precision: `no`, `bf16` or `fp16`.
        prediction_type: What the network says: `epsilon`, `v_prediction` or `sample`.
        schedule: The noise schedule, `cosine` or `linear`.
        num_train_timesteps: Its number of steps (T).
        class_conditional: Whether the network is told the class of an image.
        block_out_channels: Channels of each level; each level halves the image.
        layers_per_block: Residual blocks of a level.
        attention_levels: The levels with self-attention, from 0.
        mid_attention: Whether the middle block has self-attention.
        attention_head_dim: Channels of a head.
        norm_num_groups: Of the group norms.
        dropout: In the residual blocks.
        base: What is fine-tuned: the folder or hub id of a latent pipeline; `tiny-t2i` = a tiny
            text-to-image model whose autoencoder and text encoder are trained first; None = a
            network of pixels, from scratch. With a base that is there already, the network
            options (`prediction_type` to `dropout`) say nothing.
        from_scratch: Keep the autoencoder and the encoders of the base, and forget its denoiser.
        lora_rank: Train matrices of this rank beside the attention instead of all weights; 0 = all.
        lora_alpha: What they are multiplied with, over the rank; None = the rank.
        caption: The prompt of images that have no caption.
        caption_dropout: The share of images that are shown without their caption (DiT: class),
            so that the model learns to be guided.
        snr_gamma: The largest signal-to-noise ratio that counts in full in the loss (min-SNR; 5 in
            the paper); 0 = all do.
        gradient_checkpointing: Compute activations twice, to save memory.
        random_flip: Mirrors picture and frame together half of the time. An audit must then
            query both views.
        checkpointing_steps: Steps between the states that a killed run resumes from; 0 = none.
        checkpointing_epochs: The same in epochs; 0 = none.
        checkpoint_at: Epochs after which the weights are kept as a pipeline folder.
        seed: Of the weights, the order, the noise and the times.

    Raises:
        BadInput: When a value cannot be used.
    """

    num_train_epochs: int = 100
    max_train_steps: int | None = None
    train_batch_size: int = 64
    gradient_accumulation_steps: int = 1
    learning_rate: float = 1e-4
    lr_scheduler: str = "constant_with_warmup"
    lr_warmup_steps: int = 500
    lr_num_cycles: int = 1
    lr_power: float = 1.0
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_weight_decay: float = 1e-6
    adam_epsilon: float = 1e-8
    max_grad_norm: float = 1.0
    ema_decay: float = 0.9995
    mixed_precision: Literal["no", "bf16", "fp16"] = "no"
    prediction_type: Prediction = "epsilon"
    schedule: Literal["cosine", "linear"] = "cosine"
    num_train_timesteps: int = 1000
    class_conditional: bool = False
    block_out_channels: tuple[int, ...] = (128, 256, 256, 256)
    layers_per_block: int = 2
    attention_levels: tuple[int, ...] = (1,)
    mid_attention: bool = True
    attention_head_dim: int = 64
    norm_num_groups: int = 32
    dropout: float = 0.0
    base: str | None = None
    from_scratch: bool = False
    lora_rank: int = 0
    lora_alpha: int | None = None
    caption: str | None = None
    caption_dropout: float = 0.0
    snr_gamma: float = 0.0
    gradient_checkpointing: bool = False
    random_flip: bool = False
    checkpointing_steps: int = 500
    checkpointing_epochs: int = 0
    checkpoint_at: tuple[int, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise UnknownName(name, str(getattr(self, name)), allowed)
        for name, least in LISTS.items():
            object.__setattr__(self, name, _whole_numbers(name, getattr(self, name), least))
        self._check_base()
        self._check_numbers()
        self._check_network()
        self._check_length()

    def _check_base(self) -> None:
        """What is done to a base needs one."""
        asked = {
            "from_scratch": self.from_scratch,
            "lora_rank": self.lora_rank,
            "caption_dropout": self.caption_dropout,
            "caption": self.caption,
        }
        for name, value in asked.items():
            if value and self.base is None:
                raise BadInput(f"{name} is for latent models. Name one with base, or leave it out.")
        if self.lora_rank and self.from_scratch:
            raise BadInput("A LoRA adds to a network that knows something. Leave out from_scratch.")
        if self.base is not None and self.class_conditional:
            raise BadInput(
                "class_conditional is for models of pixels; a base says itself what it is told. "
                "Leave it out."
            )

    def _check_numbers(self) -> None:
        for name in YES_OR_NO:
            if not isinstance(getattr(self, name), bool):
                raise BadInput(f"{name} must be true or false, not {getattr(self, name)!r}.")
        for name in AT_LEAST_ONE:
            _check(name, getattr(self, name), int, lambda x: x >= 1, "a whole number from 1")
        for name in AT_LEAST_ZERO:
            _check(name, getattr(self, name), int, lambda x: x >= 0, "a whole number from 0")
        for name in BELOW_ONE:
            _check(name, getattr(self, name), float, lambda x: 0 <= x < 1, "a number in [0, 1)")
        for name in ABOVE_ZERO:
            _check(name, getattr(self, name), float, lambda x: 0 < x < math.inf, "a number above 0")
        for name in NOT_NEGATIVE:
            _check(name, getattr(self, name), float, lambda x: 0 <= x < math.inf, "a number from 0")
        if self.lr_scheduler == "polynomial" and self.learning_rate <= LAST_RATE:
            raise BadInput(
                f"learning_rate must be above {LAST_RATE}, where a polynomial schedule ends."
            )
        if self.lora_alpha is not None:
            _check("lora_alpha", self.lora_alpha, int, lambda x: x >= 1, "a whole number from 1")
        _check("seed", self.seed, int, lambda x: True, "a whole number")

    def _check_network(self) -> None:
        if not self.block_out_channels:
            raise BadInput("block_out_channels is empty. Name the channels of each level: 64,128.")
        for channels in self.block_out_channels:
            if channels % self.norm_num_groups:
                raise BadInput(
                    f"block_out_channels has {channels}, which {self.norm_num_groups} groups "
                    "(norm_num_groups) do not divide. Change either."
                )
        levels = len(self.block_out_channels)
        for level in self.attention_levels:
            if level >= levels:
                raise BadInput(
                    f"attention_levels names level {level}, but block_out_channels has "
                    f"{levels} levels, counted from 0."
                )
            self._check_heads(self.block_out_channels[level])
        if self.mid_attention:
            self._check_heads(self.block_out_channels[-1])

    def _check_heads(self, channels: int) -> None:
        if channels % self.attention_head_dim:
            raise BadInput(
                f"A level with attention has {channels} channels, which heads of "
                f"{self.attention_head_dim} (attention_head_dim) do not divide. Change either."
            )

    def _check_length(self) -> None:
        if self.max_train_steps is not None:
            wanted = "None or a whole number from 1"
            _check("max_train_steps", self.max_train_steps, int, lambda x: x >= 1, wanted)
        elif self.checkpoint_at and max(self.checkpoint_at) > self.num_train_epochs:
            raise BadInput(
                f"checkpoint_at names epoch {max(self.checkpoint_at)}, but num_train_epochs is "
                f"{self.num_train_epochs}. Train longer, or name earlier epochs."
            )

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values, as they stand in a manifest."""
        values = asdict(self)
        return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Recipe":
        """The recipe of a manifest or a file.

        Raises:
            UnknownName: When a name is no option of a recipe.
            BadInput: When a value cannot be used.
        """
        names = [field.name for field in fields(cls)]
        for name in values:
            if name not in names:
                raise UnknownName("option of a recipe", name, names)
        return cls(**values)


def _check(name: str, value: Any, kind: type, holds: Any, wanted: str) -> None:
    """Checks one number; a boolean is none, a whole number may stand for a real one."""
    kinds = (int, float) if kind is float else (int,)
    if isinstance(value, bool) or not isinstance(value, kinds) or not holds(value):
        raise BadInput(f"{name} must be {wanted}, not {value!r}.")


def _whole_numbers(name: str, values: Any, least: int) -> tuple[int, ...]:
    if not isinstance(values, list | tuple):
        raise BadInput(f"{name} must be a list of whole numbers, not {values!r}.")
    for value in values:
        _check(f"Each of {name}", value, int, lambda x: x >= least, f"a whole number from {least}")
    return tuple(values)
