"""The laws of the solver on random problems, and that nothing but the problem and the effort decides the graph."""

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solver_laws import FINEST, Problem, check, fingerprint, random_problem

from da4ml_core.cmvm import solve
from da4ml_core.cmvm.solver import _memo
from da4ml_core.fixed import Interval
from da4ml_core.ir.cost import depth

ROOT = Path(__file__).parents[2]


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
        inputs.append(Interval(*bounds, draw(st.integers(FINEST, -FINEST))))
    latencies = draw(st.one_of(st.none(), st.lists(st.integers(0, 6), min_size=n_in, max_size=n_in)))
    extra, operands = draw(st.one_of(st.none(), st.integers(0, 3))), draw(st.sampled_from([2, 3]))
    return Problem(matrix, inputs, latencies, extra, operands)


@settings(max_examples=150, deadline=None)
@given(problems())
def test_fast_solutions(problem):
    solution = check(problem, 'fast')
    if not any(problem.latencies or []):
        assert depth(solution.program) <= solution.depth


@settings(max_examples=25, deadline=None)
@given(problems())
def test_balanced_solutions(problem):
    assert check(problem, 'balanced').lut_cost <= check(problem, 'fast').lut_cost


def test_wide_weights_are_no_dearer_than_their_digits():
    check(random_problem(random.Random(7350), largest=5), 'fast')


@pytest.mark.slow
def test_ten_thousand_fast_solutions():
    for seed in range(10_000):
        check(random_problem(random.Random(seed)), 'fast')


@pytest.mark.slow
@pytest.mark.parametrize('seed', range(0, 1000, 100))
def test_more_effort_is_never_worse(seed):
    for case in range(seed, seed + 100):
        problem = random_problem(random.Random(case), largest=4)
        fast, balanced = check(problem, 'fast'), check(problem, 'balanced')
        assert balanced.lut_cost <= fast.lut_cost, f'seed {case}'
        if case % 10 == 0:
            assert check(problem, 'max').lut_cost <= balanced.lut_cost, f'seed {case}'


def test_maximal_effort_is_never_worse_and_the_same_for_any_number_of_threads():
    problem = random_problem(random.Random(5), largest=4)
    problem = problem._replace(matrix=[[77, -5, 91], [23, 60, -118]], inputs=[Interval(-128, 127)] * 2, latencies=None)
    found = []
    for threads in (1, 2, 3):
        _memo.clear()
        found.append(problem.solve('max', threads))
    assert fingerprint(found[0]) == fingerprint(found[1]) == fingerprint(found[2])
    assert found[0].lut_cost <= check(problem, 'balanced').lut_cost


DIGEST = """
import random, sys
from solver_laws import fingerprint, random_problem
threads, problems = int(sys.argv[1]), int(sys.argv[2])
found = [
    fingerprint(random_problem(random.Random(seed), largest=4).solve(effort, threads))
    for effort, count in (('fast', problems), ('balanced', problems // 8), ('max', problems // 40))
    for seed in range(count)
]
print(found)
"""


def digest(hash_seed: str, threads: int, problems: int) -> str:
    """Of all graphs that a process of its own makes."""
    paths = [str(ROOT / 'core'), str(ROOT / 'tests'), os.environ.get('PYTHONPATH', '')]
    environment = {**os.environ, 'PYTHONHASHSEED': hash_seed, 'PYTHONPATH': os.pathsep.join(paths)}
    command = [sys.executable, '-c', DIGEST, str(threads), str(problems)]
    run = subprocess.run(command, env=environment, capture_output=True, check=True)
    return hashlib.sha256(run.stdout).hexdigest()


def test_neither_threads_nor_hash_seeds_decide_a_graph():
    assert digest('0', 1, 40) == digest('77', 2, 40)


@pytest.mark.slow
def test_neither_threads_nor_hash_seeds_decide_any_of_many_graphs():
    assert len({digest(*settings, 800) for settings in (('0', 1), ('1', 2), ('random', 3))}) == 1


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
