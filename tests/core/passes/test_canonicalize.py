"""Canonical form: shifts move to results, operands stand in order, and tables and conditions keep their scale."""

import pytest
from pass_laws import check_becomes, check_random, check_stays

from da4ml_core.ir import Opcode
from da4ml_core.passes.canonicalize import canonicalize

CASES = {
    'sums: positive terms first, then by number; the shift of the first goes': (
        """
        %2 = add %1<<1, %0<<3 : [-32, 35]*2^1
        %3 = add -%0, %1 : [-7, 15]
        %4 = add %1, -%0<<1, %1<<1 : [-14, 37]
        return %2, %3, %4
        """,
        """
        %2 = add %0, %1>>2 : [-32, 35]*2^-2
        %3 = add %1, -%0 : [-7, 15]
        %4 = add %1, %1<<1, -%0<<1 : [-14, 37]
        return %2<<3, %3, %4
        """,
    ),
    'products: no shifts, the operands by number': (
        """
        %2 = mul %1<<1, %0<<1 : [-56, 49]*2^2
        return %2
        """,
        """
        %2 = mul %0, %1 : [-56, 49]
        return %2<<2
        """,
    ),
    'functions of bits: in order, both as much smaller': (
        """
        %2 = bitwise xor %1<<1, %0<<2 : [-16, 15]*2^1
        return %2
        """,
        """
        %2 = bitwise xor %0, %1>>1 : [-16, 15]*2^-1
        return %2<<2
        """,
    ),
    'conversions: the type moves along': (
        """
        %2 = relu %0<<2 to ufixed<3,0> TRN WRAP : [0, 7]
        %3 = quantize %0>>1 to fixed<1,0> RND SAT : [-2, 1]
        %4 = neg %0<<1 : [-7, 8]*2^1
        return %2, %3, %4
        """,
        """
        %2 = relu %0 to ufixed<1,2> TRN WRAP : [0, 7]*2^-2
        %3 = quantize %0 to fixed<2,-1> RND SAT : [-2, 1]*2^1
        %4 = neg %0 : [-7, 8]
        return %2<<2, %3>>1, %4<<1
        """,
    ),
    'constants: odd': (
        """
        %2 = const : [12, 12]
        %3 = add %0, %2 : [4, 19]
        return %2, %3
        """,
        """
        %2 = const : [3, 3]
        %3 = add %0, %2<<2 : [4, 19]
        return %2<<2, %3
        """,
    ),
    'selections: as the first branch that is not zero; the sign of a condition has no scale': (
        """
        %2 = mux %1<<5, %0<<1, %1<<2 : [-8, 14]*2^1
        %3 = const : [0, 0]
        %4 = mux %0, %3, %1<<2 : [0, 7]*2^2
        return %2, %4
        """,
        """
        %2 = mux %1, %0, %1<<1 : [-8, 14]
        %3 = const : [0, 0]
        %4 = mux %0, %3>>2, %1 : [0, 7]
        return %2<<1, %4<<2
        """,
    ),
    'lookups: the table is for the smaller operand, its entries stay': (
        """
        table t0 {3, 1, 4, 1, 5, 9, 2, 6}
        %2 = lookup %1<<2 in t0 from 0*2^2 : [1, 9]
        return %2
        """,
        """
        table t0 {3, 1, 4, 1, 5, 9, 2, 6}
        %2 = lookup %1 in t0 from 0 : [1, 9]
        return %2
        """,
    ),
}
STAYS = {
    'what has the form': """
        table t0 {3, 1, 4, 1, 5, 9, 2, 6}
        %2 = add %0, %1<<2, -%0>>1 : [-23, 78]*2^-1
        %3 = mul %0, %1 : [-56, 49]
        %4 = const : [0, 0]
        %5 = mux %0, %4, %1 : [0, 7]
        %6 = quantize %0 to fixed<2,-1> RND SAT : [-2, 1]*2^1
        %7 = lookup %1 in t0 from 0 : [1, 9]
        return %2, %3, %5<<2, %6, %7
        """,
    'the order of what does not commute': """
        %2 = mux %1, %1, %0 : [-8, 7]
        return %2
        """,
}


@pytest.mark.parametrize('case', CASES)
def test_before_and_after(case):
    check_becomes(canonicalize, *CASES[case])


@pytest.mark.parametrize('case', STAYS)
def test_what_stays(case):
    check_stays(canonicalize, STAYS[case])


@pytest.mark.parametrize('seed', range(40))
def test_random_programs(seed):
    before, after = check_random(canonicalize, seed)
    assert [op.opcode for op in after.ops] == [op.opcode for op in before.ops]
    for op in after.ops:
        if op.operands and op.opcode is not Opcode.MUX:
            assert op.operands[0].shift == 0
        if op.opcode is Opcode.CONST:
            assert op.interval.lo % 2 or op.interval == (0, 0, 0)
