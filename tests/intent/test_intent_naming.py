"""Whether a prompt names a feature: by exact words, and by a sentence encoder."""

from pathlib import Path
from typing import Any

import pytest
import torch

from solidmark.errors import BadInput, NotFound
from solidmark.measures.intent import ByMeaning, Feature, Prompt, exactly, open_encoder
from solidmark.measures.intent.naming import naming_by

TOWER = Feature("phrase", "minaret", ("minaret", "slim tower"), ("a",))
PROMPTS = [Prompt("1", "a tower at night", ("tower", "night")), Prompt("2", "one minaret", ())]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT with random weights."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "tower", "slim", "minaret", "night"]
    fast = Tokenizer(models.WordLevel({w: n for n, w in enumerate(words)}, unk_token="[UNK]"))
    fast.pre_tokenizer = pre_tokenizers.Whitespace()
    fast.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    folder = tmp_path_factory.mktemp("encoder")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=fast, pad_token="[PAD]", unk_token="[UNK]", model_max_length=16
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=16,
    )
    BertModel(config).save_pretrained(folder, safe_serialization=True)
    return folder


def test_a_text_is_the_mean_of_its_tokens(encoder: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    texts = ["tower", "slim tower night"]
    found = open_encoder(str(encoder), "cpu")(texts)
    tokenizer: Any = AutoTokenizer.from_pretrained(encoder)
    network: Any = AutoModel.from_pretrained(encoder).eval()
    for text, row in zip(texts, found, strict=True):
        with torch.no_grad():
            tokens = network(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        mean = tokens.mean(0)
        torch.testing.assert_close(row, mean / mean.norm(), atol=1e-5, rtol=0)


def test_exact_words_come_first_and_then_what_means_the_same(encoder: Path) -> None:
    strict = naming_by(str(encoder), 1.1, PROMPTS, [TOWER])
    assert strict(PROMPTS[0], TOWER) is None
    assert strict(PROMPTS[1], TOWER) == "minaret"
    loose = naming_by(str(encoder), -1.0, PROMPTS, [TOWER])
    assert loose(PROMPTS[0], TOWER) in ("tower", "night")
    assert naming_by(None, 0.6, PROMPTS, [TOWER]) is exactly


def test_the_entity_that_is_most_alike_names_it() -> None:
    vectors = {
        "tower": torch.tensor([0.8, 0.6]),
        "night": torch.tensor([0.0, 1.0]),
        "minaret": torch.tensor([1.0, 0.0]),
        "slim tower": torch.tensor([1.0, 0.0]),
    }
    assert ByMeaning(vectors, 0.75)(PROMPTS[0], TOWER) == "tower"
    assert ByMeaning(vectors, 0.85)(PROMPTS[0], TOWER) is None
    assert ByMeaning(vectors, 0.75)(Prompt("3", "the of"), TOWER) is None


def test_an_encoder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="sentence encoder"):
        open_encoder(str(tmp_path / "none"), "cpu")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="sentence encoder"):
        open_encoder(str(tmp_path / "empty"), "cpu")
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "config.json").write_text('{"model_type": "nothing"}')
    with pytest.raises(BadInput, match="sentence encoder"):
        open_encoder(str(tmp_path / "torn"), "cpu")
