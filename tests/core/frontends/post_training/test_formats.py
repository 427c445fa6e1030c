"""Formats chosen from data hold it, and rounding in float64 is that of the exact types."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from da4ml_core.fixed import FixedType, Overflow, Rounding, dyadic, quantize_code
from da4ml_core.frontends.post_training.formats import choose_format

MODES = st.tuples(
    st.sampled_from([Rounding.RND, Rounding.TRN, Rounding.RND_CONV]),
    st.sampled_from([Overflow.SAT, Overflow.SAT_SYM, Overflow.WRAP]),
)
NUMBERS = st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=20)


@settings(deadline=None)
@example([-4.637062392225181e-20], [1.0], 2, False, (Rounding.RND, Overflow.WRAP))
@given(NUMBERS, NUMBERS, st.integers(2, 12), st.booleans(), MODES)
def test_a_format_rounds_as_its_exact_type(seen, numbers, bits, search, modes):
    rounding, overflow = modes
    found = choose_format(
        np.array(seen)[:, None], bits, per_channel=False, search=search, rounding=rounding, overflow=overflow
    )
    signed, int_bits, frac_bits = found.types()
    kind = FixedType(signed, int(int_bits), int(frac_bits))
    for number, got in zip(numbers, found.apply(np.array(numbers)), strict=True):
        assert got == quantize_code(*dyadic(number), kind, rounding, overflow) * 2.0**-kind.frac_bits


@settings(deadline=None)
@given(NUMBERS, st.integers(2, 12), st.sampled_from([Overflow.SAT, Overflow.SAT_SYM, Overflow.WRAP]))
def test_without_a_search_nothing_that_was_seen_is_out_of_range(seen, bits, overflow):
    x = np.array(seen)[:, None]
    found = choose_format(x, bits, per_channel=False, search=False, rounding=Rounding.RND, overflow=overflow)
    assert np.abs(found.apply(x) - x).max() <= 2.0 ** float(found.exponents - 1)
    assert int(found.bits) <= bits


def test_bits_that_no_sample_has_are_left_out():
    x = np.arange(17)[:, None] / 16
    found = choose_format(x, 8, per_channel=False, search=True, rounding=Rounding.RND, overflow=Overflow.SAT)
    assert str(found) == 'ufixed<1,4>'
    assert np.array_equal(found.apply(x), x)


@pytest.mark.parametrize('per_channel', [True, False])
def test_channels(per_channel):
    x = np.random.default_rng(0).normal(size=(100, 3)) * [1, 8, 64]
    found = choose_format(x, 6, per_channel=per_channel, search=True, rounding=Rounding.RND, overflow=Overflow.SAT)
    assert found.exponents.shape == ((3,) if per_channel else ())
    if per_channel:
        assert list(np.diff(found.exponents)) == [3, 3]
