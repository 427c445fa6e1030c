"""Every primitive: clean under lint, equal to its definition, and as many LUTs as its table says."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hdl_tools import CELL_MODELS, IP_SOURCES, ROOT, lint, yosys
from primitive_cases import Case, all_cases, some_cases
from primitive_simulation import verilog_harness, wrong_results

PRIMITIVES = sorted(path.parents[1].name for path in IP_SOURCES)
# the models of Xilinx' cells that Yosys ships; others among them have tri-states, of which it warns
VENDOR_CELLS = (
    'logger -nowarn tri-state',
    'read_verilog +/xilinx/cells_sim.v',
    'select -set others * LUT6_2 %d CARRY4 %d CARRY8 %d',
    'delete @others',
)
ADDERS = ('negate', 'shift_adder', 'ternary_adder')


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


BUGS = {
    'bitwise': ('a | b', 'a ^ b'),
    'delay_line': ('{chain[WIDTH*(DEPTH-1)-1:0], d}', '{chain[WIDTH*(DEPTH-1)-1:0], ~d}'),
    'multiplier': ('(B_SIGNED != 0) & b[B_WIDTH-1]', 'b[B_WIDTH-1]'),
    'mux': ('s ? a : b', 's ? b : a'),
    'negate': ('(A_SIGNED != 0) & a[A_WIDTH-1]', 'a[A_WIDTH-1]'),
    'quantize': ('ROUNDING == 5 ? half & rest', 'ROUNDING == 5 ? half'),
    'relu': ('{~a[A_WIDTH-1]}', '{~a[A_WIDTH-2]}'),
    'shift_adder': ('a_full[TOP-1:B_SHIFT] - b_full', 'b_full - a_full[TOP-1:B_SHIFT]'),
    'ternary_adder': ('partial - c_full', 'partial + c_full'),
}


@pytest.mark.eda
def test_a_bug_in_any_primitive_is_caught(tmp_path):
    sources = []
    for primitive, (right, wrong) in BUGS.items():
        text = (ROOT / f'ip/{primitive}/rtl/da4ml_{primitive}.v').read_text()
        assert right in text
        sources.append(tmp_path / f'da4ml_{primitive}.v')
        sources[-1].write_text(text.replace(right, wrong))
    rng = random.Random(5)
    found = wrong_results(some_cases(rng), rng, tmp_path, sources=sources)
    assert {line.split("'")[1] for line in found} == BUGS.keys()


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


# Definitions in plain wide arithmetic, in which every operand is first extended to all bits.
_GOLDEN = """
module golden_{name} (input [{a}-1:0] a, input [{b}-1:0] b, input [{c}-1:0] c, output [{y}-1:0] y);
    wire signed [79:0] aw = {a_signed} ? {{{{80-{a}{{a[{a}-1]}}}}, a}} : a;
    wire signed [79:0] bw = {b_signed} ? {{{{80-{b}{{b[{b}-1]}}}}, b}} : b;
    wire signed [79:0] cw = {c_signed} ? {{{{80-{c}{{c[{c}-1]}}}}, c}} : c;
    wire signed [79:0] sum = {expression};
    assign y = sum >>> {drop};
endmodule
"""


def golden(name: str, case: Case) -> str:
    given = case.parameters
    signs = {'a': '-' if case.primitive == 'negate' else '+'}
    signs['b'] = '-' if given.get('SUBTRACT', given.get('SUBTRACT_B')) else '+'
    signs['c'] = '-' if given.get('SUBTRACT_C') else '+'
    terms = [f'{signs[port]} (({port}w) <<< {given[f"{port.upper()}_SHIFT"]})' for port in case.operand_widths]
    widths = {port: case.operand_widths.get(port, 1) for port in 'abc'}
    signed = {f'{port}_signed': given.get(f'{port.upper()}_SIGNED', 0) for port in 'abc'}
    return _GOLDEN.format(
        name=name, **widths, **signed, y=given['Y_WIDTH'], drop=given['DROP'], expression=f"80'd0 {' '.join(terms)}"
    )


@pytest.mark.eda
def test_wide_adders_are_proved_by_sat(tmp_path):
    rng = random.Random(4)
    wide = [case for case in all_cases(rng) if case.output_bits > 12 and case.primitive in ADDERS]
    assert proved(rng.sample(wide, 40), tmp_path) == 40


@pytest.mark.eda
@pytest.mark.parametrize('style', [4, 8])
def test_adders_in_the_cells_of_xilinx_are_proved_by_sat(style, tmp_path):
    """One adder for each pattern of signs, through the models of the cells that Yosys ships."""
    cases = in_cells(style, lambda bits: 0)
    assert len(cases) == 24
    assert proved(cases, tmp_path) == 24


@pytest.mark.eda
@pytest.mark.slow
@pytest.mark.parametrize('style', [4, 8])
def test_adders_in_the_cells_of_xilinx_are_proved_by_sat_at_every_width(style, tmp_path):
    cases = in_cells(style, lambda bits: bits)
    assert len(cases) > 150
    assert proved(cases, tmp_path) == len(cases)


def in_cells(style: int, width_class: Callable[[int], int]) -> list[Case]:
    """Ternary adders in cells, with every pattern of signs in every class of widths of the result."""
    cases = [case for case in all_cases(random.Random(style)) if case.primitive == 'ternary_adder']
    chosen: dict[tuple[int, ...], Case] = {}
    for case in cases:
        signs = (value for name, value in case.parameters.items() if name.endswith('SIGNED') or 'SUB' in name)
        key = (width_class(case.output_bits), *signs)
        chosen[key] = case._replace(parameters=case.parameters | {'STYLE': style})
    return list(chosen.values())


def proved(cases: list[Case], tmp_path: Path) -> int:
    """How many of the cases Yosys proves equal to their definitions; it fails at the first that it cannot."""
    text = []
    for place, case in enumerate(cases):
        name = f'{case.primitive}_{place}'
        text.append(golden(name, case))
        ports = {port: port for port in case.operand_widths}
        inputs = ', '.join(f'input [{case.operand_widths.get(port, 1) - 1}:0] {port}' for port in 'abc')
        text.append(
            f'module gate_{name} ({inputs}, output [{case.output_bits - 1}:0] y);\n'
            f'{case.instance("dut", ports, "y")}\nendmodule\n'
        )
    (tmp_path / 'proof.v').write_text(''.join(text))
    script = [*VENDOR_CELLS, f'read_verilog {" ".join(map(str, IP_SOURCES))} proof.v', 'design -save all']
    for place, case in enumerate(cases):
        name = f'{case.primitive}_{place}'
        script += [
            'design -load all',
            f'hierarchy -top gate_{name}',
            'proc',
            'flatten',
            'design -stash gate',
            'design -load all',
            f'hierarchy -top golden_{name}',
            'proc',
            'design -stash golden',
            f'design -copy-from gate -as gate gate_{name}',
            f'design -copy-from golden -as golden golden_{name}',
            'miter -equiv -flatten -make_assert golden gate miter',
            'opt -full',
            'sat -verify -prove-asserts -timeout 60 miter',
        ]
    log = yosys('\n'.join(script), tmp_path)
    return log.count('SAT proof finished - no model found: SUCCESS!')


@pytest.mark.eda
def test_our_models_of_the_cells_are_those_of_yosys(tmp_path):
    text = CELL_MODELS.read_text()
    for cell in ('LUT6_2', 'CARRY4', 'CARRY8'):
        text = text.replace(f'module {cell} ', f'module our_{cell} ')
    (tmp_path / 'ours.v').write_text(text)
    script = [*VENDOR_CELLS, 'read_verilog ours.v', 'design -save all']
    rng = random.Random(6)
    luts = [('LUT6_2', f"-chparam INIT 64'd{rng.getrandbits(64)}") for _ in range(3)]
    cells = [('CARRY4', ''), ('CARRY8', ''), *luts]
    for cell, settings in cells:
        for side, name in (('golden', cell), ('gate', f'our_{cell}')):
            script += [
                'design -load all',
                f'hierarchy -top {name} {settings}',
                'proc',
                f'rename -top {side}',
                f'design -stash {side}',
            ]
        script += [
            'design -copy-from gate -as gate gate',
            'design -copy-from golden -as golden golden',
            'miter -equiv -flatten -make_assert golden gate miter',
            'sat -verify -prove-asserts miter',
        ]
    assert yosys('\n'.join(script), tmp_path).count('SAT proof finished - no model found: SUCCESS!') == len(cells)
