"""Fusion: two adders of two become one of three where the device has that for no more LUTs."""

import pytest
from pass_laws import check_becomes, check_random, check_stays

from da4ml_core.device import device
from da4ml_core.ir import Opcode
from da4ml_core.passes.dead_code import eliminate_dead_code
from da4ml_core.passes.fuse_sums import fuse_sums

FAMILY = device('xilinx-us+')


def fuse(program):
    return fuse_sums(program, FAMILY)


CASES = {
    'the inner adder, scaled and signed as the edge is': (
        """
        %2 = add %0, -%1 : [-15, 7]
        %3 = add %0, -%2<<1 : [-22, 37]
        return %3
        """,
        """
        %2 = add -%0<<1, %1<<1, %0 : [-22, 37]
        return %2
        """,
    ),
    'of two, one': (
        """
        %2 = add %0, %1 : [-8, 14]
        %3 = add %0, -%1 : [-15, 7]
        %4 = add %2, %3<<2 : [-68, 42]
        return %4
        """,
        """
        %2 = add %0, -%1 : [-15, 7]
        %3 = add %0, %1, %2<<2 : [-68, 42]
        return %3
        """,
    ),
    'of a chain, each second': (
        """
        %2 = add %0, %1 : [-8, 14]
        %3 = add %2, %0 : [-16, 21]
        %4 = add %3, %1 : [-16, 28]
        %5 = add %4, %0 : [-24, 35]
        return %5
        """,
        """
        %2 = add %0, %1, %0 : [-16, 21]
        %3 = add %2, %1, %0 : [-24, 35]
        return %3
        """,
    ),
}
STAYS = {
    'an adder that others read': """
        %2 = add %0, -%1 : [-15, 7]
        %3 = add %0, -%2<<1 : [-22, 37]
        return %3, %2
        """,
    'an adder that has three operands already': """
        %2 = add %0, %1, %0 : [-16, 21]
        %3 = add %2, %1 : [-16, 28]
        return %3
        """,
    'what is no adder': """
        %2 = relu %0 : [0, 7]
        %3 = add %2, %1 : [0, 14]
        return %3
        """,
    'adders of few bits far apart': """
        %2 = add %1, %1<<2 : [0, 35]
        %3 = add %2, %0<<12 : [-32768, 28707]
        return %3
        """,
}


@pytest.mark.parametrize('case', CASES)
def test_before_and_after(case):
    check_becomes(fuse, *CASES[case])


@pytest.mark.parametrize('case', STAYS)
def test_what_stays(case):
    check_stays(fuse, STAYS[case])


@pytest.mark.parametrize('case', CASES)
def test_a_device_without_such_adders_is_left_alone(case):
    check_stays(lambda program: fuse_sums(program, device('ecp5')), CASES[case][0])


@pytest.mark.parametrize('seed', range(60))
def test_random_programs(seed):
    before, after = check_random(fuse, seed)
    live = eliminate_dead_code(after)
    assert live.num_adders <= before.num_adders
    assert all(len(op.operands) <= 3 for op in after.ops if op.opcode is Opcode.ADD)
