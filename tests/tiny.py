"""Tiny pipelines of every family, with random weights, built and saved by diffusers offline."""

from pathlib import Path
from typing import Any

import torch

WORDS = ("a", "red", "blue", "small", "dog", "cat", "tree", "house", "number", "of", "the", "7")


def clip_tokenizer(length: int = 12) -> Any:
    """A CLIP tokenizer that knows letters and a few words."""
    from transformers import CLIPTokenizer

    letters = [chr(code) for code in range(33, 127)]
    merges: list[tuple[str, str]] = []
    tokens = [*letters, *(f"{letter}</w>" for letter in letters)]
    for word in WORDS:
        parts = [*word[:-1], f"{word[-1]}</w>"]
        while len(parts) > 1:
            pair = (parts[0], parts[1])
            if pair not in merges:
                merges.append(pair)
                tokens.append("".join(pair))
            parts = ["".join(pair), *parts[2:]]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocab = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=length)


def clip_encoder(tokenizer: Any, width: int = 16, projection: bool = False, layers: int = 2) -> Any:
    """A CLIP text encoder."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        projection_dim=width,
        num_hidden_layers=layers,
        num_attention_heads=2,
        max_position_embeddings=tokenizer.model_max_length,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(config)


def vae(channels: int = 4, **config: Any) -> Any:
    """An autoencoder with a factor of 4."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(8, 8, 16),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        latent_channels=channels,
        norm_num_groups=4,
        layers_per_block=1,
        **config,
    )


def ddim(**config: Any) -> Any:
    """The scheduler of Stable Diffusion."""
    from diffusers import DDIMScheduler

    return DDIMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        **config,
    )


def t5_tokenizer() -> Any:
    """A T5 tokenizer that knows letters."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import T5TokenizerFast

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -2.0)]
    pieces += [(chr(code), -3.0) for code in range(33, 127)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return T5TokenizerFast(tokenizer_object=tokenizer, extra_ids=0)


def t5_encoder(tokenizer: Any, width: int = 32) -> Any:
    """A T5 encoder."""
    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(
        T5Config(
            vocab_size=len(tokenizer),
            d_model=width,
            d_kv=8,
            d_ff=2 * width,
            num_layers=2,
            num_heads=2,
            feed_forward_proj="gated-gelu",
        )
    )


def stable_diffusion(folder: Path, **scheduler: Any) -> Path:
    """Stable Diffusion 1 / 2."""
    from diffusers import StableDiffusionPipeline, UNet2DConditionModel

    torch.manual_seed(0)
    tokenizer = clip_tokenizer()
    pipe = StableDiffusionPipeline(
        vae=vae(),
        text_encoder=clip_encoder(tokenizer),
        tokenizer=tokenizer,
        unet=UNet2DConditionModel(
            sample_size=8,
            block_out_channels=(8, 16),
            layers_per_block=1,
            down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
            cross_attention_dim=16,
            attention_head_dim=2,
            norm_num_groups=4,
        ),
        scheduler=ddim(**scheduler),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.save_pretrained(folder, safe_serialization=True)
    return folder


def stable_diffusion_xl(folder: Path, force_zeros_for_empty_prompt: bool = True) -> Path:
    """Stable Diffusion XL."""
    from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel

    torch.manual_seed(0)
    tokenizer = clip_tokenizer()
    pipe = StableDiffusionXLPipeline(
        vae=vae(scaling_factor=0.13025),
        text_encoder=clip_encoder(tokenizer, layers=3),
        text_encoder_2=clip_encoder(tokenizer, projection=True, layers=3),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        unet=UNet2DConditionModel(
            sample_size=8,
            block_out_channels=(8, 16),
            layers_per_block=1,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            transformer_layers_per_block=(1, 2),
            cross_attention_dim=32,
            attention_head_dim=(1, 2),
            norm_num_groups=4,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + 16,
        ),
        scheduler=ddim(),
        force_zeros_for_empty_prompt=force_zeros_for_empty_prompt,
        add_watermarker=False,
    )
    pipe.save_pretrained(folder, safe_serialization=True)
    return folder


def stable_diffusion_3(folder: Path, t5: bool = True) -> Path:
    """Stable Diffusion 3, with or without T5."""
    from diffusers import (
        FlowMatchEulerDiscreteScheduler,
        SD3Transformer2DModel,
        StableDiffusion3Pipeline,
    )

    torch.manual_seed(0)
    tokenizer, tokenizer_3 = clip_tokenizer(), t5_tokenizer() if t5 else None
    pipe = StableDiffusion3Pipeline(
        vae=vae(scaling_factor=1.5305, shift_factor=0.0609),
        text_encoder=clip_encoder(tokenizer, width=8, projection=True, layers=3),
        text_encoder_2=clip_encoder(tokenizer, width=16, projection=True, layers=3),
        text_encoder_3=t5_encoder(tokenizer_3) if t5 else None,
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        tokenizer_3=tokenizer_3,
        transformer=SD3Transformer2DModel(
            sample_size=8,
            in_channels=4,
            out_channels=4,
            num_layers=2,
            attention_head_dim=8,
            num_attention_heads=2,
            joint_attention_dim=32,
            caption_projection_dim=16,
            pooled_projection_dim=24,
            pos_embed_max_size=8,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
    )
    pipe.save_pretrained(folder, safe_serialization=True)
    return folder


def flux(folder: Path, dev: bool = True) -> Path:
    """Flux dev (guidance is an input, times are shifted by the size), or schnell."""
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel

    torch.manual_seed(0)
    tokenizer, tokenizer_2 = clip_tokenizer(), t5_tokenizer()
    pipe = FluxPipeline(
        vae=vae(scaling_factor=0.3611, shift_factor=0.1159),
        text_encoder=clip_encoder(tokenizer),
        text_encoder_2=t5_encoder(tokenizer_2),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer_2,
        transformer=FluxTransformer2DModel(
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=8,
            num_attention_heads=2,
            joint_attention_dim=32,
            pooled_projection_dim=16,
            guidance_embeds=dev,
            axes_dims_rope=(2, 2, 4),
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=dev),
    )
    pipe.save_pretrained(folder, safe_serialization=True)
    return folder


def dit(folder: Path, **config: Any) -> Path:
    """DiT, which draws squares from 1,000 classes and has learned its variance."""
    from diffusers import DiTPipeline, DiTTransformer2DModel

    torch.manual_seed(0)
    options = {"out_channels": 8, "num_embeds_ada_norm": 1000, **config}
    pipe = DiTPipeline(
        transformer=DiTTransformer2DModel(
            sample_size=8, num_attention_heads=2, attention_head_dim=8, num_layers=2, **options
        ),
        vae=vae(),
        scheduler=ddim(),
    )
    pipe.save_pretrained(folder, safe_serialization=True)
    return folder


def pixart(folder: Path, sigma: bool = False) -> Path:
    """PixArt-alpha, which is told sizes, or PixArt-Sigma, which is not."""
    from diffusers import PixArtAlphaPipeline, PixArtSigmaPipeline, PixArtTransformer2DModel

    torch.manual_seed(0)
    tokenizer = t5_tokenizer()
    pipe = (PixArtSigmaPipeline if sigma else PixArtAlphaPipeline)(
        tokenizer=tokenizer,
        text_encoder=t5_encoder(tokenizer),
        vae=vae(),
        transformer=PixArtTransformer2DModel(
            sample_size=128,  # That of 1024 x 1024 pixels: only there alpha is told sizes.
            num_attention_heads=2,
            attention_head_dim=12,
            num_layers=2,
            cross_attention_dim=24,
            caption_channels=32,
            use_additional_conditions=not sigma,
        ),
        scheduler=ddim(),
    )
    pipe.save_pretrained(folder, safe_serialization=True)
    return folder
