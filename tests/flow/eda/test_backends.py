"""Backends with stand-ins for the tools: every way in which a tool can lie or leave nothing."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from da4ml_core.codegen.bundle import PortField, RtlBundle
from da4ml_core.fixed import FixedType
from da4ml_core.ir.opcode import Quantization
from da4ml_flow.eda import core_file
from da4ml_flow.eda.backends import nextpnr, verilator, yosys
from da4ml_flow.errors import ReportParseError, ToolFailed, ToolNotFound, ToolTimeout

STAT = '{"modules": {"wire_top": {"num_cells_by_type": {"LUT4": 3, "TRELLIS_FF": 2}}}}'
YOSYS = f"""
while [ "$1" != -s ]; do shift; done
name=$(basename "$2" .ys)
: > yosys.log
echo '{STAT}' > "$name"_stat.json
echo '{{}}' > "$name".json
"""
NEXTPNR = """
while [ "$1" != --seed ]; do shift; done
echo '{"fmax": {"clk": {"achieved": 10'$2'}}, "utilization": {"TRELLIS_FF": {"used": 9}}}' > "$4"
"""


@pytest.fixture
def rtl(tmp_path: Path) -> Path:
    bit = PortField(0, 0, Quantization(FixedType(False, 1, 0)))
    bundle = RtlBundle('wire_top', 'verilog', {'wire_top.v': ''}, (), (bit,), (bit,), False, 0)
    core_file.write_core(bundle, 'wire', tmp_path / 'rtl')
    return tmp_path / 'rtl'


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Puts a stand-in on PATH in front of everything."""
    if shutil.which('make') is None:
        pytest.skip('make is not installed')
    folder = tmp_path / 'bin'
    folder.mkdir()
    monkeypatch.setenv('PATH', f'{folder}{os.pathsep}{os.environ["PATH"]}')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))

    def write(name: str, text: str) -> None:
        path = folder / name
        path.write_text(
            f'#!/bin/sh\ncase "$*" in -V|--version|-dumpfullversion|-e*) echo "{name} 9.8.7"; exit;; esac\n{text}\n'
        )
        path.chmod(0o755)

    return write


def test_synthesis(rtl: Path, install: Callable[[str, str], None], tmp_path: Path) -> None:
    install('yosys', YOSYS)
    assert yosys.synthesize(rtl, 'ecp5', tmp_path / 'w').resources.luts == 3
    script = (tmp_path / 'w' / 'work' / 'da4ml_kernels_wire_0.1.0.ys').read_text()
    assert 'synth_ecp5 -run begin:check -top wire_top' in script


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        (STAT, 'Yosys 0.1', 'not JSON'),
        (STAT, STAT[:40], 'not JSON'),
        ('wire_top', 'other', "no module 'wire_top'"),
        ('LUT4', '$lut', 'has no known cost'),
        ('_stat.json', '_stats.json', 'there is no report'),
    ],
)
def test_a_garbage_report(
    old: str, new: str, message: str, rtl: Path, install: Callable[[str, str], None], tmp_path: Path
) -> None:
    install('yosys', YOSYS.replace(old, new))
    with pytest.raises(ReportParseError, match=message) as caught:
        yosys.synthesize(rtl, 'xcup', tmp_path / 'w')
    assert caught.value.exit_code == 3
    assert caught.value.location.path.endswith('_stat.json')


def test_a_tool_that_makes_nothing_and_says_so(rtl: Path, install: Callable[[str, str], None], tmp_path: Path) -> None:
    install('yosys', 'echo "ERROR: Module not found"; exit 1')
    with pytest.raises(ToolFailed, match='make failed') as caught:
        yosys.synthesize(rtl, 'xcup', tmp_path / 'w')
    assert caught.value.notes == ('ERROR: Module not found',)


def test_a_tool_that_dies(rtl: Path, install: Callable[[str, str], None], tmp_path: Path) -> None:
    install('yosys', 'kill -KILL $$')
    with pytest.raises(ToolFailed) as caught:
        yosys.synthesize(rtl, 'xcup', tmp_path / 'w')
    assert 'Killed' in caught.value.notes[0]


def test_a_tool_that_hangs(rtl: Path, install: Callable[[str, str], None], tmp_path: Path) -> None:
    install('yosys', 'sleep 60')
    with pytest.raises(ToolTimeout, match=r'after 0\.5 s'):
        yosys.synthesize(rtl, 'xcup', tmp_path / 'w', timeout_s=0.5)


def test_a_missing_tool(rtl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(ToolNotFound, match=r'(make|yosys) is not installed'):
        yosys.synthesize(rtl, 'xcup', tmp_path / 'w')
    assert not (tmp_path / 'w').exists()


def test_place_and_route_over_seeds(rtl: Path, install: Callable[[str, str], None], tmp_path: Path) -> None:
    install('yosys', YOSYS)
    install('nextpnr-ecp5', NEXTPNR)
    done = nextpnr.implement(rtl, 'ecp5-25k', (3, 1, 2), tmp_path / 'w', clock_ns=8)
    assert done.fmax_mhz == {3: 103, 1: 101, 2: 102}
    assert done.median_fmax_mhz == 102
    assert done.resources.ffs == 2
    makefile = (tmp_path / 'w' / 'work' / 'Makefile').read_text()
    assert '--25k' in makefile
    assert '--freq 125' in makefile


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('"clk": {"achieved": 10\'$2\'}', '', '0 clocks instead of one'),
        ('"clk":', '"a": {"achieved": 1}, "b":', '2 clocks instead of one'),
        ("10'$2'", '-1', 'not a positive number'),
        ('"fmax"', '"Fmax"', "no 'fmax'"),
        ('> "$4"', '>/dev/null', 'there is no report'),
    ],
)
def test_a_garbage_timing_report(
    old: str, new: str, message: str, rtl: Path, install: Callable[[str, str], None], tmp_path: Path
) -> None:
    install('yosys', YOSYS)
    install('nextpnr-ecp5', NEXTPNR.replace(old, new))
    with pytest.raises(ReportParseError, match=message):
        nextpnr.implement(rtl, 'ecp5-25k', (1,), tmp_path / 'w')


@pytest.mark.parametrize(
    ('model', 'message'),
    [
        ('printf abc > "$2"', 'wrote 3 bytes instead of 2'),
        ('exit 3', 'Vwire_top failed with exit status 3'),
    ],
)
def test_a_simulation_that_breaks_off(
    model: str, message: str, rtl: Path, install: Callable[[str, str], None], tmp_path: Path
) -> None:
    script = tmp_path / 'model.sh'
    script.write_text(f'#!/bin/sh\n{model}\n')
    script.chmod(0o755)
    install('verilator', f'printf "Vwire_top:\\n\\tcp {script} Vwire_top\\n" > Vwire_top.mk')
    install('c++', '')
    install('perl', '')
    with pytest.raises(ToolFailed, match=message):
        verilator.simulate(rtl, np.array([[0], [1]]), tmp_path / 'w')
