"""Emitted Verilog computes what the reference interpreter does, bit by bit and at the predicted cycle."""

import random

import pytest
from hdl_tools import IP_SOURCES, lint
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_simulation import Kernel, mismatches
from random_programs import random_codes, random_program

from da4ml_core.codegen import emit_verilog
from da4ml_core.ir.verify import verify
from da4ml_core.passes.schedule import schedule

PROGRAMS = 40  # in one build: the simulator's own run time costs more than they do
SAMPLES = 64


def random_kernel(rng: random.Random, name: str, num_ops: int) -> Kernel:
    program = random_program(
        rng,
        num_inputs=rng.randint(1, 6),
        num_ops=num_ops,
        max_width=rng.choice((4, 12, 20, 40, 70, 100)),
        narrow=rng.random() < 0.5,
    )
    plan = schedule(verify(program), rng.choice((None, 1, 2, 3)), rng.choice((True, False)), rng.choice((True, False)))
    samples = [random_codes(rng, program) for _ in range(SAMPLES)]
    return Kernel(emit_verilog(plan, name), program, samples)


@pytest.mark.eda
def test_random_programs_in_simulation(tmp_path):
    rng = random.Random(19)
    kernels = [random_kernel(rng, f'kernel_{place}', rng.randint(4, 24)) for place in range(PROGRAMS)]
    assert mismatches(kernels, tmp_path) == []


@pytest.mark.eda
@pytest.mark.slow
def test_a_thousand_random_programs_in_simulation(tmp_path):
    rng = random.Random(20)
    for batch in range(5):
        kernels = [random_kernel(rng, f'kernel_{place}', rng.randint(4, 40)) for place in range(200)]
        directory = tmp_path / str(batch)
        directory.mkdir()
        assert mismatches(kernels, directory) == []


@pytest.mark.eda
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_lint_of_random_programs(seed, tmp_path_factory):
    directory = tmp_path_factory.mktemp('lint')
    (text,) = random_kernel(random.Random(seed), 'kernel', 16).bundle.files.values()
    (directory / 'kernel.v').write_text(text)
    assert lint([directory / 'kernel.v', *IP_SOURCES], 'kernel') == ''
