"""Constant linear algebra on symbolic arrays: every product becomes a constant-matrix-vector problem for the solver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core._srcloc import user_location
from da4ml_core.cmvm import Solution, solve
from da4ml_core.device import DEFAULT_DEVICE
from da4ml_core.errors import FormatError, UnsupportedOperation
from da4ml_core.fixed import dyadic
from da4ml_core.trace.graph import Graph
from da4ml_core.trace.variable import ZERO, Variable, add_dyadic, multiply_dyadic

ObjectArray = NDArray[Any]  # of Variable, External or Fraction objects
PROGRAM_WORK = 40_000_000  # of the local search of a program at `balanced`: a second
LEAST_WORK = 100_000  # of a product, once that is done
SOLVED_TERMS = 128  # of one sum: the solver looks at pairs of them
MAX_ELEMENTS = 1 << 24  # of an array: no design is as large, but a damaged model file may ask for more than memory


def check_size(shape: Sequence[int]) -> None:
    """Raise UnsupportedOperation for an array larger than any design, before it is made."""
    if prod(shape) > MAX_ELEMENTS:
        raise UnsupportedOperation(
            f'an array of the shape {tuple(int(size) for size in shape)}, more than {MAX_ELEMENTS} elements, '
            'cannot be traced',
            location=user_location(),
        )


@dataclass(frozen=True, slots=True)
class SolverOptions:
    """How constant products are solved; the meaning of each is that of :func:`da4ml_core.cmvm.solve`."""

    extra_depth: int | None = 2
    device: str = DEFAULT_DEVICE
    effort: str | float = 'balanced'
    threads: int | None = None
    max_operands: int | None = None  # None: as many as pay on the device
    tables: bool = False


class Solved:
    """Solutions of one matrix for vectors of several kinds: a convolution asks at every position."""

    def __init__(self) -> None:
        self.known: dict[tuple[Any, ...], tuple[list[int], Solution]] = {}
        self.last: Solution | None = None  # where the search for another kind starts


def matrix_vector(
    graph: Graph,
    options: SolverOptions,
    vector: Sequence[Variable],
    matrix: ObjectArray,
    solved: Solved | None = None,
) -> list[Variable]:
    """``vector @ matrix`` for one row vector and a matrix of exact numbers (rows of equal values are merged).

    ``solved`` keeps the solutions of this matrix.
    """
    rows: dict[int, list[Fraction]] = {}
    offsets = [ZERO] * matrix.shape[1]
    kind, places = _kind(graph, vector)
    known = None if solved is None else solved.known.get(kind)
    for variable, weights in zip(vector, matrix, strict=True):
        if variable.constant[0]:
            offsets = [
                add_dyadic(offset, multiply_dyadic(variable.constant, dyadic(weight)))
                for offset, weight in zip(offsets, weights, strict=True)
            ]
        if known is not None or variable.is_constant:
            continue
        scale = Fraction(2) ** variable.shift * (-1 if variable.negated else 1)
        scaled = [weight * scale for weight in weights]
        earlier = rows.get(variable.value)
        if earlier is not None:
            scaled = [a + b for a, b in zip(earlier, scaled, strict=True)]
        rows[variable.value] = scaled
    if known is None:
        rows = {value: weights for value, weights in rows.items() if any(weights)}
        if not rows:
            return [Variable(constant=offset) for offset in offsets]
        known = (
            [places[value] for value in rows],
            _solve_rows(graph, options, rows, None if solved is None else solved.last),
        )
        if solved is not None:
            solved.known[kind] = known
            solved.last = known[1]
    used, solution = known
    values = list(places)
    numbers = graph.inline([values[place] for place in used], solution)
    return [
        (Variable() if edge is None else Variable(numbers[edge.index], edge.shift, edge.negated)).plus(offset)
        for edge, offset in zip(solution.outputs, offsets, strict=True)
    ]


def _kind(graph: Graph, vector: Sequence[Variable]) -> tuple[tuple[Any, ...], dict[int, int]]:
    """What decides the solution for a vector, whatever its values are, and the place of each value in it."""
    places: dict[int, int] = {}
    edges = tuple(
        None if variable.is_constant else (places.setdefault(variable.value, len(places)), *variable[1:3])
        for variable in vector
    )
    return (edges, tuple((graph.intervals[value], graph.levels[value]) for value in places)), places


def _solve_rows(
    graph: Graph, options: SolverOptions, rows: dict[int, list[Fraction]], like: Solution | None
) -> Solution:
    values = list(rows)
    matrix = np.empty((len(values), len(rows[values[0]])), dtype=object)
    for number, weights in enumerate(rows.values()):
        matrix[number, :] = weights
    inputs = tuple(graph.intervals[value] for value in values)
    latencies = tuple(graph.levels[value] for value in values)
    key = (options, matrix.shape, tuple(matrix.flat), inputs, latencies)
    if key in graph.solutions:  # whatever work was left when it was solved
        return graph.solutions[key]
    solution = solve(
        matrix,
        inputs=inputs,
        latencies=latencies,
        extra_depth=options.extra_depth,
        device=options.device,
        effort=options.effort,
        threads=options.threads,
        max_operands=options.max_operands,
        tables=options.tables,
        like=like,
        most_work=max(LEAST_WORK, PROGRAM_WORK - graph.search_work),
    )
    graph.solutions[key] = solution
    graph.search_work += solution.stats['work']
    return solution


def constant_array(constant: Any) -> NDArray[Any]:
    """A constant argument as numpy has it, but for lists of integers that numpy would round beside floats."""
    if isinstance(constant, np.ndarray) and type(constant) not in (np.ndarray, np.memmap):
        raise UnsupportedOperation(
            f'a constant of type {type(constant).__name__} may mean more than its numbers',
            location=user_location(),
            hint='np.asarray(...) takes its numbers alone',
        )
    array = np.asarray(constant)
    if array.dtype.kind == 'f' and isinstance(constant, (list, tuple)):
        listed = np.asarray(constant, dtype=object)
        if any(isinstance(number, (int, np.integer)) and abs(int(number)) >> 53 for number in listed.flat):
            return listed
    return array


def exact_matrix(constant: Any) -> ObjectArray:
    """An array of Fractions equal to the constants; raises UnsupportedOperation naming the first that is not dyadic."""
    array = constant_array(constant)
    if array.dtype.kind not in 'biufO':
        raise UnsupportedOperation(
            f'a constant operand of type {array.dtype} has no exact fixed-point value', location=user_location()
        )
    exact = np.empty(array.shape, dtype=object)
    flat = exact.reshape(-1)
    for position, number in enumerate(array.reshape(-1).tolist()):
        try:
            n, exp = dyadic(number.item() if isinstance(number, np.generic) else number)
        except FormatError as cause:
            index = tuple(int(i) for i in np.unravel_index(position, array.shape))
            raise UnsupportedOperation(
                f'the constant at index {index} is {cause.message}',
                location=user_location(),
                hint='quantize constants to fixed point first',
            ) from None
        flat[position] = Fraction(n) * Fraction(2) ** exp
    return exact


def contract(
    graph: Graph,
    options: SolverOptions,
    equation: str,
    symbolic: ObjectArray,
    constant: ObjectArray,
) -> ObjectArray:
    """``einsum(equation, symbolic, constant)`` for an explicit equation in which no operand repeats a label."""
    inputs, _, output = equation.partition('->')
    left, right = inputs.split(',')
    symbolic, left = _sum_private(graph, options, symbolic, left, keep=right + output)
    constant, right = _sum_private_constant(constant, right, keep=left + output)
    batch = [label for label in left if label in right and label in output]
    summed = [label for label in left if label in right and label not in output]
    rows = [label for label in left if label not in right]
    columns = [label for label in right if label not in left]
    extent = dict(zip(left + right, symbolic.shape + constant.shape, strict=True))
    a = symbolic.transpose([left.index(label) for label in batch + rows + summed])
    b = constant.transpose([right.index(label) for label in batch + summed + columns])
    size = [int(np.prod([extent[label] for label in labels])) for labels in (batch, rows, summed, columns)]
    check_size((size[0], size[1], size[3]))
    a, b = a.reshape(size[0], size[1], size[2]), b.reshape(size[0], size[2], size[3])
    result = np.empty((size[0], size[1], size[3]), dtype=object)
    for i in range(size[0]):
        if graph.bit_products is not None:
            graph.bit_products += _bit_products(graph, a[i], b[i])
        solved = Solved()
        for j in range(size[1]):
            for k, variable in enumerate(matrix_vector(graph, options, list(a[i, j]), b[i], solved)):
                result[i, j, k] = variable
    labels = batch + rows + columns
    shaped = result.reshape([extent[label] for label in labels])
    return shaped.transpose([labels.index(label) for label in output])


def _bit_products(graph: Graph, a: ObjectArray, b: ObjectArray) -> int:
    """Bits of the variables times bits of the constants, over all products of (rows, summed) and (summed, columns)."""
    columns = [sum(0 if v.is_constant else graph.interval(v).width_bits for v in column) for column in a.T]
    return sum(bits * sum(_digits(weight) for weight in weights) for bits, weights in zip(columns, b, strict=True))


def _digits(weight: Fraction) -> int:
    """Bits from the highest to the lowest one of the magnitude; the sign is free in an adder."""
    magnitude = abs(weight.numerator)
    return magnitude.bit_length() - max((magnitude & -magnitude).bit_length() - 1, 0)


def contract_variables(
    graph: Graph, options: SolverOptions, equation: str, a: ObjectArray, b: ObjectArray
) -> ObjectArray:
    """``einsum(equation, a, b)`` of two symbolic arrays: all products, and their sums."""
    inputs, _, output = equation.partition('->')
    left, right = inputs.split(',')
    a, left = _sum_private(graph, options, a, left, keep=right + output)
    b, right = _sum_private(graph, options, b, right, keep=left + output)
    labels = output + ''.join(label for label in left if label not in output)

    def spread(array: ObjectArray, own: str) -> ObjectArray:
        ordered = array.transpose([own.index(label) for label in labels if label in own])
        extents = iter(ordered.shape)
        return ordered.reshape([next(extents) if label in own else 1 for label in labels])

    x, y = spread(a, left), spread(b, right)
    check_size(np.broadcast_shapes(x.shape, y.shape))
    x, y = np.broadcast_arrays(x, y)
    products = np.empty(x.shape, dtype=object)
    flat = products.reshape(-1)
    for position, (u, v) in enumerate(zip(x.flat, y.flat, strict=True)):
        flat[position] = multiply_variables(graph, options, u, v)
    summed = list(range(len(output), len(labels)))
    return sum_axes(graph, options, products, summed) if summed else products


def multiply_variables(graph: Graph, options: SolverOptions, a: Variable, b: Variable) -> Variable:
    """The product of two variables, by the solver if one of them is a constant."""
    if not (a.is_constant or b.is_constant):
        if graph.bit_products is not None:
            graph.bit_products += graph.interval(a).width_bits * graph.interval(b).width_bits
        return graph.multiply(a, b)
    if a.is_constant:
        a, b = b, a
    n, exp = b.constant
    weight = np.empty((1, 1), dtype=object)
    weight[0, 0] = Fraction(n) * Fraction(2) ** exp
    return matrix_vector(graph, options, [a], weight)[0]


def sum_axes(graph: Graph, options: SolverOptions, array: ObjectArray, axes: Sequence[int]) -> ObjectArray:
    """The sum over axes, each sum as one product with a column of ones, or many of them as products of parts."""
    kept = [axis for axis in range(array.ndim) if axis not in axes]
    shape = tuple(array.shape[axis] for axis in kept)
    terms = array.transpose([*kept, *axes]).reshape(prod(shape), prod(array.shape[axis] for axis in axes))
    result = np.empty(terms.shape[0], dtype=object)
    solved = Solved()
    for row, variables in enumerate(terms):
        parts = list(variables)
        while len(parts) > SOLVED_TERMS:
            starts = range(0, len(parts), SOLVED_TERMS)
            parts = [_sum(graph, options, parts[start : start + SOLVED_TERMS], solved) for start in starts]
        result[row] = _sum(graph, options, parts, solved)
    return result.reshape(shape)


def _sum(graph: Graph, options: SolverOptions, terms: list[Variable], solved: Solved) -> Variable:
    ones = np.full((len(terms), 1), Fraction(1), dtype=object)
    return matrix_vector(graph, options, terms, ones, solved)[0]


def _sum_private(
    graph: Graph, options: SolverOptions, array: ObjectArray, labels: str, keep: str
) -> tuple[ObjectArray, str]:
    private = [axis for axis, label in enumerate(labels) if label not in keep]
    if not private:
        return array, labels
    return sum_axes(graph, options, array, private), ''.join(label for label in labels if label in keep)


def _sum_private_constant(array: ObjectArray, labels: str, keep: str) -> tuple[ObjectArray, str]:
    private = tuple(axis for axis, label in enumerate(labels) if label not in keep)
    if not private:
        return array, labels
    return np.asarray(np.sum(array, axis=private), dtype=object), ''.join(label for label in labels if label in keep)
