"""Yosys for real: cell counts of a small kernel that can be checked by hand."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from example_programs import EVERYTHING

from da4ml_core.cmvm import solve
from da4ml_core.codegen import emit_rtl, emit_verilog, emit_vhdl
from da4ml_core.device import device
from da4ml_core.ir import Program
from da4ml_core.ir.text import parse_program
from da4ml_core.passes.area import lut_estimate
from da4ml_core.passes.schedule import schedule
from da4ml_core.trace import Tracer
from da4ml_flow.eda.backends import yosys
from da4ml_flow.eda.core_file import write_core
from da4ml_flow.eda.usage import read_usage
from da4ml_flow.errors import ToolFailed

pytestmark = pytest.mark.eda


@pytest.fixture(autouse=True)
def _tools(need: Callable[..., None]) -> None:
    need('yosys', 'make')


def test_xilinx_counts(write_pair: Callable[..., Any], tmp_path: Path) -> None:
    done = yosys.synthesize(write_pair().rtl, 'xcup', tmp_path / 'synth')
    counted = done.resources
    assert counted.ffs == 7 + 6 + 5
    assert 6 <= counted.luts_logic <= 13
    assert 2 <= counted.carry <= 4
    assert (counted.luts_memory, counted.dsps, counted.brams, counted.urams) == (0, 0, 0, 0)
    assert done.log.is_file()
    assert max(usage.peak_mb for usage in read_usage(tmp_path / 'synth')) > 10


def test_the_netlist_is_the_same_text_wherever_it_was_made(write_pair: Callable[..., Any], tmp_path: Path) -> None:
    rtl = write_pair().rtl
    netlists = [yosys.synthesize(rtl, 'xcup', tmp_path / folder / 'synth').netlist for folder in ('a', 'b')]
    first, second = (gzip.decompress(netlist.read_bytes()) for netlist in netlists)
    assert first == second
    assert b'module pair(' in first
    assert b'CARRY' in first
    assert netlists[0].read_bytes() == netlists[1].read_bytes()  # no time in its header


def test_ecp5_counts(write_pair: Callable[..., Any], tmp_path: Path) -> None:
    counted = yosys.synthesize(write_pair().rtl, 'ecp5', tmp_path / 'synth').resources
    assert counted.ffs == 7 + 6 + 5
    assert counted.luts >= 2 * counted.carry


@pytest.mark.parametrize(('family', 'part'), [('xcup', 'xilinx-us+'), ('xc7', 'xilinx-7')])
def test_adders_of_three_operands_take_the_luts_that_are_estimated(family: str, part: str, tmp_path: Path) -> None:
    matrix = [[7, 21, -3], [-11, 5, 9], [13, 0, 6], [4, -19, 1], [2, 27, -30]]
    program = solve(matrix, device=part, max_operands=None).program
    write_core(emit_verilog(schedule(program, max_levels=2), 'kernel'), 'kernel', tmp_path / 'rtl')
    counted = yosys.synthesize(tmp_path / 'rtl', family, tmp_path / 'synth').resources
    assert any(len(op.operands) == 3 for op in program.ops)
    assert counted.luts_logic == pytest.approx(lut_estimate(program, device(part)), rel=0.07)


def activations(bits: int) -> Program:
    """Two tables of each of four inputs, and a sum that reads the same inputs."""
    tracer = Tracer('activations')
    x = tracer.input((4,)).quantize(True, 2, bits - 3, 'RND', 'SAT')
    tanh = np.tanh(x).quantize(True, 0, 7, 'RND', 'SAT')
    exp = np.exp(-x).quantize(False, 4, 4, 'RND', 'SAT')
    return tracer.finish(np.concatenate([tanh * 2 + exp, np.maximum(x, 1 - x) + tanh]))


@pytest.mark.parametrize('language', ['verilog', 'vhdl'])
@pytest.mark.parametrize('family', ['xcup', pytest.param('ecp5', marks=pytest.mark.slow)])
@pytest.mark.parametrize('bits', [5, 8])
def test_tables_behind_registers_are_luts_and_share_the_registers(
    need: Callable[..., None], language: str, family: str, bits: int, tmp_path: Path
) -> None:
    if language == 'vhdl':
        need('ghdl')
    plan = schedule(activations(bits), stages=1)
    emit = emit_vhdl if language == 'vhdl' else emit_verilog
    write_core(emit(plan, 'kernel'), 'kernel', tmp_path / 'rtl')
    counted = yosys.synthesize(tmp_path / 'rtl', family, tmp_path / 'synth').resources
    assert (counted.luts_memory, counted.brams) == (0, 0)
    assert counted.ffs <= plan.register_bits
    if family == 'xcup':
        assert counted.luts < 1.6 * lut_estimate(plan.program, device('xilinx-us+'))


def test_a_broken_source_is_a_failed_tool(write_pair: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(ToolFailed) as caught:
        yosys.synthesize(write_pair('module pair', 'module other').rtl, 'xcup', tmp_path / 'synth')
    assert 'pair' in caught.value.notes[0]
    assert 'ERROR' in caught.value.notes[0]


@pytest.mark.parametrize('language', ['verilog', 'vhdl'])
def test_values_wait_in_flip_flops_where_shift_registers_are_forbidden(
    language: str, need: Callable[..., None], tmp_path: Path
) -> None:
    if language == 'vhdl':
        need('ghdl')
    plan = schedule(parse_program(EVERYTHING), stages=8)
    counted = []
    for allowed in (True, False):
        rtl, synth = tmp_path / f'rtl_{allowed}', tmp_path / f'synth_{allowed}'
        write_core(emit_rtl(plan, 'kernel', language, shift_registers=allowed), 'kernel', rtl)
        counted.append(yosys.synthesize(rtl, 'xcup', synth).resources)
    free, kept = counted
    assert free.luts_memory > 0
    assert kept.luts_memory == 0
    assert kept.ffs > free.ffs + 3 * free.luts_memory // 2
