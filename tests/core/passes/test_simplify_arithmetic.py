"""Sums, products and functions of bits: what cancels or is there already goes, signs go into adders."""

import pytest
from pass_laws import check_becomes, check_random, check_stays

from da4ml_core.ir.cost import depth
from da4ml_core.passes.narrow import reprove
from da4ml_core.passes.simplify_arithmetic import simplify_arithmetic

CASES = {
    'a sum absorbs a negation': (
        """
        %2 = neg %0 : [-7, 8]
        %3 = add %1, -%2<<1 : [-16, 21]
        %4 = add %1, %2 : [-7, 15]
        return %3, %4
        """,
        """
        %2 = add %1, %0<<1 : [-16, 21]
        %3 = add %1, -%0 : [-7, 15]
        return %2, %3
        """,
    ),
    'opposite terms cancel': (
        """
        %2 = add %0, %1<<2, -%0 : [-15, 43]
        return %2
        """,
        """
        return %1<<2
        """,
    ),
    'nothing is left': (
        """
        %2 = add %0, -%0 : [0, 0]
        return %2
        """,
        """
        %2 = const : [0, 0]
        return %2
        """,
    ),
    'nothing positive is left': (
        """
        %2 = add %0, -%1, -%0 : [-7, 0]
        return %2
        """,
        """
        %2 = neg %1 : [-7, 0]
        return %2
        """,
    ),
    'two negative terms are left': (
        """
        %2 = neg %0 : [-7, 8]
        %3 = const : [0, 0]
        %4 = add %3, -%1, -%0 : [-14, 8]
        return %4
        """,
        """
        %2 = add %1, %0 : [-8, 14]
        %3 = neg %2 : [-14, 8]
        return %3
        """,
    ),
    'equal terms are one, shifted, and so on': (
        """
        %2 = add %1, %1 : [0, 14]
        %3 = add %1, %1, %1<<1 : [0, 28]
        %4 = add %1, -%1>>1 : [0, 7]*2^-1
        return %2, %3, %4
        """,
        """
        %2 = add %1, -%1>>1 : [0, 7]*2^-1
        return %1<<1, %1<<2, %2
        """,
    ),
    'zeros go': (
        """
        %2 = const : [0, 0]
        %3 = add %0, %2 : [-8, 7]
        return %3
        """,
        """
        return %0
        """,
    ),
    'constants are one positive term': (
        """
        %2 = const : [5, 5]
        %3 = const : [3, 3]
        %4 = add %0, %2<<1, -%3 : [-1, 14]
        %5 = add %0, -%2 : [-13, 2]
        return %4, %5
        """,
        """
        %2 = const : [7, 7]
        %3 = add %0, %2 : [-1, 14]
        %4 = const : [-5, -5]
        %5 = add %0, %4 : [-13, 2]
        return %3, %5
        """,
    ),
    'equal terms beside a constant': (
        """
        %2 = const : [5, 5]
        %3 = add %0, %2, %0 : [-11, 19]
        return %3
        """,
        """
        %2 = const : [5, 5]
        %3 = add %0<<1, %2 : [-11, 19]
        return %3
        """,
    ),
    'opposite terms beside a constant': (
        """
        %2 = const : [5, 5]
        %3 = add %1, %2, -%1 : [5, 5]
        return %3
        """,
        """
        %2 = const : [5, 5]
        return %2
        """,
    ),
    'the opposite of the opposite, and of a difference': (
        """
        %2 = neg %0 : [-7, 8]
        %3 = neg %2<<1 : [-8, 7]*2^1
        %4 = add %0, -%1 : [-15, 7]
        %5 = neg %4 : [-7, 15]
        return %3, %5
        """,
        """
        %2 = add -%0, %1 : [-7, 15]
        return %0<<1, %2
        """,
    ),
    'products by powers of two are shifts': (
        """
        %2 = const : [4, 4]
        %3 = const : [-1, -1]
        %4 = const : [0, 0]
        %5 = mul %2, %0<<1 : [-32, 28]*2^1
        %6 = mul %1, %3 : [-7, 0]
        %7 = mul %1, %4 : [0, 0]
        return %5, %6, %7
        """,
        """
        %2 = neg %1 : [-7, 0]
        %3 = const : [0, 0]
        return %0<<3, %2, %3
        """,
    ),
    'functions of a value and itself': (
        """
        %2 = bitwise xor %0, %0 : [-8, 7]
        %3 = bitwise and %0<<1, %0<<1 : [-8, 7]*2^1
        %4 = bitwise or %1, %1 : [0, 7]
        return %2, %3, %4
        """,
        """
        %2 = const : [0, 0]
        return %2, %0<<1, %1
        """,
    ),
    'functions with zero': (
        """
        %2 = const : [0, 0]
        %3 = bitwise and %2, %0 : [-8, 7]
        %4 = bitwise or %0, %2 : [-8, 7]
        %5 = bitwise xor %2, %0 : [-8, 7]
        return %3, %4, %5
        """,
        """
        %2 = const : [0, 0]
        return %2, %0, %0
        """,
    ),
    'a mask of ones': (
        """
        %2 = const : [15, 15]
        %3 = bitwise and %1, %2 : [0, 7]
        %4 = bitwise and %2>>1, %1 : [0, 14]*2^-1
        return %3, %4
        """,
        """
        return %1, %1
        """,
    ),
    'a mask of nothing but ones': (
        """
        %2 = const : [-1, -1]
        %3 = bitwise and %0, %2 : [-8, 7]
        %4 = bitwise or %2>>1, %0 : [-1, -1]*2^-1
        return %3, %4
        """,
        """
        %2 = const : [-1, -1]
        return %0, %2>>1
        """,
    ),
    'masks of masks': (
        """
        %2 = const : [-1, -1]
        %3 = bitwise xor %2, %0 : [-8, 7]
        %4 = const : [3, 3]
        %5 = bitwise xor %3<<1, %4 : [-16, 15]
        %6 = const : [5, 5]
        %7 = bitwise and %0, %4 : [0, 3]
        %8 = bitwise and %6, %7<<1 : [0, 5]
        %9 = bitwise or %1, %4 : [0, 7]
        %10 = bitwise or %9, %6 : [0, 7]
        return %5, %8, %10
        """,
        """
        %2 = const : [-3, -3]
        %3 = bitwise xor %0<<1, %2 : [-16, 15]
        %4 = const : [1, 1]
        %5 = bitwise and %0<<1, %4<<2 : [0, 5]
        %6 = const : [7, 7]
        %7 = bitwise or %1, %6 : [0, 7]
        return %3, %5, %7
        """,
    ),
}
STAYS = {
    'masks of other functions, or of values': """
        %2 = const : [-1, -1]
        %3 = bitwise xor %0, %2 : [-8, 7]
        %4 = const : [5, 5]
        %5 = bitwise and %3, %4 : [0, 5]
        %6 = bitwise xor %0, %1 : [-8, 7]
        %7 = bitwise xor %6, %2 : [-8, 7]
        return %5, %7
        """,
    'ones that begin above the lowest bit': """
        %2 = const : [-1, -1]
        %3 = bitwise and %0, %2<<1 : [-8, 7]
        %4 = bitwise or %0, %2<<1 : [-8, 7]
        return %3, %4
        """,
    'the only positive term cannot become negative': """
        %2 = neg %1 : [-7, 0]
        %3 = add %2, -%0 : [-14, 8]
        return %3
        """,
    'the opposite of a sum without a negative term': """
        %2 = add %0, %1 : [-8, 14]
        %3 = neg %2 : [-14, 8]
        return %3
        """,
    'terms of different size, and one constant': """
        %2 = const : [5, 5]
        %3 = add %0, %0<<1 : [-24, 21]
        %4 = add %2, %0 : [-3, 12]
        return %3, %4
        """,
    'products by others': """
        %2 = const : [3, 3]
        %3 = mul %0, %2 : [-24, 21]
        %4 = mul %0, %1 : [-56, 49]
        return %3, %4
        """,
    'a mask that lacks a bit, of steps too coarse, or of a value with a sign': """
        %2 = const : [11, 11]
        %3 = bitwise and %1<<1, %2 : [0, 11]
        %4 = const : [7, 7]
        %5 = bitwise and %1, %4<<1 : [0, 7]
        %6 = const : [15, 15]
        %7 = bitwise and %0, %6 : [0, 15]
        %8 = bitwise or %1, %4 : [0, 7]
        return %3, %5, %7, %8
        """,
    'different values, or one of two sizes': """
        %2 = bitwise xor %0, %1 : [-8, 7]
        %3 = bitwise or %1, %1<<1 : [0, 15]
        return %2, %3
        """,
}


@pytest.mark.parametrize('case', CASES)
def test_before_and_after(case):
    check_becomes(simplify_arithmetic, *CASES[case])


@pytest.mark.parametrize('case', STAYS)
def test_what_stays(case):
    check_stays(simplify_arithmetic, STAYS[case])


@pytest.mark.parametrize('seed', range(60))
def test_random_programs(seed):
    before, after = check_random(simplify_arithmetic, seed, idempotent=False)
    assert depth(after) <= depth(before)
    for _ in range(after.num_ops):  # what two operations leave may meet in a third
        again = reprove(simplify_arithmetic(after))
        if again == after:
            break
        after = again
    assert reprove(simplify_arithmetic(after)) == after
