"""Every layer of a LoRA has its own strength, in every form of the file, against a merge by hand.

The tolerance of 1e-5 is that of single precision: weights and products are of the order of 1.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import families
import loras
import pytest
import torch
from safetensors.torch import load_file, save_file

from solidmark.errors import BadInput
from solidmark.models import LatentModel, Opening, open_model
from solidmark.models.lora import add_loras
from solidmark.models.pipelines import load_pipeline, to_model

Folder = Callable[[str], Path]
Save = Callable[[loras.Lora, Path], Path]

PARTS = {
    "sd": ("unet", "text_encoder"),
    "sd-v": ("unet", "text_encoder"),
    "sdxl": ("unet", "text_encoder", "text_encoder_2"),
    "sd3": ("transformer", "text_encoder", "text_encoder_2"),
    "flux-dev": ("transformer", "text_encoder"),
    "flux-schnell": ("transformer", "text_encoder"),
}
KOHYA = {
    "sd": loras.kohya,
    "sd-v": loras.kohya,
    "sdxl": loras.kohya_xl,
    "flux-dev": loras.kohya_flux,
    "flux-schnell": loras.kohya_flux,
}
CASES = [(name, form) for name in PARTS for form in ("peft", "header")]
CASES += [(name, "kohya") for name in KOHYA]


def saved(name: str, form: str, lora: loras.Lora, path: Path) -> Path:
    if form == "kohya":
        return loras.save_kohya(lora, path, KOHYA[name])
    return {"peft": loras.save_peft, "header": loras.save_header}[form](lora, path)


def check_layers(pipe: Any, lora: loras.Lora, scale: float, name: str = "lora_0") -> None:
    """Every layer adds what the file says, and no other layer adds anything."""
    left = dict(lora)
    for part, network in pipe.components.items():
        if not isinstance(network, torch.nn.Module):
            continue
        for where, module in network.named_modules():
            if name not in getattr(module, "lora_A", ()):
                continue
            layer = left.pop((part, where))
            added = module.get_delta_weight(name).detach().double()
            torch.testing.assert_close(added, scale * layer.product, rtol=1e-5, atol=1e-5)
            assert float(added.abs().max()) > 1e-3, "it would pass without strength"
    assert not left


def answers(model: LatentModel, name: str) -> dict[str, torch.Tensor]:
    samples = families.samples(2, *families.size(name))
    condition = model.condition(samples)
    z = model.encode(torch.stack([sample.image for sample in samples]))
    return {**condition.tensors, "expected": model.denoise(z, 0.5, condition)}


@pytest.mark.parametrize(("name", "form"), CASES)
@pytest.mark.parametrize("parts", ["both", "text"])
def test_every_layer_has_the_strength_of_the_file(
    name: str, form: str, parts: str, tiny_folder: Folder, tmp_path: Path
) -> None:
    base, scale = tiny_folder(name), 0.7
    pipe = load_pipeline(base, Opening())
    chosen = PARTS[name] if parts == "both" else PARTS[name][1:]
    lora = loras.random_lora(pipe, *chosen)
    if form == "kohya" and name.startswith("flux"):  # This form knows no other layers of Flux.
        lora = {w: layer for w, layer in lora.items() if ".ff." not in w[1]}
    assert len({layer.strength for layer in lora.values()}) > 4
    file = saved(name, form, lora, tmp_path / "lora.safetensors")
    add_loras(pipe, [str(file)], scale)
    check_layers(pipe, lora, scale)

    by_hand = load_pipeline(base, Opening())
    plain = answers(to_model(by_hand, torch.device("cpu")), name)
    loras.merge(by_hand, lora, scale)
    expected = answers(to_model(by_hand, torch.device("cpu")), name)
    found = answers(to_model(pipe, torch.device("cpu")), name)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    changed = [bool(families.differ(plain[what], expected[what])) for what in expected]
    assert any(changed)


@pytest.mark.parametrize("name", PARTS)
def test_the_format_of_peft_takes_alphas_from_the_file_beside(
    name: str, tiny_folder: Folder, tmp_path: Path
) -> None:
    pipe = load_pipeline(tiny_folder(name), Opening())
    lora = loras.random_lora(pipe, PARTS[name][0])
    folder = loras.save_beside(lora, tmp_path / "adapter")
    add_loras(pipe, [str(folder)], 1.0)
    check_layers(pipe, lora, 1.0)


@pytest.mark.parametrize("name", PARTS)
def test_biases_are_added_too(name: str, tiny_folder: Folder, tmp_path: Path) -> None:
    pipe = load_pipeline(tiny_folder(name), Opening())
    lora = loras.random_lora(pipe, *PARTS[name], bias=True)
    file = loras.save_peft(lora, tmp_path / "lora.safetensors")
    add_loras(pipe, [str(file)], 0.5)
    check_layers(pipe, lora, 0.5)
    by_hand = load_pipeline(tiny_folder(name), Opening())
    loras.merge(by_hand, lora, 0.5)
    found = answers(to_model(pipe, torch.device("cpu")), name)
    expected = answers(to_model(by_hand, torch.device("cpu")), name)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_two_loras_keep_their_strengths_beside_one_another(
    tiny_folder: Folder, tmp_path: Path
) -> None:
    """One of the text encoder alone, one of the denoiser alone."""
    pipe = load_pipeline(tiny_folder("sdxl"), Opening())
    both = [
        loras.random_lora(pipe, "text_encoder_2", seed=1),
        loras.random_lora(pipe, "unet", seed=2),
    ]
    files = [
        str(loras.save_kohya(lora, tmp_path / f"{number}.safetensors", loras.kohya_xl))
        for number, lora in enumerate(both)
    ]
    add_loras(pipe, files, 0.3)
    for number, lora in enumerate(both):
        check_layers(pipe, lora, 0.3, f"lora_{number}")


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_keeps_the_strength_up_to_its_rounding(
    precision: Any, tiny_folder: Folder, tmp_path: Path
) -> None:
    opening = Opening(precision=precision, text_precision=precision)
    pipe = load_pipeline(tiny_folder("sd"), opening)
    lora = loras.random_lora(pipe, "unet", "text_encoder")
    # As small as those of trained files: alpha / r is there so that B need not be.
    lora = {w: loras.Layer(x.a, 1e-3 * x.b, x.alpha / 64) for w, x in lora.items()}
    add_loras(pipe, [str(loras.save_peft(lora, tmp_path / "lora.safetensors"))], 1.0)
    for (part, where), layer in lora.items():
        module = getattr(pipe, part).get_submodule(where)
        a, b = (m["lora_0"].weight.detach().double() for m in (module.lora_A, module.lora_B))
        product = (b.flatten(1) @ a.flatten(1)).reshape(layer.product.shape)
        added = module.scaling["lora_0"] * product
        off = float((added - layer.product).norm() / layer.product.norm())
        assert off < 4 * 2**-8, f"{part}.{where}"  # Two roundings, those of bf16 to 8 bits.


def test_a_layer_without_alpha_has_strength_one(tiny_folder: Folder, tmp_path: Path) -> None:
    """As kohya's scripts and diffusers take it, also where the other layers have one."""
    pipe = load_pipeline(tiny_folder("sd"), Opening())
    lora = dict(loras.random_lora(pipe, "unet", "text_encoder"))
    file = loras.save_kohya(lora, tmp_path / "lora.safetensors", loras.kohya)
    weights = load_file(file)
    for part, name in list(lora)[::3]:
        layer = lora[part, name]
        del weights[f"{loras.kohya(part, name)}.alpha"]
        lora[part, name] = loras.Layer(layer.a, layer.b, len(layer.a))
    save_file(weights, file)
    add_loras(pipe, [str(file)], 1.0)
    check_layers(pipe, lora, 1.0)


def test_the_root_of_the_rank_is_used_where_the_header_says_so(
    tiny_folder: Folder, tmp_path: Path
) -> None:
    import json

    pipe = load_pipeline(tiny_folder("sd"), Opening())
    lora = loras.random_lora(pipe, "unet")
    found = {}
    for (part, name), layer in lora.items():
        stem = f"{part}.{name}"
        found |= {f"{stem}.lora_A.weight": layer.a, f"{stem}.lora_B.weight": layer.b}
    header = {"unet.lora_alpha": 3, "unet.use_rslora": True, "unet.r": 1}
    file = tmp_path / "lora.safetensors"
    save_file(found, file, {"lora_adapter_metadata": json.dumps(header)})
    add_loras(pipe, [str(file)], 1.0)
    rooted = {w: loras.Layer(x.a, x.b, 3 * len(x.a) ** 0.5) for w, x in lora.items()}
    check_layers(pipe, rooted, 1.0)


def nothing_of(weights: dict[str, torch.Tensor], part: str) -> str:
    return next(name for name in weights if part in name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.update({"unet.conv_in.diff": torch.ones(3)}), "no part of a plain LoRA"),
        (lambda w: w.update({"unet.stray.alpha": torch.ones(())}), "no part of a plain LoRA"),
        (lambda w: w.update({nothing_of(w, ".alpha"): torch.zeros(())}), "an alpha of 0"),
        (lambda w: w.update({nothing_of(w, ".alpha"): torch.ones(2)}), "an alpha of nan"),
        (
            lambda w: w.update({nothing_of(w, "lora_B"): torch.full((16, 1), torch.nan)}),
            "are not finite: ",
        ),
        (lambda w: w.pop(nothing_of(w, "lora_B")), 'lora_A.weight" but no ".*lora_B.weight'),
        (
            lambda w: w.update({"unet.conv_in.lora_B.bias": torch.ones(8)}),
            "no part of a plain LoRA",
        ),
    ],
)
def test_what_would_be_left_out_is_one_line(
    change: Callable[[dict[str, torch.Tensor]], Any],
    message: str,
    tiny_folder: Folder,
    tmp_path: Path,
) -> None:
    pipe = load_pipeline(tiny_folder("sd"), Opening())
    file = loras.save_peft(loras.random_lora(pipe, "unet"), tmp_path / "lora.safetensors")
    weights = load_file(file)
    change(weights)
    save_file(weights, file)
    with pytest.raises(BadInput, match=message) as raised:
        open_model(str(tiny_folder("sd")), Opening(loras=(str(file),)))
    assert "\n" not in str(raised.value)


def test_layers_that_diffusers_drops_are_missed_although_others_are_cut_in_three(
    tiny_folder: Folder, tmp_path: Path
) -> None:
    """Counted, there are enough: q, k and v of one matrix are three."""
    pipe = load_pipeline(tiny_folder("flux-dev"), Opening())
    found = {}
    for stem, rows, columns in (
        ("lora_unet_double_blocks_0_img_attn_qkv", 48, 16),
        ("lora_unet_img_in", 16, 16),
    ):
        found[f"{stem}.lora_down.weight"] = torch.ones(2, columns)
        found[f"{stem}.lora_up.weight"] = torch.ones(rows, 2)
        found[f"{stem}.alpha"] = torch.tensor(1.0)
    save_file(found, tmp_path / "all.safetensors")
    with pytest.raises(BadInput, match="times what the file holds"):
        add_loras(pipe, [str(tmp_path / "all.safetensors")])
    pipe = load_pipeline(tiny_folder("flux-dev"), Opening())
    del found["lora_unet_img_in.lora_down.weight"], found["lora_unet_img_in.lora_up.weight"]
    del found["lora_unet_img_in.alpha"]
    save_file(found, tmp_path / "some.safetensors")
    add_loras(pipe, [str(tmp_path / "some.safetensors")])
    for name in ("to_q", "to_k", "to_v"):
        layer = pipe.transformer.transformer_blocks[0].attn.get_submodule(name)
        assert layer.get_delta_weight("lora_0").detach().unique().tolist() == pytest.approx([1.0])


def test_a_lora_that_was_begun_on_other_weights_is_refused(
    tiny_folder: Folder, tmp_path: Path
) -> None:
    import json

    pipe = load_pipeline(tiny_folder("sd"), Opening())
    file = loras.save_peft(loras.random_lora(pipe, "unet"), tmp_path / "lora.safetensors")
    weights = {name: w for name, w in load_file(file).items() if not name.endswith("alpha")}
    header = {"unet.lora_alpha": 3, "unet.init_lora_weights": "pissa_niter_4"}
    save_file(weights, file, {"lora_adapter_metadata": json.dumps(header)})
    with pytest.raises(BadInput, match="begun with"):
        add_loras(pipe, [str(file)])
