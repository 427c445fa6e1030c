"""What moves elements in ONNX, on constants and tensors alike; and the arithmetic of shapes that exporters leave."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core.frontends.onnx_model import Node
from da4ml_core.frontends.qonnx_tensor import Tensor

Array = NDArray[Any]
Value = Array | Tensor
Handler = Callable[[Node, Sequence[Value]], Value]

MAX_ELEMENTS = 1 << 24  # of a result; damaged files may ask for more than memory


def reshape(node: Node, values: Sequence[Value]) -> Value:
    x, target = values[0], [int(size) for size in constant_of(node, values[1])]
    if node.integer('allowzero', 0) == 0:
        target = [x.shape[axis] if size == 0 and axis < len(x.shape) else size for axis, size in enumerate(target)]
    return reshaped(node, x, target)


def flatten(node: Node, values: Sequence[Value]) -> Value:
    (x,) = count(node, values, 1)
    axis = node.integer('axis', 1) % (len(x.shape) + 1)
    return reshaped(node, x, [math.prod(x.shape[:axis]), math.prod(x.shape[axis:])])


def transpose(node: Node, values: Sequence[Value]) -> Value:
    (x,) = count(node, values, 1)
    axes = node.integers('perm') or list(range(len(x.shape)))[::-1]
    if sorted(axes) != list(range(len(x.shape))):
        raise node.corrupt(f'perm {axes} does not fit the shape {x.shape}')
    return moved(x, lambda array: array.transpose(axes))


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
    return reshaped(node, values[0], [1 if axis in places else next(sizes) for axis in range(rank)])


def squeeze(node: Node, values: Sequence[Value]) -> Value:
    shape = values[0].shape
    places = {axis % len(shape) for axis in _axes(node, values)}
    if not places:
        places = {axis for axis, size in enumerate(shape) if size == 1}
    return reshaped(node, values[0], [size for axis, size in enumerate(shape) if axis not in places])


def gather(node: Node, values: Sequence[Value]) -> Value:
    x, indices = count(node, values, 2)
    places, axis = constant_of(node, indices).astype(np.int64), node.integer('axis', 0)
    if not ((-x.shape[axis] <= places) & (places < x.shape[axis])).all():
        raise node.corrupt('an index is out of range')
    check_size(node, (*x.shape[:axis], *places.shape, *x.shape[axis:][1:]))
    return moved(x, lambda array: np.take(array, places, axis=axis))


def shape(node: Node, values: Sequence[Value]) -> Value:
    return np.array(values[0].shape, dtype=np.int64)


def slices(node: Node, values: Sequence[Value]) -> Value:
    """A range of each axis; parameters are attributes before opset 10, inputs since."""
    x = values[0]
    given = [node.integers(name) for name in ('starts', 'ends', 'axes')]
    inputs = [[int(n) for n in constant_of(node, value).reshape(-1)] for value in values[1:]]
    starts, ends, axes, steps = (*(inputs or [item for item in given if item is not None]), *[None] * 4)[:4]
    if starts is None or ends is None or len(starts) != len(ends):
        raise node.corrupt('it has no start and end for each axis')
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    if not len(axes) == len(steps) == len(starts) or 0 in steps:
        raise node.corrupt('its axes or steps do not fit its starts')
    ranges = [slice(None)] * len(x.shape)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        bounds = slice(start, end, step).indices(x.shape[axis])
        # an end in front of the first element is None to Python
        ranges[axis] = slice(bounds[0], None if bounds[1] < 0 else bounds[1], step)
    return moved(x, lambda array: array[tuple(ranges)])


def expand(node: Node, values: Sequence[Value]) -> Value:
    x, target = count(node, values, 2)
    shape = np.broadcast_shapes(x.shape, tuple(int(size) for size in constant_of(node, target)))
    check_size(node, shape)
    return x.broadcast(shape) if isinstance(x, Tensor) else np.broadcast_to(x, shape)


def constant_of_shape(node: Node, values: Sequence[Value]) -> Value:
    shape = tuple(int(size) for size in constant_of(node, *count(node, values, 1)))
    check_size(node, shape)
    value = node.attributes.get('value')
    filled = value.reshape(-1)[0] if isinstance(value, np.ndarray) and value.size == 1 else np.float32(0)
    return np.full(shape, filled)


def pad(node: Node, values: Sequence[Value]) -> Value:
    """Constants around a tensor; parameters are attributes before opset 11, inputs since."""
    x = values[0]
    if node.text('mode', 'constant') != 'constant' or len(values) > 3:
        raise node.unsupported('a Pad with a mode, or along chosen axes, is not supported', hint="mode 'constant'")
    given = node.integers('pads') if len(values) == 1 else [int(n) for n in constant_of(node, values[1])]
    filler = float(constant_of(node, values[2]).reshape(())) if len(values) == 3 else node.number('value', 0.0)
    rank = len(x.shape)
    if given is None or len(given) != 2 * rank or min(given) < 0:
        raise node.corrupt(f'its pads {given} are not two sizes for each of {rank} axes')
    widths = list(zip(given[:rank], given[rank:], strict=True))
    check_size(node, [extent + before + behind for extent, (before, behind) in zip(x.shape, widths, strict=True)])
    if not isinstance(x, Tensor):
        return np.pad(x, widths, constant_values=filler)
    if x.steps or x.base.is_external:
        raise node.unsupported('constants around what is not quantized are not supported', hint='a Quant in front')
    padded: Any = np.pad(x.base, widths, constant_values=filler)
    return Tensor(padded)


def reduced(function: Callable[..., Any]) -> Handler:
    def handler(node: Node, values: Sequence[Value]) -> Value:
        x = constant_of(node, values[0])
        axes = _axes(node, values) or list(range(x.ndim))
        return np.asarray(function(x, axis=tuple(axes), keepdims=bool(node.integer('keepdims', 1))), dtype=x.dtype)

    return handler


def of_constants(function: Callable[..., Any]) -> Handler:
    """Arithmetic that is only for shapes."""

    def handler(node: Node, values: Sequence[Value]) -> Value:
        constants = [constant_of(node, value) for value in values]
        check_size(node, np.broadcast_shapes(*(array.shape for array in constants)))
        return np.asarray(function(*constants))

    return handler


def arange(node: Node, values: Sequence[Value]) -> Value:
    start, stop, step = (constant_of(node, value).reshape(()) for value in count(node, values, 3))
    if not step:
        raise node.corrupt('its step is zero')
    check_size(node, (max(0, math.ceil((stop - start) / step)),))
    numbers: Array = np.arange(start.item(), stop.item(), step.item())
    return numbers.astype(start.dtype)


def check_size(node: Node, shape: Sequence[int]) -> None:
    """Raise CorruptModel for a result larger than that of any model, before it is made."""
    if math.prod(shape) > MAX_ELEMENTS:
        raise node.corrupt(f'its result would have the shape {tuple(shape)}')


def count(node: Node, values: Sequence[Value], expected: int) -> Sequence[Value]:
    """The inputs of a node that has as many."""
    if len(values) != expected:
        raise node.corrupt(f'it has {len(values)} inputs, not {expected}')
    return values


def constant_of(node: Node, value: Value) -> Array:
    """A parameter, which must be known."""
    if isinstance(value, Tensor):
        raise node.unsupported('a parameter that the model computes is not supported', hint='constant parameters')
    return value


def _axes(node: Node, values: Sequence[Value]) -> list[int]:
    given = node.integers('axes')  # an attribute before opset 13, an input since
    return given if given is not None else [int(axis) for value in values[1:] for axis in constant_of(node, value)]


def reshaped(node: Node, x: Value, target: Sequence[int]) -> Value:
    size, known = math.prod(x.shape), math.prod(extent for extent in target if extent != -1)
    if list(target).count(-1) == 1 and known > 0:
        target = [size // known if extent == -1 else extent for extent in target]
    if min(target, default=1) < 0 or math.prod(target) != size:
        raise node.corrupt(f'the shape {list(target)} does not hold the {size} elements of {x.shape}')
    return moved(x, lambda array: array.reshape(tuple(target)))


def moved(x: Value, move: Callable[[Any], Any]) -> Value:
    """The elements at other places."""
    return x.rearranged(move) if isinstance(x, Tensor) else np.asarray(move(x))


SHAPE_HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        'Concat': concat,
        'ConstantOfShape': constant_of_shape,
        'Equal': of_constants(np.equal),
        'Expand': expand,
        'Flatten': flatten,
        'Floor': of_constants(np.floor),
        'Gather': gather,
        'Pad': pad,
        'Range': arange,
        'ReduceProd': reduced(np.prod),
        'Reshape': reshape,
        'Shape': shape,
        'Slice': slices,
        'Squeeze': squeeze,
        'Transpose': transpose,
        'Unsqueeze': unsqueeze,
        'Where': of_constants(np.where),
    }
)
