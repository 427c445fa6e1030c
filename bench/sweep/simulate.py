"""A campaign without work: what the driver of a sweep costs per point, in time, memory and database.

Stages are replaced by recorded runs, each with its duration on a clock of the simulation and with figures a little
its own. Points are expanded, keyed, scheduled, recorded, put into the database and drawn as in a real sweep. The
clock advances by what the driver takes, too: how busy the workers are is part of the result. What a worker would do
(writing the two records of a point) is timed apart. Run it twice in one folder (--folder) to time a resume that finds
everything done.
"""

from __future__ import annotations

import argparse
import heapq
import pickle
import random
import resource
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from da4ml_flow.config.load import LoadedConfig, load_config
from da4ml_flow.config.sweep import Needs
from da4ml_flow.results.record import RunRecord, StageRun, canonical_json, digest, record_to_json, run_record_from_json
from da4ml_flow.runner.build import Request, build, standard_stages
from da4ml_flow.runner.provenance import now
from da4ml_flow.sweep.campaign import Campaign, Counts, plan_of
from da4ml_flow.sweep.engine import Finished
from da4ml_flow.sweep.ledger import Ledger
from da4ml_flow.sweep.pareto import front
from da4ml_flow.sweep.point import PointRecord, point_data, point_path
from da4ml_flow.sweep.show import page, points_csv

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
    """Every task ends after the recorded time, with a recorded run under a name of its own."""

    def __init__(self, runs: list[RunRecord], build_root: Path, workers: int) -> None:
        self.runs, self.root, self.workers = runs, build_root, workers
        self.running: list[tuple[float, int, dict]] = []  # a heap by when they end
        self.clock_s = self.worker_cpu_s = self.busy_s = 0.0
        self.count = 0
        self.chance = random.Random(1)
        self.driver_since = time.process_time()
        (build_root / runs[0].name / 'runs').mkdir(parents=True, exist_ok=True)

    def fits(self, needs: Needs) -> bool:
        return len(self.running) < self.workers

    def submit(self, task: dict, needs: Needs) -> None:
        self.count += 1
        duration = self._recorded(task).wall_s
        self.busy_s += duration
        heapq.heappush(self.running, (self._now() + duration, self.count, task))

    def wait(self, timeout_s: float) -> list[Finished]:
        self.clock_s = max(self._now(), self.running[0][0])
        begin = time.process_time()
        done = []
        while self.running and self.running[0][0] <= self.clock_s:
            _, number, task = heapq.heappop(self.running)
            done.append(self._finish(task, number))
        self.driver_since = time.process_time()
        self.worker_cpu_s += self.driver_since - begin
        return done

    def close(self) -> None:
        """Nothing runs."""

    def _now(self) -> float:
        return self.clock_s + time.process_time() - self.driver_since

    def _recorded(self, task: dict) -> RunRecord:
        return self.runs[int(task['key'][:8], 16) % len(self.runs)]

    def _finish(self, task: dict, number: int) -> Finished:
        recorded = self._recorded(task)
        run = replace(
            recorded,
            uid=f'{task["key"][:8]}-{number:012}',
            config=task['config'],
            stages=tuple(self._varied(stage) for stage in recorded.stages),
        )
        (self.root / run.name / 'runs' / f'{run.uid}.json').write_text(record_to_json(run))
        finished = now().isoformat()
        record = PointRecord(
            task['key'], task['values'], 'ok', 'full', run.uid, '', 0, run.metrics, run.wall_s, run.host, finished
        )
        path = point_path(self.root, run.name, record.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = point_data(record)
        path.write_text(canonical_json({'sha256': digest(content), 'point': content}))  # the disk is not waited for
        # as it comes from another process: nothing is shared with the task
        return Finished(record.key, pickle.loads(pickle.dumps(record)))

    def _varied(self, stage: StageRun) -> StageRun:
        if stage.record is None:
            return stage
        metrics = tuple(replace(m, value=m.value * self.chance.uniform(0.95, 1.05)) for m in stage.record.metrics)
        return replace(stage, record=replace(stage.record, metrics=metrics))


class Silent:
    def changed(self, counts: Counts) -> None:
        """Nothing to draw."""

    def ended(self, record: PointRecord) -> None:
        """Nothing to say."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--points', type=int, default=10_000, help='rounded up to thousands')
    parser.add_argument('--workers', type=int, default=1000)
    parser.add_argument('--runs', type=Path, help='folder of recorded runs; default: one is built without tools')
    parser.add_argument('--folder', type=Path, help='keep everything here')
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix='da4ml_sweep_'))
    folder.mkdir(parents=True, exist_ok=True)
    for name in ('digits.keras', 'digits_test.npz'):
        shutil.copy(DIGITS / name, folder)
    (folder / 'sweep.yaml').write_text(CONFIG.format(clocks=-(-options.points // 1000)))
    loaded = load_config(folder / 'sweep.yaml')
    root = folder / 'build'
    plan = plan_of(loaded, root, standard_stages())
    engine = Replay(recorded_runs(options.runs, loaded, folder), root, options.workers)
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    database = folder / 'results.sqlite'
    campaign = Campaign(plan, engine, Ledger(plan, database).keep, Silent())
    begin, wall = time.process_time(), time.monotonic()
    engine.driver_since = begin
    campaign.run()
    cpu_s, wall_s = time.process_time() - begin - engine.worker_cpu_s, time.monotonic() - wall
    count, size = len(campaign.records), database.stat().st_size
    print(f'{count} points, {campaign.counts.made} new, of {len(engine.runs)} recorded runs')
    print(f'driver: {1000 * cpu_s / count:.2f} ms CPU a point ({cpu_s:.0f} s; {wall_s:.0f} s in all with the replay)')
    if engine.count:
        share = engine.busy_s / engine.workers / engine.clock_s
        print(
            f'{engine.workers} workers: {engine.clock_s / 3600:.2f} h, busy {100 * share:.1f} % of it, '
            f'{engine.busy_s / engine.count:.1f} s a point'
        )
    print(f'memory: {peak_mb():.0f} MB, {before_mb:.0f} MB before the first point')
    print(f'database: {size / 2**20:.0f} MB, {size / count / 1024:.1f} KB a point')
    begin = time.process_time()
    best = front(campaign.records, plan.objectives)
    front_s = time.process_time() - begin
    text = page(campaign.records, plan.objectives, 'simulated')
    table = points_csv(campaign.records, plan.objectives)
    report_s = time.process_time() - begin - front_s
    print(f'front: {len(best)} points in {front_s:.1f} s; page of {len(text) / 2**20:.1f} MB and table of', end=' ')
    print(f'{len(table) / 2**20:.1f} MB in {report_s:.1f} s; memory then {peak_mb():.0f} MB')
    if options.folder is None:
        shutil.rmtree(folder)


def recorded_runs(given: Path | None, loaded: LoadedConfig, folder: Path) -> list[RunRecord]:
    """The runs to repeat, under the name of this sweep."""
    config = loaded.config.model_copy(update={'sweep': None})
    if given is None:
        return [build(Request(config, folder, folder / 'once'), standard_stages()).run]
    found = [run_record_from_json(path.read_text(), str(path)) for path in sorted(given.glob('*.json'))]
    whole = [replace(run, name=config.name) for run in found if run.status == 'ok' and run.metrics]
    if not whole:
        raise SystemExit(f'{given} holds no records of finished runs')
    return whole


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == '__main__':
    main()
