"""Functions of float64 that wait to be quantized: what numpy's transcendental functions give on symbolic arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import ArrayLike

from da4ml_core._srcloc import user_location
from da4ml_core.errors import UnsupportedOperation
from da4ml_core.fixed import Overflow, Rounding
from da4ml_core.trace.context import Elements
from da4ml_core.trace.operands import elements
from da4ml_core.trace.products import is_product
from da4ml_core.trace.quantize import element_quantizations
from da4ml_core.trace.tables import Function, tabulate
from da4ml_core.trace.vocabulary import UFUNCS

Step = tuple[Callable[..., Any], tuple[Any, ...]]  # a function, and its operands in each element
_NOT_QUANTIZED = 'a function of a symbolic array has no exact fixed-point value before it is quantized'


class Deferred(NDArrayOperatorsMixin):
    """A float64 function of each element of a symbolic array, of which quantization makes a table.

    Arithmetic with constants and further functions only extend the function.
    """

    __hash__ = None  # type: ignore[assignment]  # equality is element by element

    def __init__(self, source: Elements, shape: tuple[int, ...], steps: tuple[Step, ...]):
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
        return tabulate(self._source, self.shape, chosen, types)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def is_external(self) -> bool:
        return False

    def reshape(self, shape: tuple[int, ...]) -> Deferred:
        """The same elements in another shape of as many."""
        return self._moved(lambda array: array.reshape(shape))

    def transpose(self, *axes: int) -> Deferred:
        return self._moved(lambda array: array.transpose(axes))

    def _moved(self, move: Callable[[Any], Any]) -> Deferred:
        source = self._source
        moved = type(source)(source.context, move(np.broadcast_to(elements(source.context, source), self.shape)))
        steps = tuple(
            (ufunc, tuple(None if x is None else move(np.broadcast_to(x, self.shape)) for x in operands))
            for ufunc, operands in self._steps
        )
        return Deferred(moved, moved.elements.shape, steps)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Deferred:
        if method != '__call__' or kwargs or ufunc.nout != 1 or ufunc.signature is not None:
            raise UnsupportedOperation(
                f'numpy.{ufunc.__name__}: {_NOT_QUANTIZED}', location=user_location(), hint='call .quantize(...) first'
            )
        return self._extended(ufunc, [None if x is self else x for x in inputs])

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise UnsupportedOperation(
            _NOT_QUANTIZED,
            location=user_location(),
            hint='call .quantize(...) on it first',
        )

    __array__ = __array_function__ = __getitem__ = __iter__ = __len__ = _refuse

    def __format__(self, spec: str) -> str:
        return self._refuse() if spec else repr(self)

    __bool__ = __float__ = __int__ = __complex__ = __index__ = __round__ = _refuse

    def _extended(self, ufunc: np.ufunc, inputs: Sequence[Any]) -> Deferred:
        operands = [None if x is None else _constant(x) for x in inputs]
        shape = np.broadcast_shapes(self.shape, *(x.shape for x in operands if x is not None))
        return Deferred(self._source, shape, (*self._steps, (ufunc, tuple(operands))))

    def __repr__(self) -> str:
        names = ', '.join(function.__name__ for function, _ in self._steps)
        return f'Deferred(shape={self.shape}, functions={names})'


def defer(x: Elements, function: Callable[..., Any], constants: ArrayLike) -> Deferred:
    """``function(number, constant)`` of each element, to be quantized before anything else is done with it."""
    shape = np.broadcast_shapes(elements(x.context, x).shape, np.shape(constants))
    return Deferred(x, shape, ((function, (None, np.asarray(constants))),))


def _composed(steps: Sequence[tuple[Callable[..., Any], Sequence[Any]]]) -> Function:
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


def is_deferred(ufunc: np.ufunc, method: str, inputs: Sequence[Any], kwargs: Any) -> bool:
    """Whether a call is a function of one symbolic number that only a table can compute.

    That is any ufunc that has no exact meaning, also one of another package, with constants for its other operands;
    of those that have one, a reciprocal, and powers that are no products.
    """
    if method != '__call__' or kwargs or ufunc.nout != 1 or ufunc.signature is not None:
        return False
    if sum(isinstance(operand, Elements) for operand in inputs) != 1 or any(isinstance(x, Deferred) for x in inputs):
        return False
    if ufunc is np.true_divide:
        return isinstance(inputs[1], Elements)
    if ufunc is np.power:
        return isinstance(inputs[1], Elements) or not is_product(inputs[1])
    return ufunc not in UFUNCS
