"""HGQ2's fixed-point quantizers (kif and kbi) as they act at inference, on constants and on symbolic arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core.errors import CorruptModel, Location, UnsupportedLayer
from da4ml_core.fixed import Overflow, Rounding
from da4ml_core.frontends.json_view import JsonView

if TYPE_CHECKING:
    from da4ml_core.trace import SymbolicArray

Float32 = NDArray[np.float32]
FLOAT32_MAX = float(np.finfo(np.float32).max)
MAX_EXPONENT = 126  # beyond it 2**bits is no float32

# Configurations that are a name for fixed options, which their files leave out: overflow mode and affine map.
CONFIG_CLASSES: dict[str, tuple[str | None, tuple[float, float] | None]] = {
    'QuantizerConfig': (None, None),
    'HardTanhConfig': ('SAT', None),
    'HardSigmoidConfig': ('SAT', (0.25, 0.5)),
}


@dataclass(frozen=True, slots=True)
class Quantizer:
    """A built quantizer: one bit (``signed``) and two bit counts per element, or per group of elements.

    The three arrays broadcast to the quantized array. An element without bits is the constant zero, unless
    ``bits_only_round``: then, as HGQ2 does for weights that wrap, values are rounded to ``frac_bits`` and that is all.
    """

    signed: NDArray[np.bool_]
    int_bits: NDArray[np.int64]
    frac_bits: NDArray[np.int64]
    rounding: Rounding
    overflow: Overflow
    bits_only_round: bool = False
    scaler: float | None = None
    affine: tuple[float, float] | None = None

    @property
    def has_bits(self) -> NDArray[np.bool_]:
        return self.signed + self.int_bits + self.frac_bits > 0

    def constants(self, values: Float32) -> Float32:
        """Weights quantized by the very float32 operations that the framework does, in its order."""
        x = values if self.scaler is None else values / np.float32(self.scaler)
        x = self._fixed_point(x)
        if self.scaler is not None:
            x = x * np.float32(self.scaler)
        if self.affine is not None:
            x = x * np.float32(self.affine[0]) + np.float32(self.affine[1])
        return np.asarray(x, dtype=np.float32)

    def _fixed_point(self, x: Float32) -> Float32:
        scale = _power(self.frac_bits)
        if self.bits_only_round:
            return _round(x * scale, self.rounding) / scale
        int_bits = np.maximum(self.int_bits, -self.frac_bits)
        if self.overflow is Overflow.WRAP:
            x = _round(x * scale, self.rounding) / scale
            span = _power(int_bits + self.signed)
            bias = np.where(self.signed, span / np.float32(2), np.float32(0))
            x = np.mod(x + bias, span) - bias
        else:
            high = _power(int_bits) - np.float32(1) / scale
            low = -high if self.overflow is Overflow.SAT_SYM else -_power(int_bits)
            x = np.clip(x, np.where(self.signed, low, np.float32(0)), high)
            x = _round(x * scale, self.rounding) / scale
        return np.where(self.has_bits, x, np.float32(0))

    def apply(self, x: SymbolicArray) -> SymbolicArray:
        """A symbolic array quantized; the quantizer must have been read as one of data."""
        return self._mapped(x.quantize(*self._types()))

    def tabulate(self, x: SymbolicArray, function: Callable[[float], Any] | Sequence[Callable[[float], Any]]) -> Any:
        """A function of each element, or one for each, quantized: one lookup; the quantizer is one of data."""
        from da4ml_core.trace import table

        return self._mapped(table(x, function, *self._types()))

    def _types(self) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64], Rounding, Overflow]:
        shift = 0 if self.scaler is None else _exponent_of_two(self.scaler)
        frac_bits = self.frac_bits - shift
        int_bits = np.where(self.has_bits, self.int_bits + shift, -frac_bits)
        return self.signed & self.has_bits, int_bits, frac_bits, self.rounding, self.overflow

    def _mapped(self, y: Any) -> SymbolicArray:
        mapped: SymbolicArray = y if self.affine is None else y * self.affine[0] + self.affine[1]
        return mapped


def read_quantizer(
    config: JsonView, variables: list[NDArray[Any]], shape: tuple[int, ...], *, constant: bool, context: str
) -> Quantizer | None:
    """The quantizer of a serialized ``QuantizerConfig`` and its saved variables; None for the dummy one.

    ``shape`` is that of the array it quantizes (with the batch axis of size 1 where there is one); ``constant`` tells
    whether that array is known now. Raises UnsupportedLayer and CorruptModel.
    """
    class_name = config['class_name'].text()
    if class_name not in CONFIG_CLASSES:
        raise _unsupported(config, context, f'quantizer configuration {class_name!r}', list(CONFIG_CLASSES))
    overflow_name, affine = CONFIG_CLASSES[class_name]
    options = config['config']
    q_type = options['q_type'].text()
    if q_type == 'dummy':
        return None
    if q_type not in ('kif', 'kbi'):
        raise _unsupported(options, context, f'q_type {q_type!r}', ['kif', 'kbi', 'dummy'])
    mapper = options.find('bw_mapper')
    if mapper is not None and mapper['class_name'].text() != 'DefaultBitwidthMapper':
        raise _unsupported(mapper, context, 'bw_mapper', ['DefaultBitwidthMapper'])

    rounding_name = options['round_mode'].text().upper().removeprefix('S_')  # stochastic only in training
    overflow_name = overflow_name or options['overflow_mode'].text().upper()
    if rounding_name not in Rounding.__members__:
        raise _unsupported(options, context, f'round_mode {rounding_name!r}', list(Rounding.__members__))
    if overflow_name not in ('WRAP', 'SAT', 'SAT_SYM'):  # WRAP_SM leaves its type's range, so it is no fixed-point mode
        raise _unsupported(options, context, f'overflow_mode {overflow_name!r}', ['WRAP', 'SAT', 'SAT_SYM'])
    rounding, overflow = Rounding(rounding_name), Overflow(overflow_name)

    signed, int_bits, frac_bits = _bit_arrays(q_type, overflow, variables, shape, options, context)
    if not constant:  # the batch axis
        signed, int_bits, frac_bits = signed[0], int_bits[0], frac_bits[0]
    scaler, affine = _read_maps(options, affine)
    is_weight = (view := options.find('is_weight')) is not None and view.flag()
    trainable = (view := options.find('trainable')) is None or view.flag()
    bits_only_round = (
        is_weight and trainable and overflow is Overflow.WRAP and (q_type == 'kif' or rounding is Rounding.RND)
    )
    quantizer = Quantizer(signed, int_bits, frac_bits, rounding, overflow, bits_only_round, scaler, affine)
    if not constant:
        _check_data(quantizer, options, context)
    return quantizer


def _bit_arrays(
    q_type: str,
    overflow: Overflow,
    variables: list[NDArray[Any]],
    shape: tuple[int, ...],
    options: JsonView,
    context: str,
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """``(signed, int_bits, frac_bits)`` from the saved variables: trainable ones come first."""
    if overflow is Overflow.WRAP:
        order: tuple[str, ...] = ('f', 'k', 'i', 'decay') if q_type == 'kif' else ('b', 'k', 'i', 'decay')
    else:
        order = ('i', 'f', 'k') if q_type == 'kif' else ('b', 'i', 'k')
    if len(variables) != len(order):
        raise _corrupt(options, context, f'the quantizer has {len(variables)} saved variables, not {len(order)}')
    named = dict(zip(order, variables, strict=True))
    for name in ('k', 'i', 'f' if q_type == 'kif' else 'b'):
        array = named[name]
        if not _broadcasts(array.shape, shape):
            raise _corrupt(
                options, context, f'its {name!r} has the shape {array.shape}, which does not fit data of {shape}'
            )
        if not np.all(np.isfinite(array)):
            raise _corrupt(options, context, f'its {name!r} holds NaN or infinity')
    if not np.all((named['k'] == 0) | (named['k'] == 1)):
        raise _corrupt(options, context, "its 'k' holds values other than 0 and 1")
    signed = named['k'].astype(bool)
    int_bits = _whole(named['i'])
    second = _whole(named['f' if q_type == 'kif' else 'b'])
    frac_bits = second if q_type == 'kif' else second - int_bits
    signed, int_bits, frac_bits = np.broadcast_arrays(signed, int_bits, frac_bits)
    alive = signed + int_bits + frac_bits > 0
    if np.any(alive & ((np.abs(int_bits) > MAX_EXPONENT) | (np.abs(frac_bits) > MAX_EXPONENT))):
        raise _corrupt(options, context, f'it has a bit count beyond {MAX_EXPONENT}')
    return signed, int_bits, frac_bits


def _read_maps(
    options: JsonView, affine: tuple[float, float] | None
) -> tuple[float | None, tuple[float, float] | None]:
    """The scale around the quantizer and the affine map behind it."""
    view = options.find('scaler')
    scaler = None if view is None else view.number()
    given = options.find('affine')
    if given is not None:
        numbers = [number.number() for number in given]
        if len(numbers) != 2:
            raise given.error(f'{given.key} must be two numbers')
        affine = (numbers[0], numbers[1])
    for number in (scaler, *(affine or ())):
        if number is not None and not abs(number) <= FLOAT32_MAX:
            raise options.error(f'{options.key} has a scale or offset that is no float32 number')
    if scaler == 0:
        raise options.error('its scaler is zero')
    return scaler, affine


def _check_data(quantizer: Quantizer, options: JsonView, context: str) -> None:
    """Raise UnsupportedLayer unless the quantizer of a symbolic array is exact in fixed point."""
    if quantizer.bits_only_round:
        raise _unsupported(options, context, "overflow_mode 'WRAP' with is_weight on data", ['is_weight: false'])
    if quantizer.scaler is not None and not _is_power_of_two(quantizer.scaler):
        raise _unsupported(options, context, f'scaler {quantizer.scaler!r}', ['a positive power of two'])
    if quantizer.affine is not None:
        scale, offset = quantizer.affine
        if not _is_power_of_two(abs(scale)) or float(np.float32(offset)) != offset:
            raise _unsupported(options, context, f'affine {quantizer.affine!r}', ['(a power of two, a float32 number)'])


def _round(x: Float32, mode: Rounding) -> Float32:
    """Integers by the framework's own formulas, whose float32 sums round now and then (0.49999997 + 0.5 is 1)."""
    half = np.float32(0.5)
    if mode is Rounding.TRN:
        y = np.floor(x)
    elif mode is Rounding.RND:
        y = np.floor(x + half)
    elif mode is Rounding.RND_CONV:
        y = np.rint(x)
    elif mode is Rounding.TRN_ZERO:
        y = np.floor(np.abs(x)) * np.sign(x)
    elif mode is Rounding.RND_ZERO:
        y = -np.floor(-np.abs(x) + half) * np.sign(x)
    elif mode is Rounding.RND_MIN_INF:
        y = -np.floor(-x + half)
    else:  # RND_INF
        y = np.floor(np.abs(x) + half) * np.sign(x)
    return np.asarray(y, dtype=np.float32)


def _power(exponent: NDArray[np.int64]) -> Float32:
    """Exactly ``2**exponent`` in float32, where it is a normal number."""
    clipped = np.clip(exponent, -MAX_EXPONENT, MAX_EXPONENT).astype(np.int32)
    return np.asarray(np.ldexp(np.float32(1), clipped), dtype=np.float32)


def _whole(bits: NDArray[Any]) -> NDArray[np.int64]:
    """Trained bit counts are real numbers; the framework rounds them to the nearest, ties to even."""
    whole: NDArray[np.int64] = np.rint(np.clip(bits, -1e9, 1e9)).astype(np.int64)
    return whole


def _broadcasts(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    return len(shape) == len(target) and all(a in (1, b) for a, b in zip(shape, target, strict=True))


def _is_power_of_two(number: float) -> bool:
    return number > 0 and math.frexp(number)[0] == 0.5


def _exponent_of_two(number: float) -> int:
    return math.frexp(number)[1] - 1


def _unsupported(at: JsonView, context: str, what: str, supported: list[str]) -> UnsupportedLayer:
    return UnsupportedLayer(
        f'{what} is not supported',
        location=Location(at.file),
        context=context,
        hint=f'supported: {", ".join(supported)}',
    )


def _corrupt(at: JsonView, context: str, message: str) -> CorruptModel:
    return CorruptModel(message, location=Location(at.file), context=context)
