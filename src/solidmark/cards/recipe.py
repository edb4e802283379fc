"""A recipe: everything that decides what a trained network becomes, and nothing else.

Option names are those of the diffusers examples where they have one. The device, the number of
processes and of workers are no part of it: they must not change the result.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any, Literal, get_args, get_origin

from solidmark.cards.option import Range
from solidmark.errors import BadInput, UnknownName

LAST_RATE = 1e-7
"""Where the polynomial schedule of diffusers ends."""

TINY = "tiny-t2i"
"""A base that is trained first, and its preset."""

Scheduler = Literal[
    "constant",
    "constant_with_warmup",
    "cosine",
    "cosine_with_restarts",
    "linear",
    "polynomial",
]
NETWORK = (
    *("prediction_type", "schedule", "num_train_timesteps", "class_conditional"),
    *("block_out_channels", "layers_per_block", "attention_levels", "mid_attention"),
    *("attention_head_dim", "norm_num_groups", "dropout"),
)
"""What a base has already."""

FROM_ONE = Range("a whole number from 1", lambda x: x >= 1)
NONE_OR_ONE = Range("None or a whole number from 1", lambda x: x >= 1)
FROM_ZERO = Range("a whole number from 0", lambda x: x >= 0)
Positive = Annotated[int, FROM_ONE]
Whole = Annotated[int, FROM_ZERO]
Share = Annotated[float, Range("a number in [0, 1)", lambda x: 0 <= x < 1)]
AboveZero = Annotated[float, Range("a number above 0", lambda x: 0 < x < math.inf)]
NotNegative = Annotated[float, Range("a number from 0", lambda x: 0 <= x < math.inf)]


@dataclass(frozen=True)
class Recipe:
    """How a network is built and trained.

    Arguments:
        base: Fine-tune this: a folder of a latent pipeline, a name on the Hugging Face hub, or
            tiny-t2i, a tiny text-to-image model that trains its own autoencoder and text encoder.
        from_scratch: Keep the autoencoder and the encoders of the base, and forget its denoiser.
        lora_rank: Train a LoRA of this rank beside the base; 0 = all of its denoiser.
        lora_alpha: Of the LoRA; as large as the rank when not given.
        caption: The prompt of images that have no caption.
        caption_dropout: Share of images shown without their caption.
        snr_gamma: Min-SNR weighting of the loss; 5 in its paper, 0 = none.
        gradient_checkpointing: Compute activations twice, to save memory.
        num_train_epochs: How often each image is seen.
        max_train_steps: Stop after so many steps instead.
        train_batch_size: Images of one pass, over all processes together.
        gradient_accumulation_steps: Passes of one optimizer step.
        learning_rate: Of AdamW, at its highest.
        lr_scheduler: constant, constant_with_warmup, cosine, cosine_with_restarts, linear or
            polynomial.
        lr_warmup_steps: Steps of linear warm-up.
        lr_num_cycles: Restarts, for cosine_with_restarts.
        lr_power: The exponent, for polynomial.
        adam_beta1: Of AdamW.
        adam_beta2: Of AdamW.
        adam_weight_decay: Of AdamW.
        adam_epsilon: Of AdamW.
        max_grad_norm: Where the gradient is clipped; 0 = nowhere.
        ema_decay: Of the moving average that is saved; 0 = none.
        mixed_precision: no, bf16 or fp16.
        prediction_type: What the network predicts: epsilon, v_prediction or sample.
        schedule: The noise schedule: cosine or linear.
        num_train_timesteps: Steps of the noise schedule.
        class_conditional: Tell the network the class of an image.
        block_out_channels: Channels of each level of the U-Net, such as 32,64.
        layers_per_block: Residual blocks of a level.
        attention_levels: Levels with self-attention, counted from 0, such as 1,2.
        mid_attention: Self-attention in the middle.
        attention_head_dim: Channels of an attention head.
        norm_num_groups: Groups of the group norms.
        dropout: In the residual blocks.
        random_flip: Mirror picture and frame together, half of the time; recorded.
        checkpointing_steps: Steps between states to resume from; 0 = none.
        checkpointing_epochs: Epochs between them; 0 = none.
        checkpoint_at: Epochs whose weights are kept for an audit, such as 50,100.
        seed: The same seed gives the same network.

    Raises:
        BadInput: When a value cannot be used.
        UnknownName: When a word is not among its choices.
    """

    base: Annotated[str | None, "MODEL"] = None
    from_scratch: bool = False
    lora_rank: Whole = 0
    lora_alpha: Annotated[int | None, FROM_ONE] = None
    caption: Annotated[str | None, "TEXT"] = None
    caption_dropout: Share = 0.0
    snr_gamma: NotNegative = 0.0
    gradient_checkpointing: bool = False
    num_train_epochs: Positive = 100
    max_train_steps: Annotated[int | None, NONE_OR_ONE] = None
    train_batch_size: Positive = 64
    gradient_accumulation_steps: Positive = 1
    learning_rate: AboveZero = 1e-4
    lr_scheduler: Scheduler = "constant_with_warmup"
    lr_warmup_steps: Whole = 500
    lr_num_cycles: Positive = 1
    lr_power: AboveZero = 1.0
    adam_beta1: Share = 0.9
    adam_beta2: Share = 0.999
    adam_weight_decay: NotNegative = 1e-6
    adam_epsilon: AboveZero = 1e-8
    max_grad_norm: NotNegative = 1.0
    ema_decay: Share = 0.9995
    mixed_precision: Literal["no", "bf16", "fp16"] = "no"
    prediction_type: Literal["epsilon", "v_prediction", "sample"] = "epsilon"
    schedule: Literal["cosine", "linear"] = "cosine"
    num_train_timesteps: Positive = 1000
    class_conditional: bool = False
    block_out_channels: Annotated[tuple[int, ...], FROM_ONE] = (128, 256, 256, 256)
    layers_per_block: Positive = 2
    attention_levels: Annotated[tuple[int, ...], FROM_ZERO] = (1,)
    mid_attention: bool = True
    attention_head_dim: Positive = 64
    norm_num_groups: Positive = 32
    dropout: Share = 0.0
    random_flip: bool = False
    checkpointing_steps: Whole = 500
    checkpointing_epochs: Whole = 0
    checkpoint_at: Annotated[tuple[int, ...], FROM_ONE] = ()
    seed: Annotated[int, Range("a whole number", lambda x: True)] = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = _checked(field.name, field.type, getattr(self, field.name))
            object.__setattr__(self, field.name, value)
        if self.lr_scheduler == "polynomial" and self.learning_rate <= LAST_RATE:
            raise BadInput(
                f"learning_rate must be above {LAST_RATE}, where a polynomial schedule ends."
            )
        self._check_base()
        self._check_network()
        last = max(self.checkpoint_at, default=0)
        if self.max_train_steps is None and last > self.num_train_epochs:
            raise BadInput(
                f"checkpoint_at names epoch {last}, but num_train_epochs is "
                f"{self.num_train_epochs}. Train longer, or name earlier epochs."
            )

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


def _checked(name: str, kind: Any, value: Any) -> Any:
    """A value of a field; a boolean is no number, and a whole number may stand for a real one."""
    kind, *told = get_args(kind) if get_origin(kind) is Annotated else (kind,)
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise UnknownName(name, str(value), get_args(kind))
    elif get_origin(kind) is tuple:
        if not isinstance(value, list | tuple):
            raise BadInput(f"{name} must be a list of whole numbers, not {value!r}.")
        return tuple(_checked(f"Each of {name}", Annotated[int, told[0]], one) for one in value)
    elif kind is bool:
        if not isinstance(value, bool):
            raise BadInput(f"{name} must be true or false, not {value!r}.")
    elif told and isinstance(told[-1], Range) and (value is not None or kind in (int, float)):
        is_one = isinstance(value, int | float if kind is float else int)
        if isinstance(value, bool) or not is_one or not told[-1].holds(value):
            raise BadInput(f"{name} must be {told[-1].words}, not {value!r}.")
    return value
