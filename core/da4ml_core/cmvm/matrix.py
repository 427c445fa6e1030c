"""The problem as it is given: an exact matrix and its inputs, validated element by element."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core.errors import FormatError, InvalidMatrix
from da4ml_core.fixed import Interval, dyadic

DEFAULT_INPUT = Interval(-128, 127)
KERNEL_BITS = 58  # magnitudes below 2**58 leave the 64-bit kernels room for sums, shifts and 3·x
MAX_EXPONENT = 1 << 20  # far beyond any number that hardware holds, and shifts still fit the kernels

Integers = NDArray[Any]  # int64, or Python integers in an object array where those do not fit


@dataclass(frozen=True, slots=True)
class Problem:
    """``matrix == weights * 2**exp``; arrival times are in adder levels."""

    weights: Integers
    exp: int
    inputs: tuple[Interval, ...]
    levels: tuple[int, ...]

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for equal problems, however their matrices were written."""
        body = self.weights.tobytes() if self.weights.dtype != object else tuple(self.weights.ravel())
        return (self.weights.shape, self.exp, body, self.inputs, self.levels)

    @property
    def matrix(self) -> NDArray[Any]:
        """The matrix as int64 where it fits, else float64 where that is exact, else integers and fractions."""
        if self.weights.dtype != object:
            top = int(np.abs(self.weights).max()).bit_length()
            if self.exp >= 0 and top + self.exp <= 62:
                return np.asarray(self.weights << self.exp)
            if top <= 53 and -1000 <= self.exp <= 900:
                return np.asarray(np.ldexp(self.weights.astype(np.float64), self.exp))
        scale = Fraction(2) ** self.exp
        exact = [[_plain(int(number) * scale) for number in row] for row in self.weights]
        out = np.empty(self.weights.shape, dtype=object)
        out[:] = exact
        return out


def check_problem(
    matrix: Any,
    inputs: Sequence[Interval] | None = None,
    latencies: Sequence[int] | None = None,
) -> Problem:
    """The exact problem; raises InvalidMatrix, naming the offending index, for anything that is not one."""
    weights, exp = _exact_matrix(matrix)
    n_in = weights.shape[0]
    return Problem(weights, exp, _check_inputs(inputs, n_in), _check_latencies(latencies, n_in))


def narrow(numbers: Integers) -> Integers:
    """The same integers as int64 if the kernels can take them."""
    if numbers.dtype == object:
        if not numbers.size or max(abs(int(number)) for number in numbers.flat) >> KERNEL_BITS == 0:
            return numbers.astype(np.int64)
        return numbers
    if numbers.size and (
        numbers.max() >> KERNEL_BITS or (-numbers).max() >> KERNEL_BITS or numbers.min() == -(1 << 63)
    ):
        return numbers.astype(object)
    return numbers


def trailing_zeros(numbers: Integers, axis: int) -> list[int]:
    """Zero bits that all numbers along an axis end in; -1 where all are zero."""
    ored = np.bitwise_or.reduce(numbers, axis=axis)
    return [(n & -n).bit_length() - 1 for n in (int(number) for number in ored)]


def _exact_matrix(matrix: Any) -> tuple[Integers, int]:
    """``(weights, exp)``, smallest weights; integers of any size, rationals and floats that are k·2^e."""
    if isinstance(matrix, np.ndarray):
        if matrix.ndim != 2:
            raise InvalidMatrix(f'a matrix has 2 axes (inputs, outputs), not shape {matrix.shape}')
        _check_shape(*matrix.shape)
        if matrix.dtype.kind in 'bi' or (matrix.dtype.kind == 'u' and matrix.dtype.itemsize < 8):
            return _without_common_zeros(np.ascontiguousarray(matrix, dtype=np.int64), 0)
        if matrix.dtype.kind not in 'ufO':
            raise InvalidMatrix(f'a matrix holds real numbers, not {matrix.dtype}')
        if matrix.dtype.kind == 'f' and matrix.dtype.itemsize <= 8:
            fast = _exact_floats(np.ascontiguousarray(matrix, dtype=np.float64))
            if fast is not None:
                return fast
        rows: list[Any] = [list(row) for row in matrix]
    else:
        rows = _listed(matrix)
    pairs = [[_exact_number(number, i, j) for j, number in enumerate(row)] for i, row in enumerate(rows)]
    exp = min((e for row in pairs for n, e in row if n), default=0)
    weights = np.empty((len(pairs), len(pairs[0])), dtype=object)
    weights[:] = [[n << (e - exp) if n else 0 for n, e in row] for row in pairs]
    return _without_common_zeros(weights, exp)


def _without_common_zeros(weights: Integers, exp: int) -> tuple[Integers, int]:
    """One form for equal matrices."""
    zeros = max(0, trailing_zeros(weights.reshape(-1, 1), 0)[0])
    return narrow(np.ascontiguousarray(weights >> zeros)), exp + zeros if weights.any() else 0


def _exact_floats(matrix: NDArray[np.float64]) -> tuple[Integers, int] | None:
    """Floats as 64-bit integers and one exponent, if their spread allows that."""
    bad = np.argwhere(~np.isfinite(matrix))
    if len(bad):
        i, j = (int(index) for index in bad[0])
        raise InvalidMatrix(f'matrix[{i}, {j}] is {matrix[i, j]}, not a finite number')
    mantissas, exponents = np.frexp(matrix)
    whole = (mantissas * 2.0**53).astype(np.int64)
    lowest = np.where(whole != 0, np.log2((whole & -whole).astype(np.float64).clip(1)), 53).astype(np.int64)
    steps = np.where(whole != 0, exponents - 53 + lowest, np.iinfo(np.int32).max)
    exp = int(steps.min())
    if not whole.any():
        return np.zeros(matrix.shape, dtype=np.int64), 0
    if int(exponents[whole != 0].max()) - exp > KERNEL_BITS:
        return None
    shift = np.where(whole != 0, steps - exp, 0)
    return (whole >> lowest) << shift, exp


def _listed(matrix: Any) -> list[list[Any]]:
    """The rows of nested sequences; raises InvalidMatrix for a ragged or otherwise shapeless one."""
    if isinstance(matrix, str | bytes) or not hasattr(matrix, '__iter__'):
        raise InvalidMatrix(f'a matrix has 2 axes (inputs, outputs), not {type(matrix).__name__}')
    rows: list[list[Any]] = []
    for i, row in enumerate(matrix):
        if isinstance(row, str | bytes) or not hasattr(row, '__iter__'):
            raise InvalidMatrix(f'row {i} of the matrix is {row!r}, not a sequence of numbers')
        rows.append(list(row))
        if len(rows[i]) != len(rows[0]):
            raise InvalidMatrix(f'row {i} of the matrix has {len(rows[i])} columns, row 0 has {len(rows[0])}')
    _check_shape(len(rows), len(rows[0]) if rows else 0)
    return rows


def _check_shape(n_in: int, n_out: int) -> None:
    if n_in == 0 or n_out == 0:
        raise InvalidMatrix(f'the matrix is empty: {n_in} inputs, {n_out} outputs')


def _exact_number(number: Any, i: int, j: int) -> tuple[int, int]:
    where = f'matrix[{i}, {j}]'
    if isinstance(number, np.generic):
        number = int(number) if isinstance(number, np.integer | np.bool_) else number
    if isinstance(number, complex | str | bytes) or not (
        isinstance(number, int) or hasattr(number, 'as_integer_ratio')
    ):
        raise InvalidMatrix(f'{where} is {number!r}, not a real number')
    try:
        mantissa, exp = dyadic(number)
    except FormatError as error:
        raise InvalidMatrix(f'{where}: {error.message}') from None
    if abs(exp) > MAX_EXPONENT or mantissa.bit_length() > MAX_EXPONENT:
        raise InvalidMatrix(f'{where} is out of range: beyond 2^±{MAX_EXPONENT}')
    return mantissa, exp


def _check_inputs(inputs: Sequence[Interval] | None, n_in: int) -> tuple[Interval, ...]:
    if inputs is None:
        return (DEFAULT_INPUT,) * n_in
    if len(inputs) != n_in:
        raise InvalidMatrix(f'{len(inputs)} input intervals for a matrix with {n_in} rows')
    checked = []
    for i, interval in enumerate(inputs):
        try:
            bounds = tuple(int(n) if isinstance(n, np.integer) else n for n in interval)
            if not 2 <= len(bounds) <= 3:
                raise FormatError(f'{interval!r} is not an interval (lo, hi, exp)')
            exact = Interval.check(*bounds)
        except (FormatError, TypeError) as error:
            message = error.message if isinstance(error, FormatError) else f'{interval!r} is not an interval'
            raise InvalidMatrix(f'inputs[{i}]: {message}') from None
        if abs(exact.exp) > MAX_EXPONENT or max(abs(exact.lo), abs(exact.hi)).bit_length() > MAX_EXPONENT:
            raise InvalidMatrix(f'inputs[{i}] is out of range: beyond 2^±{MAX_EXPONENT}')
        checked.append(exact)
    return tuple(checked)


def _check_latencies(latencies: Sequence[int] | None, n_in: int) -> tuple[int, ...]:
    if latencies is None:
        return (0,) * n_in
    if len(latencies) != n_in:
        raise InvalidMatrix(f'{len(latencies)} latencies for a matrix with {n_in} rows')
    levels = []
    for i, latency in enumerate(latencies):
        try:
            level = int(latency)
        except (TypeError, ValueError, OverflowError):
            level = -1
        if level < 0 or level != latency or level > MAX_EXPONENT:
            raise InvalidMatrix(f'latencies[{i}] is {latency!r}, not a number of adder levels >= 0')
        levels.append(level)
    return tuple(levels)


def _plain(number: Fraction) -> int | Fraction:
    return number.numerator if number.denominator == 1 else number
