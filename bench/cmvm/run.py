"""The solver side by side with its peers, at equal depth: `python bench/cmvm/run.py`.

The peers get an environment of their own, made on the first run. Every peer solves the same problems, interleaved with
ours; its graph is proved and costed by the same code as ours, and our depth limit is what the peer reached. Every
solver has a fresh process for each case. Modes: `binary` adders against both peers; `ternary` adders against alkaid
with its fusion, at the depth of the fused graph and at that of the binary graph it was made from; `tables`, alkaid's
packing of narrow inputs. What is shown is the median over seeds, and for a model the total of its products.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from cases import SETS, Case
from environment import PEERS, cache_directory, peers_python
from layers import Layer, layers, models
from table import Figures, Row, head, medians, ratios, save, show, summary, totals

from da4ml_core.cmvm import Solution
from da4ml_core.cmvm.check import Graph
from da4ml_core.cmvm.matrix import check_problem
from da4ml_core.device import DEFAULT_DEVICE, device

HERE = Path(__file__).parent
RIVALS = {'binary': ('da4ml', 'alkaid'), 'ternary': ('alkaid',), 'tables': ('alkaid',)}
OPERANDS = {'binary': 2, 'ternary': 3, 'tables': 3}


class Problems(NamedTuple):
    """What one row of the table is about."""

    name: str
    extra: int | None
    layers: list[Layer]
    fold: Callable[[Sequence[Figures]], Figures]

    def repeated(self, figures: Iterable[Figures]) -> list[Figures]:
        """Figures of each product as often as the model has it."""
        return [figure for layer, figure in zip(self.layers, figures, strict=True) for _ in range(layer.count)]


class Theirs(NamedTuple):
    """The figures of a peer on every problem, and the depths at which ours is compared with it."""

    figures: list[Figures]
    depths: dict[str, list[int]]


def ask(command: list[str], request: dict[str, Any], threads: int) -> list[dict[str, Any]]:
    """The answers of a fresh process, a line for each problem."""
    found = subprocess.run(
        command,
        input=json.dumps(request),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, 'OMP_NUM_THREADS': str(threads)},
    )
    return [json.loads(line) for line in found.stdout.splitlines()]


class Peers:
    """The peers in their environment; with ``reuse``, what they answered before is not asked again."""

    def __init__(self, python: str, reuse: bool) -> None:
        self.python = python
        self.reuse = reuse

    def solve(self, peer: str, mode: str, problems: Problems, threads: int) -> Theirs:
        extra = -1 if problems.extra is None else problems.extra
        request = {'peer': peer, 'mode': mode, 'extra': extra, 'problems': [_json(layer) for layer in problems.layers]}
        answers = self._answers(request, threads)
        figures, depths, binary = [], [], []
        for layer, answer in zip(problems.layers, answers, strict=True):
            found, depth = _figures(layer, answer)
            figures.append(found)
            depths.append(depth)
            binary.append(answer.get('binary_depth', depth))
        return Theirs(figures, {'': depths, ' at its binary depth': binary} if mode == 'ternary' else {'': depths})

    def _answers(self, request: dict[str, Any], threads: int) -> list[dict[str, Any]]:
        key = hashlib.sha256(json.dumps([request, threads, PEERS]).encode()).hexdigest()
        kept = cache_directory() / 'peer-answers' / f'{key}.json'
        if self.reuse and kept.exists():
            answers: list[dict[str, Any]] = json.loads(kept.read_text())
            return answers
        answers = ask([self.python, str(HERE / 'peer.py')], request, threads)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(answers))
        return answers


def _json(layer: Layer) -> dict[str, Any]:
    return {'matrix': layer.matrix.tolist(), 'inputs': [[i.lo, i.hi, i.exp] for i in layer.inputs]}


def _figures(layer: Layer, answer: dict[str, Any]) -> tuple[Figures, int]:
    """A peer's figures, its graph proved and costed by our code, and its depth; one with tables has no adders."""
    cost = {name: answer[name] for name in ('own_bits', 'cpu_s', 'wall_s', 'peak_mb')}
    if answer['adders'] is None:
        return Figures(math.nan, math.nan, depth=answer['own_depth'], **cost), answer['own_depth']
    adders = np.array(answer['adders'], dtype=np.int32).reshape(-1, 9)
    graph = Graph(adders, tuple((node, shift, bool(sign)) for node, shift, sign in answer['outputs']))
    problem = check_problem(layer.matrix, layer.inputs)
    found = Solution.proved(problem, graph, device(DEFAULT_DEVICE), None, 0, {})
    depth = max((found.levels[edge.index] for edge in found.outputs if edge is not None), default=0)
    return Figures(found.num_adders, found.lut_cost, depth=depth, **cost), depth


def ours(problems: Problems, depths: list[int], effort: str, mode: str, threads: int) -> list[Figures]:
    """Our figures on every problem, each within a depth."""
    items = [{**_json(layer), 'depth': depth} for layer, depth in zip(problems.layers, depths, strict=True)]
    request = {'effort': effort, 'operands': OPERANDS[mode], 'threads': threads, 'problems': items}
    return [
        Figures(answer.pop('num_adders'), own_bits=math.nan, **answer)
        for answer in ask([sys.executable, str(HERE / 'ours.py')], request, threads)
    ]


def compare(
    problems: Problems, peers: Peers, mode: str, efforts: Sequence[str], threads: Sequence[int]
) -> Iterator[Row]:
    """A row for each peer, and under it ours at its depth."""
    fold = problems.fold
    for peer in RIVALS[mode]:
        for count in threads:
            theirs = peers.solve(peer, mode, problems, count)
            base = problems.repeated(theirs.figures)
            who = {'ternary': f'{peer}, fused', 'tables': f'{peer}, packed'}.get(mode, peer)
            yield Row(mode, problems.name, who, count, fold(base), {})
            for effort in efforts:
                for where, depths in theirs.depths.items():
                    found = problems.repeated(ours(problems, depths, effort, mode, count))
                    who = f'ours ({effort}){where}'
                    yield Row(mode, problems.name, who, count, fold(found), ratios(found, base, fold))


def random_problems(cases: Iterable[Case], seeds: int) -> Iterator[Problems]:
    for case in cases:
        chosen = [Layer(case.matrix(seed), tuple(case.inputs), 1) for seed in range(seeds)]
        yield Problems(case.name, case.extra, chosen, medians)


def model_problems(directory: Path, extra: int | None) -> Iterator[Problems]:
    for path in models(directory):
        found = layers(path)
        if found:
            yield Problems(f'{path.name}, {sum(layer.count for layer in found)} products', extra, found, totals)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--peers', metavar='PYTHON', help='interpreter with da4ml and alkaid; else one is set up')
    parser.add_argument('--reuse', action='store_true', help='what the peers answered in an earlier run is kept')
    parser.add_argument('--modes', nargs='+', choices=RIVALS, default=['binary'])
    parser.add_argument('--sets', nargs='*', choices=SETS, default=['random'])
    parser.add_argument('--models', type=Path, metavar='DIRECTORY', help='the products of the trained models there')
    parser.add_argument('--models-extra', type=int, default=2, help="the peers' delay setting for models")
    parser.add_argument('--max-n', type=int, default=32, help='leave out larger matrices')
    parser.add_argument('--bits', nargs='+', type=int, default=[4, 8], help='leave out matrices of other weights')
    parser.add_argument('--seeds', type=int, default=3)
    parser.add_argument('--effort', nargs='+', choices=('fast', 'balanced', 'max'), default=['balanced'])
    parser.add_argument('--threads', nargs='+', type=int, default=[1])
    parser.add_argument('--save', type=Path, metavar='STEM', default=Path('build/bench/cmvm'), help='of .json and .md')
    options = parser.parse_args()
    peers = Peers(options.peers or peers_python(), options.reuse)
    cases = [
        case for name in options.sets for case in SETS[name] if case.n <= options.max_n and case.bits in options.bits
    ]
    problems = list(random_problems(cases, options.seeds))
    if options.models:
        problems += model_problems(options.models, None if options.models_extra < 0 else options.models_extra)
    facts = {**PEERS, 'device': DEFAULT_DEVICE, 'seeds': options.seeds}
    rows: list[Row] = []
    for mode in options.modes:
        for item in problems:
            print(f'\n{mode}: {item.name}\n{head()}', flush=True)
            for row in compare(item, peers, mode, options.effort, options.threads):
                print(show(row), flush=True)
                rows.append(row)
                save(rows, options.save, facts)
    print('\n' + '\n'.join(summary(rows)))
    print(f'\nsaved {options.save}.json and {options.save}.md')


if __name__ == '__main__':
    main()
