"""What grows too fast in tools of this kind: the work here, counted, not timed."""

import sys
import time
from collections import Counter

import numpy as np
import pytest
from small_programs import samples, traced

import da4ml_core as dc
from da4ml_core.cmvm import solve
from da4ml_core.interp import batch
from da4ml_core.passes.schedule import schedule
from da4ml_core.trace import conv2d, linear

weak_spot = pytest.mark.weak_spot


def calls(function):
    """How many calls each module of ours gets while a function runs."""
    counts = Counter()

    def count(frame, event, argument):
        module = frame.f_globals.get('__name__', '')
        if event == 'call' and module.startswith('da4ml_core.'):
            counts[module] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(before)
    return counts


def convolution(size):
    tracer = dc.Tracer('convolution', dc.SolverOptions(effort='fast'))
    x = tracer.input((size, size, 2)).quantize(True, 2, 3)
    weights = np.random.default_rng(0).integers(-8, 8, (3, 3, 2, 4)) / 8
    return tracer.finish(np.maximum(conv2d(x, weights), 0).quantize(False, 3, 3, 'RND', 'SAT'))


@weak_spot('9.4', 'python tracing with Decimal')
def test_tracing_is_some_calls_an_operation():
    each = []
    for size in (6, 12):
        ops = convolution(size).num_ops  # with its one matrix solved
        each.append(calls(lambda size=size: convolution(size)).total() / ops)
    assert max(each) < 200
    assert each[1] < 1.1 * each[0]


@weak_spot('9.4', 'no memo of identical kernels')
def test_equal_kernels_are_solved_once(monkeypatch):
    solved, before = [], linear.solve
    kernel = np.random.default_rng(5).integers(-8, 8, (3, 2))
    monkeypatch.setattr(linear, 'solve', lambda *args, **kwargs: solved.append(1) or before(*args, **kwargs))
    traced(lambda x: x @ kernel, (100, 3))
    assert len(solved) == 1


@weak_spot('9.4', 'retiming re-traces')
def test_a_pipeline_is_cut_from_the_graph_as_it_is():
    each = []
    for size in (10, 30):
        kernels = np.random.default_rng(size).integers(-8, 8, (2, size, size))
        program = traced(lambda x, kernels=kernels: np.maximum(x @ kernels[0], 0) @ kernels[1], (size,))
        counts = calls(lambda program=program: schedule(program, stages=4))
        assert not [module for module in counts if module.startswith(('da4ml_core.trace', 'da4ml_core.cmvm'))]
        each.append(counts.total() / program.num_ops)
    assert each[1] < 1.3 * each[0]


@weak_spot('9.4', 're-parses per thread')
def test_a_program_is_assembled_once_for_all_threads(monkeypatch):
    assembled, before = [], batch.assemble
    monkeypatch.setattr(batch, 'assemble', lambda *args, **kwargs: assembled.append(1) or before(*args, **kwargs))
    program = traced(lambda x: np.maximum(x, x[::-1]))
    x = np.tile(samples(), (2000, 1))
    assert np.array_equal(program.predict(x, threads=2), program.predict(x, threads=1))
    assert len(assembled) == 1


@weak_spot('9.4', 'CMVM ~n^4')
@pytest.mark.slow
def test_the_solver_grows_less_than_the_square_of_the_weights():
    def cpu_s(n):
        kernel = np.random.default_rng(n).integers(-128, 128, (n, n))
        start = time.process_time()
        solve(kernel, effort='fast', threads=1)
        return time.process_time() - start

    assert min(cpu_s(64) for _ in range(3)) < 16 * min(cpu_s(32) for _ in range(3))
