"""The symbolic array: numpy's protocols over symbolic numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from da4ml_core._srcloc import user_location
from da4ml_core.errors import SymbolicBool, UnsupportedOperation
from da4ml_core.fixed import Interval, Overflow, Rounding
from da4ml_core.trace.context import Elements
from da4ml_core.trace.dispatch import call_function, call_ufunc
from da4ml_core.trace.linear import ObjectArray
from da4ml_core.trace.quantize import quantize_elements
from da4ml_core.trace.tables import Deferred, is_deferred

Axes = int | tuple[int, ...] | None


class SymbolicArray(Elements):
    """An array of exact fixed-point unknowns that numpy functions accept; operations extend the program."""

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        return self.elements.shape

    @property
    def size(self) -> int:
        return self.elements.size

    @property
    def T(self) -> SymbolicArray:
        return self.transpose()

    def intervals(self) -> list[Interval]:
        """The interval of each element, in C order."""
        return [self.context.graph.interval(element) for element in self.elements.flat]

    def quantize(
        self,
        signed: ArrayLike,
        int_bits: ArrayLike,
        frac_bits: ArrayLike,
        rounding: Rounding | str = Rounding.TRN,
        overflow: Overflow | str = Overflow.WRAP,
    ) -> SymbolicArray:
        """Each element in a fixed-point type; the bit arrays broadcast to the shape (int_bits without the sign)."""
        types = (signed, int_bits, frac_bits)
        return SymbolicArray(self.context, quantize_elements(self.context, self.elements, *types, rounding, overflow))

    def reshape(self, *shape: Any) -> SymbolicArray:
        return SymbolicArray(self.context, self.elements.reshape(*shape))

    def ravel(self) -> SymbolicArray:
        return SymbolicArray(self.context, self.elements.reshape(-1))

    flatten = ravel

    def transpose(self, *axes: Any) -> SymbolicArray:
        return SymbolicArray(self.context, self.elements.transpose(*axes))

    def sum(self, axis: Axes = None, keepdims: bool = False) -> Any:
        return np.sum(self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Axes = None, keepdims: bool = False) -> Any:
        return np.mean(self, axis=axis, keepdims=keepdims)

    def max(self, axis: Axes = None, keepdims: bool = False) -> Any:
        return np.max(self, axis=axis, keepdims=keepdims)

    def min(self, axis: Axes = None, keepdims: bool = False) -> Any:
        return np.min(self, axis=axis, keepdims=keepdims)

    def all(self, axis: Axes = None, keepdims: bool = False) -> Any:
        return np.all(self, axis=axis, keepdims=keepdims)

    def any(self, axis: Axes = None, keepdims: bool = False) -> Any:
        return np.any(self, axis=axis, keepdims=keepdims)

    def clip(self, low: Any = None, high: Any = None) -> Any:
        return np.clip(self, low, high)

    def __getitem__(self, key: Any) -> SymbolicArray:
        picked = self.elements[key]
        if not isinstance(picked, np.ndarray):
            picked = _scalar(picked)
        return SymbolicArray(self.context, picked)

    def __len__(self) -> int:
        return len(self.elements)

    def __iter__(self) -> Iterator[SymbolicArray]:
        if self.ndim == 0:
            raise UnsupportedOperation('a symbolic scalar cannot be iterated over', location=user_location())
        return (self[position] for position in range(len(self)))

    def __bool__(self) -> bool:
        raise SymbolicBool(
            'the truth of a symbolic value is not known while tracing',
            location=user_location(),
            hint='a program has no data-dependent control flow',
        )

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise UnsupportedOperation(
            'a symbolic array has no numbers to convert to a numpy array',
            location=user_location(),
            hint='use the numpy functions that tracing supports on the symbolic array itself',
        )

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if is_deferred(ufunc, method, inputs, kwargs):
            return Deferred.of(self, ufunc, inputs)
        return SymbolicArray(self.context, call_ufunc(self.context, ufunc, method, inputs, kwargs))

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        result = call_function(self.context, function, args, kwargs)
        if isinstance(result, np.ndarray):
            return SymbolicArray(self.context, result)
        return [SymbolicArray(self.context, part) for part in result]

    def __add__(self, other: Any) -> Any:
        return np.add(self, other)

    def __radd__(self, other: Any) -> Any:
        return np.add(other, self)

    def __sub__(self, other: Any) -> Any:
        return np.subtract(self, other)

    def __rsub__(self, other: Any) -> Any:
        return np.subtract(other, self)

    def __mul__(self, other: Any) -> Any:
        return np.multiply(self, other)

    def __rmul__(self, other: Any) -> Any:
        return np.multiply(other, self)

    def __truediv__(self, other: Any) -> Any:
        return np.true_divide(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return np.true_divide(other, self)

    def __lt__(self, other: Any) -> Any:
        return np.less(self, other)

    def __le__(self, other: Any) -> Any:
        return np.less_equal(self, other)

    def __gt__(self, other: Any) -> Any:
        return np.greater(self, other)

    def __ge__(self, other: Any) -> Any:
        return np.greater_equal(self, other)

    def __eq__(self, other: Any) -> Any:
        return np.equal(self, other)

    def __ne__(self, other: Any) -> Any:
        return np.not_equal(self, other)

    __hash__ = None  # type: ignore[assignment]  # as numpy's arrays: equality is element by element

    def __abs__(self) -> Any:
        return np.absolute(self)

    def __pow__(self, exponent: Any) -> Any:
        return np.power(self, exponent)

    def __and__(self, other: Any) -> Any:
        return np.bitwise_and(self, other)

    def __rand__(self, other: Any) -> Any:
        return np.bitwise_and(other, self)

    def __or__(self, other: Any) -> Any:
        return np.bitwise_or(self, other)

    def __ror__(self, other: Any) -> Any:
        return np.bitwise_or(other, self)

    def __xor__(self, other: Any) -> Any:
        return np.bitwise_xor(self, other)

    def __rxor__(self, other: Any) -> Any:
        return np.bitwise_xor(other, self)

    def __invert__(self) -> Any:
        return np.invert(self)

    def __lshift__(self, bits: Any) -> Any:
        return np.left_shift(self, bits)

    def __rshift__(self, bits: Any) -> Any:
        return np.right_shift(self, bits)

    def __neg__(self) -> Any:
        return np.negative(self)

    def __pos__(self) -> Any:
        return self

    def __matmul__(self, other: Any) -> Any:
        return np.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return np.matmul(other, self)

    def __repr__(self) -> str:
        return f'SymbolicArray(shape={self.shape}, program={self.context.name!r})'


def relu(array: SymbolicArray) -> SymbolicArray:
    """max(x, 0), element by element."""
    rectified: SymbolicArray = np.maximum(array, 0)  # type: ignore[assignment]
    return rectified


def _scalar(element: Any) -> ObjectArray:
    array = np.empty(1, dtype=object)
    array[0] = element  # a variable is a tuple, which numpy would spread over a 0-d array
    return array.reshape(())
