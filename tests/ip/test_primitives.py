"""Every primitive: clean under lint, equal to its definition, and as many LUTs as its table says."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest
from ghdl_tools import VHDL_CELL_MODELS, ghdl
from hdl_tools import CELL_MODELS, IP_SOURCES, ROOT, lint, yosys
from primitive_cases import Case, all_cases, some_cases
from primitive_proofs import PRIMITIVES, VENDOR_CELLS, proved, with_bugs
from primitive_simulation import verilog_harness, wrong_results


@pytest.mark.eda
def test_primitives_equal_their_definitions(tmp_path):
    rng = random.Random(1)
    assert wrong_results(some_cases(rng), rng, tmp_path) == []


@pytest.mark.eda
@pytest.mark.slow
def test_primitives_equal_their_definitions_for_all_parameters(tmp_path):
    rng = random.Random(2)
    cases = all_cases(rng)
    for start in range(0, len(cases), 2500):
        directory = tmp_path / str(start)
        directory.mkdir()
        assert wrong_results(cases[start : start + 2500], rng, directory) == []


@pytest.mark.eda
def test_a_bug_in_any_primitive_is_caught(tmp_path):
    rng = random.Random(5)
    found = wrong_results(some_cases(rng), rng, tmp_path, sources=with_bugs('verilog', tmp_path))
    assert {line.split("'")[1] for line in found} == set(PRIMITIVES)


@pytest.mark.eda
def test_lint_has_nothing_to_say_about_any_parameters(tmp_path):
    verilog = verilog_harness(some_cases(random.Random(3)))
    # The harness itself is not under test: its x is wider than any case.
    (tmp_path / 'harness.v').write_text(
        f'/* verilator lint_off UNUSEDSIGNAL */\n{verilog}/* verilator lint_on UNUSEDSIGNAL */\n'
    )
    assert lint([tmp_path / 'harness.v', *IP_SOURCES, CELL_MODELS], 'harness') == ''


@pytest.mark.eda
@pytest.mark.parametrize('primitive', PRIMITIVES)
def test_lint_of_a_primitive_alone(primitive):
    assert lint([ROOT / f'ip/{primitive}/rtl/da4ml_{primitive}.v'], f'da4ml_{primitive}') == ''


@pytest.mark.eda
@pytest.mark.parametrize('language', ['verilog', 'vhdl'])
@pytest.mark.parametrize('primitive', PRIMITIVES)
def test_sat_proves_a_primitive_and_refutes_it_with_a_bug(primitive, language, tmp_path):
    """A dozen parameterisations, most of them wide; `make prove` takes all."""
    rng = random.Random(4)
    cases = [case for case in all_cases(rng) if case.primitive == primitive]
    wide = [case for case in cases if case.output_bits > 12]
    chosen = [*rng.sample(wide, min(6, len(wide))), *rng.sample(cases, 6)]
    assert proved(chosen, language, tmp_path)
    few = [case for case in some_cases(rng, 60) if case.primitive == primitive]
    assert not proved(few, language, tmp_path, with_bugs(language, tmp_path, [primitive]))


@pytest.mark.eda
@pytest.mark.parametrize('language', ['verilog', 'vhdl'])
@pytest.mark.parametrize('style', [4, 8])
def test_adders_in_the_cells_of_xilinx_are_proved_by_sat(style, language, tmp_path):
    """One adder for each pattern of signs, through the models of the cells that Yosys ships."""
    cases = in_cells(style, lambda bits: 0)
    assert len(cases) == 24
    assert all(proved(cases[first : first + 12], language, tmp_path) for first in (0, 12))


@pytest.mark.eda
@pytest.mark.slow
@pytest.mark.parametrize('language', ['verilog', 'vhdl'])
@pytest.mark.parametrize('style', [4, 8])
def test_adders_in_the_cells_of_xilinx_are_proved_by_sat_at_every_width(style, language, tmp_path):
    cases = in_cells(style, lambda bits: bits)
    assert len(cases) > 150
    assert all(proved(cases[first : first + 12], language, tmp_path) for first in range(0, len(cases), 12))


def in_cells(style: int, width_class: Callable[[int], int]) -> list[Case]:
    """Ternary adders in cells, with every pattern of signs in every class of widths of the result."""
    cases = [case for case in all_cases(random.Random(style)) if case.primitive == 'ternary_adder']
    chosen: dict[tuple[int, ...], Case] = {}
    for case in cases:
        signs = (value for name, value in case.parameters.items() if name.endswith('SIGNED') or 'SUB' in name)
        key = (width_class(case.output_bits), *signs)
        chosen[key] = case._replace(parameters=case.parameters | {'STYLE': style})
    return list(chosen.values())


@pytest.mark.eda
@pytest.mark.parametrize('language', ['verilog', 'vhdl'])
def test_our_models_of_the_cells_are_those_of_yosys(language, tmp_path):
    """For all inputs; the six tables of a LUT whose bit i is 0 where bit k of i is 1 tell all addresses apart."""
    # not 1: GHDL 2.0 synthesizes 64'hffffffff00000000 as 0
    tables = [sum((~i >> k & 1) << i for i in range(64)) for k in range(6)]
    (tmp_path / 'harness.v').write_text(_cells_in_verilog(tables))
    sides = {'golden': [*VENDOR_CELLS, 'read_verilog harness.v']}
    if language == 'verilog':
        sides['gate'] = [f'read_verilog {CELL_MODELS} harness.v']
    else:
        (tmp_path / 'harness.vhd').write_text(_cells_in_vhdl(tables))
        ghdl('-a', str(VHDL_CELL_MODELS), 'harness.vhd', directory=tmp_path)
        (tmp_path / 'gate.v').write_text(ghdl('synth', '--out=verilog', 'harness', directory=tmp_path))
        sides['gate'] = ['read_verilog gate.v']
    script = []
    for side, read in sides.items():  # GHDL's tables are memories with initial values, constant after `opt`
        script += ['design -reset', *read, 'hierarchy -top harness', 'proc', 'memory', 'flatten', 'opt']
        script.append(f'design -stash {side}')
    script += [f'design -copy-from {side} -as {side} harness' for side in sides]
    script += ['miter -equiv -flatten -make_assert golden gate miter', 'sat -verify -prove-asserts miter']
    assert 'SAT proof finished - no model found: SUCCESS!' in yosys('\n'.join(script), tmp_path)


def _cells_in_verilog(tables: Sequence[int]) -> str:
    """Every cell, and a LUT for each table, on the same 18 inputs."""
    luts = ''.join(
        f"  LUT6_2 #(.INIT(64'h{table:016x})) lut{k} (.I0(x[0]), .I1(x[1]), .I2(x[2]), .I3(x[3]), .I4(x[4]), "
        f'.I5(x[5]), .O5(y[{24 + 2 * k}]), .O6(y[{25 + 2 * k}]));\n'
        for k, table in enumerate(tables)
    )
    return f"""module harness(input [17:0] x, output [{23 + 2 * len(tables)}:0] y);
  CARRY4 narrow (.CI(x[0]), .CYINIT(x[17]), .DI(x[4:1]), .S(x[12:9]), .O(y[3:0]), .CO(y[7:4]));
  CARRY8 wide (.CI(x[0]), .CI_TOP(x[17]), .DI(x[8:1]), .S(x[16:9]), .O(y[15:8]), .CO(y[23:16]));
{luts}endmodule
"""


def _cells_in_vhdl(tables: Sequence[int]) -> str:
    """The same in VHDL."""
    luts = ''.join(
        f'    lut{k} : entity work.LUT6_2 generic map (INIT => x"{table:016x}") port map (I0 => x(0), I1 => x(1), '
        f'I2 => x(2), I3 => x(3), I4 => x(4), I5 => x(5), O5 => y({24 + 2 * k}), O6 => y({25 + 2 * k}));\n'
        for k, table in enumerate(tables)
    )
    return f"""library ieee;
use ieee.std_logic_1164.all;
entity harness is
    port (x : in std_logic_vector(17 downto 0); y : out std_logic_vector({23 + 2 * len(tables)} downto 0));
end entity harness;
architecture test of harness is
begin
    narrow : entity work.CARRY4 port map (CI => x(0), CYINIT => x(17), DI => x(4 downto 1), S => x(12 downto 9),
        O => y(3 downto 0), CO => y(7 downto 4));
    wide : entity work.CARRY8 port map (CI => x(0), CI_TOP => x(17), DI => x(8 downto 1), S => x(16 downto 9),
        O => y(15 downto 8), CO => y(23 downto 16));
{luts}end architecture test;
"""
