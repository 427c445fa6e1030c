"""Dead code: what no output needs goes, the rest keeps its order, and ports stay."""

import pytest
from pass_laws import check_becomes, check_random, check_stays

from da4ml_core.ir import Opcode
from da4ml_core.passes.dead_code import eliminate_dead_code
from da4ml_core.passes.rewriting import use_counts

CASES = {
    'what is not read, and what only that reads': (
        """
        %2 = add %0, %0<<1 : [-24, 21]
        %3 = neg %0 : [-7, 8]
        %4 = neg %2 : [-21, 24]
        %5 = neg %3 : [-8, 7]
        return %3, %5<<1
        """,
        """
        %2 = neg %0 : [-7, 8]
        %3 = neg %2 : [-8, 7]
        return %2, %3<<1
        """,
    ),
    'a table that nobody reads': (
        """
        table t0 {3, 1, 4, 1, 5, 9, 2, 6}
        %2 = lookup %1 in t0 from 0 : [1, 9]
        return %0
        """,
        """
        return %0
        """,
    ),
}
STAYS = {
    'what an output needs': """
        %2 = add %0, %1 : [-8, 14]
        %3 = neg %2 : [-14, 8]
        return %3
        """,
    'ports that nobody reads': """
        %2 = input x[1] ufixed<3,0> TRN WRAP : [0, 7]
        return %0
        """,
}


@pytest.mark.parametrize('case', CASES)
def test_before_and_after(case):
    check_becomes(eliminate_dead_code, *CASES[case])


@pytest.mark.parametrize('case', STAYS)
def test_what_stays(case):
    check_stays(eliminate_dead_code, STAYS[case])


@pytest.mark.parametrize('seed', range(40))
def test_random_programs(seed):
    _, after = check_random(eliminate_dead_code, seed)
    assert all(uses or op.opcode is Opcode.INPUT for op, uses in zip(after.ops, use_counts(after), strict=True))
