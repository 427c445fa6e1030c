"""The same matrix for other inputs: the search starts from what it found, and stays exact, in time and bounded."""

import numpy as np
import pytest

from da4ml_core.cmvm import solve
from da4ml_core.fixed import Interval
from da4ml_core.interp import predict
from da4ml_core.trace import SolverOptions, Tracer


def problem(seed, late):
    rng = np.random.default_rng(seed)
    size = tuple(rng.integers(2, 7, size=2))
    inputs = [Interval(0, int(top), -int(exp)) for top, exp in rng.integers((3, 0), (200, 4), size=(size[0], 2))]
    return rng.integers(-60, 61, size=size), inputs, rng.integers(0, late + 1, size=size[0]).tolist()


@pytest.mark.parametrize('extra_depth', [None, 0, 2])
@pytest.mark.parametrize('max_operands', [2, 3])
def test_a_start_from_elsewhere_is_exact_in_time_and_no_dearer_than_fast(extra_depth, max_operands):
    for seed in range(3):
        matrix, inputs, latencies = problem(seed, 3)
        options = {'extra_depth': extra_depth, 'max_operands': max_operands, 'tables': False}
        like = solve(matrix, **options)
        fast = solve(matrix, inputs, latencies, effort='fast', **options)
        found = solve(matrix, inputs, latencies, like=like, **options)
        assert (found.matrix == matrix).all()
        assert found.limit is None or found.depth <= found.limit
        assert found.lut_cost <= solve(matrix, inputs, latencies, effort='fast', like=like, **options).lut_cost
        assert found.stats['work'] < like.stats['work'] or like.stats['work'] == 0
        again = solve(matrix, inputs, latencies, like=like, **options)
        assert (again.graph.adders == found.graph.adders).all()
        assert found.lut_cost <= 1.1 * fast.lut_cost


def test_another_matrix_is_no_start():
    matrix, inputs, latencies = problem(5, 2)
    other = solve(matrix + 1)
    plain = solve(matrix, inputs, latencies, extra_depth=1)
    assert (solve(matrix, inputs, latencies, extra_depth=1, like=other).graph.adders == plain.graph.adders).all()


def test_the_work_of_a_search_is_bounded():
    matrix = np.random.default_rng(7).integers(-100, 101, size=(10, 10))
    free = solve(matrix)
    bounded = solve(matrix, most_work=free.stats['work'] // 20)
    assert bounded.stats['work'] == free.stats['work'] // 20
    assert free.lut_cost <= bounded.lut_cost <= solve(matrix, effort='fast').lut_cost


def test_positions_of_a_convolution_with_other_ranges_start_from_the_first():
    weights = np.random.default_rng(1).integers(-50, 51, size=(6, 8)).astype(float)
    tracer = Tracer('positions', solver=SolverOptions())
    x = tracer.input((4, 6)).quantize(True, np.arange(4)[:, None] + 2 * np.ones((4, 6), int), 3)
    program = tracer.finish(x @ weights)
    rng = np.random.default_rng(2)
    samples = rng.integers(-2, 2, size=(50, 4, 6)) / 8

    assert (predict(program, samples.reshape(50, -1)).reshape(50, 4, 8) == samples @ weights).all()


def test_equal_products_of_one_program_are_solved_once():
    weights = np.random.default_rng(9).integers(-50, 51, size=(6, 8)).astype(float)
    tracer = Tracer('twice', solver=SolverOptions())
    a, b = (tracer.input((6,), name=name).quantize(True, 3, 4) for name in 'ab')
    tracer.finish([a @ weights, b @ weights])
    graph = tracer._context.graph
    (solution,) = graph.solutions.values()
    assert graph.search_work == solution.stats['work'] > 0
