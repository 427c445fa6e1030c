"""Register bits of our retiming against HiGHS, on the whole linear program of Leiserson and Saxe; needs scipy.

Every pair of ops with a path between them that is too long is written out as a constraint. Both must agree exactly.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_matrix

from da4ml_core import load
from da4ml_core.ir.cost import edge_intervals, op_levels
from da4ml_core.passes.schedule import Schedule, schedule


def fewest_bits(plan: Schedule, limit: int) -> float:
    """The optimum by linear programming, with variables for stages and for the ends of lifetimes."""
    program, size = plan.program, plan.program.num_ops
    widths = np.array([window.width_bits for window in plan.windows])
    delays = [min(op_levels(op, edge_intervals(program, op)), limit) for op in program.ops]
    operands = [
        {edge.index for edge in op.operands if widths[edge.index]} if widths[index] else set()
        for index, op in enumerate(program.ops)
    ]
    rows: list[tuple[int, int, int]] = []  # x[a] - x[b] <= bound
    for v in range(size):
        reach = {v: delays[v]}
        for x in range(v, -1, -1):
            if x not in reach or not widths[v]:
                continue
            if program.ops[x].operands and reach[x] > limit:
                rows.append((x, v, -1))
            if program.ops[x].operands and reach[x] <= limit:
                for u in operands[x]:
                    reach[u] = max(reach.get(u, 0), reach[x] + delays[u])
        rows += [(u, v, 0) for u in operands[v]]
        rows += [(v, size + u, 0) for u in operands[v]]
        rows.append((v, size + v, 0))
    left, right, bounds = (np.array(column) for column in zip(*rows, strict=True))
    number = np.arange(len(rows))
    ones = np.ones(len(rows))
    matrix = coo_matrix(
        (np.concatenate([ones, -ones]), (np.concatenate([number, number]), np.concatenate([left, right]))),
        shape=(len(rows), 2 * size),
    )
    stages = [
        (0, plan.num_stages - 1) if op.operands and widths[index] else (plan.input_stage, plan.input_stage)
        for index, op in enumerate(program.ops)
    ]
    outputs = {edge.index for edge in program.outputs}
    ends = [(plan.output_stage, plan.output_stage) if index in outputs else (None, None) for index in range(size)]
    found = linprog(np.concatenate([-widths, widths]), matrix.tocsr(), bounds, bounds=stages + ends, method='highs')
    return float(found.fun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('programs', type=Path, nargs='+', help='.json or .json.gz')
    parser.add_argument('--levels', type=int, nargs='+', default=[1, 2, 3, 4, 6])
    options = parser.parse_args()
    for path in options.programs:
        program = load(path)
        for levels in options.levels:
            start = time.process_time()
            plan = schedule(program, levels)
            ours = time.process_time()
            optimum = fewest_bits(plan, levels)
            highs = time.process_time()
            print(
                f'{path.name}, {program.num_ops} ops, {levels} levels, {plan.num_stages} stages: '
                f'{plan.register_bits} bits in {ours - start:.2f} s, HiGHS {optimum:.0f} in {highs - ours:.2f} s',
                flush=True,
            )


if __name__ == '__main__':
    main()
