"""Layers that move, repeat or rectify elements: no arithmetic but that of a slope."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from da4ml_core.frontends.layer_frame import activate, check_exact, fixed_point, rectify, symbolic
from da4ml_core.frontends.saved_layer import MAX_ELEMENTS, MAX_SIZE, SavedLayer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from da4ml_core.trace import SymbolicArray


def flatten(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    order = layer.options.find('data_format')
    if order is not None and order.text() != 'channels_last':
        raise layer.unsupported(f'data_format {order.text()!r}', ['channels_last'])
    return x.reshape((x.size,))


def reshape(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    target = [size.integer() for size in layer.options['target_shape']]
    known = math.prod(size for size in target if size != -1)
    if target.count(-1) == 1 and known > 0:
        target[target.index(-1)] = x.size // known
    if min(target, default=1) < 0 or math.prod(target) != x.size:
        raise layer.corrupt(f'its target_shape {target} does not hold the {x.size} elements of {x.shape}')
    return x.reshape(tuple(target))


def activation(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    return activate(layer, x)


def relu_layer(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """A ReLU, with its slope, threshold and cap where they are exact in float32."""
    slope, threshold = _number(layer, 'negative_slope', 0.0), _number(layer, 'threshold', 0.0)
    y = _leaky(layer, x, np.asarray(slope), threshold) if slope or threshold else rectify(layer, x)
    top = layer.options.find('max_value')
    if top is None:
        return y
    return symbolic(np.minimum(y, top.number()))


def leaky_relu(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    return _leaky(layer, x, np.asarray(layer.options['negative_slope'].number()), 0.0)


def p_relu(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """A slope of its own for each element, or shared along axes."""
    view = layer.options.find('shared_axes')
    shared = {layer.axis(axis, x.ndim) for axis in view} if view is not None else set()
    shape = tuple(1 if axis in shared else size for axis, size in enumerate(x.shape))
    slopes = layer.variables({'alpha': shape})['alpha']
    return _leaky(layer, x, slopes.astype(np.float64), 0.0)


def identity(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """Layers that act in training only."""
    return x


def permute(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    axes = [axis.integer() - 1 for axis in layer.options['dims']]
    if sorted(axes) != list(range(x.ndim)):
        raise layer.corrupt(f'its dims {[axis + 1 for axis in axes]} are no order of {x.ndim} axes')
    return x.transpose(*axes)


def repeat_vector(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    times = layer.options['n'].integer()
    if x.ndim != 1 or not 1 <= times <= MAX_SIZE or times * x.size > MAX_ELEMENTS:
        raise layer.corrupt(f'it repeats an input of {x.shape} {times} times')
    return symbolic(np.broadcast_to(x, (times, x.size)))


def _leaky(layer: SavedLayer, x: Any, slope: NDArray[np.float64], threshold: float) -> SymbolicArray:
    fixed_point(layer, x)
    for number in (*np.asarray(slope).flat, threshold):
        if float(np.float32(number)) != float(number):
            raise layer.unsupported(
                f'a slope or threshold {float(number)!r}, which float32 rounds,', ['a float32 number']
            )
    check_exact(layer, x, np.asarray(slope, dtype=np.float64).reshape(-1, 1).max(axis=0, keepdims=True), np.zeros(1))
    below = (x - threshold) * slope
    return symbolic(np.where(x >= threshold, x, below))


def _number(layer: SavedLayer, option: str, default: float) -> float:
    view = layer.options.find(option)
    return default if view is None else view.number()
