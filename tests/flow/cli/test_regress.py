"""`da4ml-flow regress` on a tiny program, and on the baseline that we ship."""

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from da4ml_core.ir.serialize import save_program
from da4ml_core.trace import Tracer
from da4ml_flow.cli.main import run
from da4ml_flow.eda import tools
from da4ml_flow.errors import ToolNotFound

CONFIGS = Path(__file__).parents[3] / 'configs'
BASELINE = """\
{
  "config": "../tiny.yaml",
  "until": "emit",
  "rules": {
    "adders": {"value": null},
    "latency_cycles": {"value": 9},
    "depth": {"value": 5, "level": "warning"}
  }
}
"""


def write_program(weights) -> None:
    tracer = Tracer('tiny')
    x = tracer.input((2,)).quantize(True, 3, 1)
    save_program(tracer.finish(x @ np.array(weights)), Path('tiny.json'))


@pytest.fixture
def tiny(tmp_path, monkeypatch) -> Path:
    """A configuration and its baseline; the working folder is theirs."""
    monkeypatch.chdir(tmp_path)
    for name in ('DA4ML_FLOW_DB', 'GITHUB_ACTIONS', 'GITHUB_STEP_SUMMARY', 'GITHUB_WORKSPACE'):
        monkeypatch.delenv(name, raising=False)
    Path('tiny.yaml').write_text('name: tiny\nmodel: {source: tiny.json}\n')
    Path('baselines').mkdir()
    path = Path('baselines/tiny.json')
    path.write_text(BASELINE)
    write_program([[1, 1], [-3, 1]])
    return path


def value(path: Path, key: str) -> float:
    return json.loads(path.read_text())['rules'][key]['value']


def test_from_an_empty_baseline_through_a_regression_and_back(tiny, capsys):
    assert run(['regress', str(tiny)]) == 1
    assert 'the baseline has no value yet' in capsys.readouterr().out
    assert run(['regress', str(tiny), '--update']) == 0
    out = capsys.readouterr().out
    assert f'{tiny}: adders: null -> ' in out
    assert f'{tiny}: hash of program recorded' in out
    assert value(tiny, 'latency_cycles') == 9  # better than it must be, and --update leaves that
    few = value(tiny, 'adders')
    assert run(['regress', str(tiny), '--tighten']) == 0
    assert value(tiny, 'latency_cycles') < 9
    text = tiny.read_text()
    assert run(['regress', str(tiny)]) == 0
    captured = capsys.readouterr()
    assert 'cached' in captured.err
    assert 'tiny: ok\n' in captured.out
    assert run(['regress', str(tiny), '--update', '--tighten']) == 0
    assert f'{tiny}: nothing to change' in capsys.readouterr().out
    assert tiny.read_text() == text

    write_program([[7, 11], [-3, 13]])
    assert run(['regress', str(tiny), '--junit', 'j.xml', '--sarif', 'new/s.json', '--markdown', 'm.md']) == 1
    out = capsys.readouterr().out
    assert out.startswith('tiny: regression in adders')
    assert 'first change: stage trace (its program)' in out
    assert tiny.read_text() == text
    assert ElementTree.parse('j.xml').find("testsuite/testcase[@name='adders']/failure") is not None
    assert json.loads(Path('new/s.json').read_text())['runs'][0]['results'][0]['ruleId'] == 'metric-regression'
    assert '**worse**' in Path('m.md').read_text()
    assert run(['regress', str(tiny), '--tighten']) == 1  # tightening relaxes nothing
    assert value(tiny, 'adders') == few
    assert run(['regress', str(tiny), '--update']) == 0
    assert value(tiny, 'adders') > few

    write_program([[1, 1], [-3, 1]])
    assert run(['regress', str(tiny), '--tighten']) == 0
    assert value(tiny, 'adders') == few
    assert tiny.read_text() == text
    assert run(['report', '--config', 'tiny.yaml', '--json']) == 0  # every build is a recorded run


def test_json_is_alone_on_stdout(tiny, capsys, monkeypatch):
    monkeypatch.setenv('GITHUB_ACTIONS', 'true')
    assert run(['regress', str(tiny), '--json']) == 1
    captured = capsys.readouterr()
    data = json.loads(captured.out)
    assert data['exit_code'] == 1
    assert data['baselines'][0]['checks'][0]['verdict'] == 'unset'
    assert '::error file=baselines/tiny.json,line=5,' in captured.err


def test_github_gets_annotations_and_a_summary(tiny, capsys, monkeypatch):
    monkeypatch.setenv('GITHUB_ACTIONS', 'true')
    monkeypatch.setenv('GITHUB_STEP_SUMMARY', 'summary.md')
    Path('summary.md').write_text('before\n')
    assert run(['regress', str(tiny)]) == 1
    assert '\n::error file=baselines/tiny.json,line=5,title=tiny%3A adders::adders: ' in capsys.readouterr().out
    assert Path('summary.md').read_text().startswith('before\n### tiny: regression in adders')


def test_bad_files_end_with_2_before_anything_is_built(tiny, capsys):
    Path('bad.json').write_text(BASELINE.replace('../tiny', 'tiny').replace('adders', 'addres'))
    assert run(['regress', str(tiny), 'bad.json']) == 2
    captured = capsys.readouterr()
    assert 'bad.json:5:5 (rules.addres)' in captured.err
    assert captured.out == ''
    assert not Path('build').exists()
    assert run(['regress']) == 2
    assert run(['regress', 'none.json']) == 2
    assert run(['regress', str(tiny), '--junit', 'tiny.yaml/j.xml']) == 2
    assert 'Traceback' not in capsys.readouterr().err


def test_a_build_that_fails_ends_with_its_code_and_changes_nothing(tiny, capsys, monkeypatch):
    Path('tiny.json').write_text('{}')
    text = tiny.read_text()
    assert run(['regress', str(tiny), '--update', '--junit', 'j.xml']) == 2
    assert 'not changed, because the build failed' in capsys.readouterr().out
    assert tiny.read_text() == text
    assert ElementTree.parse('j.xml').find('testsuite/testcase/error') is not None

    def absent(name):
        raise ToolNotFound(f'{name} is not installed', hint='pip install it')

    monkeypatch.setattr('da4ml_flow.eda.tools.find', absent)
    tiny.write_text(text.replace('"until": "emit"', '"set": {"lint.tool": "verilator"}'))
    assert run(['regress', str(tiny), '--json']) == 3
    captured = capsys.readouterr()
    assert 'is not installed' in captured.err
    assert json.loads(captured.out)['baselines'][0]['errors'][0]['code'] == 'DA2101'


@pytest.mark.eda
@pytest.mark.parametrize('baseline', sorted((CONFIGS / 'baselines').glob('*.json')), ids=lambda path: path.stem)
def test_the_examples_are_no_worse_than_their_baselines(baseline, tmp_path, capsys):
    for name in ('verilator', 'yosys', 'c++'):
        try:
            tools.find(name)
        except ToolNotFound as missing:
            pytest.skip(f'the baseline needs {name}: {missing.hint}')
    copy = tmp_path / 'configs'
    shutil.copytree(CONFIGS, copy, ignore=shutil.ignore_patterns('build', 'results'))
    code = run(['regress', str(copy / 'baselines' / baseline.name)])
    assert code == 0, capsys.readouterr().out


def test_a_worse_solver_is_caught_on_the_digits_and_the_baseline_goes_there_and_back(tmp_path, monkeypatch, capsys):
    """Effort fast against the reviewed figures of effort balanced."""
    for name in ('DA4ML_FLOW_DB', 'GITHUB_ACTIONS', 'GITHUB_STEP_SUMMARY', 'GITHUB_WORKSPACE'):
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(CONFIGS / 'digits', tmp_path / 'digits', ignore=shutil.ignore_patterns('build', 'results'))
    reviewed = json.loads((CONFIGS / 'baselines' / 'digits_mlp.yosys.json').read_text())
    rules = {key: rule for key, rule in reviewed['rules'].items() if key in ('accuracy', 'lut_estimate')}
    sections = dict.fromkeys(('lint', 'simulate', 'synthesize', 'implement'))
    hashes = {name: reviewed['hashes'][name] for name in ('program', 'rtl')}
    data = {'config': 'digits/digits.yaml', 'set': sections, 'rules': rules, 'hashes': hashes}
    path = tmp_path / 'digits.json'

    def effort(name):
        now = json.loads(path.read_text()) if path.exists() else data
        path.write_text(json.dumps({**now, 'set': {**sections, 'optimizer.effort': name}}))

    effort('fast')
    assert run(['regress', str(path), '--junit', str(tmp_path / 'j.xml')]) == 1
    out = capsys.readouterr().out
    assert out.startswith('digits: regression in lut_estimate')
    assert 'first change: stage trace (its program)' in out
    failed = [case.get('name') for case in ElementTree.parse(tmp_path / 'j.xml').iter('testcase') if len(case)]
    assert 'lut_estimate' in failed
    assert 'accuracy' not in failed
    assert run(['regress', str(path), '--update']) == 0
    assert value(path, 'lut_estimate') > rules['lut_estimate']['value']
    effort('balanced')
    assert run(['regress', str(path), '--tighten']) == 0
    assert {key: value(path, key) for key in rules} == {key: rule['value'] for key, rule in rules.items()}
