"""Sweeps of stages without tools."""

from __future__ import annotations

from pathlib import Path

import pytest
from sweep_content import content

from da4ml_flow.config.load import load_config
from da4ml_flow.results.metrics import ToolVersion, measure
from da4ml_flow.stages.base import StageOutcome
from da4ml_flow.sweep.campaign import plan_of
from da4ml_flow.sweep.engine import Finished
from da4ml_flow.sweep.point import run_task


class FakeTrace:
    """Accuracy grows with the depth, LUTs with both axes."""

    name, inputs, replaces = 'trace', (), ()

    def __init__(self):
        self.runs = 0

    def settings(self, config):
        return {'depth': config.optimizer.extra_depth}

    def tools(self, config):
        return ()

    def run(self, context):
        self.runs += 1
        depth = context.config.optimizer.extra_depth
        if depth == 13:
            raise ValueError('an unlucky number')
        path = context.directory / 'trace.txt'
        path.write_text(f'{depth}')
        return StageOutcome({'trace': path}, (measure('accuracy', 50 + depth, stage='trace'),))


class FakeEmit(FakeTrace):
    name, inputs = 'emit', ('trace',)

    def settings(self, config):
        return {'clock': config.rtl.clock_ns}

    def tools(self, config):
        return (ToolVersion('fake', '1.0', '/usr/bin/fake'),)

    def run(self, context):
        self.runs += 1
        depth = int(context.artifacts['trace'].read_text())
        path = context.directory / 'emit.txt'
        path.write_text('x')
        luts = 100 + 10 * depth + context.config.rtl.clock_ns
        return StageOutcome({'rtl': path}, (measure('lut_estimate', luts, stage='emit'),))


class HereEngine:
    """Builds where it is called; ``losing`` are the tasks, by their number, whose process dies."""

    def __init__(self, stages, losing=()):
        self.stages, self.losing = stages, set(losing)
        self.waiting, self.count, self.closed = [], 0, False

    def fits(self, needs):
        return len(self.waiting) < 2

    def submit(self, task, needs):
        self.waiting.append(task)

    def wait(self, timeout_s):
        task = self.waiting.pop(0)
        self.count += 1
        if self.count in self.losing:
            return [Finished(task['key'], None, 'its process was killed')]
        return [Finished(task['key'], run_task(task, self.stages))]

    def close(self):
        self.closed = True


@pytest.fixture
def content_of():
    return content


class Quiet:
    def __init__(self):
        self.records = []

    def changed(self, counts):
        pass

    def ended(self, record):
        self.records.append(record)


@pytest.fixture
def stages():
    return [FakeTrace(), FakeEmit()]


@pytest.fixture
def loaded_of(tmp_path: Path):
    def loaded_of(sweep: str, rest: str = ''):
        (tmp_path / 'model.keras').write_bytes(b'weights')
        text = f'name: jet\nmodel: {{source: model.keras}}\n{rest}sweep: {sweep}\n'
        (tmp_path / 'jet.yaml').write_text(text)
        return load_config(tmp_path / 'jet.yaml')

    return loaded_of


@pytest.fixture
def plan_for(loaded_of, tmp_path, stages):
    def plan_for(sweep: str, rest: str = ''):
        return plan_of(loaded_of(sweep, rest), tmp_path / 'build', stages)

    return plan_for


@pytest.fixture
def here(stages):
    return lambda losing=(): HereEngine(stages, losing)


@pytest.fixture
def quiet():
    return Quiet
