"""Distinct rows: which columns share one, with which deadline."""

import numpy as np

from da4ml_core.cmvm.decompose import KraftLevels
from da4ml_core.cmvm.matrix import check_problem
from da4ml_core.cmvm.rows import OutputEdge, distinct_rows, minimal_depth


def rows_of(matrix, limit=None, latencies=None):
    problem = check_problem(matrix, latencies=latencies)
    return distinct_rows(problem, KraftLevels(problem.levels, 2), limit)


def test_multiples_share_a_row():
    rows = rows_of([[3, 6, -12, 0], [5, 10, -20, 0]])
    assert rows.numbers.tolist() == [[3, 5]]
    assert rows.outputs == (OutputEdge(0, 0, False), OutputEdge(0, 1, False), OutputEdge(0, 2, True), None)


def test_scales_of_rows_are_taken_out():
    rows = rows_of(np.array([[0.5, 1.5], [4, 20]]))
    assert rows.input_shifts == (-1, 2)
    assert rows.numbers.tolist() == [[1, 1], [3, 5]]


def test_the_sign_with_a_positive_digit_and_most_columns_is_computed():
    assert rows_of([[-1], [-2]]).numbers.tolist() == [[1, 1]]
    rows = rows_of([[3, -3, -3], [-10, 10, 10]])
    assert [edge.negated for edge in rows.outputs] == [True, False, False]


def test_a_negated_column_is_due_a_level_earlier():
    assert rows_of([[1, -1], [1, -1]], limit=2).deadlines == (1,)


def test_without_time_for_a_negation_both_signs_are_computed():
    rows = rows_of([[3, -3], [5, -5]], limit=2)
    assert rows.numbers.tolist() == [[3, 5], [-3, -5]]
    assert rows.deadlines == (2, 2)
    assert rows.lifted == (False, False)


def test_a_negative_sum_without_time_is_lifted():
    rows = rows_of([[-1], [-1], [-1]], limit=2)
    assert rows.lifted == (True,)
    assert rows_of([[-1], [-1], [-1]], limit=3).lifted == (False,)


def test_minimal_depth_counts_digits_arrivals_and_signs():
    def least(matrix, latencies=None):
        problem = check_problem(matrix, latencies=latencies)
        return minimal_depth(problem, KraftLevels(problem.levels, 2))

    assert least([[1]]) == 0
    assert least([[-1]]) == 1
    assert least([[85], [1]]) == 3
    assert least([[1], [1]], [0, 4]) == 5
    assert least([[0]], [4]) == 0
