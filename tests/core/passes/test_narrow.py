"""Ranges: as tight as affine analysis proves, and only as wide as it has to be where a proof is gone."""

import pytest
from pass_laws import check_becomes, check_random, check_stays, given, program_text

from da4ml_core.ir.text import parse_program, print_program
from da4ml_core.ir.verify import verify
from da4ml_core.passes.narrow import narrow, reprove

CASES = {
    'terms that cancel, however far apart': (
        """
        %2 = add %0, %1 : [-20, 20]
        %3 = add %2, %1<<2 : [-100, 100]
        %4 = add %3, -%0 : [-108, 108]
        return %4
        """,
        """
        %2 = add %0, %1 : [-8, 14]
        %3 = add %2, %1<<2 : [-8, 42]
        %4 = add %3, -%0 : [0, 35]
        return %4
        """,
    ),
    'branches that their condition bounds': (
        """
        %2 = neg %0 : [-8, 8]
        %3 = mux %0, %2, %0 : [-8, 8]
        %4 = add %0, -%1 : [-15, 7]
        %5 = mux %4, %1, %0 : [-8, 7]
        return %3, %5
        """,
        """
        %2 = neg %0 : [-7, 8]
        %3 = mux %0, %2, %0 : [0, 8]
        %4 = add %0, -%1 : [-15, 7]
        %5 = mux %4, %1, %0 : [0, 7]
        return %3, %5
        """,
    ),
    'types, entries, squares and bits': (
        """
        table t0 {9, 3, 1, 4, 1, 5, 9, 2, 6}
        %2 = quantize %1 to fixed<9,0> RND SAT : [-512, 511]
        %3 = lookup %1 in t0 from -1 : [-20, 20]
        %4 = mul %0, %0 : [-56, 64]
        %5 = bitwise and %0, %1 : [-8, 7]
        return %2, %3, %4, %5
        """,
        """
        table t0 {9, 3, 1, 4, 1, 5, 9, 2, 6}
        %2 = quantize %1 to fixed<9,0> RND SAT : [0, 7]
        %3 = lookup %1 in t0 from -1 : [1, 9]
        %4 = mul %0, %0 : [0, 64]
        %5 = bitwise and %0, %1 : [0, 7]
        return %2, %3, %4, %5
        """,
    ),
    'steps that are too fine': (
        """
        %2 = add %0<<1, %1<<1 : [-64, 112]*2^-2
        return %2
        """,
        """
        %2 = add %0<<1, %1<<1 : [-8, 14]*2^1
        return %2
        """,
    ),
    'zero has no steps of its own': (
        """
        %2 = add %0, -%0 : [0, 0]*2^-3
        %3 = bitwise xor %0, %2 : [-64, 63]*2^-3
        %4 = mux %0, %2, %1 : [0, 56]*2^-3
        return %3, %4
        """,
        """
        %2 = add %0, -%0 : [0, 0]
        %3 = bitwise xor %0, %2 : [-8, 7]
        %4 = mux %0, %2, %1 : [0, 7]
        return %3, %4
        """,
    ),
}
STAYS = {
    'what is as tight as can be proved': """
        %2 = add %0, %1 : [-8, 14]
        %3 = relu %2 : [0, 14]
        %4 = add %3, -%2 : [-14, 22]
        return %4
        """,
}


@pytest.mark.parametrize('case', CASES)
def test_before_and_after(case):
    check_becomes(narrow, *CASES[case])


@pytest.mark.parametrize('case', STAYS)
def test_what_stays(case):
    check_stays(narrow, STAYS[case])


@pytest.mark.parametrize('seed', range(60))
def test_random_programs(seed):
    before, after = check_random(narrow, seed)
    for wide, tight in zip(before.ops, after.ops, strict=True):
        assert wide.interval.contains(tight.interval)
        assert wide._replace(interval=tight.interval) == tight


def test_a_range_is_widened_as_far_as_its_proof_is_gone():
    body = '%2 = add %0, %1 : [-8, {}]\n%3 = relu %2 : [0, {}]\n%4 = neg %0 : [-9, 9]\nreturn %3, %4'
    program = parse_program(program_text(body.format(3, 3)))
    assert print_program(verify(reprove(program))) == program_text(body.format(14, 14))


@pytest.mark.parametrize('case', CASES)
def test_a_legal_range_is_left_as_it_is(case):
    program = given(CASES[case][0])
    assert reprove(program) == program
