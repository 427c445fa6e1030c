"""One sweep again and again: on one worker, on two, once more, with processes killed, and on Dask.

Each time the configurations are copied to a new folder, so that nothing is cached. Measured are wall time, the CPU
time of all processes, and how the databases differ, row by row, less times and ids. Without --whole it is a third of
the sweep: 8 points of small models.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / 'tests'))
from sweep_content import content  # noqa: E402

SWEEP = 'sweeps/digits_bits.yaml'
AXES = {'quantization.weight_bits': [2, 3], 'quantization.activation_bits': [2, 3, 4, 6]}
STEPS = ('one', 'two', 'again', 'killed', 'dask')


class Sweep:
    """The sweep in a folder of its own."""

    def __init__(self, folder: Path, options: list[str]) -> None:
        shutil.copytree(ROOT / 'configs', folder, ignore=shutil.ignore_patterns('build', 'results'))
        self.config = folder / SWEEP
        self.database = self.config.parent / 'results' / 'da4ml.sqlite'
        flow = [sys.executable, '-m', 'da4ml_flow.cli.main', 'sweep', str(self.config), '--json']
        self.command = [*flow, *options]

    def run(self) -> tuple[float, float, dict]:
        """Wall and CPU seconds, and what the command says."""
        before, begin = _cpu_s(), time.monotonic()
        done = subprocess.run(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
        return time.monotonic() - begin, _cpu_s() - before, json.loads(done.stdout)

    def run_with_kills(self, kills: dict[int, str]) -> int:
        """Kill a worker or the driver as soon as so many points are done; returns the exit code."""
        driver = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        done = 0
        for line in driver.stderr or ():
            done += '  ok  ' in line or '  no  ' in line
            victim = kills.pop(done, '')
            workers = _workers(driver.pid)
            if victim == 'worker':
                os.kill(workers[0], signal.SIGKILL)
                print(f'  after {done} points: SIGKILL to a worker', flush=True)
            elif victim == 'driver':
                driver.kill()
                print(f'  after {done} points: SIGKILL to the driver', flush=True)
                break
        code = driver.wait()
        driver.stderr.close()
        while any(Path(f'/proc/{pid}').exists() for pid in workers):
            time.sleep(0.2)  # they end with their driver
        return code

    def counts(self) -> tuple[int, int, int]:
        """Points in the database, how many different ones, and how many runs of them there are."""
        with closing(sqlite3.connect(self.database)) as connection:
            query = 'SELECT count(*), count(DISTINCT key), count(DISTINCT run_id) FROM sweep_point'
            return connection.execute(query).fetchone()


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _workers(driver: int) -> list[int]:
    """The processes below the driver that build points, those of Dask a level further down."""
    parents: dict[int, int] = {}
    for status in Path('/proc').glob('[0-9]*/stat'):
        try:
            parents[int(status.parent.name)] = int(status.read_text().rsplit(')', 1)[1].split()[1])
            if b'spawn_main' not in (status.parent / 'cmdline').read_bytes():
                del parents[int(status.parent.name)]
        except OSError:
            continue
    return [pid for pid, parent in parents.items() if parent == driver]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--whole', action='store_true', help='all 24 points: a quarter of an hour, and more')
    parser.add_argument('--steps', nargs='+', choices=STEPS, default=STEPS)
    options = parser.parse_args()
    axes = [] if options.whole else ['--set', f'sweep.axes={json.dumps(AXES)}']
    steps = [step for step in STEPS if step in options.steps]
    walls: dict[str, float] = {}
    reference = None
    folder = Path(tempfile.mkdtemp(prefix='da4ml_campaigns_'))
    print(f'{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}', flush=True)
    for step in steps:
        workers = '1' if step == 'one' else '2'
        more = ['--set', 'sweep.executor.kind=dask'] if step == 'dask' else []
        if step != 'again':
            sweep = Sweep(folder / step, [*axes, '--workers', workers, *more])
        if step == 'killed':
            sweep.run_with_kills({2: 'worker', 4: 'driver'})
        if step == 'dask':
            sweep.run_with_kills({2: 'worker'})
        wall, cpu, data = sweep.run()
        walls[step] = wall
        made = data['counts']['total'] - data['counts']['reused'] - data['left']
        points, different, runs = sweep.counts()
        print(
            f'{step:6} {wall:6.1f} s, {cpu:6.1f} s CPU: {made} points built, {data["counts"]["reused"]} there; '
            f'database: {points} points, {different} different, {runs} runs',
            flush=True,
        )
        rows = content(sweep.database)
        if reference is None:
            reference = rows
            figures = [{m['name'] for m in point['metrics']} >= {'accuracy', 'luts'} for point in data['points']]
            print(f'  accuracy and LUTs for {sum(figures)} of {len(figures)} points, {_on_front(data)} on the front')
        elif rows == reference:
            print(f'  the same content as that of {steps[0]!r}, {len(rows)} points row by row')
        else:
            differing = sum(ours != theirs for ours, theirs in zip(rows, reference, strict=False))
            print(f'  DIFFERS from {steps[0]!r}: {len(rows)} points beside {len(reference)}, {differing} differ')
    if {'one', 'two'} <= walls.keys():
        print(f'two workers are {walls["one"] / walls["two"]:.2f} times as fast as one')
    shutil.rmtree(folder)


def _on_front(data: dict) -> int:
    return sum(point['front'] for point in data['points'])


if __name__ == '__main__':
    main()
