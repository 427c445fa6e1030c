"""GHDL for real: VHDL through every stage, next to the Verilog of the same program."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from da4ml_core.codegen import emit_rtl
from da4ml_core.interp import Executable
from da4ml_core.ir import Program
from da4ml_core.ir.serialize import save_program
from da4ml_core.ir.text import parse_program
from da4ml_core.ir.verify import verify
from da4ml_core.passes.schedule import schedule
from da4ml_core.trace import SolverOptions, Tracer
from da4ml_flow.cli.main import run
from da4ml_flow.eda import core_file, vectors
from da4ml_flow.eda.backends import formal, ghdl, icarus, nextpnr, yosys
from da4ml_flow.eda.parsers.ghdl_log import parse_warnings
from da4ml_flow.eda.parsers.verilator_log import LintWarning
from da4ml_flow.errors import ToolFailed

pytestmark = pytest.mark.eda

CONFIG = """\
name: Tiny
model: {source: tiny.json.gz, dataset: {path: data.npz}}
rtl: {language: vhdl, pipeline: {max_levels: 1}}
lint: {}
simulate: {samples: 40}
synthesize: {}
results: {database: null}
"""


WIDE = f"""\
program wide
inputs (2,)
outputs (5,)
%0 = input x[0] fixed<3,0> TRN WRAP : [-8, 7]
%1 = input x[1] ufixed<1,0> TRN WRAP : [0, 1]
%2 = const : [{(0xF5 << 32) + 9}, {(0xF5 << 32) + 9}]
%3 = const : [{0xF1 << 33}, {0xF1 << 33}]
%4 = add %0, %2 : [{(0xF5 << 32) + 1}, {(0xF5 << 32) + 16}]
%5 = mux -%1, %2, %0 : [-8, {(0xF5 << 32) + 9}]
%6 = const : [{(1 << 70) + 3}, {(1 << 70) + 3}]
%7 = const : [28, 28]
%8 = mux -%1, %7, %4 : [28, {(0xF5 << 32) + 16}]
return %4, %5, %3, %6, %8
"""


@pytest.fixture(autouse=True)
def _tools(need: Callable[..., None]) -> None:
    need('ghdl', 'make')


def sums(max_operands: int) -> Program:
    """Sums of many terms, in which adders feed adders, and a rectifier."""
    matrix = np.random.default_rng(0).integers(-8, 8, size=(6, 4))
    tracer = Tracer('tiny', solver=SolverOptions(max_operands=max_operands))
    return tracer.finish(np.maximum(tracer.input((6,)).quantize(True, 3, 1) @ matrix, 0))


def warnings_of_ghdl(directory: Path) -> list[LintWarning]:
    """Those in every log of the tools below a directory."""
    logs = [log.read_text() for log in directory.rglob('make.log')]
    assert any('ghdl' in log for log in logs)
    # Yosys warns of a file of its own
    return [warning for log in logs for warning in parse_warnings(log) if not warning.text.startswith('Lexer ')]


@pytest.fixture
def program() -> Program:
    """Of adders of two operands and of three."""
    return sums(3)


@pytest.fixture
def write(tmp_path: Path, program: Program) -> Callable[..., Path]:
    """Writes the kernel, or another program, its text replaced as asked."""

    def write_kernel(
        old: str = '', new: str = '', language: str = 'vhdl', max_levels: int | None = 2, other: Program | None = None
    ) -> Path:
        bundle = emit_rtl(schedule(other or program, max_levels), 'Tiny', language)
        assert old in ''.join(bundle.files.values())
        files = {name: text.replace(old, new, 1) if old else text for name, text in bundle.files.items()}
        rtl = tmp_path / f'rtl_{language}'
        core_file.write_core(replace(bundle, files=files), 'tiny', rtl)
        return rtl

    return write_kernel


def test_a_clean_design_has_no_warning(write: Callable[..., Path], tmp_path: Path) -> None:
    assert ghdl.lint(write(), tmp_path / 'lint') == ()


def test_warnings_are_counted_and_placed(write: Callable[..., Path], tmp_path: Path) -> None:
    rtl = write('begin\n', '    signal left_over : std_logic;\nbegin\n')
    (warning,) = ghdl.lint(rtl, tmp_path / 'lint')
    line = (rtl / 'Tiny.vhd').read_text().splitlines().index('    signal left_over : std_logic;') + 1
    assert (warning.kind, Path(warning.file).name, warning.line) == ('unused', 'Tiny.vhd', line)


def test_a_syntax_error_is_a_failed_tool(write: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match='make failed') as caught:
        ghdl.lint(write('begin\n', 'begins\n'), tmp_path / 'lint')
    assert 'Tiny.vhd:' in caught.value.notes[0]


@pytest.mark.parametrize('max_levels', [None, 2])
def test_the_source_itself_in_ghdl(
    write: Callable[..., Path], program: Program, tmp_path: Path, max_levels: int | None
) -> None:
    rtl = write(max_levels=max_levels)
    bundle = core_file.load_bundle(rtl)
    ranges = [program.ops[index].interval[:2] for index, _ in program.input_ops()]
    codes = vectors.corner_codes(ranges, 20)
    outputs = vectors.output_port_codes(program, bundle.outputs, Executable(program).run_codes(codes))
    expected = vectors.pack(bundle.outputs, outputs, bundle.output_bits)
    inputs = vectors.input_port_codes(program, bundle.inputs, codes)
    assert ghdl.wrong_samples(rtl, inputs, expected, tmp_path / 'right') == 0
    expected[3] ^= 1
    assert ghdl.wrong_samples(rtl, inputs, expected, tmp_path / 'wrong') == 1


@pytest.mark.parametrize('max_operands', [2, 3])
@pytest.mark.parametrize('family', ['xcup', *(pytest.param(name, marks=pytest.mark.slow) for name in ('xc7', 'ecp5'))])
def test_the_chains_of_adders_are_those_of_verilog(
    need: Callable[..., None], write: Callable[..., Path], tmp_path: Path, family: str, max_operands: int
) -> None:
    need('yosys')
    found = {
        language: yosys.synthesize(
            write(language=language, other=sums(max_operands)), family, tmp_path / language
        ).resources
        for language in ('verilog', 'vhdl')
    }
    assert found['vhdl'].ffs == found['verilog'].ffs
    assert found['vhdl'].carry == found['verilog'].carry
    if max_operands == 3 and family != 'ecp5':  # of the same cells
        assert found['vhdl'].luts == found['verilog'].luts
    assert found['vhdl'].luts <= 1.02 * found['verilog'].luts
    assert warnings_of_ghdl(tmp_path / 'vhdl') == []


@pytest.mark.slow
def test_place_and_route(need: Callable[..., None], write: Callable[..., Path], tmp_path: Path) -> None:
    need('yosys', 'nextpnr-ecp5')
    done = nextpnr.implement(write(), 'ecp5-25k', [1], tmp_path / 'pnr')
    assert done.median_fmax_mhz > 20
    assert done.resources.luts > 0
    assert warnings_of_ghdl(tmp_path / 'pnr') == []


def test_icarus_and_the_proof(need: Callable[..., None], write: Callable[..., Path], tmp_path: Path) -> None:
    need('iverilog', 'yosys')
    tracer = Tracer('three')
    program = tracer.finish(tracer.input((3,)).quantize(True, 3, 1).sum())
    rtl = write(other=program)
    bundle = core_file.load_bundle(rtl)
    codes = vectors.corner_codes([program.ops[index].interval[:2] for index, _ in program.input_ops()], 20)
    inputs = vectors.input_port_codes(program, bundle.inputs, codes)
    simulation = icarus.simulate(rtl, inputs, tmp_path / 'icarus')
    got = vectors.unpack(bundle.outputs, simulation.outputs_at(bundle.latency_cycles))
    assert np.array_equal(got, vectors.output_port_codes(program, bundle.outputs, Executable(program).run_codes(codes)))
    assert formal.prove(rtl, program, tmp_path / 'proof', timeout_s=60).verdict.outcome == 'proved'
    assert warnings_of_ghdl(tmp_path) == []


def test_a_build(need: Callable[..., None], program: Program, tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    need('verilator', 'perl', 'c++', 'yosys')
    monkeypatch.chdir(tmp_path)
    save_program(program, Path('tiny.json.gz'))
    x = np.random.default_rng(1).integers(-16, 16, size=(50, 6)) / 2
    np.savez('data.npz', x=x, y=Executable(program).run(x))
    Path('tiny.yaml').write_text(CONFIG)
    assert run(['build', 'tiny.yaml', '--json']) == 0
    data = json.loads(capsys.readouterr().out)
    figures = {name: values[0]['value'] for name, values in data['metrics'].items()}
    assert figures['sim_mismatches'] == 0
    assert figures['luts'] > 0
    (report,) = Path('build').glob('*/simulate-*/simulation.txt')
    first, native, toggled = report.read_text().splitlines()
    assert first.endswith('cycles, in Verilator through ghdl synth')
    assert native == 'GHDL itself: 256 samples, 0 mismatches'
    assert 'bits of the ports toggle' in toggled
    assert warnings_of_ghdl(Path('build')) == []
    for record in Path('build').glob('*/*/record.json'):
        tools = {tool['name'] for tool in json.loads(record.read_text())['record']['tools']}
        assert ('ghdl' in tools) is record.parent.name.startswith(('lint', 'simulate', 'synthesize'))


def test_wide_literals_come_through_synthesis(need: Callable[..., None], tmp_path: Path) -> None:
    """As outputs, as wires beside others, and as operands; GHDL 2.0 has them wrong."""
    need('yosys')
    program = verify(parse_program(WIDE))
    core_file.write_core(emit_rtl(schedule(program, None), 'Wide', 'vhdl'), 'wide', tmp_path / 'rtl')
    proof = formal.prove(tmp_path / 'rtl', program, tmp_path / 'proof', timeout_s=60)
    assert proof.verdict.outcome == 'proved'


def test_predict(need: Callable[..., None], program: Program, tmp_path: Path, capsys: Any) -> None:
    need('verilator', 'perl', 'c++')
    path, data = tmp_path / 'tiny.json.gz', tmp_path / 'data.npz'
    save_program(program, path)
    x = np.random.default_rng(1).integers(-16, 16, size=(50, 6)) / 2
    np.savez(data, x=x, y=Executable(program).run(x))
    assert run(['predict', str(path), str(data), '--compare', 'y', '--rtl', '--language', 'vhdl']) == 0
    assert capsys.readouterr().out == '0 of 200 elements differ from y\n'
