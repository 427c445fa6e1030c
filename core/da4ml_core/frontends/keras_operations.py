"""Functions of keras.ops that a Functional model was built with: each is a node with arguments of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from da4ml_core.errors import TraceError
from da4ml_core.frontends.json_view import JsonView
from da4ml_core.frontends.keras_merges import contract
from da4ml_core.frontends.layer_frame import fixed_point, mean_of, rectify
from da4ml_core.frontends.saved_layer import MAX_ELEMENTS, SavedLayer, describe

if TYPE_CHECKING:
    from da4ml_core.trace import SymbolicArray

Operation = Callable[[SavedLayer, list[Any]], Any]  # of the arguments of the call, tensors among them
Read = Callable[[JsonView], Any]  # the tensor of a serialized one


def operate(layer: SavedLayer, call: JsonView, read: Read) -> Any:
    """The result of one call; raises UnsupportedLayer for arguments without a meaning here."""
    if call['kwargs'].members():
        raise layer.unsupported(f'arguments by name ({", ".join(call["kwargs"].members())})', ['arguments in order'])
    arguments = [_argument(layer, view, read) for view in call['args']]
    try:
        return OPERATIONS[layer.class_name](layer, arguments)
    except (ValueError, IndexError, TypeError, TraceError) as error:
        raise layer.corrupt(f'its arguments do not fit: {error}') from None


def _argument(layer: SavedLayer, view: JsonView, read: Read) -> Any:
    if view.is_list:
        return [_argument(layer, item, read) for item in view]
    if not view.is_object:
        return view.value
    kind = view['class_name'].text()
    if kind == '__keras_tensor__':
        return read(view)
    if kind == '__slice__':
        ends = [view['config'].find(name) for name in ('start', 'stop', 'step')]
        return slice(*(None if end is None else end.integer() for end in ends))
    raise layer.unsupported(f'an argument of the kind {kind!r}', ['tensors, numbers, slices'])


def _elementwise(function: Callable[..., Any]) -> Operation:
    def apply(layer: SavedLayer, arguments: list[Any]) -> Any:
        operands = []
        for argument in arguments:
            if isinstance(argument, list | bool) or argument is None:
                raise layer.unsupported(f'the operand {describe(argument)}', ['tensors and numbers'])
            if isinstance(argument, int | float) and float(np.float32(argument)) != argument:
                raise layer.unsupported(f'the constant {argument!r}, which float32 rounds,', ['a float32 number'])
            operands.append(argument if isinstance(argument, int | float) else fixed_point(layer, argument))
        return function(*operands)

    return apply


def _reduction(function: Callable[..., Any]) -> Operation:
    def apply(layer: SavedLayer, arguments: list[Any]) -> Any:
        (x,) = arguments
        axes = _axes(layer, 'axis', x)
        return function(fixed_point(layer, x), axis=axes, keepdims=layer.flag('keepdims', False))

    return apply


def _mean(layer: SavedLayer, arguments: list[Any]) -> Any:
    (x,) = arguments
    axes = _axes(layer, 'axis', x)
    total = np.sum(fixed_point(layer, x), axis=axes, keepdims=layer.flag('keepdims', False))
    return mean_of(layer, total, np.array(prod(x.shape[axis] for axis in axes)))


def _axes(layer: SavedLayer, option: str, x: SymbolicArray) -> tuple[int, ...]:
    view = layer.options.find(option)
    if view is None:
        raise layer.unsupported('an operation along all axes, the batch among them', ['an axis'])
    return tuple(layer.axis(axis, x.ndim) for axis in (view if view.is_list else [view]))


def _along(function: Callable[..., Any], several: bool) -> Operation:
    """A function of a tensor, or of a list of them, and one axis of the configuration."""

    def apply(layer: SavedLayer, arguments: list[Any]) -> Any:
        (x,) = arguments
        if several and not isinstance(x, list):
            raise layer.corrupt('it joins no list of tensors')
        arrays = [fixed_point(layer, item) for item in x] if several else [x]
        ndim = arrays[0].ndim + (function in (np.stack, np.expand_dims))
        axis = layer.axis(layer.options['axis'], ndim)
        return function(arrays if several else x, axis=axis)

    return apply


def _reshape(layer: SavedLayer, arguments: list[Any]) -> Any:
    (x,) = arguments
    shape = [-1 if size.is_null else size.integer() for size in layer.options['newshape']]
    return x.reshape(tuple(shape[1:]) if shape[1:] else (-1,))


def _transpose(layer: SavedLayer, arguments: list[Any]) -> Any:
    (x,) = arguments
    order = [axis.integer() for axis in layer.options['axes']]
    if not order or order[0] != 0:
        raise layer.unsupported('a transposition of the batch axis', ['axes that begin with 0'])
    return x.transpose(*(layer.axis_number(axis, x.ndim) for axis in order[1:]))


def _move(layer: SavedLayer, arguments: list[Any]) -> Any:
    (x,) = arguments
    names = ('source', 'destination') if layer.class_name == 'Moveaxis' else ('axis1', 'axis2')
    first, second = (_axes(layer, name, x) for name in names)
    return np.moveaxis(x, first, second) if layer.class_name == 'Moveaxis' else np.swapaxes(x, first[0], second[0])


def _item(layer: SavedLayer, arguments: list[Any]) -> Any:
    x, key = arguments
    keys = key if isinstance(key, list) else [key]
    if not keys or keys[0] != slice(None):
        raise layer.unsupported('an index into the batch axis', ['x[:, ...]'])
    if any(isinstance(part, bool) or not isinstance(part, int | slice) for part in keys):
        raise layer.unsupported(f'the index {describe(keys)}', ['integers and slices'])
    return x[tuple(keys[1:])]


def _repeat(layer: SavedLayer, arguments: list[Any]) -> Any:
    (x,) = arguments
    (axis,) = _axes(layer, 'axis', x)
    times = layer.pair('repeats', 1)[0]
    if times * x.size > MAX_ELEMENTS:
        raise layer.corrupt(f'it repeats an input of {x.shape} {times} times')
    return np.repeat(x, times, axis=axis)


def _clip(layer: SavedLayer, arguments: list[Any]) -> Any:
    (x,) = arguments
    return np.clip(fixed_point(layer, x), layer.options['x_min'].number(), layer.options['x_max'].number())


def _matmul(layer: SavedLayer, arguments: list[Any]) -> Any:
    x, y = arguments
    if min(x.ndim, y.ndim) < 2:
        raise layer.unsupported('a product of vectors', ['tensors of three axes, the batch among them'])
    return fixed_point(layer, x) @ fixed_point(layer, y)


def _einsum(layer: SavedLayer, arguments: list[Any]) -> Any:
    operands = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], list) else arguments
    return contract(layer, layer.options['subscripts'].text(), [fixed_point(layer, x) for x in operands])


OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        'Add': _elementwise(np.add),
        'Subtract': _elementwise(np.subtract),
        'Multiply': _elementwise(np.multiply),
        'Maximum': _elementwise(np.maximum),
        'Minimum': _elementwise(np.minimum),
        'Negative': _elementwise(np.negative),
        'Absolute': _elementwise(np.absolute),
        'Abs': _elementwise(np.absolute),
        'Sum': _reduction(np.sum),
        'Mean': _mean,
        'Max': _reduction(np.max),
        'Min': _reduction(np.min),
        'Concatenate': _along(np.concatenate, True),
        'Stack': _along(np.stack, True),
        'ExpandDims': _along(np.expand_dims, False),
        'Squeeze': _along(np.squeeze, False),
        'Flip': _along(np.flip, False),
        'Reshape': _reshape,
        'Transpose': _transpose,
        'Moveaxis': _move,
        'Swapaxes': _move,
        'GetItem': _item,
        'Repeat': _repeat,
        'Clip': _clip,
        'Matmul': _matmul,
        'Einsum': _einsum,
        'Relu': lambda layer, arguments: rectify(layer, *arguments),
    }
)
