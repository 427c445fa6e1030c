"""A campaign without work: what the driver of a sweep costs per point, in time, memory and database.

Stages are replaced by their recorded outcome. Points are expanded, keyed, scheduled, recorded and put into the
database as in a real sweep; what a worker would do (writing the two records of a point) is timed apart.
Run it twice in one folder (--folder) to time a resume that finds everything done.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from da4ml_flow.config.load import load_config
from da4ml_flow.config.text import plain_data
from da4ml_flow.results.record import RunRecord, canonical_json, digest, record_to_json, run_record_from_json
from da4ml_flow.runner.build import Request, build, standard_stages
from da4ml_flow.sweep.campaign import Campaign, Counts, plan_of
from da4ml_flow.sweep.engine import Finished
from da4ml_flow.sweep.ledger import Ledger
from da4ml_flow.sweep.pareto import front
from da4ml_flow.sweep.point import PointRecord, point_data, point_path

DIGITS = Path(__file__).parents[2] / 'configs' / 'digits'
CONFIG = """\
name: digits
model: {{source: digits.keras, dataset: {{path: digits_test.npz, labels: y}}}}
optimizer: {{effort: fast}}
sweep:
  axes:
    optimizer.extra_depth: {{from: 0, to: 9}}
    rtl.pipeline.max_levels: {{from: 1, to: 100}}
    rtl.clock_ns: {{from: 1, to: {clocks}}}
"""


class Replay:
    """Every task ends at once with the recorded run under a name of its own."""

    def __init__(self, run: RunRecord, build_root: Path, workers: int) -> None:
        self.run, self.root, self.workers = run, build_root, workers
        self.waiting: list[dict] = []
        self.worker_s, self.count = 0.0, 0
        (build_root / run.name / 'runs').mkdir(parents=True, exist_ok=True)

    def free(self) -> int:
        return self.workers - len(self.waiting)

    def submit(self, task: dict) -> None:
        self.waiting.append(task)

    def wait(self, timeout_s: float) -> list[Finished]:
        begin = time.process_time()
        done = [self._finish(task) for task in self.waiting]
        self.waiting.clear()
        self.worker_s += time.process_time() - begin
        return done

    def close(self) -> None:
        """Nothing runs."""

    def _finish(self, task: dict) -> Finished:
        self.count += 1
        run = replace(self.run, uid=f'{task["key"][:8]}-{self.count:012}', config=task['config'])
        (self.root / run.name / 'runs' / f'{run.uid}.json').write_text(record_to_json(run))
        record = PointRecord(
            task['key'], task['values'], 'ok', 'full', run.uid, '', 0, run.metrics, run.wall_s, run.host, run.started
        )
        path = point_path(self.root, run.name, record.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = point_data(record)
        path.write_text(canonical_json({'sha256': digest(content), 'point': content}))
        return Finished(record.key, record)


class Silent:
    def changed(self, counts: Counts) -> None:
        """Nothing to draw."""

    def ended(self, record: PointRecord) -> None:
        """Nothing to say."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--points', type=int, default=10_000, help='rounded up to thousands')
    parser.add_argument('--workers', type=int, default=1000)
    parser.add_argument('--run', type=Path, help='record of a run to repeat; default: one is built without tools')
    parser.add_argument('--folder', type=Path, help='keep everything here')
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix='da4ml_sweep_'))
    folder.mkdir(parents=True, exist_ok=True)
    for name in ('digits.keras', 'digits_test.npz'):
        shutil.copy(DIGITS / name, folder)
    (folder / 'sweep.yaml').write_text(CONFIG.format(clocks=-(-options.points // 1000)))
    loaded = load_config(folder / 'sweep.yaml')
    root = folder / 'build'
    config = loaded.config.model_copy(update={'sweep': None})
    if options.run:
        run = replace(run_record_from_json(options.run.read_text(), str(options.run)), name=config.name)
    else:
        run = build(Request(config, folder, folder / 'once'), standard_stages()).run
    plan = plan_of(loaded, root, standard_stages())
    database = folder / 'results.sqlite'
    engine = Replay(replace(run, config=plain_data(config, folder)), root, options.workers)
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    campaign = Campaign(plan, engine, Ledger(plan, database).keep, Silent())
    begin, wall = time.process_time(), time.monotonic()
    campaign.run()
    cpu_s, wall_s = time.process_time() - begin - engine.worker_s, time.monotonic() - wall
    count = len(campaign.records)
    begin = time.process_time()
    best = front(campaign.records, plan.objectives)
    front_s = time.process_time() - begin
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f'{count} points, {campaign.counts.made} new, {len(run.stages)} stages, {len(run.metrics)} figures')
    print(f'driver: {1000 * cpu_s / count:.2f} ms CPU a point ({cpu_s:.0f} s; {wall_s:.0f} s in all with the replay)')
    print(f'memory: {peak_mb:.0f} MB, {before_mb:.0f} MB before the first point')
    print(
        f'database: {database.stat().st_size / 2**20:.0f} MB, {database.stat().st_size / count / 1024:.1f} KB a point'
    )
    print(f'front: {len(best)} points in {front_s:.2f} s')
    if options.folder is None:
        shutil.rmtree(folder)


if __name__ == '__main__':
    main()
