"""Pipelining: legal stages, the predicted latency, and few register bits."""

import dataclasses
import itertools
import random
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from random_programs import random_program

from da4ml_core.device import DEVICES, device
from da4ml_core.errors import CodegenError
from da4ml_core.ir import Program
from da4ml_core.ir.cost import edge_intervals, op_levels
from da4ml_core.ir.text import parse_program
from da4ml_core.passes.delay import op_delays_ps
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


def check_stages(plan: Schedule, limit: int, delays: list[int]) -> None:
    """Every value is made before it is used, and no path within a stage is too long."""
    reached: dict[int, int] = {}
    live = [index for index, window in enumerate(plan.windows) if window.width_bits]
    for index in live:
        op = plan.program.ops[index]
        own = delays[index]
        before = 0
        for edge in op.operands:
            if plan.windows[edge.index].width_bits:
                assert plan.stages[edge.index] <= plan.stages[index]
                if plan.stages[edge.index] == plan.stages[index]:
                    before = max(before, reached[edge.index])
        # an op above the limit has a stage to itself, but for wiring behind it
        assert before == 0 or own == 0 or before + own <= limit, f'%{index}'
        reached[index] = before + own
        assert plan.stages[index] <= plan.num_stages - 1 or not op.operands
    for edge in plan.program.outputs:
        assert plan.stages[edge.index] <= plan.output_stage


def levels_of(program: Program) -> list[int]:
    return [op_levels(op, edge_intervals(program, op)) for op in program.ops]


def times_of(plan: Schedule, family: str) -> list[int]:
    return op_delays_ps(plan.program, plan.intervals, plan.windows, device(family))


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
    check_stages(plan, 1, levels_of(program))


def test_a_stage_needs_a_level():
    with pytest.raises(CodegenError, match='at least one adder level, not 0'):
        schedule(CHAIN, 0)


@settings(max_examples=60, deadline=None)
@example(seed=37541, max_levels=1, registered=(False, False))
@given(seed=st.integers(0, 2**32), max_levels=st.integers(1, 3), registered=st.tuples(st.booleans(), st.booleans()))
def test_stages_of_random_programs_are_legal(seed, max_levels, registered):
    program = random_program(random.Random(seed), num_ops=40)
    plan = schedule(program, max_levels, *registered)
    check_stages(plan, max_levels, levels_of(program))
    assert plan.latency_cycles == plan.num_stages - 1 + sum(registered)
    assert plan == schedule(program, max_levels, *registered)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    max_levels=st.integers(1, 3),
    registered=st.tuples(st.booleans(), st.booleans()),
)
def test_registers_of_small_programs_are_the_fewest_possible(seed, max_levels, registered):
    program = random_program(random.Random(seed), num_inputs=3, num_ops=8, num_outputs=2)
    plan = schedule(program, max_levels, *registered)
    if plan.num_stages <= 3:
        assert plan.register_bits == fewest_register_bits(plan, max_levels, levels_of(program))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    family=st.sampled_from(list(DEVICES)),
    stages=st.integers(1, 3),
    registered=st.tuples(st.booleans(), st.booleans()),
)
def test_a_number_of_stages_has_the_least_delay_and_then_the_fewest_registers(seed, family, stages, registered):
    program = random_program(random.Random(seed), num_inputs=3, num_ops=7, num_outputs=2)
    plan = schedule(program, None, *registered, stages=stages, device=device(family))
    assert plan.num_stages == stages
    times = times_of(plan, family)
    limit = longest_path(plan, times)
    assert plan.delay_ns == pytest.approx(
        limit / 1000 + (device(family).register_delay_ns if plan.latency_cycles else 0), abs=1e-3
    )
    assert min(longest_path(other, times) for other in ordered_plans(plan)) == limit
    assert plan.register_bits == fewest_register_bits(plan, limit, times)


def test_a_delay_in_ns_is_kept_with_as_few_stages_as_it_allows():
    lines = ['program sums', 'inputs (12,)', 'outputs (1,)']
    lines += [f'%{i} = input x[{i}] fixed<7,0> TRN WRAP : [-128, 127]' for i in range(12)]
    for i in range(1, 12):
        before = f'%{i + 10}' if i > 1 else '%0'
        lines.append(f'%{i + 11} = add {before}, %{i} : [{-128 * (i + 1)}, {127 * (i + 1)}]')
    program = parse_program('\n'.join([*lines, 'return %22']))
    ecp5 = device('ecp5')
    for limit, stages in ((4.0, 11), (8.0, 4), (12.0, 3), (400.0, 1)):
        plan = schedule(program, max_delay_ns=limit, device=ecp5)
        assert (plan.num_stages, plan.delay_ns <= limit) == (stages, True)
        fewer = schedule(program, stages=max(1, stages - 1), device=ecp5)
        assert fewer.delay_ns > limit or stages == 1
        assert schedule(program, stages=stages, device=ecp5).delay_ns <= plan.delay_ns


def test_a_latency_in_ns_is_as_many_stages_as_fit():
    plan = schedule(CHAIN, latency_ns=10.0, clock_ns=2.5)  # 4 cycles, 2 of them for inputs and outputs
    assert (plan.latency_cycles, plan.num_stages) == (4, 3)
    plan = schedule(CHAIN, None, False, False, latency_ns=7.6, clock_ns=2.5)
    assert (plan.latency_cycles, plan.num_stages) == (3, 4)
    assert plan.register_bits == fewest_register_bits(
        plan, longest_path(plan, times_of(plan, 'xilinx-us+')), times_of(plan, 'xilinx-us+')
    )


@pytest.mark.parametrize(
    ('limits', 'message'),
    [
        ({'max_levels': 2, 'stages': 2}, 'max_levels and stages are limits of a pipeline'),
        ({'max_delay_ns': 0.1}, 'max_delay_ns of 0.1 leaves no time for logic'),
        ({'max_delay_ns': float('nan')}, 'max_delay_ns of nan leaves no time for logic'),
        ({'stages': 0}, 'at least one stage, not 0'),
        ({'latency_ns': 5.0}, 'latency_ns needs clock_ns'),
        ({'latency_ns': 0.9, 'clock_ns': 1.0}, 'is 0 cycles of 1 ns: too few'),
        ({'latency_ns': 1.0, 'clock_ns': 0.5}, 'more than the clock of 0.5 ns'),
    ],
)
def test_limits_that_nothing_can_keep(limits, message):
    with pytest.raises(CodegenError, match=message):
        schedule(CHAIN, **limits)


def longest_path(plan: Schedule, delays: list[int]) -> int:
    """The longest path within a stage."""
    ready: dict[int, int] = {}
    for index, window in enumerate(plan.windows):
        if window.width_bits:
            operands = (edge.index for edge in plan.program.ops[index].operands)
            before = (ready.get(i, 0) for i in operands if plan.stages[i] == plan.stages[index])
            ready[index] = max(before, default=0) + delays[index]
    return max(ready.values(), default=0)


def ordered_plans(plan: Schedule) -> Iterator[Schedule]:
    """Every assignment of stages in which no op comes before its operands."""
    free = [i for i, op in enumerate(plan.program.ops) if op.operands and plan.windows[i].width_bits]
    edges = [
        (edge.index, index)
        for index in free
        for edge in plan.program.ops[index].operands
        if plan.windows[edge.index].width_bits
    ]
    for chosen in itertools.product(range(plan.num_stages), repeat=len(free)):
        stages = list(plan.stages)
        for index, stage in zip(free, chosen, strict=True):
            stages[index] = stage
        if all(stages[source] <= stages[user] for source, user in edges):
            yield dataclasses.replace(plan, stages=tuple(stages))


def fewest_register_bits(plan: Schedule, limit: int, delays: list[int]) -> int:
    """Over every legal assignment of stages, by enumeration."""
    fewest = plan.register_bits
    for candidate in ordered_plans(plan):
        if candidate.register_bits < fewest:
            try:
                check_stages(candidate, limit, delays)
            except AssertionError:
                continue
            fewest = candidate.register_bits
    return fewest
