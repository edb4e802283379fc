"""Soft prompts: what real words say as soft ones, gradients, rows, and what is left as it was."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from families import TOLD_CAPTIONS, differ, said, samples
from torch import Tensor
from torch.nn.functional import one_hot

from solidmark.data import Sample
from solidmark.diffusion import Metered, beta_schedule
from solidmark.errors import BadInput, MissingCapability
from solidmark.mitigations import Mitigated, parse
from solidmark.models import LatentModel, Memorizer, Opening, PixelModel, open_model, prompt_space
from solidmark.models.conditions import EMBEDS, POOLED
from solidmark.models.prompts import PromptSpace
from solidmark.models.stable_diffusion import StableDiffusion
from solidmark.models.stable_diffusion_xl import TIME_IDS
from solidmark.models.text import tokenize
from solidmark.training.captions import build_matching, build_tokenizer

Opened = Callable[[str], LatentModel]
LONG = "the red house of a small blue dog number 7 " * 12
"""More tokens than any of the tiny encoders takes: it fills every position."""

CAPTIONED = ["sd3", "sd3-no-t5", "flux-dev", "flux-schnell"]
UNCAPTIONED = [name for name in TOLD_CAPTIONS if name not in CAPTIONED]


def first_tokenizer(family: Any) -> Any:
    return getattr(family, "tokenizer", None) or family.tokenizers[0]


def first_encoder(family: Any) -> Any:
    return getattr(family, "text_encoder", None) or family.text_encoders[0]


def tokens_of(model: LatentModel, caption: str) -> Tensor:
    """The tokens of a caption that fills all positions, without start and end."""
    family: Any = model.family
    tokenizer = first_tokenizer(family)
    if family.name == "PixArt":
        ids = tokenize(tokenizer, [caption.lower()], family.tokens).input_ids[0, :-1]
    else:
        ids = tokenize(tokenizer, [caption]).input_ids[0, 1:-1]
    assert tokenizer.eos_token_id not in ids
    return ids


def long_samples(count: int = 2) -> list[Sample]:
    """Their captions differ, and fill all positions."""
    return [
        replace(sample, caption=LONG[4 * number :].strip())
        for number, sample in enumerate(samples(count, 24, 32))
    ]


def mixed(space: PromptSpace, count: int, seed: int = 0) -> Tensor:
    """Soft prompts of random weights, one a row, that want a gradient."""
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(count, space.length, len(space.table), generator=generator)
    return (logits.softmax(-1) @ space.table).requires_grad_()


def assert_says_the_caption(model: LatentModel) -> None:
    """Real tokens, as rows of the table and as weights of one, say what their caption says."""
    space, asked = prompt_space(model), long_samples()
    tokens = torch.stack([tokens_of(model, sample.caption or "") for sample in asked])
    assert tokens.shape == (2, space.length)
    weights = one_hot(tokens, len(space.table)).float()
    expected = model.condition(asked).tensors
    for soft in (space.table[tokens], weights @ space.table):
        found = space.tell(soft, asked).tensors
        assert set(found) == set(expected)
        for name in expected:
            assert torch.equal(found[name], expected[name]), name


@pytest.mark.parametrize("name", TOLD_CAPTIONS)
def test_real_tokens_say_what_their_caption_says(name: str, opened: Opened) -> None:
    """Bit for bit, whatever is pooled and wherever the end is looked for."""
    assert_says_the_caption(opened(name))


@pytest.mark.parametrize("name", ["sd", "sdxl", "sd3", "flux-dev"])
def test_the_end_is_found_in_old_configurations_and_behind_any_padding(
    name: str, opened: Opened
) -> None:
    """CLIP once pooled at the highest token number; Stable Diffusion 2 pads with an exclamation."""
    model = opened(name)
    encoders: Any = getattr(model.family, "text_encoders", None) or [first_encoder(model.family)]
    for encoder in encoders:
        getattr(encoder, "text_model", encoder).eos_token_id = 2
    first_tokenizer(model.family).pad_token = "!"
    assert_says_the_caption(model)


def test_the_encoder_of_the_tiny_preset_is_told_too(opened: Opened) -> None:
    """Its start and end tokens come first in the vocabulary, not last."""
    tokenizer = build_tokenizer([LONG])
    encoder = build_matching(tokenizer, 4, 0).encoder.eval().requires_grad_(False)
    model = replace(opened("sd"), family=StableDiffusion(tokenizer, encoder))
    assert prompt_space(model).length == 14
    assert_says_the_caption(model)


@pytest.mark.parametrize("name", TOLD_CAPTIONS)
def test_gradients_flow_from_the_network_and_rows_are_independent(
    name: str, opened: Opened
) -> None:
    model = opened(name)
    space, asked = prompt_space(model), long_samples()
    soft = mixed(space, 2)
    together = space.tell(soft, asked)
    assert together.requires_grad
    said(model, together)[0].square().sum().backward()
    assert soft.grad is not None
    assert (soft.grad[0].abs().sum(-1) > 0).all()  # Of every soft word.
    assert (soft.grad[1] == 0).all()
    for row in range(2):
        alone = space.tell(soft[row : row + 1], asked[row : row + 1]).tensors
        for key, tensor in together.tensors.items():
            torch.testing.assert_close(alone[key][0], tensor[row])


@pytest.mark.parametrize("name", ["sd", "sdxl", "pixart-alpha"])
def test_the_gradient_is_that_of_small_differences(name: str, opened: Opened) -> None:
    model = opened(name)
    space = prompt_space(model)
    encoders: Any = getattr(model.family, "text_encoders", None) or [first_encoder(model.family)]
    for encoder in encoders:
        encoder.double()
    soft = mixed(space, 1).detach().double().requires_grad_()

    def weighed(soft: Tensor) -> Tensor:
        told = space.tell(soft, samples(1, 24, 32)).tensors
        return sum(told[key].cumsum(-1).sum() for key in (EMBEDS, POOLED) if key in told)

    (slope,) = torch.autograd.grad(weighed(soft), soft)
    step = 1e-3 * slope / slope.norm()
    with torch.no_grad():
        rise = weighed(soft + step) - weighed(soft - step)
    # T5 takes its norms in float32, whatever the type of its weights.
    torch.testing.assert_close(rise / 2e-3, slope.norm(), rtol=1e-3, atol=0)


@pytest.mark.parametrize("name", TOLD_CAPTIONS)
def test_every_soft_word_counts_and_so_does_their_order(name: str, opened: Opened) -> None:
    """The last one too: CLIP would pool right behind the start of the empty caption."""
    model = opened(name)
    space, asked = prompt_space(model), long_samples(1)
    soft = mixed(space, 1).detach()
    before = space.tell(soft, asked).tensors
    turned = soft.clone()
    turned[:, -1] = soft[:, 0]
    after = space.tell(turned, asked).tensors
    for key in {EMBEDS, POOLED} & set(before):
        reaches = key == POOLED or "flux" not in name
        assert differ(before[key], after[key]) is reaches
    assert not space.tell(soft, asked).requires_grad


@pytest.mark.parametrize("name", TOLD_CAPTIONS)
def test_captions_are_left_as_they_were(name: str, opened: Opened) -> None:
    """Without a gradient, before, between and after soft prompts; also after one that failed."""
    model = opened(name)
    space, asked = prompt_space(model), long_samples()
    encoder = first_encoder(model.family)
    before = model.condition(asked)
    space.tell(mixed(space, 2), asked)

    def fail(*_: object) -> None:
        raise RuntimeError("Out of memory.")

    last = [module for module in encoder.modules() if "Norm" in type(module).__name__][-1]
    hook = last.register_forward_hook(fail)
    with pytest.raises(RuntimeError, match="Out of memory"):
        space.tell(mixed(space, 2), asked)
    hook.remove()
    assert not encoder.get_input_embeddings()._forward_hooks
    after = model.condition(asked)
    assert not after.requires_grad
    for key, tensor in before.tensors.items():
        assert torch.equal(after.tensors[key], tensor)


@pytest.mark.parametrize("name", CAPTIONED)
def test_other_encoders_are_told_the_true_caption(name: str, opened: Opened) -> None:
    model = opened(name)
    space, (one, two) = prompt_space(model), long_samples()
    soft = mixed(space, 1).detach()
    told, other = space.tell(soft, [one]), space.tell(soft, [two])
    changes = EMBEDS if name != "sd3-no-t5" else POOLED
    assert differ(told.tensors[changes], other.tensors[changes])
    with pytest.raises(BadInput, match='image "0" has none'):
        space.tell(soft, [replace(one, caption=None)])


@pytest.mark.parametrize("name", UNCAPTIONED)
def test_no_caption_is_needed_where_all_encoders_are_told(name: str, opened: Opened) -> None:
    model = opened(name)
    space, (one, two) = prompt_space(model), long_samples()
    soft = mixed(space, 1).detach()
    told = said(model, space.tell(soft, [one]))
    for other in (two, replace(one, caption=None)):
        assert torch.equal(said(model, space.tell(soft, [other])), told)


@pytest.mark.parametrize("name", ["sd", "sdxl", "sdxl-empty", "sd3", "pixart-sigma"])
def test_a_soft_prompt_can_be_guided_by(name: str, opened: Opened) -> None:
    model = opened(name)
    space, asked = prompt_space(model), long_samples()
    blind = model.unconditional(space.tell(mixed(space, 2).detach(), asked))
    expected = model.unconditional(model.condition(asked))
    assert torch.equal(said(model, blind), said(model, expected))


def test_sizes_are_told_row_by_row(opened: Opened) -> None:
    space = prompt_space(opened("sdxl"))
    asked = [*samples(1, 24, 32), *samples(1, 64, 32), *samples(1, 24, 32)]
    told = space.tell(mixed(space, 3), asked).tensors[TIME_IDS]
    assert told[:, :2].tolist() == [[24, 32], [64, 32], [24, 32]]


def test_an_image_under_many_draws_is_captioned_once(opened: Opened) -> None:
    model = opened("flux-dev")
    space, (one, two) = prompt_space(model), long_samples()
    rows: list[int] = []
    family: Any = model.family
    encoder = family.t5_encoder
    encoder.register_forward_hook(lambda module, told, output: rows.append(len(output[0])))
    soft = mixed(space, 5).detach()
    told = space.tell(soft, [one, two, one, one, two])
    assert rows == [2]
    alone = space.tell(soft[4:], [two])
    torch.testing.assert_close(told[4:].tensors[EMBEDS], alone.tensors[EMBEDS])


@pytest.mark.parametrize("name", ["sd", "sd3", "pixart-alpha"])
def test_encoders_in_other_types_or_kept_elsewhere(
    name: str, tiny_folder: Callable[[str], Path]
) -> None:
    """The table is float32, what the network is told is of the encoder's type."""
    asked = long_samples()
    for opening in (Opening(text_precision="bf16", precision="bf16"), Opening(offload=True)):
        model = open_model(str(tiny_folder(name)), opening)
        assert isinstance(model, LatentModel)
        space = prompt_space(model)
        assert space.table.dtype == torch.float32
        soft = mixed(space, 2)
        told = space.tell(soft, asked)
        assert told.tensors[EMBEDS].dtype == model.condition(asked).tensors[EMBEDS].dtype
        said(model, told).square().sum().backward()
        assert soft.grad is not None
        assert float(soft.grad.abs().sum()) > 0


def test_what_meters_or_mitigates_is_seen_through(opened: Opened) -> None:
    model = opened("sd")
    mitigated = Mitigated(model, (parse("gni"), parse("rna")))
    space, plain = prompt_space(Metered(mitigated, 2)), prompt_space(model)
    soft, asked = mixed(plain, 2), long_samples()
    assert torch.equal(
        space.tell(soft, asked).tensors[EMBEDS], plain.tell(soft, asked).tensors[EMBEDS]
    )


def test_tokens_are_read_as_words(opened: Opened) -> None:
    model = opened("sd")
    space = prompt_space(model)
    tokens = tokens_of(model, LONG)
    assert space.decode(tokens) == "the red house of a small blue dog number 7"
    end = first_tokenizer(model.family).eos_token_id
    assert space.decode(torch.cat([tokens[:2], torch.tensor([end, end])])) == "the red"


def test_tokens_that_are_no_text_stand_as_one_line(opened: Opened) -> None:
    """The vocabulary of the tiny preset has all bytes, the zero byte and line ends among them."""
    tokenizer = build_tokenizer([LONG])
    encoder = build_matching(tokenizer, 4, 0).encoder
    space = prompt_space(replace(opened("sd"), family=StableDiffusion(tokenizer, encoder)))
    words = space.decode(torch.arange(len(tokenizer)))
    assert words.isprintable()
    assert "\ufffd" in words
    assert "house" in words


def test_what_cannot_be_told_soft_words_is_refused(opened: Opened) -> None:
    control = Memorizer(torch.rand(2, 3, 8, 8))
    pixels = PixelModel(None, beta_schedule("linear"))
    refused = ((opened("dit"), "DiT"), (control, "Memorizer"), (pixels, "PixelModel"))
    for model, name in refused:
        with pytest.raises(MissingCapability, match=f"The prompt of a {name} cannot be inverted"):
            prompt_space(model)
    model = opened("sdxl")
    family: Any = model.family
    other = tiny.clip_tokenizer()
    other.add_tokens(["<mine>"])
    family = replace(family, tokenizers=(family.tokenizers[0], other))
    with pytest.raises(MissingCapability, match="different vocabularies"):
        prompt_space(replace(model, family=family))


def test_too_few_soft_words_are_refused(opened: Opened) -> None:
    space = prompt_space(opened("sd"))
    soft = mixed(space, 2)
    for wrong, asked in ((soft[:, 1:], long_samples(2)), (soft, long_samples(1))):
        with pytest.raises(BadInput, match=r"must have the shape \(\d, 10, 16\)"):
            space.tell(wrong, asked)
