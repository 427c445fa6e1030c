"""Common subexpressions: made once, and a difference whose opposite exists is that with another sign."""

from dataclasses import replace

import numpy as np
import pytest
from pass_laws import check_becomes, check_random, check_stays

import da4ml_core as dc
from da4ml_core.ir.cost import depth
from da4ml_core.ir.verify import verify
from da4ml_core.passes.dead_code import eliminate_dead_code
from da4ml_core.passes.share import share

CASES = {
    'the same operation, and those upon it': (
        """
        %2 = add %0, %1 : [-8, 14]
        %3 = add %1, %0 : [-8, 14]
        %4 = relu %2 to ufixed<2,0> TRN WRAP : [0, 3]
        %5 = relu %3 to ufixed<2,0> TRN WRAP : [0, 3]
        %6 = add %4, %5<<2 : [0, 15]
        return %6
        """,
        """
        %2 = add %0, %1 : [-8, 14]
        %3 = relu %2 to ufixed<2,0> TRN WRAP : [0, 3]
        %4 = add %3, %3<<2 : [0, 15]
        return %4
        """,
    ),
    'constants and tables': (
        """
        table t0 {3, 1, 4, 1, 5, 9, 2, 6}
        %2 = const : [3, 3]
        %3 = const : [3, 3]
        %4 = add %1, -%2 : [-3, 4]
        %5 = add %1, -%3 : [-3, 4]
        %6 = lookup %1 in t0 from 0 : [1, 9]
        %7 = lookup %1 in t0 from 0 : [1, 9]
        return %4, %5, %6, %7
        """,
        """
        table t0 {3, 1, 4, 1, 5, 9, 2, 6}
        %2 = const : [3, 3]
        %3 = add %1, -%2 : [-3, 4]
        %4 = lookup %1 in t0 from 0 : [1, 9]
        return %3, %3, %4, %4
        """,
    ),
    'the tighter of two ranges': (
        """
        %2 = add %0, %1 : [-8, 20]
        %3 = add %0, %1 : [-9, 14]
        return %2, %3
        """,
        """
        %2 = add %0, %1 : [-8, 14]
        return %2, %2
        """,
    ),
    'the opposite, which sums absorb': (
        """
        %2 = add %0, -%1 : [-15, 7]
        %3 = add %1, -%0 : [-7, 15]
        %4 = add %0, %3 : [0, 7]
        %5 = add %1, -%3 : [-8, 7]
        return %2, %4, %5
        """,
        """
        %2 = add %0, -%1 : [-15, 7]
        %3 = neg %2 : [-7, 15]
        %4 = add %0, %3 : [0, 7]
        %5 = add %1, -%3 : [-8, 7]
        return %2, %4, %5
        """,
    ),
    'the greater of two, and the smaller, whichever is subtracted': (
        """
        %2 = add %0, -%1>>1 : [-23, 14]*2^-1
        %3 = add %1, -%0<<1 : [-14, 23]
        %4 = mux %2, %1, %0<<1 : [-16, 14]
        %5 = mux %3, %0, %1>>1 : [-16, 14]*2^-1
        %6 = mux %2, %0, %1>>1 : [-16, 14]*2^-1
        %7 = mux %3, %1, %0<<1 : [-16, 14]
        return %4, %5, %6, %7
        """,
        """
        %2 = add %0, -%1>>1 : [-23, 14]*2^-1
        %3 = mux %2, %1, %0<<1 : [-16, 14]
        %4 = mux %2, %0, %1>>1 : [-16, 14]*2^-1
        return %3, %3>>1, %4, %4<<1
        """,
    ),
}
STAYS = {
    'selections by a difference between other values, or without one': """
        %2 = add %0, -%1 : [-15, 7]
        %3 = add %1, -%0 : [-7, 15]
        %4 = mux %2, %1, %0<<1 : [-16, 14]
        %5 = mux %3, %0<<1, %1 : [-16, 14]
        %6 = add %0, %1 : [-8, 14]
        %7 = mux %6, %1, %0 : [-8, 7]
        %8 = mux %3, %1<<1, %1 : [0, 14]
        %9 = mux %2, %1, %1<<1 : [0, 14]
        return %4, %5, %7, %8, %9
        """,
    'other signs, shifts, types, constants and functions': """
        %2 = add %0, %1 : [-8, 14]
        %3 = add %0, %1<<1 : [-8, 21]
        %4 = quantize %2 to ufixed<2,0> TRN WRAP : [0, 3]
        %5 = quantize %2 to ufixed<2,0> TRN SAT : [0, 3]
        %6 = const : [3, 3]
        %7 = const : [5, 5]
        %8 = bitwise and %0, %1 : [0, 7]
        %9 = bitwise or %0, %1 : [-8, 7]
        %10 = add %3, %6, %7 : [0, 29]
        return %4, %5, %8, %9, %10
        """,
    'the opposite that is an output, or is rectified': """
        %2 = add %0, -%1 : [-15, 7]
        %3 = add %1, -%0 : [-7, 15]
        return %2, %3
        """,
    'the opposite that a conversion reads': """
        %2 = add %0, -%1 : [-15, 7]
        %3 = add %1, -%0 : [-7, 15]
        %4 = relu %3 : [0, 15]
        return %2, %4
        """,
    'the opposite that is the only positive term of a sum': """
        %2 = add %0, -%1 : [-15, 7]
        %3 = add %1, -%0 : [-7, 15]
        %4 = add %3, -%1 : [-7, 8]
        return %2, %4
        """,
    'selections with the branches the other way round': """
        %2 = mux %0, %1, %0 : [0, 7]
        %3 = mux %0, %0, %1 : [-8, 7]
        return %2, %3
        """,
    'ports of one element and type': """
        %2 = input x[0] fixed<3,0> TRN WRAP : [-8, 7]
        %3 = add %0, %1 : [-8, 14]
        %4 = add %2, %1 : [-8, 14]
        return %3, %4
        """,
}


@pytest.mark.parametrize('case', CASES)
def test_before_and_after(case):
    check_becomes(share, *CASES[case])


@pytest.mark.parametrize('case', STAYS)
def test_what_stays(case):
    check_stays(share, STAYS[case])


@pytest.mark.parametrize('seed', range(60))
def test_random_programs(seed):
    before, after = check_random(share, seed)
    twice = replace(
        before,
        ops=before.ops + tuple(op.renumbered(range(before.num_ops)) for op in before.ops if op.operands),
    )
    assert share(twice).num_ops == after.num_ops


def test_what_two_matrix_products_have_in_common_is_made_once():
    def product(*columns):
        tracer = dc.Tracer('product')
        return tracer.finish(tracer.input((4,)).quantize(True, 3, 4) @ np.array(columns).T)

    a, b = product([3, 5, 1, 0]), product([3, 5, 1, 0], [0, 0, 0, 9])
    inputs = sum(1 for _ in a.input_ops())
    move = len(a.ops) - inputs  # of the second product's sums behind those of the first, on the same inputs

    def moved(edge):
        return edge if edge.index < inputs else edge._replace(index=edge.index + move)

    more = tuple(op._replace(operands=tuple(map(moved, op.operands))) for op in b.ops[inputs:])
    outputs = (*a.outputs, *map(moved, b.outputs))
    both = replace(a, ops=a.ops + more, outputs=outputs, output_shapes=((1,), (2,)))
    assert a.ops[:inputs] == b.ops[:inputs]
    shared = verify(eliminate_dead_code(share(verify(both))))
    assert shared.num_adders == b.num_adders
    assert depth(shared) == depth(both)
