"""Layers of several inputs, and sums: additions, products, extrema, contractions, concatenation."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from da4ml_core.errors import TraceError
from da4ml_core.frontends.layer_frame import (
    fixed_point,
    mean_of,
    quantize_input,
    quantize_inputs,
    quantize_output,
    symbolic,
)
from da4ml_core.frontends.saved_layer import SavedLayer

if TYPE_CHECKING:
    from da4ml_core.trace import SymbolicArray

Merge = Callable[[SavedLayer, list[Any]], 'SymbolicArray']


def quantized(merge: Merge) -> Merge:
    """A merge between the quantizers of its inputs and that of its output."""

    def apply(layer: SavedLayer, xs: list[Any]) -> SymbolicArray:
        return quantize_output(layer, _fitting(merge, layer, quantize_inputs(layer, list(xs))))

    return apply


def plain(merge: Merge) -> Merge:
    """A merge of Keras itself."""

    def apply(layer: SavedLayer, xs: list[Any]) -> SymbolicArray:
        return _fitting(merge, layer, [fixed_point(layer, x) for x in xs])

    return apply


def add(layer: SavedLayer, xs: list[Any]) -> SymbolicArray:
    return _of_all(np.add, xs)


def subtract(layer: SavedLayer, xs: list[Any]) -> SymbolicArray:
    if len(xs) != 2:
        raise layer.corrupt(f'it subtracts {len(xs)} inputs')
    return _of_all(np.subtract, xs)


def multiply(layer: SavedLayer, xs: list[Any]) -> SymbolicArray:
    return _of_all(np.multiply, xs)


def maximum(layer: SavedLayer, xs: list[Any]) -> SymbolicArray:
    return _of_all(np.maximum, xs)


def minimum(layer: SavedLayer, xs: list[Any]) -> SymbolicArray:
    return _of_all(np.minimum, xs)


def average(layer: SavedLayer, xs: list[Any]) -> SymbolicArray:
    averaged: SymbolicArray = mean_of(layer, _of_all(np.add, xs), np.array(len(xs)))
    return averaged


def average_pow2(layer: SavedLayer, xs: list[Any]) -> SymbolicArray:
    return _scaled(_of_all(np.add, xs), 2.0 ** round(math.log2(1 / len(xs))))


def concatenate(layer: SavedLayer, xs: list[Any]) -> SymbolicArray:
    return symbolic(np.concatenate(xs, axis=layer.axis(layer.options['axis'], xs[0].ndim)))


def dot(layer: SavedLayer, xs: list[Any]) -> SymbolicArray:
    """Keras's Dot: one axis of either input is summed over."""
    if layer.flag('normalize', False):
        raise layer.unsupported('normalize', ['normalize: false'])
    if len(xs) != 2:
        raise layer.corrupt(f'it multiplies {len(xs)} inputs')
    view = layer.options['axes']
    views = list(view) if view.is_list else [view, view]
    if len(views) != 2:
        raise view.error('axes must be one axis, or one for each input')
    first, second = (layer.axis(axis, x.ndim) for axis, x in zip(views, xs, strict=True))
    y = symbolic(np.tensordot(xs[0], xs[1], axes=([first], [second])))
    return y.reshape((1,)) if y.ndim == 0 else y


def einsum(layer: SavedLayer, xs: list[Any]) -> SymbolicArray:
    """A contraction of two inputs, each with the batch as its first axis."""
    return contract(layer, layer.options['equation'].text(), xs)


def contract(layer: SavedLayer, equation: str, xs: list[Any]) -> SymbolicArray:
    """``einsum(equation, *xs)``; raises UnsupportedLayer for equations that do not keep the batch in front."""
    text = equation.replace(' ', '')
    left, arrow, output = text.partition('->')
    terms = left.split(',')
    legal = arrow and len(terms) == len(xs) == 2 and output
    batch = output[:1] if not output.startswith('...') else '...'
    if not legal or not all(term.startswith(batch) for term in terms):
        raise layer.unsupported(f'the equation {equation!r}', ['ab,ac->abc: two terms, the batch first'])
    if batch != '...':
        if any(batch in term[1:] for term in (*terms, output)):
            raise layer.unsupported(f'the equation {equation!r}', ['ab,ac->abc: two terms, the batch first'])
        terms, output = [term[1:] for term in terms], output[1:]
    return symbolic(np.einsum(f'{",".join(terms)}->{output}', *xs))


def q_sum(layer: SavedLayer, x: Any) -> SymbolicArray:
    """A sum over axes, scaled by a power of two."""
    axes = tuple(layer.axis(axis, x.ndim) for axis in layer.options['axes'])
    count = math.prod(x.shape[axis] for axis in axes)
    if layer.class_name == 'QMeanPow2':
        scale = 2.0 ** round(math.log2(1 / count))
    else:
        scale = layer.options['scale'].number()
        if not scale > 0 or math.frexp(scale)[0] != 0.5:
            raise layer.corrupt(f'its scale {scale} is no power of two')
    total = np.sum(quantize_input(layer, x), axis=axes, keepdims=layer.flag('keepdims', False))
    return quantize_output(layer, _scaled(total, scale))


def _of_all(function: np.ufunc, xs: list[Any]) -> SymbolicArray:
    return symbolic(reduce(function, xs))


def _scaled(x: Any, scale: float) -> SymbolicArray:
    return symbolic(x * scale)


def _fitting(merge: Merge, layer: SavedLayer, xs: list[Any]) -> SymbolicArray:
    """The merge; raises CorruptModel for shapes that do not fit each other."""
    if not xs:
        raise layer.corrupt('it has no inputs')
    try:
        return merge(layer, xs)
    except (ValueError, IndexError, TraceError) as error:
        raise layer.corrupt(f'inputs of the shapes {[x.shape for x in xs]} do not fit: {error}') from None
