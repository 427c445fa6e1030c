"""Tables: without entries that no operand reaches, and none where wiring gives the same."""

import pytest
from pass_laws import check_becomes, check_random, check_stays

from da4ml_core.ir import Lookup
from da4ml_core.passes.compact_tables import compact_tables
from da4ml_core.passes.share import share

CASES = {
    'entries before and behind the operand, and a common factor': (
        """
        table t0 {9, 9, 4, 2, 8, 6, 0, 2, 4, 6, 1}
        %2 = lookup %1 in t0 from -2 : [0, 8]
        return %2
        """,
        """
        table t0 {2, 1, 4, 3, 0, 1, 2, 3}*2^1
        %2 = lookup %1 in t0 from 0 : [0, 8]
        return %2
        """,
    ),
    'entries between the steps of the operand': (
        """
        table t0 {5, 9, 1, 9, 3, 9, 2, 9, 7, 9, 0, 9, 4, 9, 8}
        %2 = lookup %1 in t0 from 0*2^-1 : [0, 8]
        return %2
        """,
        """
        table t0 {5, 1, 3, 2, 7, 0, 4, 8}
        %2 = lookup %1 in t0 from 0 : [0, 8]
        return %2
        """,
    ),
    'a table of multiples': (
        """
        table t0 {7, 0, 4, 8, 12, 16, 20, 24, 28}*2^-3
        %2 = lookup %1 in t0 from -1 : [0, 28]*2^-3
        return %2
        """,
        """
        return %1>>1
        """,
    ),
    'a table of what another gives, for less bits': (
        """
        table t0 {3, 1, 4, 1, 5, 9, 2, 6}
        table t1 {9, 8, 7, 0, 0, 2, 0, 5, 0, 0, 0, 3, 0, 1, 0, 0, 0, 0, 0, 4}
        %2 = lookup %1 in t0 from 0 : [1, 9]
        %3 = lookup %2<<1 in t1 from 0 : [0, 7]
        return %3
        """,
        """
        table t0 {0, 7, 0, 7, 0, 0, 0, 0}
        %2 = lookup %1 in t0 from 0 : [0, 7]
        return %2
        """,
    ),
}
STAYS = {
    'a table of what another gives, and others read': """
        table t0 {3, 1, 4, 1, 5, 9, 2, 6}
        table t1 {7, 0, 0, 2, 0, 5, 0, 0, 1}
        %2 = lookup %1 in t0 from 0 : [1, 9]
        %3 = lookup %2 in t1 from 1 : [0, 7]
        return %3, %2
        """,
    'a table that gives more bits than what it goes by': """
        table t0 {3, 1, 0, 1, 2, 1, 2, 0}
        table t1 {7, 0, 3, 5}
        %2 = lookup %1 in t0 from 0 : [0, 3]
        %3 = lookup %2 in t1 from 0 : [0, 7]
        return %3
        """,
    'a table of which all is read': """
        table t0 {2, 1, 4, 3, 0, 1, 2, 3}*2^1
        %2 = lookup %1 in t0 from 0 : [0, 4]*2^1
        return %2
        """,
    'multiples and something more': """
        table t0 {1, 2, 3, 4, 5, 6, 7, 8}
        %2 = lookup %1 in t0 from 0 : [1, 8]
        return %2
        """,
    'multiples but for one': """
        table t0 {0, 1, 2, 3, 4, 5, 6, 6}
        %2 = lookup %1 in t0 from 0 : [0, 6]
        return %2
        """,
    'multiples in another order': """
        table t0 {0, 2, 1, 3, 4, 5, 6, 7}
        %2 = lookup %1 in t0 from 0 : [0, 7]
        return %2
        """,
    'other operations': """
        %2 = relu %0 : [0, 7]
        return %2
        """,
}


@pytest.mark.parametrize('case', CASES)
def test_before_and_after(case):
    check_becomes(compact_tables, *CASES[case])


def test_tables_that_reached_entries_make_equal_are_one():
    before = """
        table t0 {9, 3, 1, 4, 1, 5, 9, 2, 6}
        table t1 {3, 1, 4, 1, 5, 9, 2, 6, 7, 7}
        %2 = lookup %1 in t0 from -1 : [1, 9]
        %3 = lookup %1 in t1 from 0 : [1, 9]
        return %2, %3
        """
    after = """
        table t0 {3, 1, 4, 1, 5, 9, 2, 6}
        %2 = lookup %1 in t0 from 0 : [1, 9]
        return %2, %2
        """
    check_becomes(lambda program: share(compact_tables(program)), before, after)


@pytest.mark.parametrize('case', STAYS)
def test_what_stays(case):
    check_stays(compact_tables, STAYS[case])


@pytest.mark.parametrize('seed', range(60))
def test_random_programs(seed):
    before, after = check_random(compact_tables, seed)
    for op in after.ops:
        if isinstance(op.attribute, Lookup):
            assert op.attribute.domain == after.edge_interval(op.operands[0])
    assert len(after.tables) <= len(before.tables)
