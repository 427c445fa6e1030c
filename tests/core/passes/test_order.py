"""Live-range order: values are made shortly before they are used, if that keeps fewer of them alive."""

import pytest
from pass_laws import check_becomes, check_random, check_stays, given

from da4ml_core.ir import Opcode
from da4ml_core.passes.order import order, peak_live

PAIRS = [f'%{2 + n} = mul %{n % 2}, %{n // 2 % 2} : [-56, 64]' for n in range(8)]
SUMS = [f'%{10 + n} = add %{9 + n if n else 2}, %{n + 2}<<1 : [-4096, 4096]' for n in range(8)]
CASES = {
    'each term just before the sum that takes it': (
        """
        %2 = neg %0 : [-7, 8]
        %3 = relu %0 : [0, 7]
        %4 = neg %1 : [-7, 0]
        %5 = mul %0, %1 : [-56, 49]
        %6 = mul %0, %0 : [0, 64]
        %7 = add %2, %3 : [-7, 15]
        %8 = add %7, %4 : [-14, 15]
        %9 = add %8, %5 : [-70, 64]
        %10 = add %9, %6 : [-70, 128]
        return %10
        """,
        """
        %2 = relu %0 : [0, 7]
        %3 = neg %0 : [-7, 8]
        %4 = add %3, %2 : [-7, 15]
        %5 = neg %1 : [-7, 0]
        %6 = add %4, %5 : [-14, 15]
        %7 = mul %0, %1 : [-56, 49]
        %8 = add %6, %7 : [-70, 64]
        %9 = mul %0, %0 : [0, 64]
        %10 = add %8, %9 : [-70, 128]
        return %10
        """,
    ),
}
STAYS = {
    'an order that is as good': """
        %2 = neg %0 : [-7, 8]
        %3 = neg %1 : [-7, 0]
        return %3, %2
        """,
    'ports in another order than they are needed': """
        %2 = relu %1 : [0, 7]
        %3 = add %2, %0 : [-8, 14]
        return %3
        """,
}


@pytest.mark.parametrize('case', CASES)
def test_before_and_after(case):
    check_becomes(order, *CASES[case])


@pytest.mark.parametrize('case', STAYS)
def test_what_stays(case):
    check_stays(order, STAYS[case])


def test_the_most_values_alive_at_once():
    before = given('\n'.join([*PAIRS, *SUMS, 'return %17']))
    assert (peak_live(before), peak_live(order(before))) == (9, 5)
    assert peak_live(given('return %0')) == 2  # an unused port is there, too
    assert peak_live(given('%2 = neg %0 : [-7, 8]\n%3 = relu %2 : [0, 8]\nreturn %3, %0')) == 3


@pytest.mark.parametrize('seed', range(60))
def test_random_programs(seed):
    before, after = check_random(order, seed)
    assert peak_live(after) < peak_live(before) or after == before
    assert sorted(op.opcode for op in after.ops) == sorted(op.opcode for op in before.ops)
    if after != before:
        inputs = sum(op.opcode is Opcode.INPUT for op in after.ops)
        assert all(op.opcode is Opcode.INPUT for op in after.ops[:inputs])
