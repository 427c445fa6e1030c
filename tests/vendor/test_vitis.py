"""The emitted Vitis HLS project against a strict stand-in in tclsh that plays back a recorded report."""

import re
import subprocess
from pathlib import Path

import pytest

from da4ml_flow.cli.main import run
from da4ml_flow.results.store import Store

NET = "def net(x: 'fixed<3,4>[4]'):\n    return x @ [[1.0, -0.5], [0.75, 2.0], [0.0, 1.5], [-1.25, 0.25]]\n"
CONFIG = 'name: net\nmodel: {source: "python:net.py:net"}\nrtl: {language: vitis, clock_ns: 4.0}\n'


@pytest.fixture
def hls(tmp_path: Path) -> Path:
    """The project as a build leaves it."""
    (tmp_path / 'net.py').write_text(NET)
    (tmp_path / 'net.yaml').write_text(CONFIG)
    assert run(['build', str(tmp_path / 'net.yaml'), '--until', 'emit', '--build-root', str(tmp_path / 'build')]) == 0
    (folder,) = (tmp_path / 'build' / 'net').glob('emit-*/rtl')
    return folder.rename(tmp_path / 'hls')


def synthesize(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(['make', 'synth'], cwd=folder, capture_output=True, text=True, check=False)


def test_the_project_is_simulated_synthesized_and_exported(vitis_hls: Path, hls: Path, tmp_path: Path) -> None:
    done = synthesize(hls)
    assert done.returncode == 0, done.stdout + done.stderr
    assert vitis_hls.read_text().split() == ['csim_design', 'csynth_design', 'export_design']
    assert 'create_clock -period 4\n' in (hls / 'build.tcl').read_text()
    assert (hls / 'net_hls' / 'solution' / 'syn' / 'report' / 'csynth.rpt').is_file()
    database = tmp_path / 'd.sqlite'
    assert run(['import-reports', str(hls), '--database', f'sqlite:///{database}']) == 0
    (stored,) = Store(database, create=False).runs()
    assert {'luts', 'ii', 'latency_cycles'} <= {metric.name for metric in stored.metrics if metric.stage == 'hls'}
    assert {metric.tool for metric in stored.metrics} == {'vitis'}


def test_another_part(vitis_hls: Path, hls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('PART', 'xc7z020-clg400-1')
    assert synthesize(hls).returncode == 0
    monkeypatch.setenv('PART', '10AX')
    done = synthesize(hls)
    assert done.returncode != 0
    assert "Part '10AX' is not installed" in done.stderr


@pytest.mark.parametrize('fault', ['fail', 'die'])
def test_a_failure_ends_the_script(vitis_hls: Path, hls: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    monkeypatch.setenv('VITIS_STUB_FAULT', f'csynth_design:{fault}')
    assert synthesize(hls).returncode != 0
    assert vitis_hls.read_text().split() == ['csim_design', 'csynth_design']


@pytest.mark.parametrize(
    ('old', 'new'),
    [('set_top net', 'set_top other'), ('net.cpp', 'none.cpp'), ('csim_design', 'csim'), ('-period 4', '-freq 4')],
)
def test_the_stand_in_is_strict(vitis_hls: Path, hls: Path, old: str, new: str) -> None:
    script = hls / 'build.tcl'
    assert old in script.read_text()
    script.write_text(re.sub(rf'{re.escape(old)}$', new, script.read_text(), flags=re.MULTILINE))
    assert synthesize(hls).returncode != 0
