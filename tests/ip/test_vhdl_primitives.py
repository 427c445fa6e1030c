"""Every primitive in VHDL: clean in analysis, and equal to the definition that its Verilog is equal to."""

from __future__ import annotations

import random
import re

import pytest
from ghdl_tools import VHDL_IP_SOURCES, analyze, ghdl
from hdl_tools import IP_SOURCES, ROOT, yosys
from primitive_cases import EXHAUSTIVE_BITS, Case, all_cases, some_cases
from primitive_simulation import verilog_harness, vhdl_harness, wrong_results

PRIMITIVES = sorted(path.parents[1].name for path in IP_SOURCES)
GENERIC = re.compile(r'^        ([A-Z_]+) : \w+(?: range \d+ to \d+)? := (\d+);?$', re.MULTILINE)
PARAMETER = re.compile(r'parameter (\w+) = (\d+)')
PORT = re.compile(r'^ +(\w+) : (?:in|out) ')


@pytest.mark.parametrize('primitive', PRIMITIVES)
def test_entity_and_module_agree(primitive):
    vhdl = (ROOT / f'ip/{primitive}/rtl/da4ml_{primitive}.vhd').read_text()
    verilog = (ROOT / f'ip/{primitive}/rtl/da4ml_{primitive}.v').read_text()
    assert re.findall(r'^entity (\w+)', vhdl, re.MULTILINE) == [f'da4ml_{primitive}']
    assert GENERIC.findall(vhdl) == PARAMETER.findall(verilog)
    verilog_ports = re.findall(r'^    (?:input|output) .*?(\w+),?$', verilog, re.MULTILINE)
    lines = vhdl.splitlines()
    ports = {match[1]: lines[place - 1] for place, line in enumerate(lines) if (match := PORT.match(line))}
    assert list(ports) == verilog_ports
    assert all(line.lstrip().startswith('--') for line in ports.values())


def test_every_primitive_has_an_entity():
    assert sorted(path.parents[1].name for path in VHDL_IP_SOURCES) == PRIMITIVES


@pytest.mark.eda
def test_analysis_has_nothing_to_say(tmp_path):
    assert analyze(VHDL_IP_SOURCES, tmp_path) == ''


@pytest.mark.eda
def test_primitives_equal_their_definitions(tmp_path):
    rng = random.Random(11)
    assert wrong_results(some_cases(rng, 200), rng, tmp_path, 'vhdl') == []


@pytest.mark.eda
@pytest.mark.slow
def test_primitives_equal_their_definitions_for_all_parameters(tmp_path):
    rng = random.Random(12)
    cases = all_cases(rng)
    for start in range(0, len(cases), 1000):
        directory = tmp_path / str(start)
        directory.mkdir()
        assert wrong_results(cases[start : start + 1000], rng, directory, 'vhdl') == []


BUGS = {
    'bitwise': ('a or b', 'a xor b'),
    'delay_line': ('chain(1) <= d;', 'chain(1) <= not d;'),
    'multiplier': ("when A_SIGNED = 1 else signed('0' & a)", 'when A_SIGNED < 2'),
    'mux': ("when s(0) = '1'", "when s(0) = '0'"),
    'negate': ('resize(signed(a), TOP), A_SHIFT) when A_SIGNED = 1', 'resize(signed(a), TOP), A_SHIFT) when DROP < 99'),
    'quantize': ('half and rest when ROUNDING = 5', 'half when ROUNDING = 5'),
    'relu': ('not a(A_WIDTH - 1)', 'not a(A_WIDTH - 2)'),
    'shift_adder': ('a_full(TOP - 1 downto B_SHIFT) - b_full', 'b_full - a_full(TOP - 1 downto B_SHIFT)'),
    'ternary_adder': ('partial - c_full', 'partial + c_full'),
}


@pytest.mark.eda
def test_a_bug_in_any_primitive_is_caught(tmp_path):
    sources = []
    for primitive, (right, wrong) in BUGS.items():
        text = (ROOT / f'ip/{primitive}/rtl/da4ml_{primitive}.vhd').read_text()
        assert right in text
        sources.append(tmp_path / f'da4ml_{primitive}.vhd')
        sources[-1].write_text(text.replace(right, wrong))
    rng = random.Random(15)
    found = wrong_results(some_cases(rng, 40), rng, tmp_path, 'vhdl', sources)
    assert {line.split("'")[1] for line in found} == BUGS.keys()


@pytest.mark.eda
def test_wide_primitives_are_proved_equal_to_the_verilog_by_sat(tmp_path):
    """Combinational primitives whose operands are too wide to try all codes, synthesized by GHDL."""
    wide: dict[str, list[Case]] = {}
    for case in all_cases(random.Random(14)):
        if sum(case.operand_widths.values()) > EXHAUSTIVE_BITS and case.primitive != 'delay_line':
            plain = {key: value for key, value in case.parameters.items() if key != 'STYLE'}  # which VHDL has not
            wide.setdefault(case.primitive, []).append(case._replace(parameters=plain))
    assert wide.keys() == set(PRIMITIVES) - {'delay_line'}
    cases = [case for cases in wide.values() for case in cases[:: -(-len(cases) // 40)]]
    (tmp_path / 'golden.v').write_text(verilog_harness(cases))
    (tmp_path / 'harness.vhd').write_text(vhdl_harness(cases))
    analyze([*VHDL_IP_SOURCES, tmp_path / 'harness.vhd'], tmp_path)
    (tmp_path / 'gate.v').write_text(ghdl('synth', '--out=verilog', 'harness', directory=tmp_path))
    script = []
    for side, sources in (('golden', f'{" ".join(map(str, IP_SOURCES))} golden.v'), ('gate', 'gate.v')):
        script += [f'read_verilog {sources}', 'hierarchy -top harness', 'proc', 'flatten', f'design -stash {side}']
    script += [
        'design -copy-from golden -as golden harness',
        'design -copy-from gate -as gate harness',
        'miter -equiv -flatten -make_assert golden gate miter',
        'opt -full',
        'sat -verify -prove-asserts -timeout 60 miter',
    ]
    assert 'SAT proof finished - no model found: SUCCESS!' in yosys('\n'.join(script), tmp_path)
