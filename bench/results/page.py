"""The page of a database of many runs: how large it is, and how long a browser takes to open it.

The digits of configs/ are built once, for real; the database is filled with runs of that record under other settings,
with figures that vary as those of a sweep do. Then `report --html` writes the page and a headless Chromium opens it,
several times: until the event `load`, which comes after the scripts have drawn, and until a frame was shown.

    python bench/results/page.py --runs 200 --folder /somewhere/kept
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / 'tests')]  # for the browser

from browser import browser_page  # noqa: E402
from click.testing import CliRunner  # noqa: E402

from da4ml_flow.cli.main import cli  # noqa: E402
from da4ml_flow.config.load import load_config  # noqa: E402
from da4ml_flow.results.metrics import Metric  # noqa: E402
from da4ml_flow.results.record import RunRecord, StageRun  # noqa: E402
from da4ml_flow.results.store import Store  # noqa: E402
from da4ml_flow.runner.build import Request, build, standard_stages  # noqa: E402

DRAWN = 'new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))'


def real_run(folder: Path) -> RunRecord:
    """The digits, built here or found built."""
    loaded = load_config(ROOT / 'configs' / 'digits' / 'digits.yaml', ['implement.seeds=[1, 2]'])
    return build(Request(loaded.config, loaded.root, folder / 'build'), standard_stages()).run


def varied(run: RunRecord, count: int) -> Iterator[RunRecord]:
    """Runs as a month of sweeps leaves them: some failed, some without place and route."""
    chance = random.Random(1)
    for number in range(count):
        bits, extra, levels = chance.choice((3, 4, 5, 6, 8)), chance.choice((0, 1, 2, 4)), chance.choice((2, 3, 4, 6))
        clock_ns = chance.choice((2.5, 4.0, 5.0))
        size = bits / 6 * (1.12 - 0.03 * extra) * chance.uniform(0.96, 1.04)
        status = chance.choices(('ok', 'no', 'failed'), (90, 6, 4))[0]
        config: dict[str, Any] = {
            **run.config,
            'name': f'digits_{bits}bits',
            'optimizer': {**run.config['optimizer'], 'extra_depth': extra},
            'rtl': {**run.config['rtl'], 'clock_ns': clock_ns, 'pipeline': {'max_levels': levels}},
        }
        stages = [_stage(stage, chance, size, bits, levels, clock_ns) for stage in run.stages]
        if status == 'failed':
            stages[-3:] = [StageRun(stages[-3].stage, 'failed', message='yosys ended with 1: ERROR: out of memory')]
        elif chance.random() < 0.4:
            stages = [stage for stage in stages if stage.stage != 'implement']
        yield replace(
            run,
            uid=f'{chance.getrandbits(32):08x}-20260{1 + number % 6}01T{number:09d}',
            name=config['name'],
            config=config,
            status=status,
            started=f'2026-0{1 + number % 6}-{1 + number % 28:02}T10:{number % 60:02}:00+00:00',
            stages=tuple(stages),
        )


def _stage(stage: StageRun, chance: random.Random, size: float, bits: int, levels: int, clock_ns: float) -> StageRun:
    if stage.record is None:
        return stage

    def changed(metric: Metric) -> Metric:
        value = metric.value
        if metric.name == 'accuracy':
            value = min(99.0, 97.5 - 28 / bits**1.6 + chance.uniform(-0.5, 0.5))
        elif metric.name == 'latency_cycles':
            value = round(18 / levels)
        elif metric.name == 'latency_ns':
            value = round(18 / levels) * clock_ns
        elif metric.name.startswith('fmax'):
            value = value * (3 / levels) ** 0.6 * chance.uniform(0.9, 1.1)
        elif metric.name not in ('sim_samples', 'sim_mismatches', 'ii', 'clock_ns'):
            value = value * size * chance.uniform(0.98, 1.02)
        return replace(metric, value=round(value) if isinstance(metric.value, int) else round(value, 3))

    metrics = tuple(map(changed, stage.record.metrics))
    wall_s = stage.record.wall_s * size * chance.uniform(0.8, 1.3)
    return replace(stage, wall_s=wall_s, record=replace(stage.record, metrics=metrics, wall_s=wall_s))


def opened(file: Path, folder: Path, times: int) -> list[tuple[float, float]]:
    """Milliseconds from the navigation to the event load and to a shown frame."""
    found = []
    with browser_page(folder) as page:
        for _ in range(times):
            page.open(file)
            answer = page.call('Runtime.evaluate', expression=DRAWN, awaitPromise=True, returnByValue=True)
            load = page.value('performance.getEntriesByType("navigation")[0].loadEventEnd')
            found.append((load, answer['result']['value']))
        if page.errors or page.value('document.querySelectorAll("#runs tbody tr").length') == 0:
            raise SystemExit(f'the page does not work: {page.errors}')
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--runs', type=int, default=200)
    parser.add_argument('--times', type=int, default=5)
    parser.add_argument('--folder', type=Path, help='where build, database and page are kept')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder = options.folder or Path(temporary)
        database = folder / 'runs.sqlite'
        database.unlink(missing_ok=True)
        store = Store(database, create=True)
        for _ in store.record_each(varied(real_run(folder), options.runs)):
            pass
        file, begin = folder / 'runs.html', time.process_time()
        arguments = ['report', '--database', f'sqlite:///{database}', '--html', str(file)]
        CliRunner().invoke(cli, arguments, catch_exceptions=False)
        written_s = time.process_time() - begin
        browser = Path(temporary) / 'browser'
        browser.mkdir()
        loads, frames = zip(*opened(file, browser, options.times), strict=True)
        print(f'{options.runs} runs: {file.stat().st_size / 1e6:.2f} MB, written in {written_s:.2f} s of CPU')
        for what, values in (('load', loads), ('a frame', frames)):
            print(
                f'{what} after {statistics.median(values):.0f} ms (median of {len(values)}), at most {max(values):.0f}'
            )


if __name__ == '__main__':
    main()
