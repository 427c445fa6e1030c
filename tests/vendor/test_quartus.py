"""Quartus' flow against a strict stand-in in tclsh that plays back recorded reports."""

from collections.abc import Callable
from pathlib import Path

import pytest

from da4ml_core.errors import Da4mlError
from da4ml_flow.config.model import ImplementConfig
from da4ml_flow.eda import core_file, fusesoc
from da4ml_flow.eda.backends import quartus as backend
from da4ml_flow.errors import ToolFailed, ToolTimeout
from da4ml_flow.stages.base import StageOutcome
from da4ml_flow.stages.implement import Implement

PART = 'AGFB014R24B2E2V'


@pytest.mark.parametrize(('edition', 'first'), [('Pro', 'syn'), ('Standard', 'map')])
def test_implementation(
    quartus: Path,
    run_stage: Callable[..., StageOutcome],
    monkeypatch: pytest.MonkeyPatch,
    edition: str,
    first: str,
) -> None:
    monkeypatch.setenv('QUARTUS_STUB_EDITION', edition)
    section = {'tool': 'quartus', 'part': PART, 'strategy': 'timing', 'retiming': True}
    outcome = run_stage(Implement(), implement=section)
    assert quartus.read_text().split() == [first, 'fit', 'sta']
    values = {metric.name: metric.value for metric in outcome.metrics}
    assert values.items() >= {'alms': 2657, 'luts': 4381, 'ffs': 4260, 'dsps': 40, 'brams': 8}.items()
    assert {'wns_ns', 'fmax_mhz', 'peak_mb', 'cpu_s'} <= values.keys()
    assert {(metric.tool, metric.part) for metric in outcome.metrics} == {('quartus', PART)}
    assert outcome.tools[0].version == '25.1.0'
    assert 'implement_vmodel.sta' in outcome.artifacts


def test_a_design_without_a_clock(quartus: Path, unclocked_rtl: Path, tmp_path: Path) -> None:
    backend.measure_kernel(unclocked_rtl, PART, tmp_path / 'run', clock_ns=5)
    assert 'get_ports' not in (tmp_path / 'run' / 'work' / 'clock.sdc').read_text()


def test_vhdl(quartus: Path, vhdl_rtl: Path, tmp_path: Path) -> None:
    backend.measure_kernel(vhdl_rtl, PART, tmp_path / 'run', clock_ns=5)
    assert 'VHDL_FILE ' in (tmp_path / 'run' / 'work' / 'synth.tcl').read_text()


def test_a_failure_names_the_first_error(
    quartus: Path, rtl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('QUARTUS_STUB_FAULT', 'fit:fail')
    with pytest.raises(ToolFailed) as error:
        backend.measure_kernel(rtl, PART, tmp_path / 'run', clock_ns=5)
    assert 'Error (170012): Fitter requires 9000 ALMs' in str(error.value)


@pytest.mark.parametrize(('fault', 'kind'), [('die', ToolFailed), ('hang', ToolTimeout)])
def test_a_tool_that_dies_or_hangs(
    quartus: Path,
    rtl: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    kind: type[Exception],
) -> None:
    monkeypatch.setenv('QUARTUS_STUB_FAULT', f'fit:{fault}')
    with pytest.raises(kind):
        backend.measure_kernel(rtl, PART, tmp_path / 'run', clock_ns=5, timeout_s=3)
    work = tmp_path / 'run' / 'work'
    assert (work / 'synth.done').exists()
    assert not (work / 'fit.done').exists()


def test_an_unknown_part(quartus: Path, rtl: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolFailed) as error:
        backend.measure_kernel(rtl, '10AX', tmp_path / 'run', clock_ns=5)
    assert 'Part name is illegal: 10AX' in str(error.value)


@pytest.mark.parametrize('options', [{'part': 'a;exit'}, {'part': 'a', 'mode': '[exit]'}, {'part': 'a$b'}])
def test_the_tool_refuses_names_that_tcl_would_read(rtl: Path, tmp_path: Path, options: dict[str, str]) -> None:
    with pytest.raises(Da4mlError) as error:
        fusesoc.configure(
            core_file.load_core_name(rtl), 'quartus', cores=(rtl,), directory=tmp_path / 'run', options=options
        )
    assert 'cannot be a name in a script of Quartus' in str(error.value)


def test_directives_are_vivado_s() -> None:
    with pytest.raises(ValueError, match='directives is not for quartus'):
        ImplementConfig(tool='quartus', part=PART, directives={'place': 'Explore'})
