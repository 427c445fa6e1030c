"""The solver side by side with its peers, at equal depth.

With --peers, the interpreter of an environment that has da4ml and alkaid, every peer solves the same matrices
interleaved with ours, its graph is proved and costed by the same code as ours, and our depth limit is what the peer
reached. Without it, the random matrices are compared with recorded figures. CPU seconds are of one thread.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from cases import PAPER, RANDOM, TRAINED_LIKE, Case

from da4ml_core.cmvm import Solution, solve
from da4ml_core.cmvm.check import Graph
from da4ml_core.cmvm.matrix import check_problem
from da4ml_core.device import device

SETS = {'random': list(RANDOM), 'trained': TRAINED_LIKE, 'paper': PAPER}
PEERS = ('da4ml', 'alkaid')


class Peer:
    """One process that solves what it is asked."""

    def __init__(self, python: str) -> None:
        script = Path(__file__).with_name('peer.py')
        self.process = subprocess.Popen(
            [python, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={'OMP_NUM_THREADS': '1'},
        )

    def solve(self, peer: str, matrix: np.ndarray, extra: int | None) -> tuple[Solution, float]:
        """Its proved solution and its CPU seconds."""
        if self.process.stdin is None or self.process.stdout is None:
            raise SystemExit('the peer has no pipes')
        request = {'peer': peer, 'matrix': matrix.tolist(), 'extra_delay': -1 if extra is None else extra}
        self.process.stdin.write(json.dumps(request) + '\n')
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        adders = np.array(answer['adders'], dtype=np.int32).reshape(-1, 9)
        graph = Graph(adders, tuple((node, shift, bool(sign)) for node, shift, sign in answer['outputs']))
        solution = Solution.proved(check_problem(matrix), graph, device('xilinx-us+'), None, 0, {})
        return solution, answer['cpu_s']


def graph_depth(solution: Solution) -> int:
    """Adder levels without negations of outputs, which the peers leave to others."""
    return max((solution.levels[edge.index] for edge in solution.outputs if edge is not None), default=0)


def ours(matrix: np.ndarray, depth: float, effort: str, operands: int) -> tuple[Solution, float]:
    """Our solution within a depth and its CPU seconds, those of an earlier solve of the same problem included."""
    least = solve(matrix, effort='fast', max_operands=operands).minimal_depth
    solution = solve(matrix, extra_depth=max(0, int(depth) - least), effort=effort, max_operands=operands)
    return solution, solution.stats['cpu_s']


def row(name: str, figures: Iterable[tuple[float, float, float, float]]) -> dict[str, Any]:
    """Means of adders, depth, bits and seconds."""
    adders, depth, bits, cpu_s = np.mean(list(figures), axis=0)
    return {'who': name, 'adders': adders, 'depth': depth, 'bits': bits, 'cpu_s': cpu_s}


def compare(case: Case, peer: Peer, seeds: int, effort: str, operands: int) -> list[dict[str, Any]]:
    """Rows for both peers and ours at the depth of each."""
    found: dict[str, list[tuple[float, float, float, float]]] = {}
    for seed in range(seeds):
        matrix = case.matrix(seed)
        for name in PEERS:
            theirs, seconds = peer.solve(name, matrix, case.extra)
            depth = graph_depth(theirs)
            found.setdefault(name, []).append((theirs.num_adders, depth, theirs.lut_cost, seconds))
            mine, seconds = ours(matrix, depth, effort, operands)
            key = f'ours at its depth ({effort})'
            found.setdefault(f'{name}: {key}', []).append((mine.num_adders, graph_depth(mine), mine.lut_cost, seconds))
    rows = [row(name, figures) for name, figures in found.items()]
    for theirs, mine in ((rows[0], rows[1]), (rows[2], rows[3])):
        for unit in ('adders', 'bits', 'cpu_s'):
            mine[f'{unit}_ratio'] = mine[unit] / theirs[unit]
    return rows


def against_record(case: Case, seeds: int, effort: str, operands: int) -> list[dict[str, Any]]:
    """Rows against the recorded means; the depth limit is the recorded depth rounded down."""
    rows = []
    for name, record in zip(PEERS, RANDOM[case], strict=True):
        figures = []
        for seed in range(seeds):
            solution, seconds = ours(case.matrix(seed), record.depth, effort, operands)
            figures.append((solution.num_adders, graph_depth(solution), solution.lut_cost, seconds))
        mine = row(f'ours at the depth of {name} ({effort})', figures)
        mine['adders_ratio'] = mine['adders'] / record.adders
        mine['cpu_s_ratio'] = mine['cpu_s'] / record.cpu_s
        rows += [{'who': f'{name} (recorded)', **record._asdict(), 'bits': float('nan')}, mine]
    return rows


def show(case: Case, rows: list[dict[str, Any]]) -> None:
    limit = 'unconstrained' if case.extra is None else f'dc {case.extra}'
    print(f'\n{case.kind} {case.n}x{case.n}, {case.bits} bits, {limit}', flush=True)
    for entry in rows:
        ratios = ''.join(
            f'  {unit} x{entry[unit + "_ratio"]:.3f}'
            for unit in ('adders', 'bits', 'cpu_s')
            if unit + '_ratio' in entry
        )
        size = f'{entry["adders"]:9.1f} adders {entry["bits"]:9.0f} bits  depth {entry["depth"]:4.1f}'
        print(f'  {entry["who"]:36} {size} {entry["cpu_s"]:8.3f} s{ratios}', flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--peers', metavar='PYTHON', help='interpreter of an environment with da4ml and alkaid')
    parser.add_argument('--sets', nargs='+', choices=SETS, default=['random'])
    parser.add_argument('--max-n', type=int, default=32, help='leave out larger matrices')
    parser.add_argument('--seeds', type=int, default=3)
    parser.add_argument('--effort', default='balanced')
    parser.add_argument('--operands', type=int, choices=(2, 3), default=2, help='of our adders; the peers have 2')
    parser.add_argument('--json', type=Path, help='save the table here, too')
    options = parser.parse_args()
    peer = Peer(options.peers) if options.peers else None
    table = []
    for case in (case for name in options.sets for case in SETS[name] if case.n <= options.max_n):
        if peer is not None:
            rows = compare(case, peer, options.seeds, options.effort, options.operands)
        elif case in RANDOM:
            rows = against_record(case, options.seeds, options.effort, options.operands)
        else:
            print(f'{case}: no recorded figures, give --peers', file=sys.stderr)
            continue
        show(case, rows)
        table += [{**case._asdict(), **entry} for entry in rows]
    if options.json:
        options.json.write_text(json.dumps(table, indent=1) + '\n')


if __name__ == '__main__':
    main()
