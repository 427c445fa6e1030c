"""Cases of reductions, running reductions, sorting, statistics and counts, over axes, with masks and initial values."""

from __future__ import annotations

import math

import numpy as np

from traced.case import Draw, Expression, case


def method_or_function(d: Draw, name: str):
    if d.flag():
        return getattr(np, name)
    return lambda x, *args, **kwargs: getattr(x, name)(*args, **kwargs)


def options(d: Draw, shape, initial=None, where=True):
    """axis, keepdims, and the mask and initial value that the function takes."""
    kwargs = {'axis': d.axes(len(shape)), 'keepdims': d.flag()}
    if initial is not None and d.flag():
        kwargs['initial'] = initial
    if where and d.integer(0, 2) == 0 and ('initial' in kwargs or initial is None):
        kwargs['where'] = d.constant(d.partner(shape), integer=True, low=0, high=1) == np.int64(1)
    return kwargs


def reduced(name, initial, width=6, integer=False):
    def build(d: Draw) -> Expression:
        shape = d.input(d.shape(extent=5), integer, width=width)
        masked = name not in ('nanmax', 'nanmin')  # to numpy's own, what a mask leaves out may be NaN
        kwargs = options(d, shape, d.constant(integer=integer) if initial else None, masked)
        function = method_or_function(d, name) if hasattr(np.ndarray, name) else getattr(np, name)
        return lambda x: function(x, **kwargs)

    return build


for name in ('sum', 'max', 'min', 'nansum', 'nanmax', 'nanmin'):
    case(getattr(np, name), name=name)(reduced(name, initial=True))
for name in ('amax', 'amin'):
    case(getattr(np, name), name=name)(reduced(name, initial=True))
for name in ('prod', 'nanprod'):
    case(getattr(np, name), name=name)(reduced(name, initial=True, width=3))
for name in ('all', 'any'):
    case(getattr(np, name), name=name)(reduced(name, initial=False))


@case(name='symbolic masks')
def symbolic_masks(d: Draw):
    shape = d.input(d.shape())
    d.input(d.partner(shape))
    level, axis = d.constant(), d.axes(len(shape))
    return lambda x, y: (
        np.sum(x, axis=axis, where=y < level),
        np.max(x, axis=axis, where=y < level, initial=level),
        np.any(x, axis=axis, where=y < level),
        np.count_nonzero(y),
    )


REDUCERS = (
    *(np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logical_and, np.logical_or, np.logical_xor),
    *(np.bitwise_and, np.bitwise_or, np.bitwise_xor),
)


def is_bitwise(ufunc) -> bool:
    return ufunc.__name__.startswith('bitwise')


def reduce(ufunc):
    def build(d: Draw) -> Expression:
        shape = d.input(d.shape(least=1), is_bitwise(ufunc), width=3 if ufunc is np.multiply else 6)
        kwargs = {'axis': d.axis(len(shape)), 'keepdims': d.flag()} if d.flag() else {}
        return lambda x: ufunc.reduce(x, **kwargs)

    return build


def accumulate(ufunc):
    def build(d: Draw) -> Expression:
        shape = d.input(d.shape(least=1, extent=6), is_bitwise(ufunc), width=3 if ufunc is np.multiply else 6)
        axis = d.axis(len(shape))
        return lambda x: ufunc.accumulate(x, axis)

    return build


def reduceat(ufunc):
    def build(d: Draw) -> Expression:
        shape = d.input(d.shape(least=1, extent=6), is_bitwise(ufunc), width=3 if ufunc is np.multiply else 6)
        axis = d.axis(len(shape))
        places = [d.integer(0, shape[axis] - 1) for _ in range(d.integer(1, 4))]
        return lambda x: ufunc.reduceat(x, places, axis)

    return build


for ufunc in REDUCERS:
    case(('reduce', ufunc), name=f'{ufunc.__name__}.reduce')(reduce(ufunc))
    case(name=f'{ufunc.__name__}.reduceat')(reduceat(ufunc))
    if ufunc not in (np.logical_and, np.logical_or, np.logical_xor, np.fmax, np.fmin):
        case(('accumulate', ufunc), name=f'{ufunc.__name__}.accumulate')(accumulate(ufunc))


def running(name, width=6):
    def build(d: Draw) -> Expression:
        shape = d.input(d.shape(extent=6), width=width)
        axis = None if not shape or d.flag() else d.axis(len(shape))
        return lambda x: getattr(np, name)(x, axis)

    return build


for name in ('cumsum', 'nancumsum'):
    case(getattr(np, name), name=name)(running(name))
for name in ('cumprod', 'nancumprod'):
    case(getattr(np, name), name=name)(running(name, width=3))


@case(name='long running sums')
def long_running_sums(d: Draw):
    d.input((d.integer(30, 40),))
    return np.cumsum


def powers_of_two(d: Draw) -> tuple[int, ...]:
    return tuple(2 ** d.integer(0, 2) for _ in range(d.integer(0, 2)))


@case(np.mean, np.nanmean, np.average)
def mean(d: Draw):
    shape = d.input(powers_of_two(d))
    axis, keepdims = d.axes(len(shape)), d.flag()
    function = d.pick((np.mean, np.nanmean, np.average, lambda x, **kwargs: x.mean(**kwargs)))
    return lambda x: function(x, axis=axis, keepdims=keepdims)


@case(name='mean of some')
def mean_of_some(d: Draw):
    size = d.input((d.integer(2, 8),))[0]
    count = 2 ** d.integer(0, size.bit_length() - 1)
    mask = d.numpy().permutation(np.arange(size) < count)
    return lambda x: np.mean(x, where=mask)


@case(name='weighted average')
def weighted_average(d: Draw):
    shape = d.input(d.shape(least=1))
    axis = d.axis(len(shape)) if d.flag() else None
    count = shape[axis] if axis is not None else math.prod(shape)
    weights = d.numpy().integers(-4, 5, count)
    weights[-1] += 2 ** math.ceil(math.log2(abs(weights[:-1].sum()) + 1)) * 2 - weights.sum()
    weights = weights.reshape(shape if axis is None else -1)
    return lambda x: np.average(x, axis=axis, weights=weights)


@case(np.var, np.nanvar)
def variance(d: Draw):
    shape = d.input(powers_of_two(d), width=4)
    axis, keepdims = d.axes(len(shape)), d.flag()
    function = d.pick((np.var, np.nanvar, lambda x, **kwargs: x.var(**kwargs)))
    return lambda x: function(x, axis=axis, keepdims=keepdims)


@case(name='sample variance')
def sample_variance(d: Draw):
    d.input((2, d.integer(1, 3)), width=4)
    return lambda x: np.var(x, axis=0, ddof=1)


@case(np.ptp)
def ptp(d: Draw):
    shape = d.input(d.shape())
    axis, keepdims = d.axes(len(shape)), d.flag()
    return lambda x: np.ptp(x, axis=axis, keepdims=keepdims)


@case(np.argmax, np.argmin, np.nanargmax, np.nanargmin)
def extremum_places(d: Draw):
    shape = d.input(d.shape(), width=3)
    axis, keepdims = None if not shape or d.flag() else d.axis(len(shape)), d.flag()
    function = d.pick((np.argmax, np.argmin, np.nanargmax, np.nanargmin))
    return lambda x: function(x, axis=axis, keepdims=keepdims)


@case(np.median, np.nanmedian)
def median(d: Draw):
    shape = d.input(d.shape(extent=6))
    axis, keepdims = d.axes(len(shape)), d.flag()
    function = d.pick((np.median, np.nanmedian))
    return lambda x: function(x, axis=axis, keepdims=keepdims)


@case(np.sort)
def sort(d: Draw):
    shape = d.input(d.shape(least=1, extent=9))
    axis = None if d.flag() else d.axis(len(shape))
    kind = d.pick(('batcher', 'bitonic', None, 'stable'))
    return lambda x: np.sort(x, axis, kind), lambda x: np.sort(x, axis)


@case(np.argsort)
def argsort(d: Draw):
    shape = d.input(d.shape(least=1, extent=9), width=3)
    axis = None if d.flag() else d.axis(len(shape))
    kind = d.pick(('batcher', 'bitonic', None, 'stable'))
    return lambda x: np.argsort(x, axis, kind), lambda x: np.argsort(x, axis, 'stable')


@case(np.searchsorted)
def searchsorted(d: Draw):
    side = d.pick(('left', 'right'))
    edges = np.sort(d.constant((d.integer(1, 6),)))
    if d.flag():
        d.input(d.shape(most=2), width=d.pick((6, 10)))
        mixed = edges[d.numpy().permutation(len(edges))]
        order = np.argsort(mixed)
        return lambda x: np.searchsorted(mixed, x, side, order)
    if d.flag():
        d.input((len(edges),))
        value = d.constant(d.shape(most=2))
        return lambda a: np.searchsorted(np.sort(a), value, side)
    d.input(d.shape(most=2), width=d.pick((6, 10)))
    return d.pick((lambda x: np.searchsorted(edges, x, side=side), lambda x: np.searchsorted(edges, x, side)))


@case(np.digitize)
def digitize(d: Draw):
    d.input(d.shape(most=2), width=d.pick((6, 10)))
    edges = np.sort(d.constant((d.integer(1, 6),)))[:: d.pick((1, -1))]
    right = d.flag()
    return lambda x: np.digitize(x, edges, right)


@case(np.histogram)
def histogram(d: Draw):
    shape = d.input(d.shape(), width=d.pick((6, 10)))
    weights = d.constant(shape) if d.flag() else None
    if d.flag():
        edges = np.unique(d.constant((d.integer(2, 6),)))
        edges = edges if len(edges) > 1 else np.array([0.0, 1.0])
        return lambda x: np.histogram(x, edges, weights=weights)
    count, low = d.integer(1, 7), d.constant()
    bounds = low, low + d.integer(1, 9)
    return lambda x: np.histogram(x, bins=count, range=bounds, weights=weights)


@case(name='sums in bins')
def sums_in_bins(d: Draw):
    shape = d.input(d.shape(), width=d.pick((6, 10)))
    d.input(shape)
    d.input((d.integer(1, 6),), integer=True, width=3, signed=False)
    edges = np.unique([*d.constant((4,)), -1, 1])
    return lambda x, y, i: (
        np.histogram(x, edges, weights=y)[0],
        np.bincount(i, np.resize(y, i.shape), minlength=16),
    )


@case(np.bincount)
def bincount(d: Draw):
    shape = d.input((d.integer(1, 6),), integer=True, width=3, signed=False)
    weights = d.constant(shape) if d.flag() else None
    return lambda x: np.bincount(x, weights, minlength=16)


@case(np.count_nonzero, np.array_equal, np.isin)
def membership(d: Draw):
    shape = d.input(d.shape(), width=3)
    d.input(shape, width=3)
    values = d.constant((d.integer(1, 3),), integer=True)
    axis = d.axes(len(shape))
    return lambda x, y: (
        np.array_equal(x, y) | np.False_ if shape else x == y,
        np.isin(x, values),
        np.isin(y, values, invert=True),
        np.count_nonzero(x, axis=axis),
    )


@case(np.linalg.norm, np.linalg.vector_norm if hasattr(np.linalg, 'vector_norm') else 'vector_norm')
def norms(d: Draw):
    shape = d.input(d.shape(least=1))
    order, axis = d.pick((1, np.inf, -np.inf)), d.axis(len(shape))
    if d.flag() or not hasattr(np.linalg, 'vector_norm'):
        return lambda x: np.linalg.norm(x, order, axis)
    axis, keepdims = d.pick((axis, None)), d.flag()
    return lambda x: np.linalg.vector_norm(x, ord=order, axis=axis, keepdims=keepdims)
