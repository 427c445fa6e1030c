"""Functions of one value by tables: numpy's, any callable's, and arrays that are indexed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite, ldexp
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from da4ml_core._srcloc import user_location
from da4ml_core.errors import UnsupportedOperation
from da4ml_core.fixed import Overflow, Rounding, dyadic, quantize_code
from da4ml_core.ir.opcode import Quantization
from da4ml_core.ir.table import MAX_ENTRIES, Table
from da4ml_core.trace.context import Elements
from da4ml_core.trace.graph import Graph
from da4ml_core.trace.linear import ObjectArray, exact_matrix
from da4ml_core.trace.operands import elements
from da4ml_core.trace.quantize import element_quantizations
from da4ml_core.trace.variable import Dyadic, Variable, add_dyadic, normal_dyadic

Symbolic = TypeVar('Symbolic', bound=Elements)
Function = Callable[[float], Any]


def table(
    x: Symbolic,
    function: Function | Sequence[Function],
    signed: ArrayLike,
    int_bits: ArrayLike,
    frac_bits: ArrayLike,
    rounding: Rounding | str = Rounding.TRN,
    overflow: Overflow | str = Overflow.WRAP,
) -> Symbolic:
    """A function of one float64 number, called with each value that an element can have, exactly quantized.

    ``function`` may be one for each element, in the order of the flattened array.

    The bit arrays broadcast to the shape, as in SymbolicArray.quantize. Raises UnsupportedOperation where the function
    has no finite value, and for more values than a table may have entries.
    """
    shape = x.elements.shape
    types = element_quantizations(shape, signed, int_bits, frac_bits, rounding, overflow)
    functions = [function] * len(types) if callable(function) else list(function)
    if len(functions) != len(types):
        raise ValueError(f'{len(functions)} functions for {len(types)} elements')
    return tabulate(x, shape, functions, types)


def take(values: ArrayLike, x: Symbolic) -> Symbolic:
    """``values[x]``, exactly: the entries along the first axis of a constant array, indexed by symbolic integers.

    As in numpy, negative indices count from the end. Raises UnsupportedOperation where an index may be out of range.
    """
    constants = exact_matrix(values)
    if constants.ndim == 0:
        raise UnsupportedOperation('a scalar cannot be indexed', location=user_location())
    size = len(constants)
    columns = constants.reshape(size, -1)
    graph = x.context.graph
    source = elements(x.context, x)
    result = np.empty((source.size, columns.shape[1]), dtype=object)
    with x.context.user_origin():
        for place, index in enumerate(source.flat):
            check_index(graph, index, size)
            for column in range(columns.shape[1]):
                made = _table(graph, index, _entry_of(columns[:, column]))
                result[place, column] = _entry(graph, index, made)
    return type(x)(x.context, result.reshape(source.shape + constants.shape[1:]))


def _entry_of(numbers: ObjectArray) -> Callable[[int, int], Dyadic]:
    def entry(n: int, exp: int) -> Dyadic:
        return dyadic(numbers[n << exp])

    return entry


def tabulate(
    x: Symbolic, shape: tuple[int, ...], functions: Sequence[Function], types: Sequence[Quantization]
) -> Symbolic:
    """One function and one type for each element of ``x`` broadcast to a shape."""
    graph = x.context.graph
    source = np.broadcast_to(elements(x.context, x), shape)
    tables: dict[Any, Table] = {}
    result = np.empty(shape, dtype=object)
    target = result.reshape(-1)
    with x.context.user_origin(), np.errstate(all='ignore'):
        for place, variable in enumerate(source.flat):
            interval = None if variable.is_constant else graph.intervals[variable.value]
            key = (interval, variable._replace(value=0), id(functions[place]), types[place])
            if key not in tables:
                kept = _quantized(functions[place], types[place])
                tables[key] = _table(graph, variable, kept)
            target[place] = _entry(graph, variable, tables[key])
    return type(x)(x.context, result)


def _quantized(function: Function, quantization: Quantization) -> Callable[[int, int], Dyadic]:
    """A function of an exact number ``n * 2**exp`` by float64 arithmetic, its result in a type."""

    def result(n: int, exp: int) -> Dyadic:
        try:
            x = ldexp(n, exp)
            exact = dyadic(x) == normal_dyadic(n, exp)
        except OverflowError:
            exact = False
        if not exact:
            raise UnsupportedOperation(f'{n}*2^{exp} is no float64 number to call a function with', location=where)
        try:
            y = float(function(x))
        except (ArithmeticError, ValueError, TypeError) as cause:
            raise UnsupportedOperation(f'the function fails at {x}: {cause}', location=where) from cause
        if not isfinite(y):
            raise UnsupportedOperation(
                f'the function is {y} at {x}, which no fixed-point type holds',
                location=where,
                hint='keep its argument in range, say by np.clip',
            )
        return quantize_code(*dyadic(y), kind, rounding, overflow), -kind.frac_bits

    kind, rounding, overflow = quantization
    where = user_location()
    return result


def _table(graph: Graph, variable: Variable, function: Callable[[int, int], Dyadic]) -> Table:
    """Results for all numbers ``n * 2**exp`` that a variable can be, by the codes of its value in ascending order."""
    if variable.is_constant:
        codes, scale, sign = range(1), 0, 0
    else:
        lo, hi, exp = graph.intervals[variable.value]
        codes, scale, sign = range(lo, hi + 1), exp + variable.shift, -1 if variable.negated else 1
    if len(codes) > MAX_ENTRIES:
        raise UnsupportedOperation(
            f'a table for {len(codes)} values would pass the limit of {MAX_ENTRIES} entries',
            location=user_location(),
            hint='quantize the argument to fewer bits first',
        )
    results = [function(*add_dyadic((sign * code, scale), variable.constant)) for code in codes]
    step = min((exp for n, exp in results if n), default=0)
    return Table.of([n << (exp - step) if n else 0 for n, exp in results], step)


def _entry(graph: Graph, variable: Variable, made: Table) -> Variable:
    if variable.is_constant:
        return Variable(constant=normal_dyadic(made.entries[0], made.exp))
    return graph.lookup(variable.value, made)


def value_table(graph: Graph, variable: Variable, function: Callable[[int, int], Dyadic]) -> Variable:
    """An exact function of the number ``n * 2**exp`` that a variable is."""
    return _entry(graph, variable, _table(graph, variable, function))


def check_index(graph: Graph, index: Variable, size: int) -> None:
    """Raise UnsupportedOperation where a variable may not be an index, negative ones allowed, of an axis."""
    interval = graph.interval(index)
    if interval.exp < 0 or interval.lo << interval.exp < -size or interval.hi << interval.exp >= size:
        step = 2.0 ** min(interval.exp, 900)
        lo, hi = (max(min(bound, 1 << 99), -1 << 99) * step for bound in interval[:2])
        raise UnsupportedOperation(
            f'an index between {lo:g} and {hi:g} in steps of {step:g} may be outside an axis of {size}',
            location=user_location(),
            hint='np.clip it',
        )
