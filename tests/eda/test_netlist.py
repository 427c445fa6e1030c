"""What Yosys makes of a design is the design: the netlist that is counted is proved equal to the program."""

import gzip
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hdl_tools import yosys as run_yosys
from primitive_proofs import VENDOR_CELLS
from random_programs import random_program

import da4ml_core as dc
from da4ml_core.codegen import emit_rtl
from da4ml_core.codegen.reference import reference_verilog
from da4ml_core.ir.opcode import Opcode
from da4ml_core.ir.program import Program
from da4ml_core.passes.schedule import schedule
from da4ml_flow.eda.backends import yosys
from da4ml_flow.eda.core_file import write_core
from da4ml_flow.errors import ToolFailed

pytestmark = pytest.mark.eda
CELLS = ('LUT1', 'LUT2', 'LUT3', 'LUT4', 'LUT5', 'LUT6', 'LUT6_2', 'INV', 'CARRY4', 'CARRY8', 'MUXF7', 'MUXF8', 'MUXF9')


@pytest.fixture(autouse=True)
def _tools(need: Callable[..., None]) -> None:
    need('yosys', 'make')


def prove_netlist(program: Program, language: str, directory: Path) -> None:
    bundle = emit_rtl(schedule(program), 'kernel', language)
    write_core(bundle, 'kernel', directory / 'rtl')
    made = yosys.synthesize(directory / 'rtl', 'xcup', directory / 'synth')
    (directory / 'netlist.v').write_bytes(gzip.decompress(made.netlist.read_bytes()))
    (directory / 'program.v').write_text(reference_verilog(program, 'kernel', bundle.inputs, bundle.outputs))
    vendor = [line for line in VENDOR_CELLS if not line.startswith('select')]
    vendor.insert(2, f'select -set others * {" ".join(f"{cell} %d" for cell in CELLS)}')
    script = []
    for side, read in (('golden', ['read_verilog program.v']), ('gate', [*vendor, 'read_verilog netlist.v'])):
        script += ['design -reset', *read, 'hierarchy -top kernel', 'proc', 'flatten', 'opt', f'design -stash {side}']
    script += [f'design -copy-from {side} -as {side} kernel' for side in ('golden', 'gate')]
    script += ['miter -equiv -flatten -make_assert golden gate miter', 'sat -verify -prove-asserts miter']
    assert 'SAT proof finished - no model found: SUCCESS!' in run_yosys('\n'.join(script), directory)


@pytest.mark.parametrize('language', ['verilog', pytest.param('vhdl', marks=pytest.mark.slow)])
def test_netlists_of_random_programs(language: str, need: Callable[..., None], tmp_path: Path) -> None:
    if language == 'vhdl':
        need('ghdl')
    program = random_program(random.Random(3), 30, max_width=8, without=(Opcode.MUL, Opcode.LOOKUP))
    prove_netlist(program, language, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize('language', ['verilog', 'vhdl'])
def test_the_netlist_of_a_jet_tagger(language: str, need: Callable[..., None], shared: Path, tmp_path: Path) -> None:
    """Of its bits some went through kept nets from a rectifier to an output, and were lost in the mapping to LUTs."""
    if language == 'vhdl':
        need('ghdl')
    prove_netlist(dc.load_model(shared / 'models' / 'hgq2' / 'jsc_openml_acc73.3.keras'), language, tmp_path)


def test_two_drivers_are_a_failed_tool(write_pair: Callable[..., Any], tmp_path: Path) -> None:
    """Yosys takes one of them, with no more than a warning."""
    rtl = write_pair('endmodule', '  assign y[0] = x[0] ^ x[1];\nendmodule').rtl
    with pytest.raises(ToolFailed, match='driver') as caught:
        yosys.synthesize(rtl, 'xcup', tmp_path / 'synth')
    assert 'yosys.log' in str(caught.value)
