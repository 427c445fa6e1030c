"""The laws of the solver, and problems to try them on: exact, legal, in time, no dearer than a tree of digits."""

from __future__ import annotations

import heapq
import random
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from da4ml_core.cmvm import Solution, solve
from da4ml_core.cmvm.check import ZERO, Graph
from da4ml_core.cmvm.matrix import check_problem
from da4ml_core.device import device
from da4ml_core.fixed import Interval
from da4ml_core.interp.reference import evaluate
from da4ml_core.ir.cost import edge_intervals, op_levels
from da4ml_core.ir.verify import verify

NONE = (-3, 0, 0)  # the third operand of a binary adder
FINEST = -9  # the exponent of the finest input step


class Problem(NamedTuple):
    """What `solve` is asked; ``operands`` of its widest adder."""

    matrix: list[list[int]]
    inputs: list[Interval]
    latencies: list[int] | None
    extra: int | None
    operands: int

    def solve(self, effort: str, threads: int | None = None) -> Solution:
        return solve(self.matrix, self.inputs, self.latencies, self.extra, 'xilinx-us+', effort, threads, self.operands)


def random_problem(rng: random.Random, largest: int = 6, widest: int = 80) -> Problem:
    """Sizes, widths, sparsity, ranges and arrival times of many kinds, small ones mostly."""
    n_in, n_out = rng.randint(1, largest), rng.randint(1, largest)
    bits = rng.choice([1, 2, 3, 4, 5, 8, 8, 12, 24, 31, 57, 63, widest])
    zeros = rng.choice([0, 0, 0.3, 0.8])
    copies = rng.random() < 0.2  # columns that are multiples of others
    matrix = [
        [0 if rng.random() < zeros else rng.randint(-(2**bits), 2**bits) for _ in range(n_out)] for _ in range(n_in)
    ]
    if copies:
        source, scale = rng.randrange(n_out), rng.choice([-4, -2, -1, 1, 2])
        target = rng.randrange(n_out)
        for row in matrix:
            row[target] = scale * row[source]
    inputs = [random_interval(rng, widest) for _ in range(n_in)]
    if rng.random() < 0.3:
        inputs = [rng.choice([Interval(0, 1), Interval(0, 3), Interval(-128, 127), Interval(-1, 0)])] * n_in
    latencies = [rng.randint(0, 6) for _ in range(n_in)] if rng.random() < 0.4 else None
    return Problem(matrix, inputs, latencies, rng.choice([None, None, 0, 0, 1, 2, 3]), rng.choice([2, 2, 3]))


def random_interval(rng: random.Random, widest: int) -> Interval:
    width = rng.choice([1, 2, 4, 8, 8, 17, widest])
    lo, hi = sorted(rng.randint(-(2**width), 2**width) for _ in range(2))
    return Interval(lo, hi, rng.randint(FINEST, -FINEST))


def signed_digits(number: int) -> list[tuple[int, bool]]:
    """The canonical signed digits of a number as (place, whether it is -1)."""
    found, place = [], 0
    while number:
        if number & 1:
            negative = number & 3 == 3
            found.append((place, negative))
            number += 1 if negative else -1
        number >>= 1
        place += 1
    return found


def digit_tree(problem: Problem) -> Solution:
    """What anyone would build: the signed digits of every column, the earliest terms added first, nothing shared."""
    exact = check_problem(problem.matrix, problem.inputs, problem.latencies)
    n_in = len(problem.matrix)
    levels, adders, outputs = list(exact.levels), [], []
    for column in zip(*problem.matrix, strict=True):
        terms: list[tuple[int, int, int, int, bool]] = []  # level, order, node, shift, negated
        for node, weight in enumerate(column):
            for place, negative in signed_digits(weight):
                terms.append((levels[node], len(terms), node, place, negative))
        heapq.heapify(terms)
        order = len(terms)
        while len(terms) > 1:
            taken = [heapq.heappop(terms) for _ in range(min(problem.operands, len(terms)))]
            flip = all(negative for *_, negative in taken)
            row = [
                number for *_, node, place, negative in taken for number in (node, place, int(negative and not flip))
            ]
            adders.append(row + list(NONE) * (3 - len(taken)))
            levels.append(1 + max(term[0] for term in taken))
            heapq.heappush(terms, (levels[-1], order, n_in + len(adders) - 1, 0, flip))
            order += 1
        outputs.append(terms[0][2:] if terms else (ZERO, 0, False))
    graph = Graph(np.array(adders, dtype=np.int32).reshape(-1, 9), tuple(outputs))
    return Solution.proved(exact, graph, device('xilinx-us+'), None, 0, {})


def require(law: bool, text: str) -> None:
    if not law:
        raise AssertionError(text)


def check(problem: Problem, effort: str) -> Solution:
    """The solution; raises AssertionError with the law that it breaks."""
    solution = problem.solve(effort)
    require(solution.matrix.tolist() == problem.matrix, 'the matrix is another one')
    _check_values(problem, solution)
    _check_depth(problem, solution)
    tree = digit_tree(problem)
    if solution.limit is None or tree.depth <= solution.limit:
        require(solution.lut_cost <= tree.lut_cost, f'{solution.lut_cost:g} LUTs, the tree has {tree.lut_cost:g}')
    return solution


def _check_values(problem: Problem, solution: Solution) -> None:
    """The verified program on the corners of its inputs against the product of the matrix."""
    program = verify(solution.program)
    for corner in (
        [interval.lo for interval in problem.inputs],
        [interval.hi for interval in problem.inputs],
        [(interval.lo + interval.hi) // 2 for interval in problem.inputs],
    ):
        wanted = exact_product(problem.matrix, corner, problem.inputs)
        for code, edge, number in zip(evaluate(program, corner), program.outputs, wanted, strict=True):
            interval = program.edge_interval(edge)
            require(interval.lo <= code <= interval.hi, 'a value leaves its interval')
            require(code * Fraction(2) ** (interval.exp - FINEST) == number, 'a value is wrong')


def exact_product(matrix: Sequence[Sequence[int]], codes: Sequence[int], inputs: Sequence[Interval]) -> list[int]:
    """The product in units of the finest step."""
    scaled = [code << (interval.exp - FINEST) for code, interval in zip(codes, inputs, strict=True)]
    return [sum(row[j] * value for row, value in zip(matrix, scaled, strict=True)) for j in range(len(matrix[0]))]


def _check_depth(problem: Problem, solution: Solution) -> None:
    """Levels are counted anew, in the solution and in the program, whose sums of disjoint bits take none."""
    start = list(problem.latencies or [0] * len(problem.inputs))
    levels = [*start, *(1 + max(start[bit.source] for bit in table.bits) for table in solution.tables)]
    for adder in solution.adders:
        levels.append(1 + max(levels[edge.index] for edge in adder.operands))
    latest = max((levels[edge.index] + edge.negated for edge in solution.outputs if edge is not None), default=0)
    require(latest == solution.depth, f'depth {solution.depth} is {latest}')
    program = solution.program
    ready = list(start)
    for op in program.ops[len(start) :]:
        arrived = max((ready[edge.index] for edge in op.operands), default=0)
        ready.append(arrived + op_levels(op, edge_intervals(program, op)))
    latest = max((ready[edge.index] for edge in program.outputs), default=0)
    require(latest <= solution.depth, f'depth {solution.depth} is {latest} in the program')
    if problem.extra is not None:
        require(solution.limit == solution.minimal_depth + problem.extra, 'the limit is another one')
        require(solution.depth <= (solution.limit or 0), f'depth {solution.depth} is over {solution.limit}')


def fingerprint(solution: Solution) -> Any:
    """Equal for equal graphs."""
    return solution.graph.adders.tolist(), solution.outputs, solution.tables
