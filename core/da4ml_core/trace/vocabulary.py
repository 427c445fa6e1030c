"""The numpy functions that have a meaning on symbolic arrays, with what computes them; and the ways round others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from da4ml_core.fixed import Rounding
from da4ml_core.ir.opcode import BitFunction
from da4ml_core.trace import (
    bits,
    composed,
    contractions,
    division,
    indexing,
    ordering,
    products,
    rearrangement,
    selection,
)
from da4ml_core.trace import statistics as counts
from da4ml_core.trace.einsum import einsum
from da4ml_core.trace.graph import Graph
from da4ml_core.trace.linear_algebra import LINEAR_ALGEBRA
from da4ml_core.trace.operands import Handler, handler
from da4ml_core.trace.reductions import ALL, ANY, accumulation, reduction
from da4ml_core.trace.selection import ONE, ZERO
from da4ml_core.trace.variable import Variable

_DATA_DEPENDENT = 'how many elements it gives depends on the data: np.where(condition, x, y) keeps the shape'
_ASSIGN = 'assign: x[index] = value, or x = np.where(condition, value, x)'
ALTERNATIVES: Mapping[str, str] = {
    **dict.fromkeys(('where', 'nonzero', 'flatnonzero', 'argwhere', 'trim_zeros'), _DATA_DEPENDENT),
    **dict.fromkeys(
        ('unique', 'union1d', 'intersect1d', 'setdiff1d', 'setxor1d'), f'{_DATA_DEPENDENT}, so does np.sort'
    ),
    **dict.fromkeys(('copyto', 'put', 'place', 'putmask', 'fill_diagonal', 'put_along_axis'), _ASSIGN),
    **dict.fromkeys(('percentile', 'quantile', 'nanpercentile', 'nanquantile', 'partition'), 'np.sort, and an index'),
    **dict.fromkeys(('isclose', 'allclose'), 'abs(a - b) <= tolerance, with a tolerance in fixed point'),
    **dict.fromkeys(
        ('inv', 'solve', 'pinv', 'lstsq', 'det'), 'only constant matrices can be inverted: x @ np.linalg.inv(a)'
    ),
    **dict.fromkeys(
        ('fft', 'rfft', 'ifft', 'irfft'), 'multiply by the real and imaginary part of a constant DFT matrix'
    ),
    **dict.fromkeys(
        ('array2string', 'array_str', 'array_repr', 'save', 'savez', 'savetxt'),
        'finish the program: it prints and saves',
    ),
    **dict.fromkeys(
        ('true_divide', 'divide', 'floor_divide', 'remainder', 'fmod'),
        'multiply by the quantized reciprocal, (1 / y).quantize(...)',
    ),
    'hypot': 'np.sqrt(x * x + y * y).quantize(...)',
    'arctan2': 'np.arctan(y * (1 / x).quantize(...)).quantize(...), and the signs by np.where',
    'argpartition': 'np.argsort, and an index',
    'lexsort': 'np.argsort of one key: primary * 2**n + secondary',
    **dict.fromkeys(('cov', 'corrcoef'), 'np.mean of products, less the product of means'),
    'add.at': 'np.bincount(index, weights, minlength) sums by index',
    'piecewise': 'np.select(conditions, choices)',
    **dict.fromkeys(
        ('power', 'float_power'), 'a constant exponent, or np.exp(y * np.log(x).quantize(...)).quantize(...)'
    ),
    'gcd': 'da4ml_core.trace.table',
    'lcm': 'da4ml_core.trace.table',
    'logaddexp': 'np.log(s).quantize(...) of a quantized sum of exponentials',
    'astype': '.quantize(...)',
}


def _resolved(entries: Mapping[str, Any]) -> dict[Callable[..., Any], Any]:
    """A table by numpy's functions of one by their names; what this version of numpy does not have is left out."""
    found = {}
    for name, entry in entries.items():
        function: Any = np
        for part in name.split('.'):
            function = getattr(function, part, None)
        if function is not None:
            found[function] = entry
    return found


def _negated(function: Callable[[Graph, Variable, Variable], Variable]) -> Handler:
    return handler(lambda graph, a, b: selection.negation(function(graph, a, b)))


def _constant(number: Variable) -> Handler:
    return handler(lambda graph, a: number)


_MAXIMUM, _MINIMUM = reduction(selection.maximum), reduction(selection.minimum)
_AND, _OR, _XOR = (bits.bitwise(function) for function in (BitFunction.AND, BitFunction.OR, BitFunction.XOR))
_MINUS_ONE = Variable(constant=(-1, 0))
UFUNCS: Mapping[Callable[..., Any], Handler] = _resolved(
    {
        'add': handler(lambda graph, a, b: graph.add(a, b)),
        'subtract': handler(selection.difference),
        'negative': handler(lambda graph, a: a.scaled(0, True)),
        'positive': handler(lambda graph, a: a),
        'conjugate': handler(lambda graph, a: a),
        'multiply': products.multiply,
        'true_divide': division.divide,
        'floor_divide': division.floor_divide,
        'remainder': division.remainder,
        'fmod': division.fmod,
        'divmod': division.divmod_,
        'modf': division.modf,
        'square': products.square,
        'power': products.power,
        'float_power': products.power,
        'matmul': contractions.matmul,
        'vecdot': contractions.vecdot,
        'matvec': contractions.matvec,
        'vecmat': contractions.vecmat,
        'maximum': handler(selection.maximum),
        'minimum': handler(selection.minimum),
        'fmax': handler(selection.maximum),
        'fmin': handler(selection.minimum),
        'absolute': handler(selection.absolute),
        'fabs': handler(selection.absolute),
        'sign': handler(selection.sign),
        'signbit': handler(lambda graph, a: selection.less(graph, a, ZERO)),
        'copysign': handler(selection.copysign),
        'heaviside': handler(selection.heaviside),
        'less': handler(selection.less),
        'greater': handler(lambda graph, a, b: selection.less(graph, b, a)),
        'greater_equal': _negated(selection.less),
        'less_equal': _negated(lambda graph, a, b: selection.less(graph, b, a)),
        'not_equal': handler(selection.unequal),
        'equal': _negated(selection.unequal),
        'logical_not': handler(lambda graph, a: selection.negation(selection.nonzero(graph, a))),
        'logical_and': handler(selection.logical_and),
        'logical_or': handler(selection.logical_or),
        'logical_xor': handler(selection.logical_xor),
        'isnan': _constant(ZERO),
        'isinf': _constant(ZERO),
        'isfinite': _constant(ONE),
        'bitwise_and': handler(_AND),
        'bitwise_or': handler(_OR),
        'bitwise_xor': handler(_XOR),
        'invert': handler(bits.invert),
        'left_shift': bits.shift(left=True),
        'right_shift': bits.shift(left=False),
        'ldexp': bits.scale,
        'bitwise_count': bits.count,
        'floor': handler(selection.rounded(Rounding.TRN)),
        'ceil': handler(selection.ceil),
        'rint': handler(selection.rounded(Rounding.RND_CONV)),
        'trunc': handler(selection.rounded(Rounding.TRN_ZERO)),
    }
)
REDUCTIONS: Mapping[Callable[..., Any], Handler] = {
    np.add: products.sum_array,
    np.multiply: products.product,
    np.maximum: _MAXIMUM,
    np.minimum: _MINIMUM,
    np.fmax: _MAXIMUM,
    np.fmin: _MINIMUM,
    np.logical_and: ALL,
    np.logical_or: ANY,
    np.logical_xor: reduction(selection.logical_xor, ZERO, selection.nonzero),
    np.bitwise_and: reduction(_AND, _MINUS_ONE),
    np.bitwise_or: reduction(_OR, ZERO),
    np.bitwise_xor: reduction(_XOR, ZERO),
}
ACCUMULATIONS: Mapping[Callable[..., Any], Handler] = {
    np.add: products.cumulative_sum,
    np.multiply: products.cumulative_product,
    np.maximum: accumulation(selection.maximum, 0),
    np.minimum: accumulation(selection.minimum, 0),
    np.bitwise_and: accumulation(_AND, 0),
    np.bitwise_or: accumulation(_OR, 0),
    np.bitwise_xor: accumulation(_XOR, 0),
}
FUNCTIONS: Mapping[Callable[..., Any], Handler] = _resolved(
    {
        **dict.fromkeys(('sum', 'nansum'), products.sum_array),
        **dict.fromkeys(('mean', 'nanmean'), products.mean),
        **dict.fromkeys(('prod', 'nanprod'), products.product),
        **dict.fromkeys(('cumsum', 'nancumsum'), products.cumulative_sum),
        **dict.fromkeys(('cumprod', 'nancumprod'), products.cumulative_product),
        **dict.fromkeys(('max', 'amax', 'nanmax'), _MAXIMUM),
        **dict.fromkeys(('min', 'amin', 'nanmin'), _MINIMUM),
        **dict.fromkeys(('argmax', 'nanargmax'), ordering.arg_extremum(largest=True)),
        **dict.fromkeys(('argmin', 'nanargmin'), ordering.arg_extremum(largest=False)),
        **dict.fromkeys(('median', 'nanmedian'), ordering.median),
        'all': ALL,
        'any': ANY,
        'dot': contractions.dot,
        'vdot': contractions.vdot,
        'inner': contractions.inner,
        'outer': contractions.outer,
        'tensordot': contractions.tensordot,
        'einsum': einsum,
        'kron': contractions.kron,
        'cross': contractions.cross,
        'trace': contractions.trace,
        'convolve': contractions.convolve,
        'correlate': contractions.correlate,
        'clip': selection.clip,
        'where': selection.where,
        'select': selection.select,
        'choose': indexing.choose,
        'take_along_axis': indexing.take_along_axis,
        'take': indexing.take,
        'fix': handler(selection.rounded(Rounding.TRN_ZERO)),
        'sort': ordering.sort,
        'argsort': ordering.argsort,
        'searchsorted': counts.searchsorted,
        'digitize': counts.digitize,
        'histogram': counts.histogram,
        'bincount': counts.bincount,
        'pad': ordering.pad,
        'triu': rearrangement.picked(np.triu),
        'tril': rearrangement.picked(np.tril),
        'diag': rearrangement.picked(np.diag),
        'diagflat': rearrangement.picked(np.diagflat),
        'extract': rearrangement.extract,
        'compress': rearrangement.compress,
        'append': rearrangement.append,
        'insert': rearrangement.insert,
        'zeros_like': rearrangement.filled(0),
        'ones_like': rearrangement.filled(1),
        'empty_like': rearrangement.filled(0),
        'full_like': rearrangement.full_like,
    }
)
COMPOSED: Mapping[Callable[..., Any], Callable[..., Any]] = _resolved({**composed.COMPOSED, **LINEAR_ALGEBRA})
REARRANGEMENTS = frozenset(_resolved(dict.fromkeys(rearrangement.REARRANGEMENTS)))
