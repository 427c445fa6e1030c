"""Convolution and pooling of QONNX models: channels behind the batch there, last in the tracer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core.frontends.onnx_model import Node
from da4ml_core.frontends.qonnx_quantizers import check_internal
from da4ml_core.frontends.qonnx_tensor import SIGNIFICAND, Tensor, constant_bits

Array = NDArray[Any]

MAX_SIZE = 1 << 16  # of a window, a stride or a dilation
WEIGHT_BITS = 16  # a quantizer made weights of no more bits than these


def check_product(node: Node, tensor: Tensor, weights: Array) -> None:
    """Raise UnsupportedLayer unless the products with constants, and their sums, are exact."""
    check_internal(node, tensor)
    if tensor.steps:
        raise node.unsupported(
            'its input is scaled or shifted by numbers that float32 rounds, and no quantizer follows',
            hint='a Quant in front of it, with a scale that is a power of two',
        )
    bits = constant_bits(weights)
    largest = max(max(abs(interval.lo), abs(interval.hi)) for interval in tensor.base.intervals())
    if bits > WEIGHT_BITS and largest << bits > SIGNIFICAND:
        raise node.unsupported(
            f'its weights have {bits} bits: float32 rounds their sums in an order that no reference defines',
            hint='weights behind a Quant whose scale is a power of two',
        )


def convolution(node: Node, values: Sequence[Array | Tensor]) -> Tensor:
    """The correlation with a constant kernel, and its bias."""
    from da4ml_core.trace import conv, zero_pad

    x, kernel, *bias = values
    if not isinstance(x, Tensor) or isinstance(kernel, Tensor) or any(isinstance(value, Tensor) for value in bias):
        raise node.unsupported('a kernel or bias that the model computes is not supported', hint='constants')
    check_product(node, x, kernel)
    rank = kernel.ndim - 2
    if rank < 1 or len(x.shape) != rank + 2:
        raise node.corrupt(f'its kernel of shape {kernel.shape} does not fit the input of shape {x.shape}')
    strides, dilation = (node.integers(name) or [1] * rank for name in ('strides', 'dilations'))
    widths = _pads(node, x.shape[2:], kernel.shape[2:], strides, dilation)
    inside = zero_pad(_channels_last(x), widths)
    weights = kernel.astype(np.float64).transpose(*range(2, rank + 2), 1, 0)
    y = Tensor(_channels_first(conv(inside, weights, strides, 'valid', dilation, node.integer('group', 1))))
    for offset in bias:
        y = y.with_constant('+', np.asarray(offset).reshape(-1, *[1] * rank))
    return y


def pool(node: Node, values: Sequence[Array | Tensor]) -> Tensor:
    """The largest value or the mean of each window; a mean of other than 2**n values is refused."""
    from da4ml_core.trace import avg_pool, max_pool, window_counts, zero_pad

    (x,) = values
    if not isinstance(x, Tensor):
        raise node.unsupported('pooling of constants is not supported')
    if check_internal(node, x).steps:
        raise node.unsupported(
            'its input is scaled or shifted by numbers that float32 rounds', hint='a Quant in front of it'
        )
    inside, spatial = _channels_last(x), x.shape[2:]
    rank, is_mean = len(spatial), 'Average' in node.op_type
    if node.op_type.startswith('Global'):
        size, strides, widths = list(spatial), list(spatial), [(0, 0)] * rank
    else:
        size, strides = node.integers('kernel_shape') or [], node.integers('strides') or [1] * rank
        if node.integer('ceil_mode', 0) or set(node.integers('dilations') or [1]) != {1}:
            raise node.unsupported('ceil_mode and dilations of a pooling are not supported')
        widths = _pads(node, spatial, size, strides, [1] * rank)
    padding = 'valid'
    if any(map(any, widths)):
        same = widths == [_same(*geometry, 1) for geometry in zip(spatial, size, strides, strict=True)]
        lowest = min(interval.lo for interval in x.base.intervals())
        if (is_mean and node.integer('count_include_pad', 0)) or (not is_mean and lowest >= 0):
            inside = zero_pad(inside, widths)  # no zero is larger than what is there
        elif same:
            padding = 'same'
        else:
            raise node.unsupported('a pooling with these pads is not supported', hint='those of auto_pad SAME_UPPER')
    if is_mean:
        counts = {int(count) for count in window_counts(inside.shape[:-1], size, strides, padding).flat}
        if any(count & (count - 1) for count in counts):
            raise node.unsupported(
                f'the mean of {max(counts)} values, which float32 rounds, is not supported', hint='of 2**n values'
            )
    return Tensor(_channels_first((avg_pool if is_mean else max_pool)(inside, size, strides, padding)))


def _pads(
    node: Node, spatial: Sequence[int], size: Sequence[int], strides: Sequence[int], dilation: Sequence[int]
) -> list[tuple[int, int]]:
    """Zeros before and behind each spatial axis."""
    rank, mode = len(spatial), node.text('auto_pad', 'NOTSET')
    if not len(size) == len(strides) == len(dilation) == rank:
        raise node.corrupt(f'its sizes, strides or dilations are not one for each of {rank} axes')
    if min((*size, *strides, *dilation)) < 1 or max((*size, *strides, *dilation)) > MAX_SIZE:
        raise node.corrupt(f'its sizes, strides or dilations are not from 1 to {MAX_SIZE}')
    if mode == 'SAME_UPPER':
        return [_same(*geometry) for geometry in zip(spatial, size, strides, dilation, strict=True)]
    if mode not in ('NOTSET', 'VALID'):
        raise node.unsupported(f'auto_pad {mode} is not supported', hint='supported: NOTSET, VALID, SAME_UPPER')
    pads = (node.integers('pads') if mode == 'NOTSET' else None) or [0] * (2 * rank)
    if len(pads) != 2 * rank or min(pads) < 0 or max(pads) > max(spatial, default=0) + max(size, default=0):
        raise node.corrupt(f'its pads {pads} are not two small sizes for each of {rank} axes')
    return list(zip(pads[:rank], pads[rank:], strict=True))


def _same(extent: int, size: int, stride: int, dilation: int) -> tuple[int, int]:
    total = max((-(-extent // stride) - 1) * stride + (size - 1) * dilation + 1 - extent, 0)
    return total // 2, total - total // 2


def _channels_last(x: Tensor) -> Any:
    inside = x.base[0]
    return inside.transpose(*range(1, inside.ndim), 0)


def _channels_first(y: Any) -> Any:
    moved = y.transpose(y.ndim - 1, *range(y.ndim - 1))
    return moved.reshape((1, *moved.shape))
