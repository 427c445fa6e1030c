"""Graphs with their edges reversed: the transposed matrix, there and back, in time and with positive terms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from da4ml_core.cmvm.annealing import anneal
from da4ml_core.cmvm.decompose import KraftLevels
from da4ml_core.cmvm.graphs import merged, topological, written_out
from da4ml_core.cmvm.local_search import NO_JOINS, Annealing, Side
from da4ml_core.cmvm.matrix import check_problem
from da4ml_core.cmvm.rows import distinct_rows, minimal_depth
from da4ml_core.cmvm.search import Recipe, Search
from da4ml_core.cmvm.transposed import Transposed


def forms(graph, inputs):
    """The weights of every value, plainly."""
    found = dict(enumerate(np.eye(inputs, dtype=object)))
    for value in topological(graph):
        found[value] = sum(
            (sign * found[term] * 2**shift for term, shift, sign in graph[value]), np.zeros(inputs, object)
        )
    return found


def problem_of(matrix, radix=2, extra=None, latencies=None):
    problem = check_problem(matrix, None, latencies)
    kraft = KraftLevels(problem.levels, radix)
    limit = None if extra is None else minimal_depth(problem, kraft) + extra
    return Search(problem, distinct_rows(problem, kraft, limit), kraft)


def chain_from(side, graph):
    return side.chain(NO_JOINS, side.sums(graph), Annealing(20_000))


def chain_of(search, work=20_000):
    start = search.run(Recipe(0, width_weight=1.0))
    side = Side(search.inputs, search.rows.numbers, search.rows.deadlines, search.kraft)
    chain = side.chain(start.joins, start.sums, Annealing(work))
    chain.advance(work)
    return chain.graph()


matrices = st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1), st.floats(0.2, 1)).map(
    lambda case: (
        (rng := np.random.default_rng(case[2])).integers(-40, 41, size=case[:2]) * (rng.random(case[:2]) < case[3])
    )
)


@given(matrices, st.sampled_from([2, 3]))
@settings(max_examples=150, deadline=None)
def test_there_and_back_is_the_same_matrix(matrix, radix):
    search = problem_of(matrix, radix)
    rows = search.rows
    if not len(rows.numbers):
        return
    graph = chain_of(search)
    transposed = Transposed.of(rows)
    for at, edge in enumerate(transposed.edges):
        column = rows.numbers[:, at]
        assert (edge is None and not column.any()) or (column == edge[1] * transposed.numbers[edge[0]]).all()
    assert len({tuple(row) for row in transposed.numbers} | {tuple(-row) for row in transposed.numbers}) == 2 * len(
        transposed.numbers
    )
    turned = transposed.graph_of(graph)
    found = forms(turned, len(rows.numbers))
    for row, numbers in enumerate(transposed.numbers):
        assert (found[len(rows.numbers) + row] == numbers).all()
    chain = chain_from(transposed.side(radix), turned)
    chain.advance(20_000)
    for between in (turned, chain.graph()):
        back = transposed.graph_from(between)
        found = forms(back, matrix.shape[0])
        for row, numbers in enumerate(rows.numbers):
            assert (found[matrix.shape[0] + row] == numbers).all()
        for terms in (*turned.values(), *back.values()):
            assert not terms or any(sign > 0 for _, _, sign in terms)


@given(matrices, st.sampled_from([2, 3]), st.integers(0, 2), st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_what_is_late_is_written_out(matrix, radix, extra, late):
    latencies = [late if at % 2 else 0 for at in range(len(matrix))]
    search = problem_of(matrix, radix, extra, latencies)
    rows = search.rows
    if not len(rows.numbers):
        return
    loose = problem_of(matrix, radix, None, latencies)
    transposed = Transposed.of(rows)
    graph = chain_of(loose) if len(loose.rows.numbers) == len(rows.numbers) else chain_of(search)
    if len(loose.rows.numbers) == len(rows.numbers) and not (loose.rows.numbers == rows.numbers).all():
        graph = chain_of(search)
    turned = chain_from(transposed.side(radix), transposed.graph_of(graph))
    turned.advance(20_000)
    kraft = search.kraft
    found = written_out(transposed.graph_from(turned.graph()), latencies, rows, kraft)
    values = forms(found, len(latencies))
    level = dict(enumerate(latencies))
    for value in topological(found):
        level[value] = kraft.earliest(sum(kraft.power(level[term]) for term, _, _ in found[value]))
    for row, deadline in enumerate(rows.deadlines):
        assert (values[len(latencies) + row] == rows.numbers[row]).all()
        assert level[len(latencies) + row] <= deadline


def test_turned_chains_find_what_straight_ones_do_not():
    matrix = np.random.default_rng(3).integers(-128, 128, size=(12, 12))
    search = problem_of(matrix)
    start = search.run(Recipe(0, width_weight=1.0))
    straight, turning = (anneal(search, start, Annealing.of(2, 20_000_000, 0, turns)) for turns in (0, 6))
    assert len(turning.graph.adders) < len(straight.graph.adders) < len(start.graph.adders)


@pytest.mark.parametrize(
    ('terms', 'number'),
    [
        ([(0, 0, 1), (0, 0, 1)], 2),
        ([(0, 3, -1), (0, 3, -1), (0, 4, 1)], 0),
        ([(0, 0, 1), (0, 1, 1), (0, 1, 1)], 5),
        ([(0, 2, 1), (0, 2, -1), (0, 0, 1)], 1),
    ],
)
def test_terms_of_one_value_and_shift_are_merged(terms, number):
    found = merged(terms)
    assert sum(sign << shift for _, shift, sign in found) == number
    assert len({(value, shift) for value, shift, _ in found}) == len(found)
