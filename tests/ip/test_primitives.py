"""Every primitive: clean under lint, equal to its definition, and as many LUTs as its table says."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
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
