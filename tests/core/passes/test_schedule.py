"""Pipelining: legal stages, the predicted latency, and few register bits."""

import itertools
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from random_programs import random_program

from da4ml_core.errors import CodegenError
from da4ml_core.ir.cost import op_levels
from da4ml_core.ir.text import parse_program
from da4ml_core.passes.schedule import Schedule, schedule

CHAIN = parse_program("""
program chain
inputs (3,)
outputs (1,)
%0 = input x[0] fixed<3,0> TRN WRAP : [-8, 7]
%1 = input x[1] fixed<3,0> TRN WRAP : [-8, 7]
%2 = input x[2] fixed<3,0> TRN WRAP : [-8, 7]
%3 = add %0, %1 : [-16, 14]
%4 = add %3, %2 : [-24, 21]
return %4
""")


def check_stages(plan: Schedule) -> None:
    """Every value is made before it is used, and no path within a stage has too many levels."""
    levels: dict[int, int] = {}
    live = [index for index, window in enumerate(plan.windows) if window.width_bits]
    for index in live:
        op = plan.program.ops[index]
        own = op_levels(op)
        before = 0
        for edge in op.operands:
            if plan.windows[edge.index].width_bits:
                assert plan.stages[edge.index] <= plan.stages[index]
                if plan.stages[edge.index] == plan.stages[index]:
                    before = max(before, levels[edge.index])
        # an op of more levels than allowed has a stage to itself, but for wiring behind it
        assert before == 0 or own == 0 or before + own <= plan.max_levels, f'%{index}'
        levels[index] = before + own
        assert plan.stages[index] <= plan.num_stages - 1 or not op.operands
    for edge in plan.program.outputs:
        assert plan.stages[edge.index] <= plan.output_stage


def test_a_combinational_design_has_no_registers():
    plan = schedule(CHAIN, None)
    assert (plan.num_stages, plan.latency_cycles, plan.register_bits) == (1, 0, 0)


@pytest.mark.parametrize(
    ('max_levels', 'inputs', 'outputs', 'stages', 'latency', 'bits'),
    [
        (1, False, False, 2, 1, 5 + 4),  # %3 and %2 cross
        (1, True, False, 2, 2, 12 + 5 + 4),
        (1, False, True, 2, 2, 5 + 4 + 6),
        (1, True, True, 2, 3, 12 + 5 + 4 + 6),
        (2, True, True, 1, 2, 12 + 6),
        (2, False, False, 1, 0, 0),
    ],
)
def test_latency_and_register_bits(max_levels, inputs, outputs, stages, latency, bits):
    plan = schedule(CHAIN, max_levels, inputs, outputs)
    assert (plan.num_stages, plan.latency_cycles, plan.register_bits) == (stages, latency, bits)


def test_a_value_waits_where_it_has_fewer_bits():
    """The rectified and truncated sum crosses the boundary, not the sum."""
    program = parse_program("""
program wait
inputs (2,)
outputs (1,)
%0 = input x[0] fixed<7,0> TRN WRAP : [-128, 127]
%1 = input x[1] fixed<7,0> TRN WRAP : [-128, 127]
%2 = add %0, %1 : [-256, 254]
%3 = relu %2 to ufixed<3,0> TRN WRAP : [0, 7]
%4 = add %3, %1 : [-128, 134]
%5 = add %4, %0 : [-256, 261]
return %5
""")
    plan = schedule(program, 1, False, False)
    assert plan.stages == (0, 0, 0, 0, 1, 2)
    # %3 crosses once, %1 once, %0 twice, %4 once
    assert plan.register_bits == 3 + 8 + 2 * 8 + 9


def test_an_early_sum_of_long_lived_operands_is_made_late():
    program = parse_program("""
program late
inputs (2,)
outputs (3,)
%0 = input x[0] fixed<7,0> TRN WRAP : [-128, 127]
%1 = input x[1] fixed<7,0> TRN WRAP : [-128, 127]
%2 = add %0, %1<<3 : [-1152, 1143]
%3 = add %0, -%1 : [-255, 255]
%4 = add %3, %1<<1 : [-511, 509]
%5 = add %4, %0<<3 : [-1535, 1525]
return %5, %2, %0
""")
    plan = schedule(program, 1, False, False)
    assert plan.num_stages == 3
    assert plan.stages[2] == 2  # %1 (8 bits) waits once more, so that %2 (12 bits) need not


def test_constants_and_dead_values_cost_nothing():
    program = parse_program("""
program dead
inputs (2,)
outputs (2,)
%0 = input x[0] fixed<3,0> TRN WRAP : [-8, 7]
%1 = input x[1] fixed<3,0> TRN WRAP : [-8, 7]
%2 = const : [5, 5]
%3 = add %1, %2 : [-3, 12]
%4 = neg %0 : [-7, 8]
return %4, %2
""")
    plan = schedule(program, 1, True, True)
    assert [window.width_bits for window in plan.windows] == [4, 0, 0, 0, 5]
    assert plan.register_bits == 4 + 5


def test_only_demanded_bits_are_registered():
    program = parse_program("""
program trim
inputs (2,)
outputs (1,)
%0 = input x[0] fixed<7,0> TRN WRAP : [-128, 127]
%1 = input x[1] fixed<7,0> TRN WRAP : [-128, 127]
%2 = add %0, %1 : [-256, 254]
%3 = add %2, %1 : [-384, 381]
%4 = quantize %3 to fixed<3,0> TRN WRAP : [-8, 7]
return %4
""")
    assert schedule(program, 1, True, False).register_bits == 2 * 4 + 4 + 4


def test_an_op_deeper_than_a_stage_has_one_to_itself():
    program = parse_program("""
program deep
inputs (1,)
outputs (1,)
%0 = input x[0] fixed<7,4> TRN WRAP : [-2048, 2047]*2^-4
%1 = neg %0 : [-2047, 2048]*2^-4
%2 = quantize %1 to fixed<3,0> RND SAT : [-8, 7]
%3 = neg %2 : [-7, 8]
return %3
""")
    plan = schedule(program, 1, False, False)
    assert plan.stages == (0, 0, 1, 2)
    check_stages(plan)


def test_a_stage_needs_a_level():
    with pytest.raises(CodegenError, match='at least one adder level, not 0'):
        schedule(CHAIN, 0)


@settings(max_examples=60, deadline=None)
@example(seed=37541, max_levels=1, registered=(False, False))
@given(seed=st.integers(0, 2**32), max_levels=st.integers(1, 3), registered=st.tuples(st.booleans(), st.booleans()))
def test_stages_of_random_programs_are_legal(seed, max_levels, registered):
    program = random_program(random.Random(seed), num_ops=40)
    plan = schedule(program, max_levels, *registered)
    check_stages(plan)
    assert plan.latency_cycles == plan.num_stages - 1 + sum(registered)
    assert plan == schedule(program, max_levels, *registered)


def test_registers_of_small_programs_are_all_but_the_fewest_possible():
    found = fewest = 0
    for seed in range(60):
        plan = schedule(random_program(random.Random(seed), num_inputs=3, num_ops=8, num_outputs=2), 1)
        if plan.num_stages <= 3:
            found += plan.register_bits
            fewest += min(_legal_register_bits(plan))
    assert fewest <= found <= 1.01 * fewest


def _legal_register_bits(plan: Schedule):
    """Register bits of every legal assignment of stages, by enumeration."""
    free = [i for i, op in enumerate(plan.program.ops) if op.operands and plan.windows[i].width_bits]
    for chosen in itertools.product(range(plan.num_stages), repeat=len(free)):
        stages = list(plan.stages)
        for index, stage in zip(free, chosen, strict=True):
            stages[index] = stage
        candidate = Schedule(
            plan.program,
            plan.max_levels,
            plan.input_registers,
            plan.output_registers,
            tuple(stages),
            plan.num_stages,
            plan.intervals,
            plan.windows,
        )
        try:
            check_stages(candidate)
        except AssertionError:
            continue
        yield candidate.register_bits
