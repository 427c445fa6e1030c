"""Fixed-point types, intervals and quantization modes against exact rational arithmetic."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from da4ml_core.errors import FormatError
from da4ml_core.fixed import (
    FixedType,
    Interval,
    Overflow,
    Rounding,
    code_bits,
    dyadic,
    overflows,
    quantize_code,
    quantize_interval,
)

TYPES = st.builds(FixedType, st.booleans(), st.integers(-3, 6), st.integers(-3, 6))
CODES = st.integers(-(2**9), 2**9)


def rounded(value: Fraction, mode: Rounding) -> int:
    """The definition of each mode in the ap_fixed documentation, on rationals."""
    below, above = floor(value), -floor(-value)
    if mode is Rounding.TRN:
        return below
    if mode is Rounding.TRN_ZERO:
        return below if value >= 0 else above
    if value - below != Fraction(1, 2):
        return round(value)
    return {
        Rounding.RND: above,
        Rounding.RND_MIN_INF: below,
        Rounding.RND_ZERO: below if value > 0 else above,
        Rounding.RND_INF: above if value > 0 else below,
        Rounding.RND_CONV: below if below % 2 == 0 else above,
    }[mode]


def bounded(code: int, kind: FixedType, mode: Overflow) -> int:
    lo, hi, _ = kind.interval
    if lo == hi:
        return 0
    if mode is Overflow.WRAP:
        while code < lo:
            code += 1 << kind.width_bits
        while code > hi:
            code -= 1 << kind.width_bits
        return code
    if mode is Overflow.SAT_ZERO:
        return code if lo <= code <= hi else 0
    if mode is Overflow.SAT_SYM and kind.signed:
        lo = -hi
    return min(max(code, lo), hi)


@given(CODES, st.integers(-8, 8), TYPES, st.sampled_from(list(Rounding)), st.sampled_from(list(Overflow)))
def test_quantize_code_is_the_documented_mode(code, exp, kind, rounding, overflow):
    value = Fraction(code) * Fraction(2) ** (exp + kind.frac_bits)
    expected = bounded(rounded(value, rounding), kind, overflow)
    assert quantize_code(code, exp, kind, rounding, overflow) == expected


@given(
    st.integers(-60, 60),
    st.integers(0, 40),
    st.integers(-4, 4),
    TYPES,
    st.sampled_from(list(Rounding)),
    st.sampled_from(list(Overflow)),
)
def test_quantize_interval_holds_every_quantized_value(lo, extent, exp, kind, rounding, overflow):
    interval = Interval(lo, lo + extent, exp)
    result = quantize_interval(interval, kind, rounding, overflow)
    codes = [quantize_code(code, exp, kind, rounding, overflow) for code in range(lo, lo + extent + 1)]
    for code in codes:
        assert result.contains(Interval(code, code, -kind.frac_bits))
    if not overflows(interval, kind, rounding, overflow):
        assert result.at(-kind.frac_bits)[:2] == (min(codes), max(codes))


@given(st.integers(-(2**70), 2**70), st.integers(0, 2**70))
def test_code_bits_is_the_smallest_width(lo, extent):
    hi = lo + extent
    bits = code_bits(lo, hi)
    signed = lo < 0

    def holds(width):
        top = 1 << (width - signed) if width >= signed else 0
        return (-top if signed else 0) <= lo and hi <= top - 1

    assert holds(bits)
    assert bits == 0 or not holds(bits - 1)


@given(st.fractions(max_denominator=1) | st.floats(allow_nan=False, allow_infinity=False))
def test_dyadic_is_exact_and_normal(number):
    n, exp = dyadic(number)
    assert Fraction(n) * Fraction(2) ** exp == Fraction(number)
    assert n % 2 == 1 or (n, exp) == (0, 0)


@pytest.mark.parametrize('number', [float('nan'), float('inf'), Fraction(1, 3)])
def test_dyadic_refuses_what_is_not(number):
    with pytest.raises(FormatError):
        dyadic(number)


def test_reversed_and_non_integer_intervals_are_refused():
    with pytest.raises(FormatError, match=r'the interval \[3, 2\] is reversed'):
        Interval.check(3, 2)
    with pytest.raises(FormatError, match=r'lo of an interval must be an integer, not 0.5'):
        Interval.check(0.5, 2)


def test_the_smallest_type_of_an_interval():
    assert FixedType.holding(Interval(-5, 7, -2)) == FixedType(True, 1, 2)
    assert FixedType.holding(Interval(0, 0)) == FixedType(False, 0, 0)
    assert str(FixedType(True, 3, 4)) == 'fixed<3,4>'
    assert FixedType(True, 3, 4).interval == Interval(-128, 127, -4)
