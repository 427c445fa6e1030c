"""Exact fixed-point types and intervals: Python integers of any size and a power of two, never floats."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from da4ml_core.errors import FormatError


class Rounding(StrEnum):
    """The seven rounding modes of ``ap_fixed`` (Vitis HLS user guide UG1399, `ap_[u]fixed` quantization modes)."""

    TRN = 'TRN'  # towards minus infinity
    TRN_ZERO = 'TRN_ZERO'  # towards zero
    RND = 'RND'  # nearest, ties towards plus infinity
    RND_ZERO = 'RND_ZERO'  # nearest, ties towards zero
    RND_INF = 'RND_INF'  # nearest, ties away from zero
    RND_MIN_INF = 'RND_MIN_INF'  # nearest, ties towards minus infinity
    RND_CONV = 'RND_CONV'  # nearest, ties to even


class Overflow(StrEnum):
    """The four overflow modes of ``ap_fixed`` (UG1399, `ap_[u]fixed` overflow modes)."""

    WRAP = 'WRAP'  # two's complement wrap-around
    SAT = 'SAT'  # clamp to the type's range
    SAT_SYM = 'SAT_SYM'  # clamp to the type's range without its most negative code
    SAT_ZERO = 'SAT_ZERO'  # zero when out of range


class Interval(NamedTuple):
    """The numbers ``n * 2**exp`` for the integers ``lo <= n <= hi``."""

    lo: int
    hi: int
    exp: int = 0

    @property
    def fixed_type(self) -> FixedType:
        """The smallest two's-complement format that holds every value of the interval."""
        return FixedType.holding(self)

    @property
    def width_bits(self) -> int:
        """Bits of the smallest two's-complement format; 0 for the constant zero."""
        return code_bits(self.lo, self.hi)

    @property
    def signed(self) -> bool:
        return self.lo < 0

    @property
    def is_constant(self) -> bool:
        return self.lo == self.hi

    def shifted(self, shift: int, negated: bool = False) -> Interval:
        """The interval of ``±value * 2**shift``."""
        if negated:
            return Interval(-self.hi, -self.lo, self.exp + shift)
        return Interval(self.lo, self.hi, self.exp + shift) if shift else self

    def at(self, exp: int) -> Interval:
        """The same interval counted in steps of ``2**exp``; raises FormatError if that is coarser than exact."""
        if exp == self.exp:
            return self
        if exp < self.exp:
            up = self.exp - exp
            return Interval(self.lo << up, self.hi << up, exp)
        down = exp - self.exp
        if (self.lo | self.hi) & ((1 << down) - 1):
            raise FormatError(f'{self} has no exact bounds in steps of 2^{exp}')
        return Interval(self.lo >> down, self.hi >> down, exp)

    def contains(self, other: Interval) -> bool:
        """Whether every value of ``other`` is a value of this interval (same or finer step here)."""
        step = self.exp - other.exp
        if step > 0 and (not other.is_constant or other.lo & ((1 << step) - 1)):
            return False
        other = other.at(self.exp)
        return self.lo <= other.lo and other.hi <= self.hi

    def union(self, other: Interval) -> Interval:
        exp = min(self.exp, other.exp)
        a, b = self.at(exp), other.at(exp)
        return Interval(min(a.lo, b.lo), max(a.hi, b.hi), exp)

    def __str__(self) -> str:
        return f'[{self.lo}, {self.hi}]' + (f'*2^{self.exp}' if self.exp else '')

    @classmethod
    def check(cls, lo: int, hi: int, exp: int = 0) -> Interval:
        """An interval from untrusted numbers; raises FormatError unless they are integers with lo <= hi."""
        for name, number in (('lo', lo), ('hi', hi), ('exp', exp)):
            if isinstance(number, bool) or not isinstance(number, int):
                raise FormatError(f'{name} of an interval must be an integer, not {number!r}')
        if lo > hi:
            raise FormatError(f'the interval [{lo}, {hi}] is reversed')
        return cls(lo, hi, exp)


class FixedType(NamedTuple):
    """A two's-complement format: ``int_bits`` excludes the sign; any of the two bit counts may be negative."""

    signed: bool
    int_bits: int
    frac_bits: int

    @property
    def width_bits(self) -> int:
        return max(0, int(self.signed) + self.int_bits + self.frac_bits)

    @property
    def interval(self) -> Interval:
        """All values of the type; the constant zero if it has no bits."""
        magnitude = self.int_bits + self.frac_bits
        if self.width_bits == 0:
            return Interval(0, 0, -self.frac_bits)
        if magnitude < 0:  # a sign bit that lies below the binary point of the step: no value but zero
            return Interval(0, 0, -self.frac_bits)
        top = 1 << magnitude
        return Interval(-top if self.signed else 0, top - 1, -self.frac_bits)

    def __str__(self) -> str:
        return f'{"fixed" if self.signed else "ufixed"}<{self.int_bits},{self.frac_bits}>'

    @classmethod
    def holding(cls, interval: Interval) -> FixedType:
        """The smallest type that holds an interval at its own step."""
        width = code_bits(interval.lo, interval.hi)
        signed = interval.lo < 0
        return cls(signed, width - signed + interval.exp, -interval.exp)

    @classmethod
    def check(cls, signed: bool, int_bits: int, frac_bits: int) -> FixedType:
        """A type from untrusted numbers; raises FormatError unless they are integers."""
        for name, number in (('int_bits', int_bits), ('frac_bits', frac_bits)):
            if isinstance(number, bool) or not isinstance(number, int):
                raise FormatError(f'{name} must be an integer, not {number!r}')
        if signed not in (True, False):
            raise FormatError(f'signed must be true or false, not {signed!r}')
        return cls(bool(signed), int_bits, frac_bits)


def code_bits(lo: int, hi: int) -> int:
    """Bits of the smallest two's-complement code (unsigned where lo >= 0) that holds all integers of [lo, hi]."""
    if lo >= 0:
        return hi.bit_length()
    return max((-lo - 1).bit_length(), hi.bit_length() if hi > 0 else 0) + 1


def dyadic(number: float | int | Fraction) -> tuple[int, int]:
    """``(n, exp)`` with ``number == n * 2**exp`` and n odd or zero; raises FormatError for anything not dyadic."""
    if isinstance(number, int):
        numerator, denominator = number, 1
    else:
        try:
            numerator, denominator = number.as_integer_ratio()
        except (ValueError, OverflowError, AttributeError):
            raise FormatError(f'{number!r} is not a finite number') from None
        numerator, denominator = int(numerator), int(denominator)
    if denominator & (denominator - 1):
        raise FormatError(f'{number!r} is not an integer times a power of two')
    if numerator == 0:
        return 0, 0
    trailing = (numerator & -numerator).bit_length() - 1
    return numerator >> trailing, trailing - denominator.bit_length() + 1


def sum_intervals(terms: Iterable[Interval]) -> Interval:
    """The plain interval of a sum of independent terms."""
    lo = hi = exp = 0
    first = True
    for a, b, step in terms:
        if first:
            lo, hi, exp, first = a, b, step, False
        elif step >= exp:
            lo += a << (step - exp)
            hi += b << (step - exp)
        else:
            lo, hi, exp = (lo << (exp - step)) + a, (hi << (exp - step)) + b, step
    return Interval(lo, hi, exp)


def round_code(code: int, shift: int, mode: Rounding) -> int:
    """``code * 2**-shift`` rounded to an integer; ``shift <= 0`` is exact."""
    if shift <= 0:
        return code << -shift
    half = 1 << (shift - 1)
    if mode is Rounding.TRN:
        return code >> shift
    if mode is Rounding.TRN_ZERO:
        return -((-code) >> shift) if code < 0 else code >> shift
    if mode is Rounding.RND:
        return (code + half) >> shift
    if mode is Rounding.RND_MIN_INF:
        return (code + half - 1) >> shift
    if mode is Rounding.RND_ZERO:
        return (code + half - (code >= 0)) >> shift
    if mode is Rounding.RND_INF:
        return (code + half - (code < 0)) >> shift
    floor = code >> shift  # RND_CONV
    return (code + half - 1 + (floor & 1)) >> shift


def overflow_code(code: int, kind: FixedType, mode: Overflow) -> int:
    """An integer code brought into the range of a type."""
    lo, hi, _ = kind.interval
    if lo <= code <= hi and not (mode is Overflow.SAT_SYM and kind.signed and code == lo):
        return code
    if lo == hi:
        return 0
    if mode is Overflow.WRAP:
        return lo + (code - lo) % (hi - lo + 1)
    if mode is Overflow.SAT_ZERO:
        return 0
    if code > hi:
        return hi
    return lo + (1 if mode is Overflow.SAT_SYM and kind.signed else 0)


def quantize_code(code: int, exp: int, kind: FixedType, rounding: Rounding, overflow: Overflow) -> int:
    """The code, in steps of ``2**-kind.frac_bits``, of the value ``code * 2**exp`` quantized to ``kind``."""
    return overflow_code(round_code(code, -kind.frac_bits - exp, rounding), kind, overflow)


def overflows(interval: Interval, kind: FixedType, rounding: Rounding, overflow: Overflow) -> bool:
    """Whether some value of the interval, once rounded, is outside what the type and mode can represent."""
    lo, hi = _rounded_bounds(interval, kind, rounding)
    low, high = _representable(kind, overflow)
    return not (low <= lo and hi <= high)


def quantize_interval(interval: Interval, kind: FixedType, rounding: Rounding, overflow: Overflow) -> Interval:
    """The tightest interval that a quantized value is known to lie in, in steps no finer than those of the type."""
    lo, hi = _rounded_bounds(interval, kind, rounding)
    low, high = _representable(kind, overflow)
    step = -kind.frac_bits
    if low <= lo and hi <= high:
        return _coarsen(Interval(lo, hi, step), step - interval.exp)
    if overflow in (Overflow.SAT, Overflow.SAT_SYM):
        return Interval(min(max(lo, low), high), min(max(hi, low), high), step)
    if overflow is Overflow.SAT_ZERO:
        return Interval(min(0, max(lo, low)), max(0, min(hi, high)), step)
    return kind.interval


def _rounded_bounds(interval: Interval, kind: FixedType, rounding: Rounding) -> tuple[int, int]:
    """The codes of the ends of an interval, rounded but not bounded; every rounding mode is monotone."""
    shift = -kind.frac_bits - interval.exp
    return round_code(interval.lo, shift, rounding), round_code(interval.hi, shift, rounding)


def _representable(kind: FixedType, overflow: Overflow) -> tuple[int, int]:
    lo, hi, _ = kind.interval
    if overflow is Overflow.SAT_SYM and lo < hi and kind.signed:
        lo += 1
    return lo, hi


def _coarsen(interval: Interval, shift: int) -> Interval:
    """Drop the zero bits that a quantization to a finer step only appends."""
    if shift >= 0:
        return interval
    return Interval(interval.lo >> -shift, interval.hi >> -shift, interval.exp - shift)
