"""Emitted Verilog computes what the reference interpreter does, bit by bit and at the predicted cycle."""

import random

import pytest
from hdl_tools import IP_SOURCES, lint
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_simulation import Kernel, mismatches, random_kernel

from da4ml_core.cmvm import solve
from da4ml_core.codegen import emit_verilog
from da4ml_core.fixed import Interval
from da4ml_core.passes.schedule import schedule

PROGRAMS = 40  # in one build: the simulator's own run time costs more than they do


@pytest.mark.eda
def test_random_programs_in_simulation(tmp_path):
    rng = random.Random(19)
    kernels = [random_kernel(rng, f'kernel_{place}', rng.randint(4, 24), emit_verilog) for place in range(PROGRAMS)]
    assert mismatches(kernels, tmp_path) == []


@pytest.mark.eda
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_lint_of_random_programs(seed, tmp_path_factory):
    directory = tmp_path_factory.mktemp('lint')
    files = random_kernel(random.Random(seed), 'kernel', 16, emit_verilog).bundle.files
    for name, text in files.items():
        (directory / name).write_text(text)
    assert lint([*(directory / name for name in files), *IP_SOURCES], 'kernel') == ''


@pytest.mark.eda
def test_products_of_narrow_inputs_in_simulation(tmp_path):
    """Bits joined to addresses, tables, and sums of them: combinational, and pipelined at every level."""
    rng = random.Random(21)
    kernels = []
    for place, (bits, levels) in enumerate(((1, None), (1, 1), (2, 1), (2, 2))):
        matrix = [[rng.randint(-32, 31) for _ in range(4)] for _ in range(9)]
        inputs = [
            rng.choice((Interval(0, 2**bits - 1), Interval(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1))) for _ in matrix
        ]
        solution = solve(matrix, inputs, effort='fast', max_operands=rng.choice((2, 3)))
        assert solution.tables
        samples = [[rng.randint(interval.lo, interval.hi) for interval in inputs] for _ in range(50)]
        bundle = emit_verilog(schedule(solution.program, levels), f'kernel_{place}')
        kernels.append(Kernel(bundle, solution.program, samples))
    assert mismatches(kernels, tmp_path) == []
