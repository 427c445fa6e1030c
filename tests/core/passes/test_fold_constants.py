"""Constant folding: what has one possible result is that constant, and nothing else is."""

import pytest
from pass_laws import check_becomes, check_random, check_stays

from da4ml_core.ir import Opcode
from da4ml_core.passes.fold_constants import fold_constants

CASES = {
    'an operation of constants; its trailing zeros go to the edge': (
        """
        %2 = const : [5, 5]
        %3 = add %2, -%2>>2 : [15, 15]*2^-2
        %4 = add %2, %3<<2 : [20, 20]
        %5 = add %0, %4 : [12, 27]
        return %3, %5
        """,
        """
        %2 = const : [15, 15]
        %3 = const : [5, 5]
        %4 = add %0, %3<<2 : [12, 27]
        return %2>>2, %4
        """,
    ),
    'a range of one value, whatever it is computed from': (
        """
        %2 = add %0, -%0 : [0, 0]
        %3 = quantize %1 to ufixed<2,-3> TRN WRAP : [0, 0]*2^3
        return %2, %3
        """,
        """
        %2 = const : [0, 0]
        %3 = const : [0, 0]
        return %2, %3
        """,
    ),
    'a constant that wraps in its type': (
        """
        %2 = const : [5, 5]
        %3 = quantize %2 to ufixed<2,0> TRN WRAP : [0, 3]
        %4 = relu %2 to ufixed<2,1> TRN WRAP : [0, 7]*2^-1
        return %3, %4
        """,
        """
        %2 = const : [1, 1]
        %3 = const : [1, 1]
        return %2, %3
        """,
    ),
    'a negative constant is rectified before it wraps': (
        """
        %2 = const : [-5, -5]
        %3 = quantize %2 to ufixed<2,0> TRN WRAP : [0, 3]
        %4 = relu %2 to ufixed<2,0> TRN WRAP : [0, 3]
        return %3, %4
        """,
        """
        %2 = const : [3, 3]
        %3 = const : [0, 0]
        return %2, %3
        """,
    ),
}
STAYS = {
    'a port, even of one value': """
        %2 = input x[1] ufixed<0,0> TRN WRAP : [0, 0]
        %3 = add %0, %2 : [-8, 7]
        return %3
        """,
    'what varies': """
        %2 = const : [5, 5]
        %3 = add %0, %2 : [-3, 12]
        %4 = quantize %1 to ufixed<2,0> TRN WRAP : [0, 3]
        return %3, %4
        """,
}


@pytest.mark.parametrize('case', CASES)
def test_before_and_after(case):
    check_becomes(fold_constants, *CASES[case])


@pytest.mark.parametrize('case', STAYS)
def test_what_stays(case):
    check_stays(fold_constants, STAYS[case])


@pytest.mark.parametrize('seed', range(40))
def test_random_programs(seed):
    _, after = check_random(fold_constants, seed)
    assert all(op.opcode in (Opcode.CONST, Opcode.INPUT) for op in after.ops if op.interval.is_constant)
