"""External numbers to the codes of input ports, and output codes to float64: exact or refused, never approximate."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core.errors import InterpError
from da4ml_core.fixed import Interval, Overflow, Rounding, overflow_code, round_code
from da4ml_core.ir.opcode import Quantization
from da4ml_core.ir.program import Program

INT64 = Interval(-(1 << 63), (1 << 63) - 1)
EXACT_INTEGERS = 1 << 53  # float64 holds every integer up to here
REGULAR = 2.0**51  # scaled values up to here are rounded in float64 without error
TINY = 2.0**-960  # scaled values below may have lost bits to underflow


def input_matrix(program: Program, x: Any) -> NDArray[Any]:
    """``x`` as one matrix (n, num_inputs) of float64, float32, int64 or, where none is exact, Python numbers.

    ``x`` is one array of shape (n, *shape) or (n, elements), or for a program of several inputs a sequence of such
    arrays, or one matrix of all elements. Raises InterpError for any other shape and for what is not a real number.
    """
    shapes = program.input_shapes
    if len(shapes) == 1:
        return _rows(x, shapes[0], 'the input')
    if not isinstance(x, (list, tuple)):
        return _rows(x, (program.num_inputs,), 'the matrix of all inputs')
    if len(x) != len(shapes):
        raise InterpError(f'{len(x)} input arrays given, but {program.name!r} has {len(shapes)} inputs')
    parts = [_rows(part, shape, f'input {i}') for i, (part, shape) in enumerate(zip(x, shapes, strict=True))]
    lengths = sorted({len(part) for part in parts})
    if len(lengths) > 1:
        raise InterpError(f'the inputs have different numbers of samples: {", ".join(map(str, lengths))}')
    if not parts:
        raise InterpError(
            f'{program.name!r} has no inputs: the number of samples is not known', hint='pass an (n, 0) array'
        )
    kinds = {part.dtype.kind for part in parts}
    if len(kinds) > 1:  # integers beside floats: numpy would round the integers
        parts = [part.astype(object) for part in parts]
    return np.concatenate(parts, axis=1)


def _rows(x: Any, shape: tuple[int, ...], what: str) -> NDArray[Any]:
    """One input array as a matrix of samples by elements, a view where possible."""
    values = _exact_array(x, what)
    elements = prod(shape)
    if values.ndim == 0 or values.shape[1:] not in (shape, (elements,)):
        wanted = ', '.join(str(extent) for extent in ('n', *shape))
        raise InterpError(f'{what} has shape {values.shape}, but the program takes ({wanted})')
    return values.reshape(len(values), elements)


def _exact_array(x: Any, what: str) -> NDArray[Any]:
    """``x`` as an array of a type that holds each of its numbers exactly."""
    if isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x):
        raise InterpError(f'{what} has masked elements, which are no numbers', hint='fill them: x.filled(0)')
    try:
        values = np.asarray(x)
        if values.dtype.kind == 'f' and not isinstance(x, (np.ndarray, np.generic)):
            listed = np.asarray(x, dtype=object)  # a list of integers and floats: numpy has rounded the integers
            if any(
                isinstance(number, (int, np.integer)) and abs(int(number)) > EXACT_INTEGERS for number in listed.flat
            ):
                return listed
    except ValueError:
        raise InterpError(f'{what} is not a rectangular array of numbers') from None
    if not (values.dtype.isnative and values.flags.aligned):
        values = values.astype(values.dtype.newbyteorder('='))
    kind, size = values.dtype.kind, values.dtype.itemsize
    if kind == 'O' or values.dtype in (np.float64, np.float32, np.int64):
        return values
    if kind == 'f':
        return values.astype(np.float32 if size < 4 else object)
    if kind == 'u' and size == 8 and values.size and int(values.max()) > INT64.hi:
        return values.astype(object)
    if kind in 'biu':
        return values.astype(np.int64)
    raise InterpError(f'{what} holds {values.dtype} elements, which are not real numbers')


def encode(program: Program, x: Any) -> NDArray[Any]:
    """The codes of all input ops, (n, number of input ops), in program order: what ``evaluate`` takes as samples.

    Each number is rounded and brought into range as its port says, exactly, whatever its size. The array is of int64,
    or of Python integers if a port is wider. Raises InterpError for NaN, infinity and what is not a real number.
    """
    return encode_matrix(program, input_matrix(program, x))


def encode_matrix(program: Program, matrix: NDArray[Any], samples: NDArray[np.int64] | None = None) -> NDArray[Any]:
    """``encode`` of an input matrix; ``samples`` numbers its rows in messages."""
    ports = list(program.input_ops())
    wide = not all(INT64.contains(_unscaled(program.ops[index].interval)) for index, _ in ports)
    codes = np.zeros((len(matrix), len(ports)), dtype=object if wide else np.int64)
    for column, (index, port) in enumerate(ports):
        values = matrix[:, port.position]
        fast, done = _regular_codes(values, port.quantization)
        shift = -port.quantization.type.frac_bits - program.ops[index].interval.exp
        if shift and done.any():
            fast = fast << shift if shift > 0 else fast >> -shift
        codes[:, column] = fast
        for row in np.flatnonzero(~done):
            try:
                code = exact_code(values[row], port.quantization)
            except (AttributeError, TypeError, ValueError, OverflowError):
                sample = row if samples is None else samples[row]
                message = f'sample {sample}, element {port.position} is {values[row]!s}, not a finite real number'
                raise InterpError(message) from None
            codes[row, column] = code << shift if shift > 0 else code >> -shift
    return codes


def exact_code(value: Any, quantization: Quantization) -> int:
    """The code of any finite real number, in steps of the port's type; raises ValueError or OverflowError otherwise."""
    if isinstance(value, (np.integer, np.bool_)):
        value = int(value)
    numerator, denominator = (int(part) for part in value.as_integer_ratio())
    kind, rounding, overflow = quantization
    up = kind.frac_bits + 2
    code, rest = divmod(numerator << max(up, 0), denominator << max(-up, 0))
    # two more bits and a sticky one tell apart below, at and above a tie, which is all that a mode looks at
    return overflow_code(round_code(code | (rest != 0), 2, rounding), kind, overflow)


def _regular_codes(values: NDArray[Any], quantization: Quantization) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Codes where float64 and int64 arithmetic are exact, zeros elsewhere, and the mask of where they are."""
    kind, rounding, overflow = quantization
    if values.dtype == object or kind.width_bits > 62 or abs(kind.frac_bits) > 2000:
        return np.zeros(len(values), dtype=np.int64), np.zeros(len(values), dtype=np.bool_)
    with np.errstate(all='ignore'):
        real = values.astype(np.float64)
        scaled = np.ldexp(real, kind.frac_bits)
        size = np.abs(scaled)
        regular = (size <= REGULAR) & ((size >= TINY) | (real == 0))
        if values.dtype == np.int64:
            regular &= np.abs(real) < EXACT_INTEGERS
        codes = _round(np.where(regular, scaled, 0.0), rounding)
    lo, hi, _ = kind.interval
    if overflow is Overflow.WRAP:
        codes = lo + (codes - lo) % (hi - lo + 1)
    elif overflow is Overflow.SAT_ZERO:
        codes = np.where((codes >= lo) & (codes <= hi), codes, 0)
    else:
        symmetric = overflow is Overflow.SAT_SYM and kind.signed and lo < hi
        codes = np.clip(codes, lo + symmetric, hi)
    return codes, regular


def _round(scaled: NDArray[np.float64], mode: Rounding) -> NDArray[np.int64]:
    """Float64 numbers of at most 2**51 rounded to integers; the distance to the nearest even-tie one is exact."""
    nearest = np.rint(scaled)
    rest = scaled - nearest
    up: NDArray[np.bool_] | bool = False
    down: NDArray[np.bool_] | bool = False
    if mode is Rounding.TRN:
        down = rest < 0
    elif mode is Rounding.TRN_ZERO:
        down, up = (scaled > 0) & (rest < 0), (scaled < 0) & (rest > 0)
    elif mode is Rounding.RND:
        up = rest == 0.5
    elif mode is Rounding.RND_MIN_INF:
        down = rest == -0.5
    elif mode is Rounding.RND_ZERO:
        down, up = (scaled > 0) & (rest == -0.5), (scaled < 0) & (rest == 0.5)
    elif mode is Rounding.RND_INF:
        up, down = (scaled > 0) & (rest == 0.5), (scaled < 0) & (rest == -0.5)
    return nearest.astype(np.int64) + np.asarray(up, dtype=np.int64) - np.asarray(down, dtype=np.int64)


def float_exact(interval: Interval) -> bool:
    """Whether float64 holds every value of an interval."""
    largest = max(abs(interval.lo), abs(interval.hi))
    if largest == 0:
        return True
    return largest <= EXACT_INTEGERS and interval.exp >= -1074 and largest.bit_length() + interval.exp <= 1024


def decode(program: Program, codes: NDArray[Any] | Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """Output codes (n, num_outputs) as the float64 numbers they stand for; InterpError where some type does not fit."""
    matrix = np.asarray(codes)
    intervals = program.output_intervals
    if matrix.ndim != 2 or matrix.shape[1] != len(intervals):
        raise InterpError(f'the codes have shape {matrix.shape}, but the program makes (n, {len(intervals)})')
    check_float_outputs(program)
    exps = np.array([0 if interval.lo == interval.hi == 0 else interval.exp for interval in intervals], dtype=np.int64)
    numbers: NDArray[np.float64] = np.ldexp(matrix.astype(np.float64), exps.astype(np.int32))
    return numbers


def check_float_outputs(program: Program) -> None:
    """Raise InterpError unless float64 holds every value of every output."""
    for position, interval in enumerate(program.output_intervals):
        if not float_exact(interval):
            raise InterpError(
                f'output {position} has the type {interval.fixed_type}, which float64 does not hold exactly',
                hint='ask for integer codes: predict(..., codes=True)',
            )


def _unscaled(interval: Interval) -> Interval:
    """The codes of an interval as plain integers."""
    return interval._replace(exp=0)
