"""Stable Diffusion in one file, under the names of the original code: what diffusers translates.

The names of diffusers are translated back, rule by rule, independently of its own conversion.
"""

import re
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

Rules = list[tuple[str, str]]

RESNET = [
    (r"\.norm1\.", ".in_layers.0."),
    (r"\.conv1\.", ".in_layers.2."),
    (r"\.norm2\.", ".out_layers.0."),
    (r"\.conv2\.", ".out_layers.3."),
    (r"\.time_emb_proj\.", ".emb_layers.1."),
    (r"\.conv_shortcut\.", ".skip_connection."),
]
ENDS = [
    (r"^time_embedding\.linear_1\.", "time_embed.0."),
    (r"^time_embedding\.linear_2\.", "time_embed.2."),
    (r"^conv_in\.", "input_blocks.0.0."),
    (r"^conv_norm_out\.", "out.0."),
    (r"^conv_out\.", "out.2."),
    (r"^mid_block\.resnets\.0\.", "middle_block.0."),
    (r"^mid_block\.attentions\.0\.", "middle_block.1."),
    (r"^mid_block\.resnets\.1\.", "middle_block.2."),
]
ATTENTION = [
    (r"\.group_norm\.", ".norm."),
    (r"\.to_(q|k|v)\.", r".\1."),
    (r"\.to_out\.0\.", ".proj_out."),
]


def save_original(pipe: Any, path: Path) -> Path:
    """Saves a Stable Diffusion pipeline of diffusers as one file.

    Arguments:
        pipe: The pipeline.
        path: The .safetensors file to write.
    """
    weights = {
        **{f"model.diffusion_model.{n}": w for n, w in unet_weights(pipe.unet).items()},
        **{f"first_stage_model.{n}": w for n, w in vae_weights(pipe.vae).items()},
        **{f"cond_stage_model.transformer.{n}": w for n, w in clip_weights(pipe).items()},
    }
    save_file({name: weight.contiguous() for name, weight in weights.items()}, path)
    return path


def unet_weights(unet: Any) -> dict[str, Tensor]:
    """The weights of a `UNet2DConditionModel` as those of `openaimodel.UNetModel`."""
    layers = unet.config.layers_per_block
    rules: Rules = [*ENDS]
    for block in range(len(unet.config.block_out_channels)):
        old, first = f"^down_blocks\\.{block}\\.", 1 + block * (layers + 1)
        for layer in range(layers):
            rules.append((f"{old}resnets\\.{layer}\\.", f"input_blocks.{first + layer}.0."))
            rules.append((f"{old}attentions\\.{layer}\\.", f"input_blocks.{first + layer}.1."))
        rules.append((f"{old}downsamplers\\.0\\.conv\\.", f"input_blocks.{first + layers}.0.op."))
        old, first = f"^up_blocks\\.{block}\\.", block * (layers + 1)
        for layer in range(layers + 1):
            rules.append((f"{old}resnets\\.{layer}\\.", f"output_blocks.{first + layer}.0."))
            rules.append((f"{old}attentions\\.{layer}\\.", f"output_blocks.{first + layer}.1."))
        place = 2 if "CrossAttn" in unet.config.up_block_types[block] else 1
        rules.append(
            (f"{old}upsamplers\\.0\\.", f"output_blocks.{first + layers}.{place}."),
        )
    found = {}
    for name, weight in unet.state_dict().items():
        local = RESNET if "resnets" in name else []
        found[renamed(name, [*local, *rules])] = weight
    return found


def vae_weights(vae: Any) -> dict[str, Tensor]:
    """The weights of an `AutoencoderKL` as those of the original autoencoder."""
    count = len(vae.config.block_out_channels)
    rules: Rules = [(r"\.conv_norm_out\.", ".norm_out."), (r"\.conv_shortcut\.", ".nin_shortcut.")]
    for block in range(count):
        rules += [
            (f"^encoder\\.down_blocks\\.{block}\\.resnets", f"encoder.down.{block}.block"),
            (
                f"^encoder\\.down_blocks\\.{block}\\.downsamplers\\.0",
                f"encoder.down.{block}.downsample",
            ),
            (f"^decoder\\.up_blocks\\.{block}\\.resnets", f"decoder.up.{count - 1 - block}.block"),
            (
                f"^decoder\\.up_blocks\\.{block}\\.upsamplers\\.0",
                f"decoder.up.{count - 1 - block}.upsample",
            ),
        ]
    rules += [(rf"\.mid_block\.resnets\.{n}\.", f".mid.block_{n + 1}.") for n in range(2)]
    found = {}
    for name, weight in vae.state_dict().items():
        if ".attentions." not in name:
            found[renamed(name, rules)] = weight
            continue
        # Linear layers here, convolutions with a kernel of one pixel there.
        whole = weight[:, :, None, None] if weight.dim() == 2 else weight
        found[renamed(name, [*ATTENTION, (r"\.mid_block\.attentions\.0\.", ".mid.attn_1.")])] = (
            whole
        )
    return found


def clip_weights(pipe: Any) -> dict[str, Tensor]:
    """The weights of the text encoder; newer transformers leave out the first word."""
    return {
        f"text_model.{name.removeprefix('text_model.')}": weight
        for name, weight in pipe.text_encoder.state_dict().items()
        if not name.endswith("position_ids")
    }


def renamed(name: str, rules: Rules) -> str:
    """A name after all rules, one after another."""
    for old, new in rules:
        name = re.sub(old, new, name)
    return name


def half(path: Path) -> Path:
    """The same file in half precision, as most are passed on."""
    from safetensors.torch import load_file

    weights = {name: weight.to(torch.float16) for name, weight in load_file(path).items()}
    target = path.with_name(f"half-{path.name}")
    save_file(weights, target)
    return target
