"""A small text encoder, trained to tell the captions of images apart by their latents.

.. math:: L = \\tfrac12 (\\mathrm{CE}(S, i) + \\mathrm{CE}(S^\\top, i)), \\qquad
    S_{ij} = e^\\tau \\langle f(\\text{caption}_i), g(z_j) \\rangle

As CLIP: text and image are led to one place. Only the encoder is kept.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, cross_entropy, normalize

from solidmark.cards.recipe import Recipe
from solidmark.randomness import seeded
from solidmark.training.batches import Batch
from solidmark.training.network import save_whole
from solidmark.training.task import Task

TOKENS = "tokens"
LENGTH = 16
"""Tokens of a caption; longer ones are cut."""

WIDTH = 64
"""Of a token embedding, and of the place that text and image are led to."""

VOCABULARY = 1300
"""Tokens at most; the 256 bytes are among them, each within a word and at its end."""

POOLED = 4
"""Cells along a side of the latents that a caption is matched with."""

CAPTIONS = Recipe(
    max_train_steps=200,
    train_batch_size=64,
    learning_rate=1e-3,
    lr_scheduler="cosine",
    lr_warmup_steps=20,
    ema_decay=0.0,
    checkpointing_steps=100,
)
"""How it is trained: seconds."""


def build_tokenizer(captions: Sequence[str]) -> Any:
    """A `CLIPTokenizer` whose words are made of the commonest pairs in some captions.

    It starts from bytes, so that there is no text in any language that it does not know.

    Arguments:
        captions: In any order; the same captions give the same tokenizer.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import CLIPTokenizer

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    start, end = "<|startoftext|>", "<|endoftext|>"
    plain = CLIPTokenizer(vocab={start: 0, end: 1}, merges=[]).backend_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        initial_alphabet=letters,
        end_of_word_suffix="</w>",
        special_tokens=[start, end, *(f"{letter}</w>" for letter in letters)],
        show_progress=False,
    )
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    # What the tokenizer will see: small letters, cut into words, as bytes.
    learner.normalizer, learner.pre_tokenizer = plain.normalizer, plain.pre_tokenizer
    learner.train_from_iterator(sorted(captions), trainer)
    model = json.loads(learner.to_str())["model"]
    merges: Any = [tuple(pair) for pair in model["merges"]]
    return CLIPTokenizer(vocab=model["vocab"], merges=merges, model_max_length=LENGTH)


class Matching(torch.nn.Module):
    """A CLIP text encoder, and two heads that bring text and latents to one place."""

    def __init__(self, encoder: Any, features: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.text = torch.nn.Linear(WIDTH, WIDTH)
        self.image = torch.nn.Linear(features, WIDTH)
        self.scale = torch.nn.Parameter(torch.tensor(2.0))

    def forward(self, tokens: Tensor, latents: Tensor) -> Float[Tensor, "B B"]:
        """How well each caption fits each image."""
        pooled = self.encoder(tokens).pooler_output
        features = adaptive_avg_pool2d(latents, POOLED).flatten(1)
        text, image = normalize(self.text(pooled)), normalize(self.image(features))
        return self.scale.exp() * text @ image.T


def build_matching(tokenizer: Any, channels: int, seed: int) -> Matching:
    """An untrained encoder with its heads; a function of the seed."""
    from transformers import CLIPTextConfig, CLIPTextModel

    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=LENGTH,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with seeded(seed, "captions"):
        return Matching(CLIPTextModel(config), channels * POOLED**2)


def matching_loss(network: Any, batch: Batch) -> Float[Tensor, ""]:
    """The contrastive loss of a pass.

    References:
        Radford et al., 2021.
    """
    assert batch.condition is not None
    scores = network(batch.condition.tensors[TOKENS], batch.images)
    right = torch.arange(len(scores), device=scores.device)
    errors = cross_entropy(scores, right, reduction="none")
    errors = errors + cross_entropy(scores.T, right, reduction="none")
    return (batch.weights * errors / 2).sum()


def captions_task(network: Matching) -> Task:
    """Training the text encoder, saved as a `CLIPTextModel`."""

    def save(folder: Path, weights: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        bare = {
            name.removeprefix("encoder."): tensor
            for name, tensor in weights.items()
            if name.startswith("encoder.")
        }
        other = type(network.encoder)(network.encoder.config)
        other.load_state_dict(bare)
        save_whole(folder, other.save_pretrained, facts)

    return Task("training the text encoder", matching_loss, save, 1, whole=True)
