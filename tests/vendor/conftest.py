"""Stand-ins for the vendors' tools on PATH, and a kernel by the name of the one in the recorded reports."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from da4ml_core.codegen.bundle import PortField, RtlBundle
from da4ml_core.fixed import FixedType
from da4ml_core.ir.opcode import Quantization
from da4ml_flow.config.model import BuildConfig, ModelConfig
from da4ml_flow.eda import core_file
from da4ml_flow.stages.base import StageContext, StageOutcome

HERE = Path(__file__).parent
CLOCKED = """\
module vmodel (
    input wire clk,
    input wire [3:0] x,
    output wire [3:0] y
);
  reg [3:0] kept;
  always @(posedge clk) kept <= x;
  assign y = kept;
endmodule
"""
COMBINATIONAL = 'module vmodel (\n    input wire [3:0] x,\n    output wire [3:0] y\n);\n  assign y = x;\nendmodule\n'


VHDL = """\
library ieee;
use ieee.std_logic_1164.all;

entity vmodel is
  port (
    x : in std_ulogic_vector(3 downto 0);
    y : out std_ulogic_vector(3 downto 0)
  );
end entity;

architecture rtl of vmodel is
begin
  y <= x;
end architecture;
"""


def write_design(directory: Path, text: str = CLOCKED, file: str = 'vmodel.v') -> Path:
    """A core of four wires, with a register on each if it is clocked."""
    field = PortField(0, 0, Quantization(FixedType(False, 4, 0)))
    clocked, language = text is CLOCKED, 'vhdl' if text is VHDL else 'verilog'
    bundle = RtlBundle('vmodel', language, {file: text}, (), (field,), (field,), clocked, int(clocked))
    core_file.write_core(bundle, 'vmodel', directory)
    return directory


@pytest.fixture
def rtl(tmp_path: Path) -> Path:
    return write_design(tmp_path / 'rtl')


@pytest.fixture
def unclocked_rtl(tmp_path: Path) -> Path:
    return write_design(tmp_path / 'unclocked_rtl', COMBINATIONAL)


@pytest.fixture
def vhdl_rtl(tmp_path: Path) -> Path:
    return write_design(tmp_path / 'vhdl_rtl', VHDL, 'vmodel.vhd')


def install(name: str, stub: str, folder: Path) -> None:
    """A program of that name that runs a Tcl stub."""
    if shutil.which('tclsh') is None:
        pytest.skip('the stand-ins for vendor tools need tclsh')
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f'#!/bin/sh\nexec tclsh {HERE / stub} "$@"\n')
    (folder / name).chmod(0o755)


@pytest.fixture
def vivado(tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in for Vivado; returns its journal, which names the steps that it ran."""
    install('vivado', 'vivado_stub.tcl', tmp_path / 'bin')
    monkeypatch.setenv('PATH', str(tmp_path / 'bin'), prepend=':')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    monkeypatch.setenv('VIVADO_STUB_REPORTS', str(shared / 'reports' / 'vivado'))
    journal = tmp_path / 'journal'
    journal.touch()
    monkeypatch.setenv('VIVADO_STUB_JOURNAL', str(journal))
    return journal


@pytest.fixture
def quartus(tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in for Quartus; returns its journal, which names the modules that it ran."""
    install('quartus_sh', 'quartus_stub.tcl', tmp_path / 'bin')
    monkeypatch.setenv('PATH', str(tmp_path / 'bin'), prepend=':')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    monkeypatch.setenv('QUARTUS_STUB_REPORTS', str(shared / 'reports' / 'quartus'))
    monkeypatch.setenv('QUARTUS_STUB_JOURNAL', str(tmp_path / 'journal'))
    return tmp_path / 'journal'


@pytest.fixture
def vitis_hls(tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in for Vitis HLS; returns its journal, which names the steps that it ran."""
    install('vitis_hls', 'vitis_stub.tcl', tmp_path / 'bin')
    monkeypatch.setenv('PATH', str(tmp_path / 'bin'), prepend=':')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    monkeypatch.setenv('VITIS_STUB_REPORT', str(shared / 'reports' / 'vitis_hls' / 'csynth.rpt'))
    monkeypatch.setenv('VITIS_STUB_JOURNAL', str(tmp_path / 'journal'))
    return tmp_path / 'journal'


@pytest.fixture
def vivado_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in for Vivado in project mode."""
    install('vivado', 'vivado_board_stub.tcl', tmp_path / 'bin')
    monkeypatch.setenv('PATH', str(tmp_path / 'bin'), prepend=':')


@pytest.fixture
def run_stage(tmp_path: Path, rtl: Path) -> Callable[..., StageOutcome]:
    """Runs a stage on the design with the sections given."""

    def run(stage: Any, *, earlier: Path | None = None, name: str = 'stage', **sections: Any) -> StageOutcome:
        config = BuildConfig(name='vmodel', model=ModelConfig(source=tmp_path / 'model.keras'), **sections)
        directory = tmp_path / name
        directory.mkdir()
        outcome: StageOutcome = stage.run(StageContext(config, {'rtl': rtl}, directory, lambda line: None, earlier))
        assert outcome.tools == stage.tools(config)
        for path in outcome.artifacts.values():
            assert path.is_relative_to(directory)
            assert path.is_file()
        return outcome

    return run
