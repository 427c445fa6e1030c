"""Emitted VHDL: its text, what GHDL says about it, and that it computes what the reference interpreter does."""

import random
import re
from pathlib import Path

import pytest
from example_programs import EVERYTHING
from ghdl_tools import VHDL_IP_SOURCES, analyze, ghdl
from hdl_tools import IP_SOURCES, yosys
from kernel_simulation import Kernel, mismatches, random_kernel
from random_programs import random_program

from da4ml_core.codegen import RtlBundle, emit_verilog, emit_vhdl
from da4ml_core.errors import CodegenError
from da4ml_core.ir import Opcode
from da4ml_core.ir.text import parse_program
from da4ml_core.ir.verify import verify
from da4ml_core.passes.schedule import schedule

GOLDEN = Path(__file__).parents[2] / 'golden' / 'rtl'
PROGRAMS = 100

# Ports and values of one bit, signed and unsigned, a literal operand, and a conversion of a value padded with zeros.
NARROW = """
program narrow
inputs (2,)
outputs (5,)
%0 = input x[0] fixed<0,0> TRN WRAP : [-1, 0]
%1 = input x[1] ufixed<1,0> TRN WRAP : [0, 1]
%2 = add %0, %1 : [-1, 1]
%3 = quantize %2 to fixed<2,3> RND SAT : [-8, 8]*2^-3
%4 = quantize %1 to ufixed<0,2> TRN SAT : [0, 3]*2^-2
%5 = neg %0 : [0, 1]
%6 = const : [1, 1]
%7 = add %6, -%1 : [0, 1]
return %2<<1, %3, %4, %5, %7
"""


def emitted(text: str, max_levels: int | None = None, top: str = 'kernel') -> RtlBundle:
    return emit_vhdl(schedule(verify(parse_program(text)), max_levels), top)


@pytest.mark.parametrize(('name', 'max_levels'), [('everything', None), ('everything_pipelined', 1)])
def test_the_text_is_the_golden_one(name, max_levels, update_golden):
    bundle = emitted(EVERYTHING, max_levels, name)
    (text,) = bundle.files.values()
    path = GOLDEN / f'{name}.vhd'
    if update_golden:
        path.write_text(text)
    assert text == path.read_text()


def test_the_text_is_the_same_every_time():
    assert emitted(EVERYTHING, 2) == emitted(EVERYTHING, 2)


@pytest.mark.parametrize('max_levels', [None, 1])
def test_the_facts_are_those_of_the_verilog(max_levels):
    plan = schedule(parse_program(EVERYTHING), max_levels)
    verilog, vhdl = emit_verilog(plan, 'kernel').interface(), emit_vhdl(plan, 'kernel').interface()
    assert vhdl == {**verilog, 'language': 'vhdl', 'files': ['kernel.vhd']}


@pytest.mark.parametrize('top', ['signal', 'Work', 'ieee', 'std_logic', 'da4ml_relu'])
def test_a_top_that_vhdl_could_not_bear(top):
    with pytest.raises(CodegenError, match=f"the top module '{top}' is reserved"):
        emitted(EVERYTHING, top=top)


def test_comments_stay_on_their_line():
    text = EVERYTHING.replace('Everything (at once)', 'Ω model').replace('; dense', '; synopsys translate_off')
    (content,) = emitted(text).files.values()
    assert content.isascii()
    assert '    -- == synopsys translate_off' in content


def test_no_tool_needs_expressions_in_port_maps():
    """Every actual is a signal, a slice of one, or a literal, as in VHDL-93."""
    for seed in range(20):
        *_, text = random_kernel(random.Random(seed), 'kernel', 20, emit_vhdl).bundle.files.values()
        for ports in re.findall(r'port map \((.*)\);', text):
            for association in re.split(r', (?=\w+(?:\(.*?\))? => )', ports):
                _, actual = association.split(' => ')
                assert re.fullmatch(r'\w+(\(\d+ downto \d+\))?|"[01]+"', actual)


@pytest.mark.eda
def test_ghdl_accepts_and_simulates_it(tmp_path):
    program = parse_program(EVERYTHING)
    corners = [(-32, 0, -8, 0, 0), (31, 7, 7, 0, 3), (0, 0, 0, 0, 0), (-1, 3, -1, 0, 1), (17, 5, 2, 0, 2)]
    kernels = [
        Kernel(emit_vhdl(schedule(program, max_levels), f'kernel_{max_levels or 0}'), program, corners)
        for max_levels in (None, 1, 2, 3)
    ]
    assert mismatches(kernels, tmp_path) == []


@pytest.mark.eda
def test_values_of_one_bit(tmp_path):
    program = verify(parse_program(NARROW))
    samples = [(x, y) for x in (-1, 0) for y in (0, 1)]
    kernels = [
        Kernel(emit_vhdl(schedule(program, max_levels), f'kernel_{max_levels or 0}'), program, samples)
        for max_levels in (None, 1)
    ]
    assert mismatches(kernels, tmp_path) == []


@pytest.mark.eda
@pytest.mark.parametrize('top', ['v0', 'x', 'clk', 'rtl', 'make_v6', 'stage_0', 'positive'])
def test_a_top_with_the_name_of_something_inside(tmp_path, top):
    (tmp_path / 'kernel.vhd').write_text(emitted(EVERYTHING, 1, top).files[f'{top}.vhd'])
    said = ghdl('-a', *map(str, VHDL_IP_SOURCES), 'kernel.vhd', directory=tmp_path)
    assert 'error' not in said
    ghdl('-e', top, directory=tmp_path)


@pytest.mark.eda
@pytest.mark.parametrize('max_levels', [None, 1])
def test_outputs_that_depend_on_no_input(tmp_path, max_levels):
    text = """
    program constant
    inputs (1,)
    outputs (2,)
    %0 = input x[0] fixed<2,0> TRN WRAP : [-4, 3]
    %1 = const : [-3, -3]
    %2 = const : [0, 0]
    return %1, %2
    """
    bundle = emitted(text, max_levels)
    assert bundle.ip_cores == ()
    assert mismatches([Kernel(bundle, parse_program(text), [(-4,), (3,)])], tmp_path) == []


@pytest.mark.eda
def test_an_output_that_is_nothing_but_a_sign(tmp_path):
    text = """
    program sign
    inputs (1,)
    outputs (2,)
    %0 = input x[0] ufixed<2,4> TRN WRAP : [0, 63]*2^-4
    %1 = quantize %0 to ufixed<6,-2> TRN SAT : [0, 0]*2^2
    %2 = quantize %1 to fixed<-2,3> TRN_ZERO SAT : [0, 1]
    return %0, %2
    """
    bundle = emitted(text)
    assert '<= (others => v2(' in bundle.files['kernel.vhd']
    assert mismatches([Kernel(bundle, parse_program(text), [(0,), (21,), (63,)])], tmp_path) == []


@pytest.mark.eda
def test_random_programs_in_simulation(tmp_path):
    rng = random.Random(29)
    kernels = [random_kernel(rng, f'kernel_{place}', rng.randint(4, 24), emit_vhdl) for place in range(PROGRAMS)]
    assert mismatches(kernels, tmp_path) == []


@pytest.mark.eda
def test_random_programs_are_proved_equal_to_their_verilog(tmp_path):
    """GHDL synthesizes the VHDL, Yosys proves by SAT; registers are matched over as many steps as the latency has."""
    rng = random.Random(31)
    for place in range(8):
        # Products of unknowns are hard for SAT: simulation compares them, and tests/ip proves the multiplier alone.
        program = random_program(rng, num_ops=16, max_width=24, without=[Opcode.MUL])
        plan = schedule(verify(program), (None, 1)[place % 2])
        bundle, gate = emit_verilog(plan, 'kernel'), emit_vhdl(plan, 'kernel').files
        (tmp_path / 'golden.v').write_text('\n'.join(bundle.files.values()))
        for name, text in gate.items():
            (tmp_path / name).write_text(text)
        assert analyze([*VHDL_IP_SOURCES, *(tmp_path / name for name in gate)], tmp_path) == ''
        (tmp_path / 'gate.v').write_text(ghdl('synth', '--out=verilog', 'kernel', directory=tmp_path))
        script = []
        for side, sources in (('golden', f'{" ".join(map(str, IP_SOURCES))} golden.v'), ('gate', 'gate.v')):
            script += [f'read_verilog {sources}', 'hierarchy -top kernel', 'proc', 'memory', 'flatten']
            script.append(f'design -stash {side}')
        settled = bundle.latency_cycles + 1
        script += [
            'design -copy-from golden -as golden kernel',
            'design -copy-from gate -as gate kernel',
            'miter -equiv -flatten -make_outputs golden gate miter',
            f'sat -verify -prove trigger 0 -seq {settled} -tempinduct -timeout 60 miter'
            if bundle.clocked
            else 'sat -verify -prove trigger 0 -timeout 60 miter',
        ]
        assert 'SUCCESS!' in yosys('\n'.join(script), tmp_path)


def test_shift_registers_can_be_forbidden():
    plan = schedule(parse_program(EVERYTHING), 1)
    allowed, forbidden = (emit_vhdl(plan, 'kernel', shift).files['kernel.vhd'] for shift in (True, False))
    assert 'shreg' not in allowed.lower()
    assert forbidden.count(': signal is "no";') > forbidden.count('SHREG_EXTRACT => 0') > 0
    assert forbidden.count('SHREG_EXTRACT => 0') == allowed.count('entity work.da4ml_delay_line')
