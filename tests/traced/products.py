"""Cases of products of arrays: matrices, vectors, axes and einsum, by constants and by each other; and convolutions."""

from __future__ import annotations

import numpy as np

from traced.case import Draw, case


def pair(d: Draw, left, right, function, width=4):
    """A function of two inputs, or of one and a constant on either side."""
    form = d.integer(0, 3)
    if form == 0:
        d.input(left, width=width)
        d.input(right, width=width)
        return function
    if form == 1:
        d.input(right)
        constant = d.constant(left)
        return lambda y: function(constant, y)
    d.input(left)
    constant = d.constant(right)
    return lambda x: function(x, constant)


def stacks(d: Draw):
    """Two shapes that broadcast."""
    stack = d.shape(most=2, extent=3)
    other = d.partner(stack)
    return (stack, other) if d.flag() else (other, stack)


@case(np.matmul)
def matmul(d: Draw):
    a, b = stacks(d)
    rows, inner, columns = d.integer(1, 3), d.integer(1, 4), d.integer(1, 3)
    left, right = (*a, rows, inner), (*b, inner, columns)
    if d.integer(0, 3) == 0:
        left = (inner,)
    elif d.integer(0, 3) == 0:
        right = (inner,)
    return pair(d, left, right, d.pick((np.matmul, lambda x, y: x @ y)))


if hasattr(np, 'matvec'):

    @case(np.vecdot, np.matvec, np.vecmat)
    def vectors(d: Draw):
        a, b = stacks(d)
        rows, inner = d.integer(1, 3), d.integer(1, 4)
        function, left, right = d.pick(
            (
                (np.vecdot, (*a, inner), (*b, inner)),
                (np.matvec, (*a, rows, inner), (*b, inner)),
                (np.vecmat, (*a, inner), (*b, inner, rows)),
            )
        )
        return pair(d, left, right, function)


@case(np.dot)
def dot(d: Draw):
    inner = d.integer(1, 4)
    left = (*d.shape(most=1), inner) if d.integer(0, 4) else ()
    right = d.pick(((inner,), (inner, d.integer(1, 3)), (2, inner, d.integer(1, 2)), ()))
    return pair(d, left, right, np.dot)


@case(name='the method dot')
def dot_method(d: Draw):
    shape = d.input(d.shape(least=1))
    weights = d.constant((shape[-1], d.integer(1, 3)))
    return lambda x: x.dot(weights)


@case(np.inner)
def inner(d: Draw):
    size = d.integer(1, 4)
    left = (*d.shape(most=2, extent=2), size) if d.integer(0, 4) else ()
    return pair(d, left, (*d.shape(most=1), size), np.inner)


@case(np.outer, np.vdot, np.kron)
def outer(d: Draw):
    left, right = d.shape(most=2, extent=3), d.shape(most=2, extent=2)
    function = d.pick((np.outer, np.kron, np.vdot))
    return pair(d, left, left[::-1] if function is np.vdot else right, function)


@case(np.tensordot)
def tensordot(d: Draw):
    left = d.shape(least=1, extent=3)
    count = d.integer(0, len(left))
    chosen = [int(axis) for axis in d.numpy().permutation(len(left))[:count]]
    right = (*(left[axis] for axis in chosen), *d.shape(most=1, extent=2))
    order = d.numpy().permutation(len(right))
    shuffled = tuple(right[place] for place in order)
    places = [int(np.flatnonzero(order == place)[0]) for place in range(count)]
    if d.flag():
        return pair(d, left, (*left[len(left) - count :], 2), lambda x, y: np.tensordot(x, y, count))
    return pair(d, left, shuffled, lambda x, y: np.tensordot(x, y, (chosen, places)))


@case(np.einsum)
def einsum(d: Draw):
    extents = dict(zip('abcd', (d.integer(1, 3) for _ in range(4)), strict=True))
    count = d.integer(1, 3)
    terms = [''.join(d.pick('abcd') for _ in range(d.integer(1, 3 if count < 3 else 2))) for _ in range(count)]
    used = sorted(set(''.join(terms)))
    output = ''.join(label for label in d.numpy().permutation(used).tolist() if d.flag())
    equation = ','.join(terms) + (f'->{output}' if d.flag() else '')
    shapes = [tuple(extents[label] for label in term) for term in terms]
    symbolic = d.integer(0, count - 1)
    operands = []
    for place, shape in enumerate(shapes):
        if place == symbolic or d.integer(0, 3) == 0:
            d.input(shape, width=3)
            operands.append(None)
        else:
            operands.append(d.constant(shape))

    def expression(*arrays):
        rest = iter(arrays)
        return np.einsum(equation, *(next(rest) if operand is None else operand for operand in operands))

    return expression


@case(name='einsum that broadcasts')
def einsum_broadcast(d: Draw):
    a, b = stacks(d)
    size = d.integer(1, 3)
    equation = d.pick(('...i,...i', '...i,...i->...', '...i,...j->...ij', 'i...,j...->...ij'))
    left, right = ((*a, size), (*b, size)) if not equation.startswith('i') else ((size, *a), (size, *b))
    return pair(d, left, right, lambda x, y: np.einsum(equation, x, y))


@case(name='einsum by numbers')
def einsum_by_numbers(d: Draw):
    d.input((2, d.integer(1, 3)))
    weights = d.constant((3, 2))
    return lambda x: np.einsum(x, [0, 1], weights, [2, 0], [2, 1])


@case(np.cross)
def cross(d: Draw):
    a, b = stacks(d)
    return pair(d, (*a, 3), (*b, 3), np.cross, width=3)


@case(np.trace)
def trace(d: Draw):
    shape = d.input(tuple(d.integer(1, 3) for _ in range(d.integer(2, 3))))
    first, second = (int(axis) for axis in d.numpy().permutation(len(shape))[:2])
    offset = d.integer(-1, 1)
    if not np.diagonal(np.zeros(shape), offset, first, second).size:
        offset = 0
    return d.pick((lambda x: np.trace(x, offset, first, second), lambda x: x.trace(offset, first, second)))


@case(np.convolve, np.correlate)
def convolve(d: Draw):
    mode, function = d.pick(('full', 'same', 'valid')), d.pick((np.convolve, np.correlate))
    return pair(d, (d.integer(1, 5),), (d.integer(1, 5),), lambda x, y: function(x, y, mode))


@case(name='convolution by a number')
def convolve_scalar(d: Draw):
    d.input((d.integer(1, 4),))
    weight, mode = d.constant(), d.pick(('full', 'same', 'valid'))
    function = d.pick((np.convolve, np.correlate))
    return lambda x: function(x, [weight], mode) if function is np.correlate else function(x, weight, mode)


@case(np.linalg.matrix_power, np.linalg.multi_dot)
def matrix_products(d: Draw):
    size, power = d.integer(1, 3), d.integer(1, 3)
    d.input((size, size), width=3)
    left, right = d.constant((2, size)), d.constant((size,))
    order = d.pick(((left, None, right), (None, left.T), (left, None, None, right), (None, None)))
    return lambda x: (
        np.linalg.matrix_power(x, power),
        np.linalg.multi_dot([x if matrix is None else matrix for matrix in order]),
    )


if hasattr(np.linalg, 'vecdot'):

    @case(np.linalg.matmul, np.linalg.vecdot, np.linalg.outer, np.linalg.tensordot, np.linalg.cross, np.linalg.trace)
    def standard_products(d: Draw):
        d.input((3, 3), width=4)
        constant, axis, offset = d.constant((3, 3)), d.axis(2), d.integer(-2, 2)
        return lambda x: (
            np.linalg.matmul(x, constant),
            np.linalg.vecdot(x, constant, axis=axis),
            np.linalg.outer(x[0], constant[1]),
            np.linalg.tensordot(constant, x, axes=1),
            np.linalg.cross(x, constant, axis=axis),
            np.linalg.trace(x, offset=offset),
        )
