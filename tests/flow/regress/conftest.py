"""Baselines on disk and runs without a build."""

from __future__ import annotations

import json
from types import MappingProxyType

import pytest

from da4ml_flow.regress.baseline import load_baseline
from da4ml_flow.regress.compare import compare
from da4ml_flow.results.metrics import measure
from da4ml_flow.results.record import Artifact, RunRecord, StageRecord, StageRun

ARTIFACTS = {'program': 'trace', 'rtl': 'emit', 'netlist': 'synthesize'}


@pytest.fixture
def write(tmp_path):
    """Writes a baseline of these rules, or of this text, beside a configuration."""

    def write(rules, **keys):
        (tmp_path / 'tiny.yaml').write_text('name: tiny\nmodel: {source: tiny.json}\n')
        (tmp_path / 'tiny.json').write_text('{}')
        path = tmp_path / 'tiny.base.json'
        text = rules if isinstance(rules, str) else json.dumps({'config': 'tiny.yaml', 'rules': rules, **keys})
        path.write_text(text)
        return path

    return write


@pytest.fixture
def run_of():
    """A run of these figures (key -> value) with these hashes of artifacts; stages can say no."""

    def run_of(figures, hashes=(), no=()):
        stages = {}
        for key, value in figures.items():
            name, stage, part = (*key.split('/', 2), '', '')[:3]
            stages.setdefault(stage or 'trace', []).append(measure(name, value, stage=stage or 'trace', part=part))
        made = {stage: {} for stage in [*stages, *no]}
        for name, sha256 in dict(hashes).items():
            made.setdefault(ARTIFACTS[name], {})[name] = Artifact(name, sha256 * 64, 1)
        runs = []
        for stage, artifacts in made.items():
            record = StageRecord(
                stage=stage,
                key='0' * 64,
                settings=MappingProxyType({}),
                inputs=MappingProxyType({}),
                artifacts=artifacts,
                metrics=tuple(stages.get(stage, ())),
                tools=(),
                ok=stage not in no,
                message='one bit is wrong' if stage in no else '',
                started='',
                wall_s=1.0,
                package_version='1',
            )
            runs.append(StageRun(stage, 'no' if stage in no else 'ok', record=record, message=record.message))
        return RunRecord('r', 'tiny', {}, '', 'ok', '', 2.0, '', '', None, None, '1', tuple(runs))

    return run_of


@pytest.fixture
def compared(write, run_of):
    """The comparison of rules with figures."""

    def compared(rules, figures, made=(), no=(), errors=(), **keys):
        baseline = load_baseline(write(rules, **keys))
        return compare(baseline, run_of(figures, made, no), 5.0, tuple(errors))

    return compared
