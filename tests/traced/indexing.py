"""Cases of indexing and assignment: by numbers, slices, arrays and masks, and by symbolic indices and conditions."""

from __future__ import annotations

import numpy as np

from da4ml_core.trace import take as take_constant
from traced.case import Draw, case


def key(d: Draw, shape):
    """A key of numpy's for an array."""
    form = d.integer(0, 6)
    if not shape or form == 0:
        return d.pick((Ellipsis, (), None, (Ellipsis, None)))
    if form == 1:
        return d.constant(shape[:1], integer=True, low=0, high=1) == 1
    if form == 2:
        return d.numpy().integers(-shape[0], shape[0], d.shape(least=1, most=2))
    if form == 3:
        mask = d.constant(shape, integer=True, low=0, high=1) == 1
        return mask if d.flag() else np.nonzero(mask)
    parts = [_part(d, extent) for extent in shape[: d.integer(1, len(shape))]]
    if d.integer(0, 3) == 0:
        parts.insert(d.integer(0, len(parts)), None)
    return tuple(parts)


def _part(d: Draw, extent):
    if d.integer(0, 2) == 0:
        return d.integer(-extent, extent - 1)
    step = d.pick((1, 2, -1))
    return slice(d.integer(-extent, extent), d.integer(-extent, extent) if d.flag() else None, step)


@case(name='getitem')
def getitem(d: Draw):
    shape = d.input(d.shape())
    place = key(d, shape)
    return lambda x: x[place]


@case(name='setitem')
def setitem(d: Draw):
    """Assignment to parts, with what else looks at the same elements."""
    shape = d.input(d.shape(least=1))
    place = key(d, shape)
    constant = d.constant()
    d.input(())
    symbolic, augmented = d.flag(), d.flag()

    def expression(x, y):
        view = x.reshape(-1)[::2]
        copy = x.copy()
        value = y if symbolic else constant
        if augmented:
            x[place] += value
        else:
            x[place] = value
        return x, view, copy

    return expression


@case(name='setitem of arrays')
def setitem_arrays(d: Draw):
    shape = d.input(d.shape(least=1))
    axis_first = d.integer(0, shape[0] - 1)
    d.input(shape[1:])

    def expression(x, y):
        x[axis_first] = y
        x[1:] = x[:-1]
        x.T[..., 0] -= 1
        return x

    return expression


@case(name='setitem by a condition')
def setitem_where(d: Draw):
    shape = d.input(d.shape(least=1))
    d.input(d.partner(shape))
    level, value = d.constant(), d.constant()
    leading = d.integer(0, len(shape) - 1)
    reach = (slice(None),) * (len(shape) - leading) + (0,) * leading

    def expression(x, y):
        view = x[::2]
        x[x[reach] < level] = value
        x[(x + y) > level] = 1
        return view, x

    return expression


@case(name='setitem by symbolic indices')
def setitem_at(d: Draw):
    shape = d.input(d.shape(least=1))
    indices = d.input(d.shape(most=1), integer=True, width=3)
    d.input(d.pick((indices + shape[1:], shape[1:], ())))
    size, value = shape[0], d.constant()

    def expression(x, i, y):
        view, places = x[::-1], np.clip(i, -size, size - 1)
        x[places] = y
        x[places] += value
        x[places] = x[-1]
        return x, view

    return expression


@case(name='iteration')
def iteration(d: Draw):
    shape = d.input(d.shape(least=1))

    def expression(x):
        total = x[0]
        start = total
        for row in x[1:]:
            total = total + row
        rows = [row * 2 for row in x]
        return total, start, np.stack(rows), len(x) * x, sum(x.reshape(-1)[number] for number in range(x.size))

    del shape
    return expression


@case(name='symbolic indices')
def symbolic_indices(d: Draw):
    shape = d.input(d.shape(least=1))
    d.input(d.shape(most=2), integer=True, width=4)
    size = shape[0]
    return lambda x, i: x[np.clip(i, -size, size - 1)]


@case(name='symbolic indices among others')
def symbolic_keys(d: Draw):
    """Symbolic indices on any axes, with slices, numbers, arrays, masks, new axes and ... between them."""
    shape = d.input(d.shape(least=2))
    common = d.pick(((), (2,), (2, 1)))
    d.input(common, integer=True, width=3)
    ndim = d.integer(1, len(shape))
    symbolic = d.integer(0, ndim - 1)
    place = d.integer(0, ndim)  # of what is put between, say ..., which stands for the axes left out
    parts = [None] * ndim
    between = d.pick((..., None, 0))
    behind = len(shape) - ndim + place if between is ... else place
    for axis, extent in enumerate((shape[:place] + shape[behind:])[:ndim]):
        form = d.integer(0, 4)
        if axis == symbolic or form == 0:
            parts[axis] = _clipped(extent)
        elif form == 1:
            parts[axis] = d.numpy().integers(-extent, extent, d.pick(((), (2,), (1,))))
        elif form == 2:
            parts[axis] = np.arange(extent) == d.integer(0, extent - 1)
        else:
            parts[axis] = _part(d, extent)
    if between != 0:
        parts.insert(place, between)

    def expression(x, i):
        return x[tuple(part(i) if callable(part) else part for part in parts)]

    return expression


def _clipped(extent):
    return lambda i: np.clip(i, -extent, extent - 1)


@case(np.take, take_constant)
def take(d: Draw):
    shape = d.input(d.shape(least=1, most=2, extent=5))
    axis = None if d.flag() else d.axis(len(shape))
    size = int(np.prod(shape)) if axis is None else shape[axis]
    if d.flag():
        mode = d.pick(('raise', 'wrap', 'clip'))
        low, high = (-size, size - 1) if mode == 'raise' else (-9, 9)
        places = d.constant(d.shape(most=2), integer=True, low=low, high=high)
        return d.pick((lambda x: np.take(x, places, axis, mode=mode), lambda x: x.take(places, axis, mode=mode)))
    d.input(d.shape(most=2), integer=True, width=4)
    constant = d.constant(shape)
    form = d.integer(0, 2)
    if form == 0:
        mode = d.pick(('wrap', 'clip'))
        return lambda x, i: np.take(x, i, axis, mode=mode)
    if form == 1:
        return lambda x, i: np.take(x, np.clip(i, -size, size - 1), axis)
    size = shape[0]
    return (
        lambda x, i: take_constant(constant, np.clip(i, -size, size - 1)),
        lambda x, i: constant[np.clip(i, -size, size - 1)],
    )


@case(np.take_along_axis)
def take_along_axis(d: Draw):
    shape = d.input(d.shape(least=1, most=2))
    axis = d.axis(len(shape))
    if d.flag():
        places = d.numpy().integers(0, shape[axis], shape)
        return lambda x: np.take_along_axis(x, places, axis)
    return (
        lambda x: np.take_along_axis(x, np.argsort(x, axis), axis) + np.take_along_axis(-x, np.argsort(-x, axis), axis),
        lambda x: np.sort(x, axis) + np.sort(-x, axis),
    )


@case(np.choose)
def choose(d: Draw):
    shape = d.input(d.shape())
    d.input(d.partner(shape), integer=True, width=2, signed=False)
    constant = d.constant(shape)
    return lambda x, i: np.choose(np.minimum(i, 3), [x, constant, -x, x * 2])
