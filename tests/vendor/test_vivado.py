"""Vivado's flow against a strict stand-in in tclsh that plays back recorded reports."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from da4ml_core.errors import Da4mlError
from da4ml_flow.config.model import BuildConfig, ModelConfig, SynthesizeConfig
from da4ml_flow.eda import core_file, fusesoc, tools
from da4ml_flow.eda.backends import vivado as backend
from da4ml_flow.errors import ToolFailed, ToolTimeout
from da4ml_flow.stages.base import StageOutcome
from da4ml_flow.stages.implement import Implement
from da4ml_flow.stages.synthesize import Synthesize

PART = 'xcvu13p-flga2577-2-e'
STEPS = ['synth_design', 'opt_design', 'place_design', 'phys_opt_design', 'route_design']


def values(outcome: StageOutcome) -> dict[str, float]:
    return {metric.name: metric.value for metric in outcome.metrics}


def test_synthesis(vivado: Path, run_stage: Callable[..., StageOutcome]) -> None:
    outcome = run_stage(Synthesize(), synthesize={'tool': 'vivado', 'part': PART})
    assert vivado.read_text().split() == STEPS[:1]
    assert values(outcome)['luts'] == 4855
    assert {'synth_s', 'cpu_s', 'peak_mb', 'power_w', 'wns_ns'} <= values(outcome).keys()
    assert {(metric.tool, metric.part) for metric in outcome.metrics} == {('vivado', PART)}
    assert {'synthesize_synth_utilization', 'synthesize_synth_drc', 'synthesize_log_synth'} <= outcome.artifacts.keys()
    assert outcome.tools[0].version == '2025.1'


def test_implementation_has_the_figures_of_the_routed_design(
    vivado: Path, run_stage: Callable[..., StageOutcome]
) -> None:
    outcome = run_stage(Implement(), implement={'tool': 'vivado', 'part': PART, 'clock_ns': 5.0})
    assert vivado.read_text().split() == STEPS
    known = {'luts': 5804, 'ffs': 3420, 'carry': 666, 'dsps': 80, 'wns_ns': 0.822, 'tns_ns': 0, 'whs_ns': -0.267}
    assert values(outcome).items() >= {**known, 'clock_ns': 5.0}.items()
    assert values(outcome)['fmax_mhz'] == pytest.approx(1000 / (5 - 0.822))
    assert outcome.ok
    kinds = ('utilization', 'hierarchy', 'timing', 'paths', 'power', 'drc', 'congestion')
    assert {f'implement_route_{kind}' for kind in kinds} <= outcome.artifacts.keys()
    root = outcome.artifacts['implement_route_timing'].parents[1]
    assert not list(root.glob('*.bit'))
    assert {path.stem for path in root.glob('*.dcp')} == {'synth', 'opt', 'place', 'phys_opt', 'route'}


@pytest.mark.parametrize('step', ['synth', 'opt', 'place', 'phys_opt', 'route'])
def test_each_step_has_its_reports(vivado: Path, rtl: Path, tmp_path: Path, step: str) -> None:
    done = backend.measure_kernel(rtl, PART, tmp_path / 'run', clock_ns=5, last_step=step)
    assert {f'{step}_utilization', f'{step}_hierarchy', f'{step}_timing', f'{step}_paths'} <= {
        path.stem for path in done.reports
    }


@pytest.mark.parametrize('version', ['2019.2', '2021.1', '2022.1', '2025.1.1'])
def test_retiming_by_version(
    vivado: Path, rtl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setenv('VIVADO_STUB_VERSION', version)
    backend.measure_kernel(rtl, PART, tmp_path / 'run', clock_ns=5, last_step='synth', retiming=True)
    assert vivado.read_text().split() == ['synth_design']


def test_a_design_without_a_clock(vivado: Path, unclocked_rtl: Path, tmp_path: Path) -> None:
    backend.measure_kernel(unclocked_rtl, PART, tmp_path / 'run', clock_ns=5, last_step='synth')
    assert 'get_ports clk' not in (tmp_path / 'run' / 'work' / 'clock.xdc').read_text()


def test_vhdl_is_read_as_it_is(vivado: Path, vhdl_rtl: Path, tmp_path: Path) -> None:
    done = backend.measure_kernel(vhdl_rtl, PART, tmp_path / 'run', clock_ns=5, last_step='synth')
    assert done.figures['luts'] == 4855
    assert 'read_vhdl -vhdl2008 ' in (tmp_path / 'run' / 'work' / 'synth.tcl').read_text()


def test_directives(vivado: Path, rtl: Path, tmp_path: Path) -> None:
    directives = {**backend.STRATEGIES['timing'], 'place': 'Explore'}
    backend.measure_kernel(rtl, PART, tmp_path / 'run', clock_ns=5, last_step='place', directives=directives)
    work = tmp_path / 'run' / 'work'
    assert 'place_design -directive Explore\n' in (work / 'place.tcl').read_text()
    assert '-directive PerformanceOptimized' in (work / 'synth.tcl').read_text()


def test_an_unknown_directive_is_the_tool_s_error(vivado: Path, rtl: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolFailed) as error:
        backend.measure_kernel(
            rtl, PART, tmp_path / 'run', clock_ns=5, last_step='synth', directives={'synth': 'Fastest'}
        )
    assert 'no directive Fastest' in str(error.value)


def test_a_failure_names_the_first_error(
    vivado: Path, rtl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('VIVADO_STUB_FAULT', 'place_design:fail')
    with pytest.raises(ToolFailed) as error:
        backend.measure_kernel(rtl, PART, tmp_path / 'run', clock_ns=5)
    assert 'requires more CARRY8 cells than are available' in str(error.value)


@pytest.mark.parametrize('fault', ['fail', 'die', 'full', 'hang'])
def test_what_was_finished_is_not_run_again(
    vivado: Path,
    run_stage: Callable[..., StageOutcome],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    section = {'tool': 'vivado', 'part': PART, 'timeout_s': 3.0 if fault == 'hang' else None}
    monkeypatch.setenv('VIVADO_STUB_FAULT', f'place_design:{fault}')
    begin = time.monotonic()
    with pytest.raises(ToolTimeout if fault == 'hang' else ToolFailed):
        run_stage(Implement(), name='first', implement=section)
    assert time.monotonic() - begin < 20
    assert vivado.read_text().split() == STEPS[:3]
    assert not (tmp_path / 'first' / 'vivado' / 'work' / 'place.dcp').exists()
    monkeypatch.delenv('VIVADO_STUB_FAULT')
    vivado.write_text('')
    outcome = run_stage(Implement(), name='second', earlier=tmp_path / 'first', implement=section)
    assert vivado.read_text().split() == STEPS[2:]
    assert values(outcome)['luts'] == 5804


def test_checkpoints_of_other_scripts_are_not_taken(vivado: Path, rtl: Path, tmp_path: Path) -> None:
    backend.measure_kernel(rtl, PART, tmp_path / 'one', clock_ns=5, last_step='opt')
    vivado.write_text('')
    directives = {'synth': 'AreaOptimized_high'}
    backend.measure_kernel(
        rtl, PART, tmp_path / 'two', clock_ns=5, last_step='opt', directives=directives, earlier=tmp_path / 'one'
    )
    assert vivado.read_text().split() == STEPS[:2]


def test_nothing_is_left_running_after_a_timeout(
    vivado: Path, rtl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('VIVADO_STUB_FAULT', 'synth_design:hang')
    with pytest.raises(ToolTimeout):
        backend.measure_kernel(rtl, PART, tmp_path / 'run', clock_ns=5, timeout_s=1.0)
    work, deadline = tmp_path / 'run' / 'work', time.monotonic() + 10
    while (running := _running_in(work)) and time.monotonic() < deadline:
        time.sleep(0.05)  # a killed process needs a moment to end
    for process in running:
        os.kill(int(process.name), signal.SIGKILL)
    assert not running


def _running_in(folder: Path) -> list[Path]:
    return [process for process in Path('/proc').iterdir() if process.name.isdigit() and _cwd(process) == folder]


def _cwd(process: Path) -> Path | None:
    try:
        return (process / 'cwd').readlink()
    except OSError:
        return None


@pytest.mark.parametrize('part', ['xc7; rm -rf ~', 'xc7$(id)', 'xc7\nexec id', "xc7'", 'xc7 xc8', '-part', '[exit]'])
def test_a_part_is_a_word(part: str) -> None:
    with pytest.raises(ValueError, match='part'):
        SynthesizeConfig(tool='vivado', part=part)


@pytest.mark.parametrize('word', ['xc7;exit', 'xc7 [exit]', 'xc7$x', 'xc7\nexit', 'xc7"', 'xc7{'])
def test_the_tool_refuses_names_that_tcl_would_read(rtl: Path, tmp_path: Path, word: str) -> None:
    with pytest.raises(Da4mlError) as error:
        fusesoc.configure(
            core_file.load_core_name(rtl),
            'vivado',
            cores=(rtl,),
            directory=tmp_path / 'run',
            options={'part': word},
        )
    assert 'cannot be a name in a script of Vivado' in str(error.value)


def test_a_build_folder_of_any_name(vivado: Path, rtl: Path, tmp_path: Path) -> None:
    folder = tmp_path / "it's $HOME; rm -rf x"
    done = backend.measure_kernel(rtl, PART, folder, clock_ns=5, last_step='synth')
    assert done.figures['luts'] > 0


@pytest.mark.parametrize(
    ('section', 'message'),
    [
        ({'tool': 'vivado'}, 'vivado needs a part'),
        ({'tool': 'yosys', 'part': PART}, 'part is not for yosys'),
        ({'tool': 'vivado', 'part': PART, 'family': 'xc7'}, 'family is not for vivado'),
        ({'tool': 'yosys', 'strategy': 'area'}, 'strategy is not for yosys'),
    ],
)
def test_keys_of_another_tool(section: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SynthesizeConfig(**section)


def test_settings_tell_what_decides_the_result(vivado: Path) -> None:
    def settings(**keys: object) -> object:
        section = {'tool': 'vivado', 'part': PART, **keys}
        return Synthesize().settings(BuildConfig(name='a', model=ModelConfig(source=Path('a')), synthesize=section))

    assert settings(timeout_s=5) == settings()
    assert settings(directives={'synth': 'AreaOptimized_high'}) != settings()
    assert settings(strategy='timing', directives={'synth': 'Default'}) != settings(strategy='timing')


def test_the_version_is_asked_for_where_the_path_does_not_say_it(vivado: Path) -> None:
    assert tools.find('vivado').version == '2025.1'
