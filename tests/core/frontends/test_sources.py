"""Models that are no files of ours: Python functions, and readers that other packages register."""

import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from da4ml_core.errors import FrontendError, UnsupportedOperation
from da4ml_core.frontends import load
from da4ml_core.frontends.python_function import source_files
from da4ml_core.interp import predict
from da4ml_flow.cli.main import run
from da4ml_flow.config.load import load_config
from da4ml_flow.config.text import describe
from da4ml_flow.errors import ConfigError
from da4ml_flow.stages.trace import Trace

EXAMPLE = Path(__file__).parents[3] / 'docs' / 'examples' / 'frontend_plugin'
FUNCTIONS = """\
import numpy as np

def beam(x: 'fixed<3,4>[2,4]', gain: 'ufixed<0,6>[1]', taps=(1, 3, -2, 5)):
    return np.max(x @ np.array(taps)) * gain, x[0] - x[1]

def undeclared(x): return x
def empty(): return 1
def number(x: 'fixed<3,4>[2]'): return 3.0
def branches(x: 'fixed<3,4>[2]'): return np.arctan2(x, x[::-1])
"""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'kernels.py').write_text(FUNCTIONS)
    return tmp_path


def test_a_function_of_a_file_and_of_a_package(folder, monkeypatch):
    rng = np.random.default_rng(0)
    x, gain = rng.integers(-128, 128, (50, 2, 4)) / 16, rng.integers(0, 64, (50, 1)) / 64
    package = folder / 'my_kernels'
    package.mkdir()
    (package / '__init__.py').write_text('')
    (package / 'beams.py').write_text(FUNCTIONS)
    monkeypatch.syspath_prepend(str(folder))
    for source in ('python:kernels.py:beam', 'python:my_kernels.beams:beam'):
        largest, difference = predict(load(source), [x, gain])
        assert np.array_equal(largest, np.max(x @ [1, 3, -2, 5], axis=1)[:, None] * gain)
        assert np.array_equal(difference, x[:, 0] - x[:, 1])
    assert source_files('python:my_kernels.beams:beam') == package
    for name in ('my_kernels', 'my_kernels.beams'):
        sys.modules.pop(name)


@pytest.mark.parametrize(
    ('source', 'message'),
    [
        ('python:kernels.py:undeclared', "parameter 'x' does not declare an input"),
        ('python:kernels.py:empty', 'has no parameters'),
        ('python:kernels.py:number', 'returns float, no symbolic array'),
        ('python:kernels.py:missing', "has no function 'missing'"),
        ('python:no_such.py:f', 'there is no such file'),
        ('python:no_such_package.module:f', 'cannot import'),
        ('python:kernels', 'expected python:package.module:function'),
        ('python:broken.py:f', 'fails when it is imported: ZeroDivisionError'),
    ],
)
def test_what_is_no_model(folder, source, message):
    (folder / 'broken.py').write_text('1 / 0\n')
    with pytest.raises(FrontendError, match=message):
        load(source)


def test_what_tracing_refuses_is_shown_at_the_users_line(folder):
    with pytest.raises(UnsupportedOperation) as caught:
        load('python:kernels.py:branches')
    assert caught.value.location is not None
    assert caught.value.location.path.endswith('kernels.py')


def test_a_configuration_with_a_function(folder, capsys):
    config = folder / 'beam.yaml'
    config.write_text('name: beam\nmodel: {source: "python:kernels.py:beam"}\n')
    loaded = load_config(config).config
    assert 'source: python:kernels.py:beam' in describe(loaded, folder)
    settings = Trace().settings(loaded)['source']
    assert settings == {'function': 'beam', 'code': folder / 'kernels.py'}
    assert run(['build', str(config), '--until', 'emit']) == 0
    assert run(['convert', 'python:kernels.py:beam', 'out']) == 0
    assert (folder / 'out' / 'beam.v').is_file()
    capsys.readouterr()
    for wrong in ('python:absent.py:beam', 'python:beam'):
        config.write_text(f'name: beam\nmodel: {{source: "{wrong}"}}\n')
        with pytest.raises(ConfigError):
            load_config(config)


@pytest.fixture
def plugin(folder, monkeypatch) -> Path:
    """The example package, installed the way pip would: its module, and the metadata of its pyproject.toml."""
    project = tomllib.loads((EXAMPLE / 'pyproject.toml').read_text())['project']
    site = folder / 'site'
    info = site / f'{project["name"].replace("-", "_")}-{project["version"]}.dist-info'
    info.mkdir(parents=True)
    (site / 'csv_matrix.py').write_text((EXAMPLE / 'csv_matrix.py').read_text())
    (info / 'METADATA').write_text(f'Metadata-Version: 2.1\nName: {project["name"]}\nVersion: {project["version"]}\n')
    lines = [
        f'[{group}]\n' + '\n'.join(f'{name} = {value}' for name, value in points.items())
        for group, points in project['entry-points'].items()
    ]
    (info / 'entry_points.txt').write_text('\n'.join(lines) + '\n')
    monkeypatch.syspath_prepend(str(site))
    (folder / 'm.csv').write_text('1,0.5\n-3,2\n')
    yield info
    sys.modules.pop('csv_matrix', None)


def test_the_example_package(plugin, folder):
    x = np.array([[1.5, -2.25], [0.0625, 7.9375]])
    program = load('m.csv')
    assert np.array_equal(predict(program, x), x @ [[1, 0.5], [-3, 2]])
    assert load('m.csv', input_type='ufixed<2,0>').ops[0].interval[:2] == (0, 3)
    (folder / 'm.yaml').write_text('name: m\nmodel: {source: m.csv}\n')
    settings = Trace().settings(load_config(folder / 'm.yaml').config)['source']
    assert settings == {'file': folder / 'm.csv', 'reader': 'da4ml-flow-csv 0.1.0'}
    assert run(['build', 'm.yaml', '--until', 'trace']) == 0


def test_plugins_that_do_not_work(plugin, folder):
    with pytest.raises(FrontendError, match=r'no reader for \.tsv') as caught:
        load('m.tsv')
    assert '.csv' in str(caught.value)
    entry_points = plugin / 'entry_points.txt'
    for value, message in (('no_module:f', 'cannot be imported'), ('builtins:print', 'returned a NoneType')):
        entry_points.write_text(f'[da4ml_flow.frontends]\ncsv = {value}\n')
        with pytest.raises(FrontendError, match=message):
            load('m.csv')
    entry_points.write_text('[da4ml_flow.frontends]\ncsv = csv_matrix:load_csv\n.CSV = builtins:print\n')
    with pytest.raises(FrontendError, match=r'2 packages read \.csv files'):
        load('m.csv')
