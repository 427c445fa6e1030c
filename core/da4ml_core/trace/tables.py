"""Functions of one value by tables: numpy's, any callable's, and arrays that are indexed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite, ldexp
from typing import Any, TypeVar

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
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

FUNCTIONS = frozenset(
    {
        *(np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.sqrt, np.cbrt, np.reciprocal),
        *(np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan, np.deg2rad, np.rad2deg),
        *(np.sinh, np.cosh, np.tanh, np.arcsinh, np.arccosh, np.arctanh),
    }
)
_NOT_QUANTIZED = 'a function of a symbolic array has no exact fixed-point value before it is quantized'


class Deferred(NDArrayOperatorsMixin):
    """A float64 function of each element of a symbolic array, of which quantization makes a table.

    Arithmetic with constants and further functions only extend the function.
    """

    __hash__ = None  # type: ignore[assignment]  # equality is element by element

    def __init__(self, source: Elements, shape: tuple[int, ...], steps: tuple[tuple[np.ufunc, tuple[Any, ...]], ...]):
        self._source = source
        self._steps = steps  # functions and their operands, of which None is the result of the step before
        self.shape = shape

    @classmethod
    def of(cls, source: Elements, ufunc: np.ufunc, inputs: Sequence[Any]) -> Deferred:
        """A ufunc of a symbolic array and constants."""
        elements(source.context, source)  # complains of what is not quantized
        return cls(source, source.elements.shape, ())._extended(ufunc, [None if x is source else x for x in inputs])

    def quantize(
        self,
        signed: ArrayLike,
        int_bits: ArrayLike,
        frac_bits: ArrayLike,
        rounding: Rounding | str = Rounding.TRN,
        overflow: Overflow | str = Overflow.WRAP,
    ) -> Any:
        """The symbolic array of the function's float64 results, each quantized exactly; see SymbolicArray.quantize.

        Raises UnsupportedOperation for an argument where the function has no finite value.
        """
        types = element_quantizations(self.shape, signed, int_bits, frac_bits, rounding, overflow)
        steps = [
            (ufunc, [None if x is None else np.broadcast_to(x, self.shape).reshape(-1) for x in operands])
            for ufunc, operands in self._steps
        ]
        functions: dict[tuple[Any, ...], Function] = {}  # one for equal constants, so that its tables are made once
        chosen = []
        for place in range(len(types)):
            numbers = [[None if x is None else x[place] for x in operands] for _, operands in steps]
            key = tuple(number for operands in numbers for number in operands)
            ufuncs = [(ufunc, operands) for (ufunc, _), operands in zip(steps, numbers, strict=True)]
            chosen.append(functions.setdefault(key, _composed(ufuncs)))
        return _tabulated(self._source, self.shape, chosen, types)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Deferred:
        if method != '__call__' or kwargs or ufunc.nout != 1 or ufunc.signature is not None:
            raise UnsupportedOperation(
                f'numpy.{ufunc.__name__}: {_NOT_QUANTIZED}', location=user_location(), hint='call .quantize(...) first'
            )
        return self._extended(ufunc, [None if x is self else x for x in inputs])

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise UnsupportedOperation(
            _NOT_QUANTIZED,
            location=user_location(),
            hint='call .quantize(...) on it first',
        )

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return self.__array__()

    def __getitem__(self, key: Any) -> Any:
        return self.__array__()

    def _extended(self, ufunc: np.ufunc, inputs: Sequence[Any]) -> Deferred:
        operands = [None if x is None else _constant(x) for x in inputs]
        shape = np.broadcast_shapes(self.shape, *(x.shape for x in operands if x is not None))
        return Deferred(self._source, shape, (*self._steps, (ufunc, tuple(operands))))

    def __repr__(self) -> str:
        names = ', '.join(ufunc.__name__ for ufunc, _ in self._steps)
        return f'Deferred(shape={self.shape}, functions={names})'


def table(
    x: Symbolic,
    function: Function,
    signed: ArrayLike,
    int_bits: ArrayLike,
    frac_bits: ArrayLike,
    rounding: Rounding | str = Rounding.TRN,
    overflow: Overflow | str = Overflow.WRAP,
) -> Symbolic:
    """A function of one float64 number, called with each value that an element can have, exactly quantized.

    The bit arrays broadcast to the shape, as in SymbolicArray.quantize. Raises UnsupportedOperation where the function
    has no finite value, and for more values than a table may have entries.
    """
    shape = x.elements.shape
    types = element_quantizations(shape, signed, int_bits, frac_bits, rounding, overflow)
    return _tabulated(x, shape, [function] * len(types), types)


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
            interval = graph.interval(index)
            lo, hi = (bound * 2.0**interval.exp for bound in interval[:2])
            if interval.exp < 0 or lo < -size or hi >= size:
                raise UnsupportedOperation(
                    f'an index between {lo:g} and {hi:g} in steps of {2.0**interval.exp:g} may be outside '
                    f'an axis of {size}',
                    location=user_location(),
                    hint='np.clip it',
                )
            for column in range(columns.shape[1]):
                made = _table(graph, index, _entry_of(columns[:, column]))
                result[place, column] = _entry(graph, index, made)
    return type(x)(x.context, result.reshape(source.shape + constants.shape[1:]))


def _entry_of(numbers: ObjectArray) -> Callable[[int, int], Dyadic]:
    def entry(n: int, exp: int) -> Dyadic:
        return dyadic(numbers[n << exp])

    return entry


def _composed(steps: Sequence[tuple[np.ufunc, Sequence[Any]]]) -> Function:
    def function(x: float) -> Any:
        result: Any = np.float64(x)
        for ufunc, operands in steps:
            result = ufunc(*(result if operand is None else operand for operand in operands))
        return result

    return function


def _constant(operand: Any) -> Any:
    """A constant operand of a deferred function."""
    array = operand.__array__() if isinstance(operand, Deferred) else operand
    if isinstance(array, Elements):
        raise UnsupportedOperation(
            _NOT_QUANTIZED,
            location=user_location(),
            hint='call .quantize(...) on it before it meets other symbolic values',
        )
    array = np.asarray(array)
    if array.dtype.kind not in 'biuf':
        raise UnsupportedOperation(f'a constant of type {array.dtype} is no real number', location=user_location())
    return array


def _tabulated(
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


def is_deferred(ufunc: np.ufunc, method: str, inputs: Sequence[Any], kwargs: Any) -> bool:
    """Whether a call of a ufunc is one that only a table can compute: a function of FUNCTIONS, or a reciprocal."""
    if method != '__call__' or kwargs:
        return False
    return ufunc in FUNCTIONS or (
        ufunc is np.true_divide and not isinstance(inputs[0], (Elements, Deferred)) and isinstance(inputs[1], Elements)
    )
