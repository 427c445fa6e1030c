"""Fixed-point formats with power-of-two steps chosen from data, and numbers brought into them in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from da4ml_core.fixed import Overflow, Rounding

if TYPE_CHECKING:
    from da4ml_core.trace import SymbolicArray

Array = NDArray[np.float64]
Exponents = NDArray[np.int64]

MAX_SAMPLED = 1 << 15  # numbers of a channel that decide its step
CLIPPED = 4  # steps finer than the one that covers all values that are tried
WHOLE = 2.0**52  # from here on, every float64 is an integer
FINEST = -64


class Format(NamedTuple):
    """A type of ``bits`` bits in all, with its step's exponent for the tensor, or for each channel of its last axis."""

    signed: bool
    bits: Exponents
    exponents: Exponents
    rounding: Rounding
    overflow: Overflow

    def apply(self, x: Array) -> Array:
        """The numbers nearest to x, as the hardware has them; exact in float64."""
        top = 2.0 ** (self.bits - self.signed)
        low = -top * self.signed + (self.overflow is Overflow.SAT_SYM and self.signed)
        codes = np.ldexp(x, -self.exponents)
        if self.rounding is Rounding.RND:
            codes = np.where(np.abs(codes) < WHOLE, np.floor(codes + 0.5), codes)
        else:
            codes = np.floor(codes) if self.rounding is Rounding.TRN else np.rint(codes)
        if self.overflow is Overflow.WRAP:
            codes = np.mod(codes, top - low)  # before anything is added: float64 rounds what is beyond 53 bits
            codes = np.where(codes >= top, codes - (top - low), codes)
        else:
            codes = np.clip(codes, low, top - 1)
        return np.asarray(np.ldexp(codes, self.exponents))

    def types(self) -> tuple[bool, Exponents, Exponents]:
        """``signed, int_bits, frac_bits`` as the tracer takes them."""
        return self.signed, self.bits - self.signed + self.exponents, -self.exponents

    def trace(self, x: SymbolicArray) -> Any:
        return x.quantize(*self.types(), self.rounding, self.overflow)

    def __str__(self) -> str:
        def shown(numbers: Exponents) -> str:
            low, high = int(np.min(numbers)), int(np.max(numbers))
            return str(low) if low == high else f'{low}..{high}'

        _, int_bits, frac_bits = self.types()
        return f'{"fixed" if self.signed else "ufixed"}<{shown(int_bits)},{shown(frac_bits)}>'


def choose_format(
    x: Array, bits: int, *, per_channel: bool, search: bool, rounding: Rounding, overflow: Overflow, margin: int = 0
) -> Format:
    """The format of ``bits`` bits for numbers like those of ``x``, a batch with channels along its last axis.

    ``search``: the step with the least square error, which may saturate; else one that covers all. Bits that no number
    of ``x`` has are left out. ``margin`` doubles the range so often.
    """
    signed = bool((x < 0).any())
    rows = x.reshape(-1, x.shape[-1]).T if per_channel else x.reshape(1, -1)
    exponents = np.empty(len(rows), dtype=np.int64)
    widths = np.empty(len(rows), dtype=np.int64)
    for place, row in enumerate(rows):
        sampled = np.unique(np.append(row[:: -(-row.size // MAX_SAMPLED)], [row.min(), row.max()]))
        values = row[:: -(-row.size // MAX_SAMPLED)]
        coarsest = _covering(sampled, bits, signed, overflow) + margin
        best = coarsest
        if search and overflow is not Overflow.WRAP:
            errors = []
            for exponent in range(coarsest, coarsest - CLIPPED, -1):
                tried = Format(signed, np.int64(bits), np.int64(exponent), rounding, overflow)  # type: ignore[arg-type]
                errors.append(float(np.square(tried.apply(values) - values).sum()))
            best = coarsest - int(np.argmin(errors))
        step = max(best, min(granularity(sampled), best + bits - 1 - signed))
        exponents[place], widths[place] = step, bits - (step - best)
    if not per_channel:
        return Format(signed, widths.reshape(()), exponents.reshape(()), rounding, overflow)
    return Format(signed, widths, exponents, rounding, overflow)


def _covering(values: Array, bits: int, signed: bool, overflow: Overflow) -> int:
    """The exponent of the smallest step with which no value, once rounded, is out of range."""
    low, high = min(float(values[0]), 0.0), max(float(values[-1]), 0.0)
    largest = max(-low, high)
    if not largest:
        return 0
    exponent = int(np.frexp(largest)[1]) - (bits - signed) - 1
    top = 2 ** (bits - signed)
    bottom = -top + (overflow is Overflow.SAT_SYM) if signed else 0
    while exponent < FINEST or np.ldexp(high, -exponent) >= top - 0.5 or np.ldexp(low, -exponent) < bottom - 0.5:
        exponent += 1
    return exponent


def granularity(values: Array) -> int:
    """The exponent of the coarsest step that all values are multiples of."""
    mantissas, exponents = np.frexp(values[values != 0])
    if not mantissas.size:
        return 0
    whole = np.rint(np.ldexp(mantissas, 53)).astype(np.int64)
    return int((exponents - 53 + np.log2(whole & -whole).astype(np.int64)).min())
