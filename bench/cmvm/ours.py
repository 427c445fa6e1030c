"""Solve problems with our solver in a process of its own: one JSON request in, an answer a line for each problem.

A request is {effort, operands, threads, problems}, a problem {matrix, inputs, depth}: at most so many adder levels,
or the fewest that there can be where that is more; None is no limit.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from measure import Meter

from da4ml_core.cmvm import Solution, solve
from da4ml_core.errors import BudgetExceeded
from da4ml_core.fixed import Interval


def extra_depth(matrix: Any, inputs: list[Interval], depth: int | None, operands: int) -> int | None:
    """The limit as levels above the fewest."""
    if depth is None:
        return None
    try:
        solve(matrix, inputs, extra_depth=-1, max_operands=operands)
    except BudgetExceeded as error:
        return max(0, depth - (error.feasible or 0))
    raise SystemExit('a graph below the minimal depth')


def graph_depth(solution: Solution) -> int:
    """Adder levels without negations of outputs, which the peers leave to others."""
    return max((solution.levels[edge.index] for edge in solution.outputs if edge is not None), default=0)


def main() -> None:
    request = json.load(sys.stdin)
    options = {
        'effort': request['effort'],
        'max_operands': request['operands'],
        'threads': request['threads'],
    }
    solve([[3, 5], [7, 9]], max_operands=request['operands'])  # everything is imported before anything is measured
    for problem in request['problems']:
        inputs = [Interval(*interval) for interval in problem['inputs']]
        extra = extra_depth(problem['matrix'], inputs, problem['depth'], request['operands'])
        with Meter() as meter:
            solution = solve(problem['matrix'], inputs, extra_depth=extra, **options)
        answer = {
            'num_adders': solution.num_adders,
            'bits': solution.lut_cost,
            'depth': graph_depth(solution),
            **meter.figures,
        }
        print(json.dumps(answer), flush=True)


if __name__ == '__main__':
    main()
