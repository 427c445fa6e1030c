"""The proof: a graph with any defect is refused, by both of its evaluators."""

import numpy as np
import pytest

from da4ml_core.cmvm import check
from da4ml_core.cmvm.check import Graph, exact_intervals
from da4ml_core.cmvm.matrix import check_problem
from da4ml_core.errors import SelfCheckFailed
from da4ml_core.fixed import Interval

NONE = [-3, 0, 0]
GOOD = [[0, 3, 0, 0, 0, 1, *NONE], [2, 0, 0, 1, 1, 0, *NONE]]  # 8a - a, then that plus 2b


def graph(adders, *outputs):
    return Graph(np.array(adders, dtype=np.int32).reshape(-1, 9), outputs)


@pytest.mark.parametrize('dtype', [np.int64, object])
def test_a_right_graph_gives_exact_intervals(dtype):
    problem = check_problem([[7, 0, -14], [2, 0, -4]], [Interval(-1, 2), Interval(0, 3, 1)])
    problem = check.Problem(problem.weights.astype(dtype), problem.exp, problem.inputs, problem.levels)
    intervals = exact_intervals(graph(GOOD, (3, 0, False), (-2, 0, False), (3, 1, True)), problem)
    assert intervals == [Interval(-1, 2), Interval(0, 3, 1), Interval(-7, 14), Interval(-7, 26)]


def test_ternary_adders_are_followed():
    problem = check_problem([[7], [2]])
    found = exact_intervals(graph([[0, 3, 0, 0, 0, 1, 1, 1, 0]], (2, 0, False)), problem)
    assert found[2] == Interval(-896 - 256, 889 + 254)


WRONG = {
    'coefficient': (GOOD, (2, 0, False)),
    'sign': (GOOD, (3, 0, True)),
    'shift': (GOOD, (3, 1, False)),
    'zero': (GOOD, (-2, 0, False)),
    'input': (GOOD, (0, 0, False)),
    'operand': ([GOOD[0], [2, 0, 0, 1, 2, 0, *NONE]], (3, 0, False)),
    'third operand': ([[0, 3, 0, 0, 0, 1, 1, 1, 1]], (2, 0, False)),
    'far shift': (GOOD, (3, 70, False)),
}


@pytest.mark.parametrize('dtype', [np.int64, object])
@pytest.mark.parametrize('case', WRONG)
def test_a_wrong_graph_is_refused(case, dtype):
    adders, output = WRONG[case]
    problem = check_problem([[7], [2]])
    problem = check.Problem(problem.weights.astype(dtype), problem.exp, problem.inputs, problem.levels)
    with pytest.raises(SelfCheckFailed, match=r'wrong coefficient at matrix\[\d, 0\]'):
        exact_intervals(graph(adders, output), problem)


def test_a_difference_of_two_to_the_64_is_seen():
    problem = check_problem([[2**40]])
    with pytest.raises(SelfCheckFailed):
        exact_intervals(graph([], (0, 40 + 64, False)), problem)
