"""What each supported ONNX operation computes, on constants by numpy and on tensors exactly."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core.frontends.onnx_model import Node
from da4ml_core.frontends.qonnx_linear import dequantize_linear, quantize_linear
from da4ml_core.frontends.qonnx_quantizers import check_internal, read_bipolar, read_quant, read_trunc
from da4ml_core.frontends.qonnx_tensor import Step, Tensor, fused_multiply_add
from da4ml_core.frontends.qonnx_windows import check_product, convolution, pool

Array = NDArray[Any]
MAX_ELEMENTS = 1 << 24  # of a result; damaged files may ask for more than memory
Value = Array | Tensor
Handler = Callable[[Node, Sequence[Value]], Value]


def matmul(node: Node, values: Sequence[Value]) -> Value:
    a, b = _count(node, values, 2)
    if not isinstance(a, Tensor) and not isinstance(b, Tensor):
        check_size(node, (*a.shape[:-1], *b.shape[-1:]))
        return np.asarray(np.matmul(a, b))
    return _product(node, a, b)


def gemm(node: Node, values: Sequence[Value]) -> Value:
    """``a @ b + c``, either transposed."""
    for factor in ('alpha', 'beta'):
        if node.number(factor, 1.0) != 1.0:
            raise node.unsupported(f'{factor} {node.number(factor)} is not supported', hint=f'supported: {factor} 1.0')
    a, b, *bias = values if len(values) == 3 else _count(node, values, 2)
    a = _moved(a, np.transpose) if node.integer('transA', 0) else a
    b = _moved(b, np.transpose) if node.integer('transB', 0) else b
    product = matmul(node, (a, b))
    return _arithmetic(node, '+', product, bias[0]) if bias else product


def _product(node: Node, a: Value, b: Value) -> Tensor:
    tensor, weights = (a, b) if isinstance(a, Tensor) else (b, a)
    if not isinstance(tensor, Tensor) or isinstance(weights, Tensor):
        raise node.unsupported('a product of two computed tensors is not supported', hint='one of them a constant')
    check_product(node, tensor, weights)
    exact = weights.astype(np.float64)
    product: Any = np.matmul(tensor.base, exact) if tensor is a else np.matmul(exact, tensor.base)
    return Tensor(product)


def _operator(operation: str) -> Handler:
    def handler(node: Node, values: Sequence[Value]) -> Value:
        a, b = _count(node, values, 2)
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
    x, *rest = _count(node, values, 5)
    if node.integer('training_mode', 0):
        raise node.unsupported('training_mode 1 is not supported', hint='export the model for inference')
    scale, bias, mean, variance = (_constant(node, value).astype(np.float32) for value in rest)
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
    (x,) = _count(node, values, 1)
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
        low, high = (np.float32(_constant(node, value).reshape(())) for value in given)
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
        found = read(node, [_constant(node, parameter) for parameter in parameters])
        if isinstance(x, Tensor):
            result: Tensor = found.apply(x)
            return result
        return np.asarray(found.constants(x))

    return handler


def identity(node: Node, values: Sequence[Value]) -> Value:
    return values[0]


def reshape(node: Node, values: Sequence[Value]) -> Value:
    x, target = values[0], [int(size) for size in _constant(node, values[1])]
    if node.integer('allowzero', 0) == 0:
        target = [x.shape[axis] if size == 0 and axis < len(x.shape) else size for axis, size in enumerate(target)]
    return _reshaped(node, x, target)


def flatten(node: Node, values: Sequence[Value]) -> Value:
    (x,) = _count(node, values, 1)
    axis = node.integer('axis', 1) % (len(x.shape) + 1)
    return _reshaped(node, x, [math.prod(x.shape[:axis]), math.prod(x.shape[axis:])])


def transpose(node: Node, values: Sequence[Value]) -> Value:
    (x,) = _count(node, values, 1)
    axes = node.integers('perm') or list(range(len(x.shape)))[::-1]
    if sorted(axes) != list(range(len(x.shape))):
        raise node.corrupt(f'perm {axes} does not fit the shape {x.shape}')
    return _moved(x, lambda array: array.transpose(axes))


def concat(node: Node, values: Sequence[Value]) -> Value:
    axis = node.integer('axis')
    constants = [value for value in values if not isinstance(value, Tensor)]
    check_size(node, (sum(math.prod(value.shape) for value in values),))
    if len(constants) == len(values):
        return np.concatenate(constants, axis=axis)
    for value in values:
        if isinstance(value, Tensor) and value.steps:
            raise node.unsupported(
                'its inputs are scaled by numbers that float32 rounds', hint='a Quant in front of it'
            )
    joined: Any = np.concatenate([v.base if isinstance(v, Tensor) else v for v in values], axis=axis)
    return Tensor(joined)


def unsqueeze(node: Node, values: Sequence[Value]) -> Value:
    axes = _axes(node, values)
    rank = len(values[0].shape) + len(axes)
    places = {axis % rank for axis in axes}
    sizes = iter(values[0].shape)
    return _reshaped(node, values[0], [1 if axis in places else next(sizes) for axis in range(rank)])


def squeeze(node: Node, values: Sequence[Value]) -> Value:
    shape = values[0].shape
    places = {axis % len(shape) for axis in _axes(node, values)}
    if not places:
        places = {axis for axis, size in enumerate(shape) if size == 1}
    return _reshaped(node, values[0], [size for axis, size in enumerate(shape) if axis not in places])


def gather(node: Node, values: Sequence[Value]) -> Value:
    x, indices = _count(node, values, 2)
    places, axis = _constant(node, indices).astype(np.int64), node.integer('axis', 0)
    if not ((-x.shape[axis] <= places) & (places < x.shape[axis])).all():
        raise node.corrupt('an index is out of range')
    check_size(node, (*x.shape[:axis], *places.shape, *x.shape[axis:][1:]))
    return _moved(x, lambda array: np.take(array, places, axis=axis))


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


def shape(node: Node, values: Sequence[Value]) -> Value:
    return np.array(values[0].shape, dtype=np.int64)


def power(node: Node, values: Sequence[Value]) -> Value:
    base, exponent = (_constant(node, value) for value in _count(node, values, 2))
    # a square root is correctly rounded; a general power of a C library need not be
    return np.asarray(np.sqrt(base) if (exponent == 0.5).all() else np.power(base, exponent))


def square_root(node: Node, values: Sequence[Value]) -> Value:
    return np.asarray(np.sqrt(_constant(node, *_count(node, values, 1))))


def check_size(node: Node, shape: Sequence[int]) -> None:
    """Raise CorruptModel for a result larger than that of any model, before it is made."""
    if math.prod(shape) > MAX_ELEMENTS:
        raise node.corrupt(f'its result would have the shape {tuple(shape)}')


def _count(node: Node, values: Sequence[Value], expected: int) -> Sequence[Value]:
    if len(values) != expected:
        raise node.corrupt(f'it has {len(values)} inputs, not {expected}')
    return values


def _constant(node: Node, value: Value) -> Array:
    if isinstance(value, Tensor):
        raise node.unsupported('a parameter that the model computes is not supported', hint='constant parameters')
    return value


def _axes(node: Node, values: Sequence[Value]) -> list[int]:
    given = node.integers('axes')  # an attribute before opset 13, an input since
    return given if given is not None else [int(axis) for value in values[1:] for axis in _constant(node, value)]


def _reshaped(node: Node, x: Value, target: Sequence[int]) -> Value:
    size, known = math.prod(x.shape), math.prod(extent for extent in target if extent != -1)
    if list(target).count(-1) == 1 and known > 0:
        target = [size // known if extent == -1 else extent for extent in target]
    if min(target, default=1) < 0 or math.prod(target) != size:
        raise node.corrupt(f'the shape {list(target)} does not hold the {size} elements of {x.shape}')
    return _moved(x, lambda array: array.reshape(tuple(target)))


def _moved(x: Value, move: Callable[[Any], Any]) -> Value:
    return x.rearranged(move) if isinstance(x, Tensor) else np.asarray(move(x))


HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        'Add': _operator('+'),
        'AveragePool': pool,
        'BatchNormalization': batch_normalization,
        'BipolarQuant': quantizer(read_bipolar),
        'Cast': cast,
        'Clip': clip,
        'Concat': concat,
        'Constant': constant,
        'Conv': convolution,
        'DequantizeLinear': dequantize_linear,
        'Div': _operator('/'),
        'Dropout': identity,
        'Flatten': flatten,
        'Gather': gather,
        'Gemm': gemm,
        'GlobalAveragePool': pool,
        'GlobalMaxPool': pool,
        'Identity': identity,
        'MatMul': matmul,
        'MaxPool': pool,
        'Mul': _operator('*'),
        'Pow': power,
        'Quant': quantizer(read_quant),
        'IntQuant': quantizer(read_quant),
        'QuantizeLinear': quantize_linear,
        'Relu': relu,
        'Reshape': reshape,
        'Shape': shape,
        'Sqrt': square_root,
        'Squeeze': squeeze,
        'Sub': _operator('-'),
        'Transpose': transpose,
        'Trunc': quantizer(read_trunc),
        'Unsqueeze': unsqueeze,
    }
)
QUANTIZERS = ('Quant', 'IntQuant', 'BipolarQuant', 'Trunc')  # of QONNX; those of ONNX itself have its domain
QUANTIZER_DOMAINS = ('qonnx.custom_op.general', 'finn.custom_op.general', 'onnx.brevitas')
