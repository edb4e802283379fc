"""Which features a prompt names: by exact words, or by what its words mean.

A sentence encoder turns a text into the mean of its token vectors; the cosine of two says how much
they mean the same (Reimers and Gurevych, 2019, "Sentence-BERT").
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jaxtyping import Float

from solidmark.errors import BadInput, NotFound, OutOfMemory, UnsafeCheckpoint
from solidmark.late import Tensor, functional, torch
from solidmark.measures.intent.features import Feature
from solidmark.measures.intent.prompts import Prompt
from solidmark.measures.intent.words import is_in
from solidmark.models.finding import download
from solidmark.models.identity import network_fingerprint
from solidmark.models.memory import move
from solidmark.models.numbers import check_numbers
from solidmark.models.reading import first_line, hush_transformers, refuse_pickles
from solidmark.models.sizes import weights_bytes
from solidmark.models.trusted import FAILURES, from_folder
from solidmark.runs import memory_for

WANTED = ["*.json", "*.txt", "*.model", "*.safetensors"]
"""What of an encoder on the hub is fetched: nothing that would have to be unpickled or run."""

BATCH = 64
"""Texts that are encoded at a time."""


class Naming(Protocol):
    """Says by which words a prompt names a feature."""

    def __call__(self, prompt: Prompt, feature: Feature) -> str | None: ...


def exactly(prompt: Prompt, feature: Feature) -> str | None:
    """The words of a feature that stand in a prompt; None where none do.

    Example:
        >>> tower = Feature("phrase", "minaret", ("minaret", "slim tower"), ("a.png",))
        >>> exactly(Prompt("1", "A slim tower by the sea"), tower)
        'slim tower'
    """
    return next((name for name in feature.names if is_in(name, prompt.text)), None)


@dataclass(frozen=True)
class ByMeaning:
    """Exact words first; else an entity of the prompt that means what the feature is called.

    Arguments:
        vectors: The vector of each text, of length 1.
        threshold: The cosine from which two texts mean the same.
    """

    vectors: dict[str, Float[Tensor, " D"]]
    threshold: float

    def __call__(self, prompt: Prompt, feature: Feature) -> str | None:
        if found := exactly(prompt, feature):
            return found
        pairs = [
            (float(self.vectors[entity] @ self.vectors[name]), entity)
            for entity in prompt.entities
            for name in feature.names
        ]
        value, entity = max(pairs, default=(-1.0, ""))
        return entity if value >= self.threshold else None


def naming_by(
    encoder: str | None,
    threshold: float,
    prompts: Sequence[Prompt],
    features: Sequence[Feature],
    device: str = "cpu",
) -> Naming:
    """How prompts are said to name features.

    Arguments:
        encoder: A sentence encoder, a folder or hub id; None = exact words.
        threshold: The cosine from which two texts mean the same, in [-1, 1].

    Raises:
        NotFound: When the encoder is not there.
        BadInput: When it cannot be opened.
    """
    if encoder is None:
        return exactly
    texts = {entity for prompt in prompts for entity in prompt.entities}
    texts |= {name for feature in features for name in feature.names}
    words = sorted(texts)
    encode = open_encoder(encoder, device)
    parts = [encode(words[start : start + BATCH]) for start in range(0, len(words), BATCH)]
    vectors = torch.cat(parts) if parts else torch.empty(0, 0)
    return ByMeaning(dict(zip(words, vectors, strict=True)), threshold)


def encoder_fingerprint(where: str) -> str:
    """What a sentence encoder is recognised by. Raises `NotFound` when it is not there."""
    return network_fingerprint(where, WANTED)


def open_encoder(where: str, device: str) -> Callable[[Sequence[str]], Float[Tensor, "B D"]]:
    """A sentence encoder: texts to vectors of length 1, float32 on the CPU.

    Weights are read as safetensors, and no code of a checkpoint is run.

    Raises:
        NotFound: When it is not there.
        UnsafeCheckpoint: When its weights would have to be unpickled, or code would have to run.
        BadInput: When it cannot be opened.
    """
    from transformers import AutoModel, AutoTokenizer

    path = Path(where)
    try:
        folder = path if path.is_dir() else download(where, WANTED)
    except NotFound as error:
        raise NotFound(f'The sentence encoder "{where}" is not there. {error}') from error
    hush_transformers()
    try:
        refuse_pickles(folder)
        tokenizer = from_folder(AutoTokenizer, folder)
        with memory_for(f'the sentence encoder "{where}"', weights_bytes(folder)):
            network = from_folder(AutoModel, folder, use_safetensors=True)
    except (UnsafeCheckpoint, OutOfMemory):
        raise
    except (BadInput, *FAILURES) as error:
        raise BadInput(
            f'"{where}" is no sentence encoder that can be opened ({first_line(error)}). It needs '
            "a config.json, a tokenizer and safetensors weights."
        ) from error
    check_numbers(network, folder)
    move(network, device, f'the sentence encoder "{where}"')
    network.eval()

    def encode(texts: Sequence[str]) -> Float[Tensor, "B D"]:
        told = tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt").to(device)
        with torch.no_grad():
            tokens = network(**told).last_hidden_state.float().cpu()
        kept = told["attention_mask"].cpu()[..., None].float()
        mean = (tokens * kept).sum(1) / kept.sum(1).clamp(min=1)
        return functional.normalize(mean, dim=1)

    return encode
