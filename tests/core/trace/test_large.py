"""Large programs: a million operations, deep and wide, without recursion; growth is linear in what grew faster once."""

import sys

import numpy as np
import pytest

from da4ml_core.interp import evaluate, predict
from da4ml_core.ir.affine import MAX_SYMBOLS
from da4ml_core.ir.verify import verify
from da4ml_core.trace import SolverOptions, Tracer


@pytest.fixture
def shallow_stack():
    """Room for few frames only, so that whatever recurses over a graph fails."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(300)
    yield
    sys.setrecursionlimit(before)


def layers(x, count):
    """Layer after layer of sums, extrema, roundings and functions of bits; everything depends on what was before."""
    y = x
    for layer in range(count):
        y = np.maximum(y, np.roll(x, layer % 63 + 1) - layer % 5).quantize(True, 6, 0, 'RND', 'SAT') + layer % 7
        y = y.quantize(True, 7, 0) ^ np.roll(y, 1).quantize(True, 7, 0)
    return y.quantize(True, 7, 0)


def expected(x, count):
    y = x
    for layer in range(count):
        y = np.clip(np.maximum(y, np.roll(x, layer % 63 + 1) - layer % 5), -64, 63) + layer % 7
        y = wrapped(y) ^ wrapped(np.roll(y, 1))
    return wrapped(y)


def wrapped(codes):
    return (codes + 128) % 256 - 128


def traced(count):
    tracer = Tracer('large')
    x = tracer.input((64,)).quantize(True, 7, 0)
    return tracer.finish(layers(x, count))


def check(program, count):
    samples = np.random.default_rng(count).integers(-128, 128, (20, 64))
    assert np.array_equal(predict(program, samples), [expected(sample, count) for sample in samples])
    assert evaluate(program, samples[0].tolist()) == expected(samples[0], count).tolist()


def test_layers_are_what_numpy_computes(shallow_stack):
    program = traced(8)
    assert program.num_ops > 2000
    check(program, 8)


@pytest.mark.slow
def test_a_million_operations(shallow_stack):
    count = 3400
    program = traced(count)
    assert program.num_ops >= 10**6
    check(verify(program), count)


@pytest.mark.parametrize('form', ['a chain', 'numpy.sum', 'numpy.cumsum'])
def test_long_sums_stay_exact(form, shallow_stack):
    count = 4 * MAX_SYMBOLS
    tracer = Tracer('sums')
    x = tracer.input((count,)).quantize(False, 1, 0)
    if form == 'a chain':
        total = x[0]
        for number in x[1:]:
            total = total + number
    else:
        total = np.sum(x) if form == 'numpy.sum' else np.cumsum(x)[-1]
    program = tracer.finish([total, total - x[-1]])
    assert program.output_intervals[0][:2] == (0, count)
    samples = np.random.default_rng(1).integers(0, 2, (5, count))
    sums, rest = predict(program, samples)
    assert np.array_equal(sums, samples.sum(axis=1))
    assert np.array_equal(rest, samples[:, :-1].sum(axis=1))


def test_analysis_follows_sums_to_a_bound_once_there_are_many(monkeypatch):
    from da4ml_core.ir import affine

    longest = []
    add_forms = affine.add_forms

    def measured(terms):
        longest.extend(len(form.coefficients) for form, _, _ in terms)
        return add_forms(terms)

    monkeypatch.setattr(affine, 'add_forms', measured)
    monkeypatch.setattr(affine, 'MAX_TERMS', 1000)
    tracer = Tracer('sums')
    x = tracer.input((3 * MAX_SYMBOLS,)).quantize(False, 1, 0)
    tracer.finish(np.add.accumulate(x))
    assert max(longest) == MAX_SYMBOLS


@pytest.mark.parametrize('followed', [0, 8_000_000])
def test_products_of_long_sums_are_proved_however_far_analysis_follows_them(monkeypatch, followed):
    from da4ml_core.ir import affine

    monkeypatch.setattr(affine, 'MAX_TERMS', followed)
    count, matrix = MAX_SYMBOLS - 40, np.array([[7, -1, 3], [1, 5, -9], [-2, 6, 11]])
    tracer = Tracer('sums', solver=SolverOptions(effort='fast', extra_depth=None))
    x = tracer.input((3, count)).quantize(False, 1, 0)
    program = tracer.finish(x.sum(axis=1) @ matrix)
    if followed:
        bounds = [(count * column.clip(max=0).sum(), count * column.clip(min=0).sum()) for column in matrix.T]
        assert [interval[:2] for interval in program.output_intervals] == bounds
    samples = np.random.default_rng(1).integers(0, 2, (5, 3, count))
    assert np.array_equal(predict(program, samples), samples.sum(axis=2) @ matrix)
