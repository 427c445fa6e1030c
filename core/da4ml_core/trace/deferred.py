"""Functions of float64 that wait to be quantized: what numpy's transcendental functions give on symbolic arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import ArrayLike

from da4ml_core._srcloc import user_location
from da4ml_core.errors import UnsupportedOperation
from da4ml_core.fixed import Overflow, Rounding
from da4ml_core.ir.table import MAX_ENTRIES
from da4ml_core.trace.composed import interp, ndim, shape, size
from da4ml_core.trace.cone import codes_of, deciding
from da4ml_core.trace.context import Elements
from da4ml_core.trace.graph import Graph
from da4ml_core.trace.operands import as_scalar, elements
from da4ml_core.trace.products import is_product
from da4ml_core.trace.quantize import element_quantizations
from da4ml_core.trace.tables import Function, tabulate
from da4ml_core.trace.variable import NO_VALUE, Dyadic, Variable
from da4ml_core.trace.vocabulary import ALTERNATIVES, UFUNCS


@dataclass(frozen=True, eq=False, slots=True)
class Call:
    """A function, and its operands: results of other calls, symbolic arrays, constants."""

    function: Callable[..., Any]
    operands: tuple[Any, ...]


_QUANTIZE_IT = 'call .quantize(...) on it before it meets other symbolic values'
NOT_QUANTIZED = 'a function of a symbolic array has no exact fixed-point value before it is quantized'


class Deferred(NDArrayOperatorsMixin):
    """A float64 function of each element of symbolic arrays, of which quantization makes a table.

    Arithmetic with constants and further functions only extend the function, and so does any other function of the one
    value that decides it.
    """

    __hash__ = None  # type: ignore[assignment]  # equality is element by element

    def __init__(self, source: Elements, shape: tuple[int, ...], calls: tuple[Call, ...]):
        self._source = source  # one of the symbolic arrays, for their program
        self._calls = calls  # in order; the last gives the result
        self.shape = shape

    @classmethod
    def of(cls, function: Callable[..., Any], inputs: Sequence[Any]) -> Deferred:
        """A function of symbolic arrays, deferred ones and constants, element by element.

        Raises UnsupportedOperation where no single value decides all that an element of the result depends on.
        """
        operands = [x if isinstance(x, Deferred) else _kept(x) for x in inputs]
        source = next(x._source if isinstance(x, Deferred) else x for x in operands if not isinstance(x, np.ndarray))
        calls = dict.fromkeys(call for x in operands if isinstance(x, Deferred) for call in x._calls)
        shape = np.broadcast_shapes(*(x.shape for x in operands))
        last = Call(function, tuple(x._calls[-1] if isinstance(x, Deferred) else x for x in operands))
        made = cls(source, shape, (*calls, last))
        leaves = made._leaves()
        if sum(not isinstance(x, np.ndarray) for x in operands) > 1:
            for variables in _variables(leaves, shape):
                if _values(variables) and next(deciding(source.context.graph, _values(variables)), None) is None:
                    name = getattr(function, '__name__', str(function))
                    raise UnsupportedOperation(
                        f'numpy.{name} of several values: {NOT_QUANTIZED}, and then must depend on one value alone',
                        location=user_location(),
                        hint=ALTERNATIVES[name]
                        if isinstance(function, np.ufunc) and name in ALTERNATIVES
                        else _QUANTIZE_IT,
                    )
        return made

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
        graph = self._source.context.graph
        arrays = {id(x): x for call in self._calls for x in call.operands if isinstance(x, np.ndarray)}
        numbers = [np.broadcast_to(array, self.shape).reshape(-1) for array in arrays.values()]
        leaves = self._leaves()
        names = [*arrays, *map(id, leaves)]
        functions: dict[Any, Function] = {}  # one for equal constants and arguments, so that its tables are made once
        chosen, roots = [], np.empty(len(types), dtype=object)
        for place, variables in enumerate(_variables(leaves, self.shape)):
            root = _root(graph, _values(variables))
            own = tuple(array[place] for array in numbers)
            direct = _values(variables) <= {root}
            key = (own, tuple(x._replace(value=min(x.value, 0)) for x in variables) if direct else (root, variables))
            if key not in functions:
                functions[key] = _function(graph, self._calls, names, own, variables, root)
            chosen.append(functions[key])
            roots[place] = Variable(root) if root != NO_VALUE else Variable()
        source = type(self._source)(self._source.context, roots.reshape(self.shape))
        return tabulate(source, self.shape, chosen, types)

    def _leaves(self) -> list[Elements]:
        found = {id(x): x for call in self._calls for x in call.operands if isinstance(x, Elements)}
        return list(found.values())

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def is_external(self) -> bool:
        return False

    @property
    def T(self) -> Deferred:
        return self.transpose()

    def reshape(self, *shape: Any) -> Deferred:
        """The same elements in another shape of as many."""
        return self._moved(lambda array: array.reshape(*shape))

    def ravel(self) -> Deferred:
        return self.reshape(-1)

    def transpose(self, *axes: Any) -> Deferred:
        return self._moved(lambda array: array.transpose(*axes))

    def clip(self, min: Any = None, max: Any = None) -> Any:
        return np.clip(self, min, max)

    def __getitem__(self, key: Any) -> Deferred:
        if any(isinstance(part, (Elements, Deferred)) for part in (key if isinstance(key, tuple) else (key,))):
            self._refuse()
        return self._moved(lambda array: _as_array(array[key]))

    def __len__(self) -> int:
        if not self.shape:
            raise UnsupportedOperation('a symbolic scalar has no length', location=user_location())
        return self.shape[0]

    def __iter__(self) -> Iterator[Deferred]:
        return (self[place] for place in range(len(self)))

    def _moved(self, move: Callable[[Any], Any]) -> Deferred:
        moved: dict[int, Any] = {}
        for call in self._calls:
            for x in call.operands:
                if isinstance(x, Elements):
                    array = np.broadcast_to(elements(x.context, x), self.shape)
                    moved.setdefault(id(x), type(x)(x.context, move(array)))
                elif not isinstance(x, Call):
                    moved.setdefault(id(x), move(np.broadcast_to(x, self.shape)))
            moved[id(call)] = Call(call.function, tuple(moved[id(x)] for x in call.operands))
        calls = tuple(moved[id(call)] for call in self._calls)
        return Deferred(self._source, move(np.empty(self.shape, dtype=bool)).shape, calls)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Deferred:
        if method != '__call__' or kwargs or ufunc.nout != 1 or ufunc.signature is not None:
            raise UnsupportedOperation(
                f'numpy.{ufunc.__name__}: {NOT_QUANTIZED}', location=user_location(), hint='call .quantize(...) first'
            )
        return Deferred.of(ufunc, inputs)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Choices, and functions of numbers: what numpy says of one element is said of each."""
        if function is np.where and len(args) == 3 and not kwargs:
            return Deferred.of(function, args)
        if function in _OF_NUMBERS and len(args) == 1 and not kwargs:
            return Deferred.of(function, args)
        if function in _COMPOSED:
            return _COMPOSED[function](*args, **kwargs)
        if function in _MOVES and isinstance(args[0], Deferred):
            return args[0]._moved(lambda array: function(array, *args[1:], **kwargs))
        return self._refuse()

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise UnsupportedOperation(
            NOT_QUANTIZED,
            location=user_location(),
            hint='call .quantize(...) on it first',
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> Deferred:
        return self  # it never changes

    __array__ = __reduce_ex__ = _refuse

    def __format__(self, spec: str) -> str:
        return self._refuse() if spec else repr(self)

    __bool__ = __float__ = __int__ = __complex__ = __index__ = __round__ = _refuse

    def __repr__(self) -> str:
        names = ', '.join(function.__name__ for function in (call.function for call in self._calls))
        return f'Deferred(shape={self.shape}, functions={names})'


_OF_NUMBERS = frozenset({np.nan_to_num, np.fix, np.round, np.around, np.real, np.sinc})
_MOVES = frozenset({np.reshape, np.ravel, np.transpose, np.moveaxis, np.swapaxes, np.expand_dims, np.squeeze, np.flip})


def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    for function, bound in ((np.maximum, a_min if min is None else min), (np.minimum, a_max if max is None else max)):
        a = a if bound is None else function(a, bound)
    return a


def _select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        default = np.where(condition, choice, default)
    return default


_COMPOSED: Mapping[Callable[..., Any], Callable[..., Any]] = {
    np.clip: _clip,
    np.select: _select,
    np.interp: interp,
    np.shape: shape,
    np.size: size,
    np.ndim: ndim,
}


def _as_array(picked: Any) -> Any:
    """One element as an array without axes; a variable is a tuple, which numpy would spread."""
    return as_scalar(picked) if isinstance(picked, Variable) else np.asarray(picked)


def defer(x: Elements, function: Callable[..., Any], constants: ArrayLike) -> Deferred:
    """``function(number, constant)`` of each element, to be quantized before anything else is done with it."""
    return Deferred.of(function, (x, constants))


def _variables(leaves: Sequence[Elements], shape: tuple[int, ...]) -> list[tuple[Variable, ...]]:
    """What each element of a shape depends on."""
    context = leaves[0].context
    return list(zip(*(np.broadcast_to(elements(context, x), shape).flat for x in leaves), strict=True))


def _values(variables: Sequence[Variable]) -> frozenset[int]:
    return frozenset(x.value for x in variables if not x.is_constant)


def _root(graph: Graph, values: frozenset[int]) -> int:
    """The latest value that decides all, of no more codes than a table has entries; else the latest."""
    if not values:
        return NO_VALUE
    found = list(deciding(graph, values)) if len(values) > 1 or not _fits(graph, min(values)) else list(values)
    return next((root for root in found if _fits(graph, root)), found[0])


def _fits(graph: Graph, value: int) -> bool:
    lo, hi, _ = graph.intervals[value]
    return hi - lo < MAX_ENTRIES


def _function(
    graph: Graph,
    calls: Sequence[Call],
    names: Sequence[int],
    numbers: Sequence[Any],
    variables: Sequence[Variable],
    root: int,
) -> Function:
    """The result of all calls by the number that the root is; what is exact before a function is rounded to float64."""
    values = _values(variables)

    def argument(x: float, variable: Variable) -> Fraction:
        if variable.is_constant:
            return _fraction(variable.constant)
        if variable.value == root:
            number = Fraction(x)
        else:
            exp = graph.intervals[variable.value].exp
            number = _fraction(
                (codes_of(graph, values, root, _code(x, graph.intervals[root].exp))[variable.value], exp)
            )
        scaled = number * Fraction(2) ** variable.shift
        return (-scaled if variable.negated else scaled) + _fraction(variable.constant)

    def function(x: float) -> Any:
        found: dict[int, Any] = dict(
            zip(names, (*numbers, *(np.float64(float(argument(x, variable))) for variable in variables)), strict=True)
        )
        for call in calls:
            found[id(call)] = call.function(*(found[id(operand)] for operand in call.operands))
        return found[id(calls[-1])]

    return function


def _code(x: float, exp: int) -> int:
    return int(Fraction(x) / Fraction(2) ** exp)


def _fraction(number: Dyadic) -> Fraction:
    return number[0] * Fraction(2) ** number[1]


def _kept(operand: Any) -> Any:
    """An operand as it is now, whatever is assigned to its array later."""
    if isinstance(operand, Elements):
        return type(operand)(operand.context, elements(operand.context, operand).copy())
    array = np.array(operand)
    if array.dtype.kind not in 'biuf':
        raise UnsupportedOperation(f'a constant of type {array.dtype} is no real number', location=user_location())
    return array


_DIVISIONS = frozenset({np.true_divide, np.floor_divide, np.remainder, np.fmod})


def is_deferred(ufunc: np.ufunc, method: str, inputs: Sequence[Any], kwargs: Any) -> bool:
    """Whether a call is a function of symbolic numbers that only a table can compute.

    That is any ufunc that has no exact meaning, also one of another package; of those that have one, division by a
    symbolic number, and powers that are no products.
    """
    if method != '__call__' or kwargs or ufunc.nout != 1 or ufunc.signature is not None:
        return False
    if ufunc in _DIVISIONS:
        return isinstance(inputs[1], Elements)
    if ufunc in (np.power, np.float_power):
        return isinstance(inputs[1], Elements) or not is_product(inputs[1])
    kinds = {kind[0] for kind in ufunc.types}  # of their first operands: some take integers only
    return ufunc not in UFUNCS and ('d' in kinds or kinds == {'O'})
