"""Stages without tools, for the runner: they write what they read and count how often they ran."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from postgres_server import PostgresServer

from da4ml_flow.config.load import LoadedConfig, load_config
from da4ml_flow.results.metrics import ToolVersion, measure
from da4ml_flow.runner.build import Request
from da4ml_flow.stages.base import StageContext, StageOutcome


@dataclass
class FakeStage:
    """Writes its name and inputs to ``<name>.txt``; ``action`` may do worse."""

    name: str
    inputs: tuple[str, ...] = ()
    setting: Callable = lambda config: {'clock_ns': config.rtl.clock_ns}
    version: str = '1.0'
    action: Callable[[StageContext], None] = lambda context: None
    ok: bool = True
    message: str = ''
    runs: list[Path] = field(default_factory=list)
    replaces: tuple[str, ...] = ()

    def settings(self, config):
        return self.setting(config)

    def tools(self, config):
        return (ToolVersion('fake', self.version, '/usr/bin/fake'),)

    def run(self, context):
        self.runs.append(context.directory)
        assert set(context.artifacts) == set(self.inputs)
        assert not any(context.directory.iterdir())
        text = ''.join(path.read_text() for path in context.artifacts.values())
        path = context.directory / f'{self.name}.txt'
        path.write_text(f'{text}{self.name}\n')
        self.action(context)
        return StageOutcome(
            {self.name: path}, (measure('luts', len(text), stage=self.name),), ok=self.ok, message=self.message
        )


@pytest.fixture
def loaded(tmp_path) -> LoadedConfig:
    (tmp_path / 'model.keras').write_bytes(b'weights')
    (tmp_path / 'jet.yaml').write_text('name: jet\nmodel: {source: model.keras}\n')
    return load_config(tmp_path / 'jet.yaml')


@pytest.fixture
def request_of(loaded, tmp_path):
    def request_of(**changes) -> Request:
        return Request(**{'config': loaded.config, 'root': loaded.root, 'build_root': tmp_path / 'build', **changes})

    return request_of


@pytest.fixture
def chain():
    """Three stages in a row, and one beside the second."""
    return [
        FakeStage('trace', (), lambda config: {'source': config.model.source}),
        FakeStage('emit', ('trace',)),
        FakeStage('lint', ('emit',), lambda config: {}),
        FakeStage('synthesize', ('emit',), lambda config: {}),
    ]


@pytest.fixture(scope='session')
def postgres_server():
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture
def postgres(postgres_server):
    """A running PostgreSQL server; the databases that a test takes from it are its own, and empty."""
    yield postgres_server
    postgres_server.take_back()


@pytest.fixture(params=['sqlite', 'postgresql'])
def place(request, tmp_path) -> Path | str:
    """Where there is no results database yet, of either kind."""
    if request.param == 'sqlite':
        return tmp_path / 'results' / 'da4ml.sqlite'
    return request.getfixturevalue('postgres').fresh()
