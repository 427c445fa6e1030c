"""Emitted Verilog computes what the reference interpreter does, bit by bit and at the predicted cycle."""

import random

import pytest
from hdl_tools import IP_SOURCES, lint
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_simulation import mismatches, random_kernel

from da4ml_core.codegen import emit_verilog

PROGRAMS = 40  # in one build: the simulator's own run time costs more than they do


@pytest.mark.eda
def test_random_programs_in_simulation(tmp_path):
    rng = random.Random(19)
    kernels = [random_kernel(rng, f'kernel_{place}', rng.randint(4, 24), emit_verilog) for place in range(PROGRAMS)]
    assert mismatches(kernels, tmp_path) == []


@pytest.mark.eda
@pytest.mark.slow
def test_a_thousand_random_programs_in_simulation(tmp_path):
    rng = random.Random(20)
    for batch in range(5):
        kernels = [random_kernel(rng, f'kernel_{place}', rng.randint(4, 40), emit_verilog) for place in range(200)]
        directory = tmp_path / str(batch)
        directory.mkdir()
        assert mismatches(kernels, directory) == []


@pytest.mark.eda
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_lint_of_random_programs(seed, tmp_path_factory):
    directory = tmp_path_factory.mktemp('lint')
    files = random_kernel(random.Random(seed), 'kernel', 16, emit_verilog).bundle.files
    for name, text in files.items():
        (directory / name).write_text(text)
    assert lint([*(directory / name for name in files), *IP_SOURCES], 'kernel') == ''
