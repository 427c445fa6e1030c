"""How soon a search finds the Pareto front of a grid that was built: Optuna beside points by chance, seed by seed.

First build the grid: da4ml-flow sweep configs/sweeps/digits_bits.yaml. Its records answer what a search asks for, so
that nothing is built here. Figures are of the objectives of the sweep.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from da4ml_flow.config.load import load_config
from da4ml_flow.runner.build import standard_stages
from da4ml_flow.sweep.campaign import Plan, plan_of
from da4ml_flow.sweep.pareto import front
from da4ml_flow.sweep.point import PointRecord
from da4ml_flow.sweep.strategy import strategy_of


def answered(plan: Plan, journal: Path) -> Iterator[PointRecord]:
    """The records of the points that a strategy asks for, told to it as they come."""
    strategy = strategy_of(plan.space, plan.sweep, plan.objectives, journal)
    while (values := strategy.ask()) is not None:
        point, _ = plan.point(values)
        record = plan.known(point.key)
        if record is None:
            raise SystemExit(f'no record of {values}: build the grid first (da4ml-flow sweep CONFIG)')
        strategy.tell(values, record)
        yield record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', type=Path)
    parser.add_argument('--share', type=float, default=0.4, help='part of the grid that a search may ask for')
    parser.add_argument('--seeds', type=int, default=10)
    options = parser.parse_args()

    def plan(*changes: str) -> Plan:
        loaded = load_config(options.config, changes)
        return plan_of(loaded, loaded.root / 'build', standard_stages())

    with tempfile.TemporaryDirectory() as folder:
        grid = list(answered(plan(), Path(folder) / 'grid'))
        objectives = plan().objectives
        best = {record.key for record in front(grid, objectives)}
        count = int(options.share * len(grid))
        print(f'grid: {len(grid)} points, {len(best)} on the front of {", ".join(o.name for o in objectives)}')
        for strategy in ('optuna', 'random'):
            found, first = [], []
            for seed in range(1, options.seeds + 1):
                asked = plan(f'sweep.strategy={strategy}', f'sweep.samples={count}', f'sweep.seed={seed}')
                keys = [record.key for record in answered(asked, Path(folder) / f'{strategy}{seed}')]
                found.append(len(best & set(keys)))
                first.append(next((place for place, key in enumerate(keys, 1) if key in best), len(keys) + 1))
            numbers = ' '.join(map(str, found))
            print(f'{strategy:6} {count} evaluations: {statistics.mean(found):.1f} on the front, by seed {numbers};')
            print(f'       the first at evaluation {max(first)} or before')


if __name__ == '__main__':
    main()
