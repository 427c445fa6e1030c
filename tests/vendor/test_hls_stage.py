"""The stage `hls` of a build, and Vivado on what it makes, against strict stand-ins that play back recorded reports."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fault_project import no_orphans

from da4ml_core.errors import Da4mlError
from da4ml_flow.cli.main import run
from da4ml_flow.eda import fusesoc

PART = 'xcvu13p-flga2577-2-e'
NET = "def net(x: 'fixed<3,4>[4]'):\n    return x @ [[1.0, -0.5], [0.75, 2.0], [0.0, 1.5], [-1.25, 0.25]]\n"
CONFIG = f"""\
name: net
model: {{source: "python:net.py:net"}}
rtl: {{language: vitis}}
hls: {{part: {PART}}}
results: {{database: null}}
"""
VIVADO = ('synthesize.tool=vivado', f'synthesize.part={PART}', 'implement.tool=vivado', f'implement.part={PART}')
STEPS = ['csim_design', 'csynth_design']
Built = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def build(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Built:
    """Builds with `--set` options; gives the exit code, the JSON of the build by stage, and what was said."""
    (tmp_path / 'net.py').write_text(NET)
    (tmp_path / 'net.yaml').write_text(CONFIG)
    monkeypatch.chdir(tmp_path)

    def run_build(*options: str) -> tuple[int, dict[str, Any], str]:
        code = run(['build', 'net.yaml', '--json', *(word for option in options for word in ('--set', option))])
        shown = capsys.readouterr()
        data = json.loads(shown.out) if shown.out else {}
        return code, {stage['stage']: stage for stage in data.get('stages', ())}, shown.err

    return run_build


def records(tmp_path: Path) -> dict[str, Any]:
    return {
        path.parent.name.partition('-')[0]: json.loads(path.read_text())['record']
        for path in (tmp_path / 'build' / 'net').glob('*-*/record.json')
    }


def test_cpp_becomes_verilog_and_is_placed_and_routed(vitis_hls: Path, vivado: Path, build: Built, tmp_path) -> None:
    code, stages, said = build(*VIVADO)
    assert code == 0, said
    assert list(stages) == ['trace', 'emit', 'hls', 'synthesize', 'implement', 'collect']
    assert vitis_hls.read_text().split()[:2] == STEPS
    assert vitis_hls.read_text().split()[-1] == 'route_design'
    found = records(tmp_path)
    figures = {metric['name']: metric['value'] for metric in found['hls']['metrics']}
    known = {'luts': 8851, 'ffs': 494, 'dsps': 20, 'latency_cycles': 3, 'latency_ns': 15, 'ii': 1}
    assert figures.items() >= known.items()
    assert {'synth_s', 'cpu_s', 'peak_mb'} <= figures.keys()
    assert {(metric['tool'], metric['part']) for metric in found['hls']['metrics']} == {('vitis', PART)}
    assert [tool['version'] for tool in found['hls']['tools'] if tool['name'] == 'vitis_hls'] == ['2024.1']
    assert {'rtl', 'hls_report', 'hls_log'} <= found['hls']['artifacts'].keys()
    routed = {metric['name']: metric['value'] for metric in found['implement']['metrics']}
    assert routed['luts'] == 5804
    (work,) = (tmp_path / 'build' / 'net').glob('implement-*/vivado/work')
    assert 'get_ports ap_clk' in (work / 'clock.xdc').read_text()
    latency = {metric['name']: metric['value'] for metric in found['collect']['metrics']}
    assert latency == {'clock_ns': 5, 'latency_ns': 15}
    vitis_hls.write_text('')
    code, stages, _ = build(*VIVADO)
    assert (code, all(stage['cached'] for stage in stages.values()), vitis_hls.read_text()) == (0, True, '')


def test_by_the_program_that_newer_versions_have(vitis_hls: Path, build: Built, tmp_path: Path) -> None:
    (tmp_path / 'bin' / 'vitis_hls').rename(tmp_path / 'bin' / 'vitis-run')
    assert build()[0] == 0
    (makefile,) = (tmp_path / 'build' / 'net').glob('hls-*/vitis/work/Makefile')
    assert 'vitis-run --mode hls --tcl csynth.tcl' in makefile.read_text()


@pytest.mark.parametrize('fault', ['fail', 'die', 'full', 'hang'])
def test_what_was_finished_is_not_run_again(
    vitis_hls: Path, vivado: Path, build: Built, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str
) -> None:
    monkeypatch.setenv('VITIS_STUB_FAULT', f'csynth_design:{fault}')
    timeout = ['hls.timeout_s=3'] if fault == 'hang' else []
    begin = time.monotonic()
    code, stages, said = build(*VIVADO, *timeout)
    assert time.monotonic() - begin < 30
    assert code == 3
    reasons = {
        'fail': 'Synthesizability check failed',
        'die': 'SIGKILL',
        'full': 'No space left on device',
        'hang': 'stopped after 3 s',
    }
    assert reasons[fault] in said or (fault == 'die' and 'make failed' in said), said
    status = {name: stage['status'] for name, stage in stages.items()}
    assert status == {
        'trace': 'ok',
        'emit': 'ok',
        'hls': 'failed',
        'synthesize': 'skipped',
        'implement': 'skipped',
        'collect': 'skipped',
    }
    (failed,) = (tmp_path / 'build' / 'net').glob('hls-*.failed')
    assert (failed / 'vitis' / 'make.log').is_file()
    assert vitis_hls.read_text().split() == STEPS
    monkeypatch.delenv('VITIS_STUB_FAULT')
    vitis_hls.write_text('')
    assert build(*timeout)[0] == 0  # a timeout decides nothing
    assert vitis_hls.read_text().split() == STEPS[1:]


def test_a_simulation_that_disagrees_ends_it(
    vitis_hls: Path, build: Built, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv('VITIS_STUB_FAULT', 'csim_design:fail')
    assert build()[0] == 3
    assert vitis_hls.read_text().split() == STEPS[:1]


def test_a_damaged_report_is_no_figure(
    vitis_hls: Path, build: Built, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shared: Path
) -> None:
    text = (shared / 'reports' / 'vitis_hls' / 'csynth.rpt').read_text()
    (tmp_path / 'cut.rpt').write_text(text[: text.index('|+ hmodel_fn') + 60])
    monkeypatch.setenv('VITIS_STUB_REPORT', str(tmp_path / 'cut.rpt'))
    code, stages, said = build()
    assert (code, stages['hls']['status']) == (3, 'failed')
    assert 'csynth.rpt:' in said
    assert 'DA2200' in said


def test_an_unknown_part_is_the_tool_s_error(vitis_hls: Path, build: Built) -> None:
    code, _, said = build('hls.part=10AX')
    assert code == 3
    assert "Part '10AX' is not installed" in said


def test_without_the_tool(build: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('da4ml_flow.eda.tools.shutil.which', lambda program, **kw: None)
    code, _, said = build()
    assert code == 3
    assert 'vitis_hls is not installed (hls)' in said
    assert 'vitis_hls or vitis-run on PATH' in said


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['rtl.language=verilog'], 'hls with rtl.language: verilog'),
        (['rtl.language=oneapi'], 'hls with rtl.language: oneapi'),
        (['hls.part=a;exit'], 'part'),
        (['hls=null', *VIVADO], 'hls: {part: ...} makes Verilog of it, and then synthesize: {tool: vivado'),
        (['synthesize.tool=yosys'], 'synthesize with rtl.language: vitis, which is C++'),
        (['simulate={}'], 'simulate with rtl.language: vitis, which is C++'),
    ],
)
def test_what_does_not_go_together(build: Built, options: list[str], message: str) -> None:
    code, _, said = build(*options)
    assert code == 2
    assert message in said


@pytest.mark.parametrize('options', [{'part': 'a;exit'}, {'part': '[exit]'}, {'part': 'a', 'program': 'sh'}])
def test_the_tool_refuses_names_that_tcl_would_read(
    vitis_hls: Path, build: Built, tmp_path: Path, options: dict[str, str]
) -> None:
    assert build('hls=null')[0] == 0
    (rtl,) = (tmp_path / 'build' / 'net').glob('emit-*/rtl')
    with pytest.raises(Da4mlError, match=r'cannot be a name in a script of Vitis HLS|is not run by'):
        fusesoc.configure('da4ml:kernels:net:0.1.0', 'vitis', cores=(rtl,), directory=tmp_path / 'r', options=options)


@pytest.mark.parametrize(
    ('options', 'stages'),
    [
        ([], ()),
        (['hls.part=xc7z020-clg400-1'], ('hls',)),
        (['rtl.clock_ns=4.0'], ('emit', 'hls', 'collect')),
        (['hls.timeout_s=100'], ()),
    ],
)
def test_exactly_these_stages_run_again(
    vitis_hls: Path, build: Built, options: list[str], stages: tuple[str, ...]
) -> None:
    assert build()[0] == 0
    _, again, _ = build(*options)
    assert tuple(name for name, stage in again.items() if not stage['cached']) == stages


@pytest.mark.parametrize('sent', [signal.SIGINT, signal.SIGKILL])
def test_a_signal_while_it_synthesizes(
    vitis_hls: Path, build: Built, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sent: signal.Signals
) -> None:
    """Nothing goes on running, and the next build begins with the step that was broken off."""
    monkeypatch.setenv('VITIS_STUB_FAULT', 'csynth_design:hang')
    process = subprocess.Popen(
        [sys.executable, '-m', 'da4ml_flow.cli.main', 'build', 'net.yaml'],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(path for path in sys.path if path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (vitis_hls.exists() and STEPS[1] in vitis_hls.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(sent)
    _, said = process.communicate(timeout=30)
    assert process.returncode == (130 if sent == signal.SIGINT else -9), said
    assert 'Traceback' not in said
    no_orphans(tmp_path / 'build')
    monkeypatch.delenv('VITIS_STUB_FAULT')
    vitis_hls.write_text('')
    assert build()[0] == 0
    assert vitis_hls.read_text().split() == STEPS[1:]
