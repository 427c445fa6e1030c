"""Real processes: a killed worker, a killed driver, and nothing lost or doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from da4ml_core.ir.serialize import save_program
from da4ml_core.trace import Tracer
from da4ml_flow.config.load import load_config
from da4ml_flow.config.sweep import Needs
from da4ml_flow.results.store import Store
from da4ml_flow.runner.build import standard_stages
from da4ml_flow.sweep.campaign import Campaign, plan_of
from da4ml_flow.sweep.engine import LocalEngine, available_mb, fitting_workers
from da4ml_flow.sweep.ledger import Ledger

SWEEP = '{axes: {rtl.pipeline.max_levels: {from: 1, to: 6}, rtl.clock_ns: [4, 5]}, executor: {workers: 2}}'


@pytest.fixture
def config(tmp_path) -> Path:
    """A small program and a sweep of it that needs no tool."""
    tracer = Tracer('tiny')
    x = tracer.input((4,), name='x').quantize(True, 3, 2)
    program = tracer.finish([x @ np.array([[3, -5], [7, 1], [2, 9], [-1, 4]], float)])
    save_program(program, tmp_path / 'tiny.json.gz')
    (tmp_path / 'sweep.yaml').write_text(f'name: tiny\nmodel: {{source: tiny.json.gz}}\nsweep: {SWEEP}\n')
    return tmp_path / 'sweep.yaml'


def campaign_of(config: Path, engine, listener) -> Campaign:
    loaded = load_config(config)
    plan = plan_of(loaded, config.parent / 'build', standard_stages())
    return Campaign(plan, engine, Ledger(plan, config.parent / 'results' / 'da4ml.sqlite').keep, listener)


def points(config: Path) -> dict[str, str]:
    loaded = load_config(config)
    plan = plan_of(loaded, config.parent / 'build', standard_stages())
    return Store(config.parent / 'results' / 'da4ml.sqlite', create=False).points(plan.uid)


def test_a_killed_worker_is_replaced(config, quiet):
    engine = LocalEngine(2)
    listener = quiet()
    killed = []

    def changed(counts):
        busy = [pid for pid, key in engine.processes.items() if key]
        if counts.made == 2 and busy and not killed:
            killed.append(busy[0])
            os.kill(busy[0], signal.SIGKILL)

    listener.changed = changed
    campaign = campaign_of(config, engine, listener)
    campaign.run()
    assert killed
    assert (campaign.counts.ok, campaign.counts.failed) == (12, 0)
    assert len(points(config)) == 12
    assert not engine.processes


def test_a_killed_driver_takes_its_workers_along_and_the_next_one_goes_on(config):
    command = [sys.executable, '-m', 'da4ml_flow.cli.main', 'sweep', str(config)]
    driver = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    told = [driver.stderr.readline() for _ in range(3)]
    workers = children(driver.pid)
    driver.kill()
    driver.wait()
    driver.stderr.close()
    assert workers
    assert all(' ok ' in line for line in told)
    deadline = time.monotonic() + 20
    while any(alive(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(alive(pid) for pid in workers)

    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert 'had a result' in again.stderr
    assert len(points(config)) == 12
    runs = Store(config.parent / 'results' / 'da4ml.sqlite', create=False).runs()
    assert len(runs) == len({run.config_hash for run in runs}) == 12
    third = subprocess.run(command, capture_output=True, text=True, check=True)
    assert 'nothing to do: 12 points have their results' in third.stderr


def children(pid: int) -> list[int]:
    found = []
    for path in Path('/proc').glob('[0-9]*/stat'):
        try:
            fields = path.read_text().rsplit(')', 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid and b'spawn_main' in Path(path.parent / 'cmdline').read_bytes():
            found.append(int(path.parent.name))
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0] != 'Z'
    except OSError:
        return False


def test_the_number_of_workers_fits_the_memory():
    assert available_mb() > 100
    assert fitting_workers(10**9, 1) == 1
    assert 1 <= fitting_workers(100, 1) <= (os.cpu_count() or 1)
    assert fitting_workers(100, 10**6) == 1


def test_no_second_point_begins_while_memory_is_short(monkeypatch):
    engine = LocalEngine(4)
    monkeypatch.setattr('da4ml_flow.sweep.engine.processors', lambda: 4)
    monkeypatch.setattr('da4ml_flow.sweep.engine.available_mb', lambda: 500.0)
    assert engine.fits(Needs(1, 1000))  # one is always tried
    engine._workers.append(type('Busy', (), {'key': 'k', 'cores': 2})())
    assert not engine.fits(Needs(1, 1000))
    monkeypatch.setattr('da4ml_flow.sweep.engine.available_mb', lambda: 2500.0)
    assert engine.fits(Needs(2, 1000))
    assert not engine.fits(Needs(3, 1000))
    assert not engine.fits(Needs(1, 2400))
