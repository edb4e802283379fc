"""The operators that a network may be made of, and the walk over a program that looks for others.

A program of TorchScript can call whatever torch can: also `save`, which writes a file, and
`from_file`, which reads one. Operators that are not known to compute and nothing else are refused,
before any of the program has run.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from solidmark.embed.archive import unsafe
from solidmark.late import torch

LANGUAGE = """
    Constant GetAttr If Loop ListConstruct ListUnpack TupleConstruct TupleIndex TupleUnpack
    DictConstruct NumToTensor RaiseException Uninitialized abs device dtype is_cuda is_nested
    isinstance layout max min requires_grad tolist type unchecked_cast
    unchecked_unwrap_optional
"""
NUMBERS = """
    Bool Float FloatImplicit Int IntImplicit ScalarImplicit __and__ __contains__
    __derive_index __getitem__ __is__ __isnot__ __not__ __or__ __range_length
    __round_to_zero_floordiv append ceil copy dim dict eq extend floor floordiv format ge gt
    insert is_autocast_enabled is_floating_point is_grad_enabled item items join keys le len
    list lt ne neg numel size sqrt str values warn _set_item
"""
SHAPES = """
    arange cat chunk clone constant_pad_nd contiguous detach detach_ empty_like expand
    expand_as flatten flip full full_like gather index index_select lift_fresh linspace
    masked_fill masked_fill_ meshgrid movedim narrow new_full new_ones new_zeros ones
    ones_like pad permute pixel_shuffle pixel_unshuffle reflection_pad2d repeat
    repeat_interleave replication_pad2d reshape roll scalar_tensor select slice split
    split_with_sizes squeeze squeeze_ stack t tensor tensor_split tile to topk transpose tril
    triu type_as unbind unflatten unfold unsqueeze unsqueeze_ view view_as where zeros
    zeros_like
"""
ARITHMETIC = """
    abs add add_ addcdiv addcmul addmm all any argmax argmin baddbmm bitwise_and bitwise_not
    bitwise_or bmm clamp clamp_ clamp_max clamp_min clamp_min_ cos cumsum div div_ dot einsum
    erf exp exp2 expm1 floor_divide isfinite isinf isnan linalg_norm linalg_vector_norm log
    log10 log1p log2 logical_and logical_not logical_or logsumexp matmul max maximum mean min
    minimum mm mul mul_ mv norm nan_to_num outer pow pow_ prod reciprocal remainder round
    rsqrt rsub sign sin sort square std std_mean sub sub_ sum tan var var_mean vdot
"""
LAYERS = """
    _adaptive_avg_pool2d _convolution _convolution_mode _native_multi_head_attention
    _transformer_encoder_layer_fwd _upsample_bicubic2d_aa _upsample_bilinear2d_aa
    _upsample_lanczos2d_aa _upsample_nearest_exact1d _upsample_nearest_exact2d
    _upsample_nearest_exact3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d
    adaptive_max_pool1d adaptive_max_pool2d avg_pool1d avg_pool2d batch_norm bilinear celu
    conv1d conv2d conv_transpose2d cosine_similarity dropout dropout_ elu elu_ embedding
    feature_dropout gelu glu grid_sampler group_norm hardshrink hardsigmoid hardsigmoid_
    hardswish hardswish_ hardtanh hardtanh_ instance_norm layer_norm leaky_relu leaky_relu_
    linear log_sigmoid log_softmax max_pool1d max_pool2d mish mish_ native_batch_norm
    native_layer_norm prelu relu relu_ relu6 relu6_ rms_norm scaled_dot_product_attention selu
    sigmoid sigmoid_ silu silu_ softmax softplus tanh tanh_ upsample_bicubic2d
    upsample_bilinear2d upsample_linear1d upsample_nearest1d upsample_nearest2d
    upsample_nearest3d upsample_trilinear3d
"""
ALLOWED = frozenset(
    [f"prim::{name}" for name in LANGUAGE.split()]
    + [f"aten::{name}" for group in (NUMBERS, SHAPES, ARITHMETIC, LAYERS) for name in group.split()]
)
"""Computation on tensors and numbers alone. Not among them: what takes memory as it is
(`as_strided`, `set_`), calls what only a run decides (`CallMethod` of an interface, `fork`) or
prints.
"""


def check_operators(network: Any, path: Path) -> None:
    """Refuses a program with an operator that is not in `ALLOWED`, in whatever method it stands.

    Arguments:
        network: As `torch.jit.load` gave it; nothing of it is called.

    Raises:
        UnsafeCheckpoint: When there is one.
    """
    for module in network.modules():
        program = module._c
        if program._get_forward_hooks() or program._get_forward_pre_hooks():
            raise unsafe(path, "has hooks, which run beside the network")
        for name in program._method_names():
            graph = program._get_method(name).graph.copy()
            torch._C._jit_pass_inline(graph)  # What a method calls stands in it from here on.
            for found in _operators(graph):
                if found not in ALLOWED:
                    raise unsafe(path, f'calls "{found}", which no network needs')


def _operators(block: Any) -> Iterator[str]:
    """The operators of a block and of the blocks within it."""
    for node in block.nodes():
        yield str(node.kind())
        for inner in node.blocks():
            yield from _operators(inner)
