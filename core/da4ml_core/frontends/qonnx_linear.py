"""Integers of ONNX itself: QuantizeLinear and its inverse, QLinear and Integer products; exactly or as thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core.fixed import Overflow, Rounding
from da4ml_core.frontends.onnx_model import Node
from da4ml_core.frontends.qonnx_multiplier import multiplied
from da4ml_core.frontends.qonnx_quantizers import check_internal, power_of_two, thresholds
from da4ml_core.frontends.qonnx_tensor import Tensor
from da4ml_core.frontends.qonnx_windows import check_product, convolution

Array = NDArray[Any]
WIDE = 48  # bits that hold any sum before it is clamped


def quantize_linear(node: Node, values: Sequence[Array | Tensor]) -> Array | Tensor:
    """``clamp(round_half_even(x / scale) + zero)`` in the type of the zero point, which is uint8 where it is absent."""
    x = values[0]
    scale, zero, low, high = _parameters(node, values)

    def codes(numbers: Array) -> Array:
        return np.clip(np.round(numbers / scale) + zero, np.float32(low), np.float32(high))

    if not isinstance(x, Tensor):
        return np.asarray(codes(x.astype(np.float32)))
    offset = int(zero.reshape(-1)[0])
    bounds = low - offset, high - offset
    if x.base.is_external and power_of_two(scale) and np.ptp(zero) == 0 and _is_type(*bounds):
        exponent = np.broadcast_to(np.frexp(scale)[1] - 1, x.shape)
        signed = bounds[0] < 0
        bits = bounds[1].bit_length()
        port = x.base.quantize(signed, bits + exponent, -exponent, Rounding.RND_CONV, Overflow.SAT)
        return Tensor(port).with_constant('/', scale).with_constant('+', zero)
    scaled = check_internal(node, x).with_constant('/', scale)
    if scaled.steps:
        if not x.steps and np.ptp(zero) == 0:
            product = multiplied(x.base, scale, 1 / scale, lambda numbers, s: np.round(numbers / s), *bounds)
            if product is not None:
                return Tensor(product + float(offset))
        return thresholds(node, x, codes)
    whole: Any = scaled.base.quantize(True, WIDE, 0, Rounding.RND_CONV, Overflow.WRAP)
    clipped: Any = np.clip(whole + zero.astype(np.float64), low, high)
    return Tensor(clipped)


def dequantize_linear(node: Node, values: Sequence[Array | Tensor]) -> Array | Tensor:
    """``(x - zero) * scale``."""
    x = values[0]
    scale, zero, _, _ = _parameters(node, values)
    if not isinstance(x, Tensor):
        return np.asarray((x.astype(np.float32) - zero) * scale)
    return check_internal(node, x).with_constant('-', zero).with_constant('*', scale)


def qlinear_matmul(node: Node, values: Sequence[Array | Tensor]) -> Tensor:
    """A product of codes, in the codes of the output."""
    if len(values) != 8:
        raise node.corrupt(f'it has {len(values)} inputs, not 8')
    a, b = _centred(node, values[0], values[2]), _centred(node, values[3], values[5])
    scale = _float32(node, values[1]) * _float32(node, values[4]) / _float32(node, values[6])
    return _requantized(node, integer_product(node, a, b), scale, values[7])


def qlinear_conv(node: Node, values: Sequence[Array | Tensor]) -> Tensor:
    """A convolution of codes, in the codes of the output; zeros of the padding are those of the zero point."""
    if len(values) not in (8, 9):
        raise node.corrupt(f'it has {len(values)} inputs, not 8 or 9')
    x, kernel = _centred(node, values[0], values[2]), _centred(node, values[3], values[5], axis=0)
    scale = _float32(node, values[1]) * _float32(node, values[4]) / _float32(node, values[6])
    sums = convolution(node, [x, kernel, *values[8:]])
    return _requantized(
        node, sums, scale.reshape(-1, *[1] * (len(x.shape) - 2)) if scale.size > 1 else scale, values[7]
    )


def matmul_integer(node: Node, values: Sequence[Array | Tensor]) -> Tensor:
    """A product of codes, as integers."""
    zeros = [*values[2:], *[np.zeros((), np.uint8)] * (4 - len(values))]
    return integer_product(node, _centred(node, values[0], zeros[0]), _centred(node, values[1], zeros[1]))


def conv_integer(node: Node, values: Sequence[Array | Tensor]) -> Tensor:
    """A convolution of codes, as integers."""
    zeros = [*values[2:], *[np.zeros((), np.uint8)] * (4 - len(values))]
    return convolution(node, [_centred(node, values[0], zeros[0]), _centred(node, values[1], zeros[1], axis=0)])


def integer_product(node: Node, a: Array | Tensor, b: Array | Tensor) -> Tensor:
    """``a @ b`` of which one is constant; raises UnsupportedLayer for two computed tensors."""
    tensor, weights = (a, b) if isinstance(a, Tensor) else (b, a)
    if not isinstance(tensor, Tensor) or isinstance(weights, Tensor):
        raise node.unsupported('a product of two computed tensors is not supported', hint='one of them a constant')
    check_product(node, tensor, weights)
    exact = weights.astype(np.float64)
    product: Any = np.matmul(tensor.base, exact) if tensor is a else np.matmul(exact, tensor.base)
    return Tensor(product)


def _requantized(node: Node, sums: Tensor, scale: Array, zero: Array | Tensor) -> Tensor:
    """``clamp(round_half_even(sums * scale) + zero)`` in the type of the zero point, in the runtime's float32."""
    point = _constant_of(node, zero)
    if point.dtype.kind not in 'iu' or point.size != 1:
        raise node.unsupported('an output zero point that is not one integer is not supported')
    limits, offset = np.iinfo(point.dtype), int(point.reshape(-1)[0])
    low, high = int(limits.min) - offset, int(limits.max) - offset

    def codes(numbers: Array) -> Array:
        return np.clip(np.round(numbers * scale), np.float32(low), np.float32(high)) + np.float32(offset)

    scaled = sums.with_constant('*', scale)
    if scaled.steps:
        product = multiplied(sums.base, scale, scale, lambda numbers, s: np.round(numbers * s), low, high)
        return thresholds(node, sums, codes) if product is None else Tensor(product + float(offset))
    whole: Any = scaled.base.quantize(True, WIDE, 0, Rounding.RND_CONV, Overflow.WRAP)
    return Tensor(np.clip(whole, low, high) + float(offset))


def _centred(node: Node, codes: Array | Tensor, zero: Array | Tensor, axis: int = -1) -> Any:
    """The codes without their zero point, which constants may have for each channel."""
    point = _constant_of(node, zero).astype(np.int64)
    if point.size > 1:
        if isinstance(codes, Tensor):
            raise node.unsupported('a zero point for each channel of what is computed is not supported', hint='one')
        shape = [1] * codes.ndim
        shape[axis] = point.size
        point = point.reshape(shape)
    else:
        point = point.reshape(())
    if isinstance(codes, Tensor):
        return check_internal(node, codes).with_constant('-', point)
    return codes.astype(np.int64) - point


def _float32(node: Node, value: Array | Tensor) -> Array:
    scale = _constant_of(node, value).astype(np.float32)
    if not (scale > 0).all():
        raise node.corrupt('its scale is not positive')
    return scale if scale.size > 1 else scale.reshape(())


def _constant_of(node: Node, value: Array | Tensor) -> Array:
    if isinstance(value, Tensor):
        raise node.unsupported('a scale or zero point that the model computes is not supported', hint='constants')
    return np.asarray(value)


def _parameters(node: Node, values: Sequence[Array | Tensor]) -> tuple[Array, Array, int, int]:
    """Scale and zero point in a shape that broadcasts to the tensor's, and the bounds of the codes."""
    if len(values) not in (2, 3) or any(isinstance(value, Tensor) for value in values[1:]):
        raise node.unsupported('a scale or zero point that the model computes is not supported', hint='constants')
    x, scale = values[0], np.asarray(values[1]).astype(np.float32)
    zero = np.asarray(values[2]) if len(values) == 3 else np.zeros_like(scale, dtype=np.uint8)
    if zero.dtype.kind not in 'iu' or not (scale > 0).all() or zero.shape != scale.shape:
        raise node.corrupt('its scale is not positive, or its zero point is no integer for each scale')
    limits = np.iinfo(zero.dtype)
    if limits.bits > 16 and zero.any():
        raise node.unsupported('a zero point of 32 bits is not supported', hint='supported: 8 and 16 bits')
    if scale.size > 1:
        axis = node.integer('axis', 1) % len(x.shape)
        shape = [1] * len(x.shape)
        shape[axis] = scale.size
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    else:
        scale, zero = scale.reshape(()), zero.reshape(())
    return scale, zero.astype(np.float32), int(limits.min), int(limits.max)


def _is_type(low: int, high: int) -> bool:
    """Whether the bounds are all values of a two's-complement type."""
    return high & (high + 1) == 0 and low in (0, -high - 1)
