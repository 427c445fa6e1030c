"""FuseSoC as a library: nothing outside its directory is read or written, and one use does not change the next."""

import logging
import warnings
from pathlib import Path

import pytest

from da4ml_core.codegen.bundle import PortField, RtlBundle
from da4ml_core.fixed import FixedType
from da4ml_core.ir.opcode import Quantization
from da4ml_flow.eda import core_file, fusesoc, tools
from da4ml_flow.errors import ToolFailed, ToolTimeout

CORE = 'da4ml:kernels:wire:0.1.0'


@pytest.fixture
def rtl(tmp_path: Path) -> Path:
    bit = PortField(0, 0, Quantization(FixedType(False, 1, 0)))
    text = 'module wire_top (input wire x, output wire y);\n  assign y = x;\nendmodule\n'
    bundle = RtlBundle('wire_top', 'verilog', {'wire_top.v': text}, (), (bit,), (bit,), False, 0)
    core_file.write_core(bundle, 'wire', tmp_path / 'rtl')
    return tmp_path / 'rtl'


def test_a_target_becomes_a_makefile(rtl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / 'home'
    home.mkdir()
    monkeypatch.setenv('HOME', str(home))
    monkeypatch.setenv('FUSESOC_CORES', '/no/such/library')
    project = fusesoc.configure(CORE, 'lint', cores=[rtl], directory=tmp_path / 'w')
    assert project.root == tmp_path / 'w' / 'work'
    assert 'verilator -f da4ml_kernels_wire_0.1.0.vc' in (project.root / 'Makefile').read_text()
    assert (project.root / 'src' / 'da4ml_kernels_wire_0.1.0' / 'wire_top.v').is_file()
    assert (tmp_path / 'w' / 'FUSESOC_IGNORE').exists()
    assert list(home.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ['home', 'rtl', 'w']


def test_options_of_one_use_do_not_reach_the_next(rtl: Path, tmp_path: Path) -> None:
    for name, option in (('a', '-Wno-fatal'), ('b', '-Wno-style')):
        fusesoc.configure(CORE, 'lint', cores=[rtl], directory=tmp_path / name, options={'verilator_options': option})
    text = (tmp_path / 'b' / 'work' / 'da4ml_kernels_wire_0.1.0.vc').read_text()
    assert '-Wno-style' in text
    assert '-Wno-fatal' not in text


def test_the_process_keeps_its_logging_and_warnings(
    rtl: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def state() -> tuple[object, ...]:
        loggers = [logging.getLogger(name) for name in ('', 'fusesoc', 'edalize')]
        return (*[(list(log.handlers), log.level, log.propagate) for log in loggers], warnings.formatwarning)

    before = state()
    fusesoc.configure(CORE, 'synth', cores=[rtl], directory=tmp_path / 'w')
    with pytest.raises(ToolFailed):
        fusesoc.configure(CORE, 'synth', cores=[rtl], directory=tmp_path / 'v', options={'no_such_option': '1'})
    assert state() == before
    assert capfd.readouterr() == ('', '')
    assert 'Preparing da4ml:kernels:wire:0.1.0' in (tmp_path / 'w' / 'fusesoc.log').read_text()
    assert 'unrecognized arguments' in (tmp_path / 'v' / 'fusesoc.log').read_text()


@pytest.mark.parametrize(
    ('core', 'target'),
    [('da4ml:kernels:other:0.1.0', 'lint'), (CORE, 'no_such_target'), ('not a name', 'lint')],
)
def test_what_cannot_be_set_up_is_a_failed_tool(core: str, target: str, rtl: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match='cannot set up') as caught:
        fusesoc.configure(core, target, cores=[rtl], directory=tmp_path / 'w')
    assert caught.value.location.path == str(tmp_path / 'w' / 'fusesoc.log')


def test_a_missing_dependency_is_named(rtl: Path, tmp_path: Path) -> None:
    path = rtl / 'wire_top.core'
    path.write_text(path.read_text().replace('  rtl:\n', "  rtl:\n    depend: ['da4ml:ip:nowhere']\n", 1))
    with pytest.raises(ToolFailed, match='da4ml_ip_nowhere'):
        fusesoc.configure(CORE, 'lint', cores=[rtl], directory=tmp_path / 'w')


def test_a_core_file_that_does_not_parse(rtl: Path, tmp_path: Path) -> None:
    (rtl / 'broken.core').write_text('CAPI=2:\nname: da4ml:kernels:broken:0.1.0\nno_such_key: 1\n')
    with pytest.raises(ToolFailed) as caught:
        fusesoc.configure(CORE, 'lint', cores=[rtl], directory=tmp_path / 'w')
    assert caught.value.location.path == str(rtl / 'broken.core')


def stand_in(tmp_path: Path, text: str) -> tools.Tool:
    path = tmp_path / 'stand_in'
    path.write_text(f'#!/bin/sh\n{text}\n')
    path.chmod(0o755)
    return tools.Tool('verilator', '0', (str(path),), path, 'path')


def test_make_runs_the_tools_it_is_given(rtl: Path, tmp_path: Path) -> None:
    project = fusesoc.configure(CORE, 'lint', cores=[rtl], directory=tmp_path / 'w')
    done = fusesoc.build(project, [stand_in(tmp_path, 'echo "stand-in $*"')])
    assert 'stand-in -f da4ml_kernels_wire_0.1.0.vc' in done.log.read_text()


def test_a_tool_that_fails_below_make(rtl: Path, tmp_path: Path) -> None:
    project = fusesoc.configure(CORE, 'lint', cores=[rtl], directory=tmp_path / 'w')
    with pytest.raises(ToolFailed) as caught:
        fusesoc.build(project, [stand_in(tmp_path, 'echo "%Error: x.v:1:1: no such thing"; exit 1')], hint='advice')
    assert caught.value.notes == ('%Error: x.v:1:1: no such thing',)
    assert caught.value.hint == 'advice'


def test_a_tool_that_hangs_below_make(rtl: Path, tmp_path: Path) -> None:
    project = fusesoc.configure(CORE, 'lint', cores=[rtl], directory=tmp_path / 'w')
    with pytest.raises(ToolTimeout):
        fusesoc.build(project, [stand_in(tmp_path, 'sleep 60')], timeout_s=0.5)


def test_nothing_to_run(rtl: Path, tmp_path: Path) -> None:
    project = fusesoc.configure(CORE, 'synth', cores=[rtl], directory=tmp_path / 'w')
    with pytest.raises(ToolFailed, match='nothing to run'):
        fusesoc.execute(project, [])


def test_libraries_have_versions() -> None:
    assert [library.name for library in fusesoc.libraries()] == ['fusesoc', 'edalize']
