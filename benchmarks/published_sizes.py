"""Pipelines of the published sizes with random weights, for benchmarks where nothing is downloaded.

Sizes are those of the configurations of Stable Diffusion 1.5 and XL: 859 million and 2.57 billion
weights in the denoiser, vocabulary of 49,408. `tiny` is the same in small, to try a script.
"""

from typing import Any

import torch

VOCABULARY = 49408
LETTERS = [chr(code) for code in range(33, 127)]

UNET_15: dict[str, Any] = {
    "sample_size": 64,
    "block_out_channels": (320, 640, 1280, 1280),
    "cross_attention_dim": 768,
    "attention_head_dim": 8,
}
UNET_XL: dict[str, Any] = {
    "sample_size": 128,
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20),
    "cross_attention_dim": 2048,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
VAE: dict[str, Any] = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
}
CLIP_L = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12}
CLIP_G = {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32}
SMALL_UNET = {"block_out_channels": (32, 32, 32, 32), "cross_attention_dim": 32}
SMALL_XL = {
    **{"block_out_channels": (32, 32, 32), "cross_attention_dim": 64, "attention_head_dim": 2},
    **{"transformer_layers_per_block": (1, 1, 1), "addition_time_embed_dim": 8},
    "projection_class_embeddings_input_dim": 6 * 8 + 32,
}
SMALL_VAE = {"block_out_channels": (32, 32, 32, 32), "layers_per_block": 1}
SMALL_CLIP = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}


def stable_diffusion(dtype: torch.dtype, device: str = "cpu", tiny: bool = False) -> Any:
    """A pipeline of the size of Stable Diffusion 1.5."""
    from diffusers import StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel

    tokenizer = _tokenizer()
    return StableDiffusionPipeline(
        vae=_vae(0.18215, device, tiny),
        text_encoder=_text(CLIPTextModel, CLIP_L, tokenizer, dtype, device, tiny),
        tokenizer=tokenizer,
        unet=_made(UNet2DConditionModel, UNET_15 | (SMALL_UNET if tiny else {}), dtype, device),
        scheduler=_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def stable_diffusion_xl(dtype: torch.dtype, device: str = "cpu", tiny: bool = False) -> Any:
    """A pipeline of the size of Stable Diffusion XL."""
    from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    tokenizer = _tokenizer()
    both = CLIPTextModelWithProjection
    return StableDiffusionXLPipeline(
        vae=_vae(0.13025, device, tiny),
        text_encoder=_text(CLIPTextModel, CLIP_L, tokenizer, dtype, device, tiny),
        text_encoder_2=_text(both, CLIP_G, tokenizer, dtype, device, tiny),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        unet=_made(UNet2DConditionModel, UNET_XL | (SMALL_XL if tiny else {}), dtype, device),
        scheduler=_scheduler(),
        add_watermarker=False,
    )


def _made(kind: Any, config: dict[str, Any], dtype: torch.dtype, device: str) -> Any:
    """A network with random weights, made where it will stand."""
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            return kind(**config).eval()
    finally:
        torch.set_default_dtype(before)


def _vae(scale: float, device: str, tiny: bool) -> Any:
    from diffusers import AutoencoderKL

    config = {**VAE, **(SMALL_VAE if tiny else {}), "scaling_factor": scale}
    return _made(AutoencoderKL, config, torch.float32, device)


def _text(
    kind: Any, sizes: dict[str, int], tokenizer: Any, dtype: torch.dtype, device: str, tiny: bool
) -> Any:
    from transformers import CLIPTextConfig

    sizes = SMALL_CLIP if tiny else sizes
    config = CLIPTextConfig(
        vocab_size=VOCABULARY,
        max_position_embeddings=77,
        num_attention_heads=2 if tiny else sizes["hidden_size"] // 64,
        projection_dim=sizes["hidden_size"],
        bos_token_id=VOCABULARY - 2,
        eos_token_id=VOCABULARY - 1,
        pad_token_id=VOCABULARY - 1,
        **sizes,
    )
    return _made(kind, {"config": config}, dtype, device)


def _tokenizer() -> Any:
    """It knows letters; the rest of the vocabulary is never used, and is as long."""
    from transformers import CLIPTokenizer

    tokens = [*LETTERS, *(f"{letter}</w>" for letter in LETTERS)]
    tokens += [f"word-{number}" for number in range(VOCABULARY - len(tokens) - 2)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77)


def _scheduler() -> Any:
    from diffusers import DDIMScheduler

    return DDIMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )
