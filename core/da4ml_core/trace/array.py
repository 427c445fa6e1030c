"""The symbolic array: numpy's protocols over symbolic numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import ArrayLike

from da4ml_core._srcloc import user_location
from da4ml_core.errors import SymbolicBool, UnsupportedAttribute, UnsupportedOperation
from da4ml_core.fixed import Interval, Overflow, Rounding
from da4ml_core.trace.context import Elements
from da4ml_core.trace.deferred import Deferred, is_deferred
from da4ml_core.trace.dispatch import call_function, call_ufunc, unsupported
from da4ml_core.trace.indexing import assign, indexed
from da4ml_core.trace.operands import as_scalar
from da4ml_core.trace.quantize import quantize_elements
from da4ml_core.trace.variable import External, Variable

Axes = int | tuple[int, ...] | None


class SymbolicArray(Elements, NDArrayOperatorsMixin):
    """An array of exact fixed-point unknowns that numpy functions accept; operations extend the program.

    Slices and reshapes are views, as in numpy: assignment, and ``+=`` and its like, change what they are views of. What
    has no axes is a number, as numpy's scalars are, and never changes.
    """

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]  # as numpy's arrays: equality is element by element

    @property
    def T(self) -> SymbolicArray:
        return self.transpose()

    @property
    def mT(self) -> SymbolicArray:
        return self.swapaxes(-1, -2)  # type: ignore[no-any-return]

    @property
    def real(self) -> SymbolicArray:
        return self

    @property
    def flat(self) -> Iterator[SymbolicArray]:
        return iter(self.ravel())

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

    def reshape(self, *shape: Any, order: Any = 'C') -> SymbolicArray:
        return SymbolicArray(self.context, self.elements.reshape(*shape, order=order), self.truth)

    def ravel(self, order: Any = 'C') -> SymbolicArray:
        return self.reshape(-1, order=order)

    def flatten(self, order: Any = 'C') -> SymbolicArray:
        return self.copy().ravel(order)

    def copy(self, order: Any = 'C') -> SymbolicArray:
        return SymbolicArray(self.context, self.elements.copy(order), self.truth)

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> SymbolicArray:
        return self.copy()  # of the same program: the elements never change

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise UnsupportedOperation(
            'a symbolic array is part of a program in the making, and cannot be pickled',
            location=user_location(),
            hint='finish the program: it can be saved, pickled and sent',
        )

    def fill(self, value: Any) -> None:
        self[...] = value

    def sort(self, axis: int = -1, kind: Any = None, order: None = None, *, stable: bool | None = None) -> None:
        self[...] = np.sort(self, axis, kind, order, stable=stable)

    def compress(self, condition: Any, axis: int | None = None) -> SymbolicArray:
        compressed: SymbolicArray = np.compress(condition, self, axis)  # type: ignore[assignment]
        return compressed

    def transpose(self, *axes: Any) -> SymbolicArray:
        return SymbolicArray(self.context, self.elements.transpose(*axes), self.truth)

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> SymbolicArray:
        raise unsupported('astype')

    def tolist(self) -> list[Any]:
        return [element.tolist() if element.ndim else element for element in self]

    def __getattr__(self, name: str) -> Any:
        """The other methods of numpy's arrays are its functions."""
        if name in _METHODS:
            return partial(getattr(np, name), self)
        raise UnsupportedAttribute(f'a symbolic array has no attribute {name!r}', location=user_location())

    def __getitem__(self, key: Any) -> SymbolicArray:
        gathered = indexed(self, key)
        picked = self.elements[key] if gathered is None else gathered
        return SymbolicArray(self.context, picked if isinstance(picked, np.ndarray) else as_scalar(picked), self.truth)

    def __setitem__(self, key: Any, value: Any) -> None:
        assign(self, key, value)

    def __len__(self) -> int:
        if self.ndim == 0:
            raise UnsupportedOperation('a symbolic scalar has no length', location=user_location())
        return len(self.elements)

    def __iter__(self) -> Iterator[SymbolicArray]:
        if self.ndim == 0:
            raise UnsupportedOperation('a symbolic scalar cannot be iterated over', location=user_location())
        return (self[position] for position in range(len(self)))

    def __bool__(self) -> bool:
        raise SymbolicBool(
            'the truth of a symbolic value is not known while tracing',
            location=user_location(),
            hint='a program has no data-dependent control flow: np.where(condition, x, y) chooses',
        )

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise UnsupportedOperation(
            'a symbolic array has no numbers to convert to a numpy array',
            location=user_location(),
            hint='np.stack makes an array of a list of them, np.concatenate and np.column_stack what np.r_, np.c_ do; '
            'da4ml_core.trace.take(array, x) is array[x]',
        )

    def _number(self, *args: Any) -> Any:
        raise UnsupportedOperation(
            'a symbolic value has no number while tracing',
            location=user_location(),
            hint='keep it symbolic: np.floor, .quantize(...) round, np.take indexes, np.exp(x).quantize(...) tabulates',
        )

    def __format__(self, spec: str) -> str:
        return self._number() if spec else repr(self)

    __float__ = __int__ = __complex__ = __index__ = __round__ = __trunc__ = __floor__ = __ceil__ = item = _number

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        targets = kwargs.pop('out', (None,))
        if any(target is not None for target in targets):
            return _into(targets, ufunc, method, inputs, kwargs)
        if any(isinstance(x, Deferred) for x in inputs):
            return NotImplemented
        if is_deferred(ufunc, method, inputs, kwargs):
            return Deferred.of(ufunc, inputs)
        return self._wrapped(*call_ufunc(self.context, ufunc, method, inputs, kwargs))

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if any(issubclass(kind, Deferred) for kind in types):
            return NotImplemented
        return self._wrapped(*call_function(self.context, function, args, kwargs))

    def _wrapped(self, result: Any, truth: bool) -> Any:
        """What a numpy function gives, its arrays of variables as symbolic arrays."""
        if isinstance(result, np.ndarray) and result.dtype == object:
            return SymbolicArray(self.context, result, truth)
        if isinstance(result, (Variable, External)):
            return SymbolicArray(self.context, as_scalar(result), truth)
        if isinstance(result, (list, tuple)):
            return type(result)(self._wrapped(part, truth) for part in result)
        return result

    def __repr__(self) -> str:
        return f'SymbolicArray(shape={self.shape}, program={self.context.name!r})'


def relu(array: SymbolicArray) -> SymbolicArray:
    """max(x, 0), element by element."""
    rectified: SymbolicArray = np.maximum(array, 0)  # type: ignore[assignment]
    return rectified


def _into(
    targets: tuple[Any, ...], ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """A ufunc whose result is assigned to an array, all of it or where a condition holds."""
    target = targets[0]
    if len(targets) > 1 or not isinstance(target, SymbolicArray) or isinstance(ufunc, Deferred):
        raise UnsupportedOperation(
            'the result of a symbolic operation goes into one symbolic array', location=user_location()
        )
    where = kwargs.pop('where', True) if method == '__call__' else True
    result = getattr(ufunc, method)(*inputs, **kwargs)
    target[...] = result if where is True else np.where(where, result, target)
    return target


def _in_place(ufunc: np.ufunc) -> Callable[[SymbolicArray, Any], Any]:
    def operator(self: SymbolicArray, other: Any) -> Any:
        result = ufunc(self, other)
        if self.ndim == 0 or not isinstance(result, SymbolicArray):
            return result
        self[...] = result
        return self

    return operator


for _name, _ufunc in (
    *(('iadd', np.add), ('isub', np.subtract), ('imul', np.multiply), ('itruediv', np.true_divide)),
    *(('ifloordiv', np.floor_divide), ('imod', np.remainder), ('ipow', np.power), ('imatmul', np.matmul)),
    *(('iand', np.bitwise_and), ('ior', np.bitwise_or), ('ixor', np.bitwise_xor)),
    *(('ilshift', np.left_shift), ('irshift', np.right_shift)),
):
    setattr(SymbolicArray, f'__{_name}__', _in_place(_ufunc))

_METHODS = frozenset(
    {
        *('sum', 'mean', 'prod', 'max', 'min', 'all', 'any', 'argmax', 'argmin', 'clip', 'var', 'std', 'round'),
        *('cumsum', 'cumprod', 'dot', 'trace', 'diagonal', 'argsort', 'searchsorted', 'take', 'repeat', 'squeeze'),
        *('swapaxes', 'conj', 'conjugate', 'choose'),
    }
)
