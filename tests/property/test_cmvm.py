"""The laws of the solver on random problems: exact, legal, in time, never larger than the trivial tree."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from da4ml_core.cmvm import solve
from da4ml_core.cmvm.csd import digit_counts
from da4ml_core.fixed import Interval
from da4ml_core.interp.reference import evaluate
from da4ml_core.ir.cost import depth
from da4ml_core.ir.verify import verify


@st.composite
def problems(draw, max_bits=80):
    n_in, n_out = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    bits = draw(st.sampled_from([1, 2, 3, 5, 8, 12, 24, 31, 57, 63, max_bits]))
    weight = st.integers(-(2**bits), 2**bits)
    if draw(st.booleans()):
        weight = st.one_of(st.just(0), st.just(0), weight)
    matrix = draw(st.lists(st.lists(weight, min_size=n_out, max_size=n_out), min_size=n_in, max_size=n_in))
    inputs = []
    for _ in range(n_in):
        width = draw(st.sampled_from([1, 2, 8, 17, max_bits]))
        bounds = sorted(draw(st.tuples(st.integers(-(2**width), 2**width), st.integers(-(2**width), 2**width))))
        inputs.append(Interval(*bounds, draw(st.integers(-9, 9))))
    latencies = draw(st.one_of(st.none(), st.lists(st.integers(0, 6), min_size=n_in, max_size=n_in)))
    return matrix, inputs, latencies, draw(st.one_of(st.none(), st.integers(0, 3))), draw(st.sampled_from([2, 3]))


def exact_product(matrix, codes, inputs):
    """The product in units of 2**-9, the finest step of the inputs."""
    return [
        sum(row[j] * (code << (interval.exp + 9)) for row, code, interval in zip(matrix, codes, inputs, strict=True))
        for j in range(len(matrix[0]))
    ]


def check(problem, effort):
    matrix, inputs, latencies, extra, operands = problem
    solution = solve(matrix, inputs, latencies, extra, effort=effort, max_operands=operands)
    assert solution.matrix.tolist() == matrix
    program = verify(solution.program)
    for pick in (min, max, sum):
        codes = [
            interval.lo if pick is min else interval.hi if pick is max else (interval.lo + interval.hi) // 2
            for interval in inputs
        ]
        wanted = exact_product(matrix, codes, inputs)
        results = evaluate(program, codes)
        for code, edge, number in zip(results, program.outputs, wanted, strict=True):
            interval = program.edge_interval(edge)
            assert interval.lo <= code <= interval.hi
            assert code * Fraction(2) ** (interval.exp + 9) == number
    arrival = latencies or [0] * len(inputs)
    levels = list(arrival)
    for op in program.ops[len(inputs) :]:
        levels.append(1 + max((levels[edge.index] for edge in op.operands), default=-1))
    latest = max((levels[edge.index] for edge in program.outputs), default=0)
    assert latest == solution.depth
    if extra is not None:
        assert solution.depth <= solution.limit == solution.minimal_depth + extra
    if not any(arrival):
        assert depth(program) == solution.depth
    digits = digit_counts(np.array(matrix, dtype=object)).sum(axis=0)
    trivial = sum(max(0, -(-(int(count) - 1) // (operands - 1))) for count in digits)
    if effort == 'fast':
        assert len(solution.adders) <= trivial + solution.stats['lifted'] or extra is not None
    else:  # more adders only where they need fewer LUTs: the sum of a 1-bit input and its shift is wiring
        greedy = solve(matrix, inputs, latencies, extra, effort='fast', max_operands=operands)
        assert solution.lut_cost <= greedy.lut_cost


@settings(max_examples=150, deadline=None)
@given(problems())
def test_fast_solutions(problem):
    check(problem, 'fast')


@settings(max_examples=25, deadline=None)
@given(problems())
def test_balanced_solutions(problem):
    check(problem, 'balanced')


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None)
@given(problems())
def test_ten_thousand_fast_solutions(problem):
    check(problem, 'fast')


@settings(max_examples=50, deadline=None)
@given(
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(0, 2**32 - 1),
    st.sampled_from(['F', 'strided', 'reversed', 'object', 'float']),
)
def test_memory_order_does_not_matter(n_in, n_out, seed, form):
    matrix = np.random.default_rng(seed).integers(-99, 99, size=(n_in, n_out))
    other = {
        'F': np.asfortranarray(matrix),
        'strided': np.repeat(np.repeat(matrix, 3, axis=0), 2, axis=1)[::3, ::2],
        'reversed': np.ascontiguousarray(matrix[::-1, ::-1])[::-1, ::-1],
        'object': matrix.astype(object),
        'float': matrix.astype(np.float32),
    }[form]
    assert solve(other, effort='fast').adders == solve(matrix, effort='fast').adders
