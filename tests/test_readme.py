"""The README is true: its commands run, its figures are those of the build, its error is the one that is printed."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from da4ml_flow.eda import tools
from da4ml_flow.errors import ToolNotFound

ROOT = Path(__file__).parents[1]
PAGE = ROOT / 'README.md'
README = PAGE.read_text(encoding='utf-8')
# what is the same on every machine and at every load
STEADY = ('accuracy', 'simulated samples', 'mismatches', 'latency', 'adders', 'LUT estimate', 'adder depth')


def blocks(language):
    return re.findall(rf'^```{language}\n(.*?)^```$', README, re.DOTALL | re.MULTILINE)


def da4ml_flow(arguments, folder):
    paths = os.pathsep.join(path for path in sys.path if path)
    return subprocess.run(
        [sys.executable, '-m', 'da4ml_flow.cli.main', *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, 'PYTHONPATH': paths},
    )


@pytest.fixture(scope='module')
def checkout(tmp_path_factory):
    """The folder of examples, copied to where builds may write."""
    folder = tmp_path_factory.mktemp('checkout')
    shutil.copytree(ROOT / 'configs', folder / 'configs', ignore=shutil.ignore_patterns('build', 'results'))
    return folder


@pytest.fixture(scope='module')
def built(checkout):
    """The main job, whole: the output of the first build."""
    for name in ('verilator', 'yosys', 'nextpnr-ecp5', 'c++'):
        try:
            tools.find(name)
        except ToolNotFound as missing:
            pytest.skip(f'the main job needs {name}: {missing.hint}')
    result = da4ml_flow(['build', 'configs/digits/digits.yaml'], checkout)
    assert result.returncode == 0, result.stderr
    return result


def steady(table):
    return [' '.join(line.split()) for line in table.splitlines() if line.startswith(STEADY)]


@pytest.mark.eda
def test_the_table_is_what_the_build_prints(built, update_golden):
    (shown,) = (block for block in blocks('text') if block.startswith('digits_mlp: ok'))
    if update_golden:
        PAGE.write_text(README.replace(shown, built.stdout), encoding='utf-8')
        return
    assert steady(shown) == steady(built.stdout)
    labels = re.compile(r'^\S+( \S+)?(?=  )', re.MULTILINE)
    assert [match[0] for match in labels.finditer(shown)] == [match[0] for match in labels.finditer(built.stdout)]


@pytest.mark.eda
def test_the_commands_of_the_tour_run(built, checkout):
    (tour,) = blocks('console')
    commands = [shlex.split(line.removeprefix('$ '), comments=True) for line in tour.splitlines()]
    assert all(command[0] == 'da4ml-flow' for command in commands)
    first, *others = commands
    again = da4ml_flow(first[1:], checkout)
    assert again.returncode == 0
    assert 'nothing to do' in again.stderr
    assert [line.split()[1] for line in again.stderr.splitlines()[:7]] == ['cached'] * 7
    for command in others:
        result = da4ml_flow(command[1:], checkout)
        assert result.returncode == 0, f'{command}\n{result.stderr}'


def test_the_example_in_python_runs(checkout, monkeypatch, capsys):
    (example,) = blocks('python')
    monkeypatch.chdir(checkout)
    exec(compile(example, 'README.md', 'exec'), {})
    assert (checkout / 'digits.json.gz').is_file()
    assert capsys.readouterr().out


def test_the_configuration_is_valid_and_is_that_of_the_model(checkout):
    (example,) = blocks('yaml')
    folder = checkout / 'configs' / 'digits'
    (folder / 'readme.yaml').write_text(example)
    shown = [da4ml_flow(['config', 'show', name, '--json'], folder) for name in ('readme.yaml', 'digits.yaml')]
    assert [result.returncode for result in shown] == [0, 0], shown[0].stderr
    (folder / 'readme.yaml').unlink()
    assert shown[0].stdout == shown[1].stdout


def test_the_diagnostic_is_what_is_printed(checkout):
    (shown,) = (block for block in blocks('text') if block.startswith('error['))
    folder = checkout / 'typo'
    shutil.copytree(checkout / 'configs' / 'digits', folder, ignore=shutil.ignore_patterns('build', 'results'))
    path = folder / 'digits.yaml'
    path.write_text(path.read_text().replace('extra_depth', 'extra_dpth'))
    result = da4ml_flow(['build', 'digits.yaml'], folder)
    assert result.returncode == 2
    assert result.stderr == shown
    assert sorted(item.name for item in folder.iterdir()) == sorted(
        item.name for item in (ROOT / 'configs' / 'digits').iterdir() if item.name not in ('build', 'results')
    )


def test_the_two_commands_exist_and_it_is_short():
    makefile = (ROOT / 'Makefile').read_text()
    for command in ('demo', 'test'):
        assert f'make {command}\n' in README
        assert re.search(rf'^{command}:', makefile, re.MULTILINE)
    assert len(README.splitlines()) <= 200
    for target in re.findall(r'\]\(([^)#]+)\)', README):
        assert '://' in target or (ROOT / target).exists(), target
