"""Conversions, rectifiers and selections: modes that cannot matter go, and choices that are made already."""

import pytest
from pass_laws import check_becomes, check_random, check_stays

from da4ml_core.ir.cost import depth
from da4ml_core.passes.simplify_choices import simplify_choices

CASES = {
    'a conversion that changes nothing': (
        """
        %2 = quantize %0 to fixed<4,1> RND SAT : [-8, 7]
        return %2
        """,
        """
        return %0
        """,
    ),
    'modes of what fits, is exact, or has no sign': (
        """
        %2 = quantize %0 to fixed<3,-1> RND_ZERO SAT : [-4, 3]*2^1
        %3 = quantize %0 to fixed<2,0> RND SAT : [-4, 3]
        %4 = quantize %1 to ufixed<3,-1> TRN_ZERO WRAP : [0, 3]*2^1
        return %2, %3, %4
        """,
        """
        %2 = quantize %0 to fixed<3,-1> RND_ZERO WRAP : [-4, 3]*2^1
        %3 = quantize %0 to fixed<2,0> TRN SAT : [-4, 3]
        %4 = quantize %1 to ufixed<3,-1> TRN WRAP : [0, 3]*2^1
        return %2, %3, %4
        """,
    ),
    'bits dropped twice': (
        """
        %2 = quantize %0 to fixed<2,-1> TRN WRAP : [-2, 1]*2^1
        %3 = quantize %2<<1 to fixed<2,-2> TRN WRAP : [-1, 0]*2^2
        return %2, %3
        """,
        """
        %2 = quantize %0 to fixed<2,-1> TRN WRAP : [-2, 1]*2^1
        %3 = quantize %0<<1 to fixed<2,-2> TRN WRAP : [-1, 0]*2^2
        return %2, %3
        """,
    ),
    'a rectifier of what has no sign, or only that': (
        """
        %2 = relu %1 : [0, 7]
        %3 = relu %1 to ufixed<2,0> TRN WRAP : [0, 3]
        %4 = neg %1 : [-7, 0]
        %5 = relu %4 : [0, 0]
        %6 = relu %0 : [0, 7]
        %7 = relu %6 : [0, 7]
        return %2, %3, %5, %7
        """,
        """
        %2 = quantize %1 to ufixed<2,0> TRN WRAP : [0, 3]
        %3 = const : [0, 0]
        %4 = relu %0 : [0, 7]
        return %1, %2, %3, %4
        """,
    ),
    'a rectifier whose type holds all': (
        """
        %2 = relu %0 to ufixed<3,1> TRN WRAP : [0, 7]
        return %2
        """,
        """
        %2 = relu %0 : [0, 7]
        return %2
        """,
    ),
    'a selection by a sign that is known': (
        """
        %2 = mux %1, %0, %1 : [0, 7]
        %3 = const : [-1, -1]
        %4 = mux %3, %0, %1 : [-8, 7]
        %5 = const : [0, 0]
        %6 = mux %0, %3, %5 : [-1, 0]
        %7 = neg %6 : [0, 1]
        %8 = mux %7, %0, %1 : [0, 7]
        return %2, %4, %8
        """,
        """
        return %1, %0, %1
        """,
    ),
    'a selection between the same': (
        """
        %2 = mux %0, %1, %1 : [0, 7]
        %3 = const : [12, 12]
        %4 = const : [3, 3]
        %5 = mux %0, %3, %4<<2 : [12, 12]
        return %2, %5
        """,
        """
        %2 = const : [3, 3]
        return %1, %2<<2
        """,
    ),
    'a selection that is a rectifier': (
        """
        %2 = const : [0, 0]
        %3 = mux %0, %2, %0<<1 : [-4, 7]*2^1
        return %3
        """,
        """
        %2 = relu %0<<1 : [-4, 7]*2^1
        return %2
        """,
    ),
    'a choice by a bit that was a choice': (
        """
        %2 = const : [1, 1]
        %3 = const : [0, 0]
        %4 = mux %0, %3, %2 : [0, 1]
        %5 = mux -%4, %0, %1 : [-8, 7]
        %6 = mux %0, %2, %3 : [0, 1]
        %7 = mux -%6, %0, %1 : [-8, 7]
        %8 = mux %6, %0, %1 : [0, 7]
        return %5, %7, %8
        """,
        """
        %2 = mux %0, %1, %0 : [-8, 7]
        %3 = mux %0, %0, %1 : [-8, 7]
        return %2, %3, %1
        """,
    ),
    'a choice within a branch by the same condition': (
        """
        %2 = add %0, %1<<1 : [-8, 21]
        %3 = mux %0, %1, %2 : [0, 21]
        %4 = mux %0, %3<<1, %2 : [0, 42]
        %5 = mux %0, %2, %3<<1 : [-8, 42]
        return %4, %5
        """,
        """
        %2 = add %0, %1<<1 : [-8, 21]
        %3 = mux %0, %1<<1, %2 : [0, 42]
        %4 = mux %0, %2, %2<<1 : [-8, 42]
        return %3, %4
        """,
    ),
}
STAYS = {
    'conversions whose modes matter': """
        %2 = quantize %0 to fixed<2,0> TRN SAT : [-4, 3]
        %3 = quantize %0 to fixed<3,-1> TRN_ZERO WRAP : [-4, 3]*2^1
        %4 = quantize %1 to ufixed<3,-1> RND SAT : [0, 3]*2^1
        return %2, %3, %4
        """,
    'bits of which the first conversion has fewer, or rounds': """
        %2 = quantize %0 to fixed<1,0> TRN WRAP : [-2, 1]
        %3 = add %2, %0 : [-10, 8]
        %4 = quantize %2 to ufixed<3,0> TRN WRAP : [0, 7]
        %5 = quantize %0 to fixed<3,-1> RND WRAP : [-4, 3]*2^1
        %6 = quantize %5 to fixed<3,-2> TRN WRAP : [-2, 1]*2^2
        return %3, %4, %6
        """,
    'bits below or above those of the first conversion': """
        %2 = quantize %0 to fixed<2,-1> TRN WRAP : [-2, 1]*2^1
        %3 = quantize %2 to fixed<1,0> TRN WRAP : [-2, 1]
        %4 = quantize %0 to fixed<2,0> TRN WRAP : [-4, 3]
        %5 = quantize %4>>1 to fixed<2,0> TRN WRAP : [-2, 1]
        return %3, %5
        """,
    'rectifiers that have something to do': """
        %2 = relu %0 : [0, 7]
        %3 = relu %0 to ufixed<2,0> TRN WRAP : [0, 3]
        %4 = relu %0 to ufixed<3,-1> TRN WRAP : [0, 3]*2^1
        return %2, %3, %4
        """,
    'selections by what is not known': """
        %2 = const : [0, 0]
        %3 = mux %0, %0, %1 : [-8, 7]
        %4 = mux %0, %1, %1<<1 : [0, 14]
        %5 = mux %0, %2, %1 : [0, 7]
        return %3, %4, %5
        """,
    'choices by another condition, or the other branch': """
        %2 = add %0, -%1 : [-15, 7]
        %3 = mux %2, %0, %1 : [-8, 7]
        %4 = mux %0, %3, %1 : [-8, 7]
        return %4
        """,
    'a choice by a bit that was a choice of another kind': """
        %2 = const : [1, 1]
        %3 = quantize %1 to ufixed<1,0> TRN WRAP : [0, 1]
        %4 = mux %0, %2, %3 : [0, 1]
        %5 = mux -%4, %0, %1 : [-8, 7]
        return %5
        """,
}


@pytest.mark.parametrize('case', CASES)
def test_before_and_after(case):
    check_becomes(simplify_choices, *CASES[case])


@pytest.mark.parametrize('case', STAYS)
def test_what_stays(case):
    check_stays(simplify_choices, STAYS[case])


@pytest.mark.parametrize('seed', range(60))
def test_random_programs(seed):
    before, after = check_random(simplify_choices, seed)
    assert depth(after) <= depth(before)
