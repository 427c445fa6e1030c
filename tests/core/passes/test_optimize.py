"""Each pass makes of one text the other; all of them together keep the outputs of random programs."""

import random
from dataclasses import replace

import numpy as np
import pytest
from random_programs import random_codes, random_program

import da4ml_core as dc
from da4ml_core.device import device
from da4ml_core.interp.reference import evaluate
from da4ml_core.ir.text import parse_program, print_program
from da4ml_core.ir.verify import verify
from da4ml_core.passes.area import lut_estimate
from da4ml_core.passes.canonicalize import canonicalize
from da4ml_core.passes.collapse_cones import collapse_cones
from da4ml_core.passes.compact_tables import compact_tables
from da4ml_core.passes.dead_code import eliminate_dead_code
from da4ml_core.passes.fold_constants import fold_constants
from da4ml_core.passes.fuse_sums import fuse_sums
from da4ml_core.passes.narrow import narrow, reprove
from da4ml_core.passes.optimize import optimize
from da4ml_core.passes.order import order, peak_live
from da4ml_core.passes.share import share
from da4ml_core.passes.simplify_arithmetic import simplify_arithmetic
from da4ml_core.passes.simplify_choices import simplify_choices

INPUTS = ['%0 = input x[0] fixed<3,0> TRN WRAP : [-8, 7]', '%1 = input x[1] ufixed<3,0> TRN WRAP : [0, 7]']


def program(tables, *ops, returned):
    """A program of two inputs, %0 signed and %1 unsigned, in short."""
    head = ['program p', 'inputs (2,)', f'outputs ({returned.count(",") + 1},)', *tables]
    return '\n'.join([*head, *INPUTS, *ops, f'return {returned}']) + '\n'


COLLAPSED = '2, 1, 0, 3, 2, 1, 0, 1, 0, 3, 2, 1, 0, 0, 0, 3, 2, 1, 0, 0, 0, 0, 0'
CASES = {
    'fold: what cannot vary': (
        fold_constants,
        program(
            [],
            '%2 = const : [5, 5]',
            '%3 = add %2, -%2>>1 : [5, 5]*2^-1',
            '%4 = quantize %2 to ufixed<2,0> TRN WRAP : [0, 3]',
            '%5 = add %0, %4 : [-8, 10]',
            returned='%3, %5',
        ),
        program([], '%2 = const : [5, 5]', '%3 = const : [1, 1]', '%4 = add %0, %3 : [-7, 8]', returned='%2>>1, %4'),
    ),
    'canonicalize: shifts to the result, operands in order': (
        canonicalize,
        program(
            [],
            '%2 = add %1<<1, %0<<3 : [-64, 70]',
            '%3 = mul %1<<1, %0>>1 : [-56, 49]',
            '%4 = relu %0<<2 to ufixed<3,0> TRN WRAP : [0, 7]',
            '%5 = const : [12, 12]',
            returned='%2, %3, %4, %5',
        ),
        program(
            [],
            '%2 = add %0, %1>>2 : [-32, 35]*2^-2',
            '%3 = mul %0, %1 : [-56, 49]',
            '%4 = relu %0 to ufixed<1,2> TRN WRAP : [0, 7]*2^-2',
            '%5 = const : [3, 3]',
            returned='%2<<3, %3, %4<<2, %5<<2',
        ),
    ),
    'arithmetic: what cancels, and signs that adders absorb': (
        simplify_arithmetic,
        program(
            [],
            '%2 = neg %0 : [-7, 8]',
            '%3 = add %1, -%2 : [-8, 14]',
            '%4 = add %0, -%1, -%0 : [-7, 0]',
            '%5 = add %1, %1 : [0, 14]',
            '%6 = add %0, -%1 : [-15, 7]',
            '%7 = neg %6 : [-7, 15]',
            '%8 = bitwise xor %1, %1 : [0, 7]',
            returned='%3, %4, %5, %7, %8',
        ),
        program(
            [],
            '%2 = add %1, %0 : [-8, 14]',
            '%3 = neg %1 : [-7, 0]',
            '%4 = add -%0, %1 : [-7, 15]',
            '%5 = const : [0, 0]',
            returned='%2, %3, %1<<1, %4, %5',
        ),
    ),
    'choices: modes that cannot matter, choices made already': (
        simplify_choices,
        program(
            [],
            '%2 = quantize %0 to fixed<4,1> RND SAT : [-8, 7]',
            '%3 = relu %1 : [0, 7]',
            '%4 = const : [0, 0]',
            '%5 = mux %0, %4, %0 : [0, 7]',
            '%6 = mux %1, %0, %3 : [0, 7]',
            '%7 = quantize %0 to fixed<2,-1> RND_ZERO SAT : [-2, 1]*2^1',
            returned='%2, %3, %5, %6, %7',
        ),
        program(
            [],
            '%2 = relu %0 : [0, 7]',
            '%3 = quantize %0 to fixed<2,-1> RND_ZERO SAT : [-2, 1]*2^1',
            returned='%0, %1, %2, %1, %3',
        ),
    ),
    'choices: a choice by a bit that was a choice': (
        simplify_choices,
        program(
            [],
            '%2 = const : [1, 1]',
            '%3 = const : [0, 0]',
            '%4 = mux %0, %3, %2 : [0, 1]',
            '%5 = mux -%4, %0, %1 : [-8, 7]',
            returned='%5',
        ),
        program([], '%2 = mux %0, %1, %0 : [0, 7]', returned='%2'),
    ),
    'tables: unreachable entries, and wiring': (
        compact_tables,
        program(
            ['table t0 {9, 9, 4, 2, 8, 6, 0, 2, 4, 6, 1}', 'table t1 {7, 0, 4, 8, 12, 16, 20, 24, 28}*2^-3'],
            '%2 = lookup %1 in t0 from -2 : [0, 9]',
            '%3 = lookup %1 in t1 from -1 : [0, 28]*2^-3',
            returned='%2, %3',
        ),
        program(
            ['table t0 {2, 1, 4, 3, 0, 1, 2, 3}*2^1'],
            '%2 = lookup %1 in t0 from 0 : [0, 4]*2^1',
            returned='%2, %1>>1',
        ),
    ),
    'share: the same once, the opposite by its sign': (
        share,
        program(
            [],
            '%2 = add %0, -%1 : [-15, 7]',
            '%3 = add %0, -%1 : [-15, 7]',
            '%4 = add %1, -%0 : [-7, 15]',
            '%5 = add %2, %3<<2 : [-75, 35]',
            '%6 = add %0, %4 : [-15, 22]',
            returned='%5, %6',
        ),
        program(
            [],
            '%2 = add %0, -%1 : [-15, 7]',
            '%3 = neg %2 : [-7, 15]',
            '%4 = add %2, %2<<2 : [-75, 35]',
            '%5 = add %0, %3 : [0, 7]',
            returned='%4, %5',
        ),
    ),
    'narrow: terms that cancel, branches that their condition bounds': (
        narrow,
        program(
            [],
            '%2 = add %0, %1 : [-20, 20]',
            '%3 = add %2, -%0 : [-28, 28]',
            '%4 = neg %0 : [-8, 8]',
            '%5 = mux %0, %4, %0 : [-8, 8]',
            returned='%3, %5',
        ),
        program(
            [],
            '%2 = add %0, %1 : [-8, 14]',
            '%3 = add %2, -%0 : [0, 7]',
            '%4 = neg %0 : [-7, 8]',
            '%5 = mux %0, %4, %0 : [0, 8]',
            returned='%3, %5',
        ),
    ),
    'dead code: what no output needs, but never a port': (
        eliminate_dead_code,
        program(
            [], '%2 = add %0, %0<<1 : [-24, 21]', '%3 = neg %0 : [-7, 8]', '%4 = neg %2 : [-21, 24]', returned='%3'
        ),
        program([], '%2 = neg %0 : [-7, 8]', returned='%2'),
    ),
    'tables: those that reached entries make equal are one': (
        lambda program: share(compact_tables(program)),
        program(
            ['table t0 {9, 3, 1, 4, 1, 5, 9, 2, 6}', 'table t1 {3, 1, 4, 1, 5, 9, 2, 6, 7, 7}'],
            '%2 = lookup %1 in t0 from -1 : [1, 9]',
            '%3 = lookup %1 in t1 from 0 : [1, 9]',
            returned='%2, %3',
        ),
        program(['table t0 {3, 1, 4, 1, 5, 9, 2, 6}'], '%2 = lookup %1 in t0 from 0 : [1, 9]', returned='%2, %2'),
    ),
    'collapse: what two values of five bits decide': (
        lambda program: collapse_cones(program, device('xilinx-us+')),
        program(
            [],
            '%2 = quantize %0 to fixed<1,0> TRN WRAP : [-2, 1]',
            '%3 = add %1, %2<<1 : [-4, 9]',
            '%4 = const : [5, 5]',
            '%5 = add %4, -%3 : [-4, 9]',
            '%6 = relu %5 to ufixed<2,0> TRN WRAP : [0, 3]',
            '%7 = add %1, %1<<1 : [0, 21]',
            returned='%6, %7',
        ),
        program(
            [f'table t0 {{1, 0, 3, 2, 1, 0, 3, 2, 3, {COLLAPSED}}}'],
            '%2 = quantize %0 to fixed<1,0> TRN WRAP : [-2, 1]',
            '%3 = add %1, %2<<3 : [-16, 15]',
            '%4 = lookup %3 in t0 from -16 : [0, 3]',
            '%5 = add %1, %1<<1 : [0, 21]',
            returned='%4, %5',
        ),
    ),
    'fuse: two adders of two into one of three': (
        lambda program: fuse_sums(program, device('xilinx-us+')),
        program([], '%2 = add %0, -%1 : [-15, 7]', '%3 = add %0, -%2<<1 : [-22, 37]', returned='%3'),
        program([], '%2 = add -%0<<1, %1<<1, %0 : [-7, 22]', returned='%2'),
    ),
}


@pytest.mark.parametrize('case', CASES)
def test_before_and_after(case):
    each, before, after = CASES[case]
    found = narrow(reprove(eliminate_dead_code(each(verify(parse_program(before))))))
    assert print_program(verify(found)) == after


@pytest.mark.parametrize('seed', range(60))
def test_random_programs_keep_their_outputs(seed):
    rng = random.Random(seed)
    before = random_program(rng, num_ops=25, narrow=seed % 2 == 0)
    seen = []
    after = optimize(before, ternary=seed % 3 == 0, watch=lambda name, program: seen.append(program))
    assert after.num_ops <= before.num_ops
    assert peak_live(after) <= peak_live(before)
    for _ in range(8):
        codes = random_codes(rng, before)
        expected = evaluate(before, codes)
        for other in (after, rng.choice([after, *seen])):
            found = evaluate(other, codes)
            for a, b, x, y in zip(expected, found, before.output_intervals, other.output_intervals, strict=True):
                assert a * 2 ** (x.exp + 200) == b * 2 ** (y.exp + 200)


@pytest.mark.parametrize('seed', range(40))
def test_cones_of_narrow_programs_keep_their_outputs(seed):
    rng = random.Random(seed)
    before = random_program(rng, num_ops=20, max_width=6, narrow=seed % 2 == 0)
    after = verify(collapse_cones(verify(before), device('xilinx-us+')))
    assert lut_estimate(after, device('xilinx-us+')) <= lut_estimate(before, device('xilinx-us+'))
    for _ in range(30):
        codes = random_codes(rng, before)
        pairs = zip(evaluate(before, codes), evaluate(after, codes), strict=True)
        steps = zip(before.output_intervals, after.output_intervals, strict=True)
        for (a, b), (x, y) in zip(pairs, steps, strict=True):
            assert a * 2 ** (x.exp + 200) == b * 2 ** (y.exp + 200)


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
    assert optimize(verify(both)).num_adders == b.num_adders


def test_values_are_made_when_they_are_needed():
    pairs = [f'%{2 + n} = mul %{n % 2}, %{n // 2 % 2} : [-56, 64]' for n in range(8)]
    sums = [f'%{10 + n} = add %{9 + n if n else 2}, %{n + 2}<<1 : [-4096, 4096]' for n in range(8)]
    before = verify(narrow(parse_program(program([], *pairs, *sums, returned='%17'))))
    after = verify(order(before))
    assert (peak_live(before), peak_live(after)) == (9, 5)
    assert [port for _, port in after.input_ops()] == [port for _, port in before.input_ops()]
    assert evaluate(before, [-3, 5]) == evaluate(after, [-3, 5])


def test_the_estimate_counts_bits_that_reach_an_output():
    chain = program(
        [], '%2 = add %0, %1<<1 : [-8, 21]', '%3 = quantize %2 to ufixed<2,0> TRN WRAP : [0, 3]', returned='%3'
    )
    family = device('xilinx-us+')
    assert lut_estimate(parse_program(chain), family) == 1  # bit 0 is a wire
    assert (
        lut_estimate(parse_program(chain.replace('return %3', 'return %2')), family) == 3
    )  # and the sign no bit of %1
