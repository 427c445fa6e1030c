"""Cases of functions that move elements: shapes, stacks, pieces, repeats, padding, triangles, insertions."""

from __future__ import annotations

import numpy as np

from traced.case import Draw, case


@case(np.reshape, np.ravel, np.resize, np.squeeze, np.expand_dims, np.atleast_1d, np.atleast_2d, np.atleast_3d)
def shapes(d: Draw):
    shape = d.input(d.shape())
    size = int(np.prod(shape))
    factor = d.pick([n for n in range(1, size + 1) if size % n == 0])
    axis = d.integer(0, len(shape))
    return d.pick(
        (
            lambda x: np.reshape(x, (factor, -1)),
            lambda x: x.reshape(-1, factor),
            lambda x: x.reshape((factor, size // factor, 1)),
            np.ravel,
            lambda x: x.flatten(),
            lambda x: np.resize(x, (2, factor)),
            lambda x: np.squeeze(x[None, ..., None]),
            lambda x: np.expand_dims(x, axis),
            lambda x: [np.atleast_1d(x), np.atleast_2d(x), np.atleast_3d(x)],
            lambda x: x[..., None].squeeze(),
        )
    )


@case(np.transpose, np.moveaxis, np.rollaxis, np.swapaxes, np.rot90, np.flip, np.fliplr, np.flipud, np.roll)
def turns(d: Draw):
    shape = d.input(d.shape(least=2))
    order = [int(axis) for axis in d.numpy().permutation(len(shape))]
    first, second, count = d.axis(len(shape)), d.axis(len(shape)), d.integer(-3, 3)
    axes = d.axes(len(shape))
    return d.pick(
        (
            lambda x: np.transpose(x, order),
            lambda x: x.transpose(order),
            lambda x: x.T,
            lambda x: np.moveaxis(x, first, second),
            lambda x: np.moveaxis(x, (0, 1), (-1, 0)),
            lambda x: np.rollaxis(x, first),
            lambda x: np.swapaxes(x, first, second),
            lambda x: x.swapaxes(first, second),
            lambda x: np.rot90(x, count),
            lambda x: np.flip(x, axes),
            np.fliplr,
            np.flipud,
            lambda x: np.roll(x, count, axes),
        )
    )


if hasattr(np, 'permute_dims'):

    @case(np.permute_dims, np.matrix_transpose, np.unstack, np.linalg.diagonal, np.linalg.matrix_transpose)
    def standard_names(d: Draw):
        shape = d.input(d.shape(least=2))
        axis = d.axis(len(shape))
        return lambda x: [
            np.permute_dims(x),
            np.matrix_transpose(x),
            *np.unstack(x, axis=axis),
            np.linalg.diagonal(x),
            np.linalg.matrix_transpose(x),
        ]


@case(np.broadcast_to, np.broadcast_arrays, np.meshgrid, np.repeat, np.tile)
def repeats(d: Draw):
    shape = d.input(d.shape())
    d.input(d.partner(shape))
    axis = d.axis(len(shape)) if shape else None
    count, counts = d.integer(1, 3), [d.integer(1, 2) for _ in range(d.integer(1, 2))]
    return d.pick(
        (
            lambda x, y: np.broadcast_to(x, (2, *shape)),
            np.broadcast_arrays,
            lambda x, y: np.meshgrid(x.ravel()[:2], y.ravel()[:2], [1, 2]),
            lambda x, y: np.repeat(x, count, axis),
            lambda x, y: x.repeat(count),
            lambda x, y: np.tile(y, counts),
        )
    )


@case(np.concatenate, np.stack, np.vstack, np.hstack, np.dstack, np.column_stack, np.block, np.append)
def joins(d: Draw):
    shape = d.input(d.shape(least=1, most=2))
    d.input(shape)
    axis, constant, number = d.axis(len(shape)), d.constant(shape), d.constant()
    return d.pick(
        (
            lambda x, y: np.concatenate([x, constant, y], axis),
            lambda x, y: np.concatenate((x, y), axis=None),
            lambda x, y: np.stack([x, y, constant], axis),
            lambda x, y: np.vstack([constant, x]),
            lambda x, y: np.hstack([x, y]),
            lambda x, y: np.dstack([x, y, constant]),
            lambda x, y: np.column_stack([x, y]),
            lambda x, y: np.block([[x, y], [y, constant]]),
            lambda x, y: np.append(x, y, axis),
            lambda x, y: np.append(constant, x),
            lambda x, y: np.append(x, [number, 1]),
            lambda x, y: np.stack([x < y, y == x]),
        )
    )


@case(np.split, np.array_split, np.vsplit, np.hsplit, np.dsplit)
def pieces(d: Draw):
    d.input((2, 4, 2))
    count, axis = d.integer(1, 5), d.axis(3)
    cuts = sorted(d.integer(0, 4) for _ in range(2))
    return d.pick(
        (
            lambda x: np.array_split(x, count, axis),
            lambda x: np.split(x, cuts, axis),
            lambda x: np.split(x, 2, axis),
            lambda x: np.vsplit(x, 2),
            lambda x: np.hsplit(x, 4),
            lambda x: np.dsplit(x, [1]),
        )
    )


@case(np.pad)
def pad(d: Draw):
    shape = d.input(d.shape(least=1, most=2))
    widths = d.pick((2, (1, 2), [(d.integer(0, 2), d.integer(0, 2)) for _ in shape]))
    mode = d.pick(('constant', 'edge', 'reflect', 'symmetric', 'wrap'))
    if mode != 'constant':
        return lambda x: np.pad(x, widths, mode)
    values = d.pick((0, d.constant(), (1, d.constant()), [(d.constant(), d.constant()) for _ in shape]))
    return lambda x: np.pad(x, widths, constant_values=values)


@case(np.triu, np.tril, np.diag, np.diagflat, np.diagonal)
def triangles(d: Draw):
    shape = d.input(d.shape(least=2))
    offset = d.integer(-1, 1)
    offset = offset if np.diagonal(np.zeros(shape), offset).size else 0
    return d.pick(
        (
            lambda x: np.triu(x, offset),
            lambda x: np.tril(x, offset),
            lambda x: np.diag(x.reshape(-1), offset),
            lambda x: np.diag(x.reshape(shape[0], -1)),
            lambda x: np.diagflat(x, offset),
            lambda x: np.diagonal(x, offset),
            lambda x: x.diagonal(0, -2, -1),
        )
    )


@case(np.extract, np.compress, np.delete, np.insert)
def picks(d: Draw):
    shape = d.input(d.shape(least=1, most=2))
    axis, number = d.axis(len(shape)), d.constant()
    extent = shape[axis]
    kept = d.constant((extent,), integer=True, low=0, high=1) == 1
    kept[d.integer(0, extent - 1)] = True
    mask = d.constant(shape, integer=True, low=0, high=1) == 1
    mask.reshape(-1)[0] = True
    place = d.integer(0, extent - 1)
    d.input(())
    return d.pick(
        (
            lambda x, y: np.extract(mask, x),
            lambda x, y: np.compress(kept, x, axis),
            lambda x, y: np.delete(x, place, axis),
            lambda x, y: np.insert(x, place, y, axis),
            lambda x, y: np.insert(x, place, number),
            lambda x, y: np.insert(x, [0, place], [number, 2]),
        )
    )


@case(np.zeros_like, np.ones_like, np.full_like, np.empty_like)
def likes(d: Draw):
    """Arrays of constants, to be filled."""
    shape = d.input(d.shape(least=1))
    make = d.pick((np.zeros_like, np.ones_like, np.empty_like, lambda x: np.full_like(x, x[-1:])))

    def expression(x):
        y = make(x)
        y[: shape[0] // 2] = 2 * x[shape[0] - shape[0] // 2 :]
        y[shape[0] // 2 :] += x[shape[0] // 2 :] if make is not np.empty_like else 0
        if make is np.empty_like:
            y[shape[0] // 2 :] = 1
        return y

    return expression


@case(np.apply_along_axis, np.apply_over_axes, np.shape, np.size, np.ndim)
def along_axes(d: Draw):
    shape = d.input(d.shape(least=1))
    axis, scale = d.integer(-len(shape), len(shape) - 1), d.pick((1, 2))
    axes = d.pick((axis, [axis]))
    function = d.pick((lambda v, s: s * v.sum(), lambda v, s: s * v[::-1], lambda v, s: np.outer(v, v[:2])))
    return lambda x: (
        np.apply_along_axis(function, axis, x, scale),
        np.apply_over_axes(np.sum, x, axes),
        x * (len(np.shape(x)) + np.size(x) + np.size(x, axis) + np.ndim(x)),
    )


@case(np.lib.stride_tricks.sliding_window_view)
def windows(d: Draw):
    shape = d.input(d.shape(least=1))
    axis = d.axis(len(shape))
    size = d.integer(1, shape[axis])
    sizes = tuple(d.integer(1, extent) for extent in shape)
    view = np.lib.stride_tricks.sliding_window_view
    return lambda x: (view(x, size, axis=axis), view(x, sizes), view(x > 0, sizes).any(axis=-1))


@case(name='methods of arrays')
def array_methods(d: Draw):
    shape = d.input(d.shape(least=2))
    axis, order, value = d.axis(len(shape)), d.pick(('C', 'F')), d.constant()
    mask = d.constant((shape[axis],), integer=True, low=0, high=1) == 1

    def expression(x):
        ordered, filled = x.copy(), x.copy()
        ordered.sort(axis)
        filled[0].fill(value)
        return (
            *(ordered, filled, x.mT, x.real, x.conjugate(), x.compress(mask, axis)),
            *(x.ravel(order), x.flatten(order), x.copy(order), x.reshape(-1, shape[0], order=order)),
        )

    return expression
