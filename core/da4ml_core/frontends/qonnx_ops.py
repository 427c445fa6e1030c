"""What each supported ONNX operation computes, on constants by numpy and on tensors exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core.frontends.onnx_model import Node
from da4ml_core.frontends.qonnx_linear import (
    conv_integer,
    dequantize_linear,
    integer_product,
    matmul_integer,
    qlinear_conv,
    qlinear_matmul,
    quantize_linear,
)
from da4ml_core.frontends.qonnx_quantizers import check_internal, read_bipolar, read_quant, read_trunc
from da4ml_core.frontends.qonnx_shapes import SHAPE_HANDLERS, Handler, Value, check_size, constant_of, count, moved
from da4ml_core.frontends.qonnx_tensor import Step, Tensor, fused_multiply_add
from da4ml_core.frontends.qonnx_windows import convolution, pool

Array = NDArray[Any]


def matmul(node: Node, values: Sequence[Value]) -> Value:
    a, b = count(node, values, 2)
    if not isinstance(a, Tensor) and not isinstance(b, Tensor):
        check_size(node, (*a.shape[:-1], *b.shape[-1:]))
        return np.asarray(np.matmul(a, b))
    return integer_product(node, a, b)


def gemm(node: Node, values: Sequence[Value]) -> Value:
    """``a @ b + c``, either transposed."""
    for factor in ('alpha', 'beta'):
        if node.number(factor, 1.0) != 1.0:
            raise node.unsupported(f'{factor} {node.number(factor)} is not supported', hint=f'supported: {factor} 1.0')
    a, b, *bias = values if len(values) == 3 else count(node, values, 2)
    a = moved(a, np.transpose) if node.integer('transA', 0) else a
    b = moved(b, np.transpose) if node.integer('transB', 0) else b
    product = matmul(node, (a, b))
    return _arithmetic(node, '+', product, bias[0]) if bias else product


def _operator(operation: str) -> Handler:
    def handler(node: Node, values: Sequence[Value]) -> Value:
        a, b = count(node, values, 2)
        return _arithmetic(node, operation, a, b)

    return handler


def _arithmetic(node: Node, operation: str, a: Value, b: Value) -> Value:
    try:
        check_size(node, np.broadcast_shapes(a.shape, b.shape))
    except ValueError:
        raise node.corrupt(f'shapes {a.shape} and {b.shape} do not broadcast') from None
    if operation == '/' and not isinstance(b, Tensor) and not b.all():
        raise node.corrupt('it divides by zero')
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        check_internal(node, a), check_internal(node, b)
        if operation not in '+-' or a.steps or b.steps:
            raise node.unsupported(
                f'{node.op_type} of two computed tensors is not supported', hint='Add or Sub of integers'
            )
        return Tensor(a.base + b.base if operation == '+' else a.base - b.base)
    if isinstance(a, Tensor) and not isinstance(b, Tensor):
        return check_internal(node, a).with_constant(operation, b)
    if isinstance(b, Tensor) and not isinstance(a, Tensor):
        if operation == '/':
            raise node.unsupported('a division by a computed tensor is not supported')
        return check_internal(node, b).with_constant(operation, a, swapped=True)
    constant: dict[str, Callable[[Any, Any], Array]] = {
        '+': np.add,
        '-': np.subtract,
        '*': np.multiply,
        '/': np.divide if np.asarray(a).dtype.kind == 'f' else np.floor_divide,
    }
    return np.asarray(constant[operation](a, b))


def batch_normalization(node: Node, values: Sequence[Value]) -> Value:
    """``x * s + b`` per channel, s and b folded in float32 as the reference runtime folds them."""
    x, *rest = count(node, values, 5)
    if node.integer('training_mode', 0):
        raise node.unsupported('training_mode 1 is not supported', hint='export the model for inference')
    scale, bias, mean, variance = (constant_of(node, value).astype(np.float32) for value in rest)
    inverse = np.float32(1) / np.sqrt(variance + np.float32(node.number('epsilon', 1e-5)))
    slope = scale * inverse
    channels = (-1, *[1] * (len(x.shape) - 2))
    if node.integer('fused', 0):
        offset = fused_multiply_add(-mean, slope, bias)
        return _normalized(node, x, slope.reshape(channels), offset.reshape(channels))
    offset = bias - mean * slope
    scaled = _arithmetic(node, '*', x, slope.reshape(channels))
    return _arithmetic(node, '+', scaled, offset.reshape(channels))


def _normalized(node: Node, x: Value, slope: Array, offset: Array) -> Value:
    """``x * slope + offset``, rounded once."""
    if not isinstance(x, Tensor):
        return fused_multiply_add(x, slope, offset)
    product = check_internal(node, x).with_constant('*', slope)
    if not x.steps and not product.steps:
        return product.with_constant('+', offset)
    constants = tuple(np.broadcast_to(constant, x.shape) for constant in (slope, offset))
    return x.then(Step(fused_multiply_add, constants, affine=bool((slope > 0).all())))


def relu(node: Node, values: Sequence[Value]) -> Value:
    (x,) = count(node, values, 1)
    if not isinstance(x, Tensor):
        return np.maximum(x, 0)
    if check_internal(node, x).steps:
        return x.then(Step(lambda numbers: np.maximum(numbers, np.float32(0))))
    rectified: Any = np.maximum(x.base, 0)
    return Tensor(rectified)


def clip(node: Node, values: Sequence[Value]) -> Value:
    """Between two constants, which are inputs since opset 11 and attributes before."""
    x, *given = values
    if len(given) == 2:
        low, high = (np.float32(constant_of(node, value).reshape(())) for value in given)
    elif not given and {'min', 'max'} <= set(node.attributes):
        low, high = np.float32(node.number('min')), np.float32(node.number('max'))
    else:
        raise node.unsupported('a Clip with one bound is not supported', hint='both')
    if not isinstance(x, Tensor):
        return np.clip(x, low, high)
    if check_internal(node, x).steps:
        return x.then(Step(lambda numbers: np.clip(numbers, low, high)))
    clipped: Any = np.minimum(np.maximum(x.base, float(low)), float(high))
    return Tensor(clipped)


def quantizer(read: Callable[[Node, list[Array]], Any]) -> Handler:
    def handler(node: Node, values: Sequence[Value]) -> Value:
        x, *parameters = values
        found = read(node, [constant_of(node, parameter) for parameter in parameters])
        if isinstance(x, Tensor):
            result: Tensor = found.apply(x)
            return result
        return np.asarray(found.constants(x))

    return handler


def identity(node: Node, values: Sequence[Value]) -> Value:
    return values[0]


def cast(node: Node, values: Sequence[Value]) -> Value:
    kinds = {1: np.float32, 6: np.int32, 7: np.int64}
    to = node.integer('to')
    if to not in kinds or (isinstance(values[0], Tensor) and to != 1):
        raise node.unsupported(f'a cast to the element type {to} is not supported', hint='supported: to float32')
    return values[0] if isinstance(values[0], Tensor) else values[0].astype(kinds[to])


def constant(node: Node, values: Sequence[Value]) -> Value:
    value = node.attributes.get('value')
    if not isinstance(value, np.ndarray):
        raise node.unsupported('a Constant without a tensor is not supported')
    return value


def power(node: Node, values: Sequence[Value]) -> Value:
    base, exponent = (constant_of(node, value) for value in count(node, values, 2))
    # a square root is correctly rounded; a general power of a C library need not be
    return np.asarray(np.sqrt(base) if (exponent == 0.5).all() else np.power(base, exponent))


def square_root(node: Node, values: Sequence[Value]) -> Value:
    return np.asarray(np.sqrt(constant_of(node, *count(node, values, 1))))


HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        'Add': _operator('+'),
        'AveragePool': pool,
        'BatchNormalization': batch_normalization,
        'BipolarQuant': quantizer(read_bipolar),
        'Cast': cast,
        'Clip': clip,
        'Constant': constant,
        'Conv': convolution,
        'ConvInteger': conv_integer,
        'DequantizeLinear': dequantize_linear,
        'Div': _operator('/'),
        'Dropout': identity,
        'Gemm': gemm,
        'GlobalAveragePool': pool,
        'GlobalMaxPool': pool,
        'Identity': identity,
        'MatMul': matmul,
        'MatMulInteger': matmul_integer,
        'MaxPool': pool,
        'Mul': _operator('*'),
        'Pow': power,
        'Quant': quantizer(read_quant),
        'IntQuant': quantizer(read_quant),
        'QLinearConv': qlinear_conv,
        'QLinearMatMul': qlinear_matmul,
        'QuantizeLinear': quantize_linear,
        'Relu': relu,
        'Sqrt': square_root,
        'Sub': _operator('-'),
        'Trunc': quantizer(read_trunc),
        **SHAPE_HANDLERS,
    }
)
QUANTIZERS = ('Quant', 'IntQuant', 'BipolarQuant', 'Trunc')  # of QONNX; those of ONNX itself have its domain
QUANTIZER_DOMAINS = ('qonnx.custom_op.general', 'finn.custom_op.general', 'onnx.brevitas')
