"""Cones: what a LUT's worth of bits decides becomes a table where that takes fewer LUTs, and only there."""

import pytest
from pass_laws import check_becomes, check_random, check_stays

from da4ml_core.device import device
from da4ml_core.ir import Lookup
from da4ml_core.passes.area import lut_estimate
from da4ml_core.passes.collapse_cones import collapse_cones

FAMILY = device('xilinx-us+')
TWO_VALUES = '1, 0, 3, 2, 1, 0, 3, 2, 3, 2, 1, 0, 3, 2, 1, 0, 1, 0, 3, 2, 1, 0, 0, 0, 3, 2, 1, 0, 0, 0, 0, 0'


def collapse(program):
    return collapse_cones(program, FAMILY)


CASES = {
    'what one value decides': (
        """
        %2 = add %1, %1<<1 : [0, 21]
        %3 = quantize %2 to ufixed<2,0> TRN WRAP : [0, 3]
        %4 = bitwise xor %1, %3 : [0, 7]
        return %4
        """,
        """
        table t0 {0, 1, 0, 1, 2, 3, 2, 3}*2^1
        %2 = lookup %1 in t0 from 0 : [0, 3]*2^1
        return %2
        """,
    ),
    'what two values of five bits decide; the one with a sign is above': (
        """
        %2 = quantize %0 to fixed<1,0> TRN WRAP : [-2, 1]
        %3 = add %1, %2<<1 : [-4, 9]
        %4 = const : [5, 5]
        %5 = add %4, -%3 : [-4, 9]
        %6 = relu %5 to ufixed<2,0> TRN WRAP : [0, 3]
        %7 = add %1, %1<<1 : [0, 21]
        return %6, %7
        """,
        f"""
        table t0 {{{TWO_VALUES}}}
        %2 = quantize %0 to fixed<1,0> TRN WRAP : [-2, 1]
        %3 = add %1, %2<<3 : [-16, 15]
        %4 = lookup %3 in t0 from -16 : [0, 3]
        %5 = add %1, %1<<1 : [0, 21]
        return %4, %5
        """,
    ),
    'an operation that others read stays beside the table': (
        """
        %2 = quantize %0 to ufixed<2,0> TRN WRAP : [0, 3]
        %3 = add %2, %2<<1 : [0, 9]
        %4 = mul %3, %3 : [0, 81]
        %5 = quantize %4 to ufixed<3,0> TRN WRAP : [0, 7]
        return %5, %3
        """,
        """
        table t0 {0, 1, 4, 1, 0, 1, 4, 1, 0, 1, 4, 1, 0, 1, 4, 1}
        %2 = quantize %0 to ufixed<2,0> TRN WRAP : [0, 3]
        %3 = add %2, %2<<1 : [0, 9]
        %4 = lookup %0 in t0 from -8 : [0, 4]
        return %4, %3
        """,
    ),
}
STAYS = {
    'a table would take as much': """
        %2 = add %0, %1 : [-8, 14]
        return %2
        """,
    'what more bits decide than a LUT has': """
        %2 = add %0, %1 : [-8, 14]
        %3 = relu %2 : [0, 14]
        %4 = quantize %3 to ufixed<2,0> TRN WRAP : [0, 3]
        %5 = add %4, %0 : [-8, 10]
        return %5
        """,
    'two values with a sign': """
        %2 = input x[1] fixed<3,0> TRN WRAP : [-8, 7]
        %3 = quantize %0 to fixed<1,0> TRN WRAP : [-2, 1]
        %4 = quantize %2 to fixed<1,0> TRN WRAP : [-2, 1]
        %5 = mul %3, %4 : [-2, 4]
        %6 = mul %5, %3 : [-8, 4]
        return %6
        """,
    'what all outputs need': """
        %2 = add %1, %1<<1 : [0, 21]
        %3 = quantize %2 to ufixed<2,0> TRN WRAP : [0, 3]
        return %2, %3
        """,
}


@pytest.mark.parametrize('case', CASES)
def test_before_and_after(case):
    check_becomes(collapse, *CASES[case])


@pytest.mark.parametrize('case', STAYS)
def test_what_stays(case):
    check_stays(collapse, STAYS[case])


def test_codes_that_never_come_together_have_no_entry():
    """The sum and the difference of two bits have 4 pairs of codes: of others the result is no multiple of two."""
    check_becomes(
        collapse,
        """
        %2 = quantize %0 to ufixed<1,0> TRN WRAP : [0, 1]
        %3 = quantize %1 to ufixed<1,0> TRN WRAP : [0, 1]
        %4 = add %2, %3 : [0, 2]
        %5 = add %2, -%3 : [-1, 1]
        %6 = add %4, %5 : [0, 1]*2^1
        %7 = bitwise xor %6, %3<<1 : [0, 1]*2^1
        return %4, %5, %7
        """,
        """
        table t0 {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1}*2^1
        %2 = quantize %0 to ufixed<1,0> TRN WRAP : [0, 1]
        %3 = quantize %1 to ufixed<1,0> TRN WRAP : [0, 1]
        %4 = add %2, %3 : [0, 2]
        %5 = add %2, -%3 : [-1, 1]
        %6 = add %1, %2<<3 : [0, 15]
        %7 = lookup %6 in t0 from 0 : [0, 1]*2^1
        %8 = bitwise xor %7, %3<<1 : [0, 1]*2^1
        return %4, %5, %8
        """,
    )


@pytest.mark.parametrize('seed', range(60))
def test_random_programs(seed):
    before, after = check_random(collapse, seed, num_ops=20, max_width=(6, 20)[seed % 3 == 0], idempotent=False)
    assert lut_estimate(after, FAMILY) <= lut_estimate(before, FAMILY)
    for op in after.ops:
        if isinstance(op.attribute, Lookup):
            assert op.attribute.domain.contains(after.edge_interval(op.operands[0]))
