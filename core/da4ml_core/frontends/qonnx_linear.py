"""QuantizeLinear and DequantizeLinear of ONNX: codes of 8 or 16 bits and back, exactly or as thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core.fixed import Overflow, Rounding
from da4ml_core.frontends.onnx_model import Node
from da4ml_core.frontends.qonnx_quantizers import check_internal, power_of_two, thresholds
from da4ml_core.frontends.qonnx_tensor import Tensor

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
