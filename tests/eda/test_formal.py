"""Designs proved equal to their programs by SAT, and wrong ones refuted by a sample that the interpreter confirms."""

import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from example_programs import EVERYTHING
from hdl_tools import simulate
from kernel_simulation import Kernel, packed_input, packed_output
from random_programs import random_codes, random_program

import da4ml_core as dc
from da4ml_core.codegen import RtlBundle, emit_rtl, emit_verilog
from da4ml_core.codegen.reference import reference_verilog
from da4ml_core.interp.reference import evaluate
from da4ml_core.ir import Opcode, Program
from da4ml_core.ir.serialize import save_program
from da4ml_core.ir.text import parse_program
from da4ml_core.ir.verify import verify
from da4ml_core.passes.schedule import schedule
from da4ml_flow.config.model import BuildConfig, ModelConfig
from da4ml_flow.eda import core_file
from da4ml_flow.eda.backends.formal import Proof, prove
from da4ml_flow.stages.base import StageContext, StageOutcome
from da4ml_flow.stages.verify import Verify

pytestmark = pytest.mark.eda


@pytest.fixture(autouse=True)
def _tools(need: Callable[..., None]) -> None:
    need('yosys', 'make')


def proof(program: Program, bundle: RtlBundle, directory: Path) -> Proof:
    core_file.write_core(bundle, 'kernel', directory / 'rtl')
    return prove(directory / 'rtl', program, directory / 'proof', timeout_s=300)


def stage(program: Program, bundle: RtlBundle, directory: Path, **section: Any) -> StageOutcome:
    core_file.write_core(bundle, 'kernel', directory / 'rtl')
    save_program(program, directory / 'program.json.gz')
    rtl = {'language': bundle.language}
    config = BuildConfig(name='kernel', model=ModelConfig(source='x'), verify={'method': 'formal', **section}, rtl=rtl)
    artifacts = {'program': directory / 'program.json.gz', 'rtl': directory / 'rtl'}
    outcome = Verify().run(StageContext(config, artifacts, directory, lambda line: None))
    assert outcome.tools == Verify().tools(config)
    return outcome


def test_the_reference_is_the_interpreter(tmp_path):
    """In simulation, since the proofs below are worth what it is worth."""
    rng = random.Random(40)
    sources, instances, cases, x_bits, y_bits = [], [], [], 0, 0
    for place in range(8):
        program = verify(random_program(rng, num_ops=16, max_width=rng.choice((8, 20)), narrow=place % 2 == 0))
        bundle = emit_verilog(schedule(program, None), f'kernel{place}')
        (tmp_path / f'reference{place}.v').write_text(
            reference_verilog(program, f'reference{place}', bundle.inputs, bundle.outputs)
        )
        sources.append(tmp_path / f'reference{place}.v')
        samples = [random_codes(rng, program) for _ in range(40)]
        cases.append((Kernel(bundle, program, samples), x_bits, y_bits))
        x, y = f'x[{x_bits} +: {bundle.input_bits}]', f'y[{y_bits} +: {bundle.output_bits}]'
        instances.append(f'  reference{place} r{place}(.x({x}), .y({y}));')
        x_bits, y_bits = x_bits + bundle.input_bits, y_bits + bundle.output_bits
    top = f'module harness(input clk, input [{x_bits - 1}:0] x, output [{y_bits - 1}:0] y);'
    words = [sum(packed_input(case, case.samples[t]) << x for case, x, _ in cases) for t in range(40)]
    outputs = simulate('\n'.join([top, *instances, 'endmodule']), sources, words, (x_bits, y_bits), tmp_path)
    for case, _, y in cases:
        mask = (1 << case.bundle.output_bits) - 1
        for codes, word in zip(case.samples, outputs, strict=True):
            assert word >> y & mask == packed_output(case, evaluate(case.program, codes)), case.bundle.top


@pytest.mark.parametrize('max_levels', [None, 2])
def test_random_programs_are_proved(max_levels, tmp_path):
    rng = random.Random(41)
    programs = [verify(parse_program(EVERYTHING))]
    programs += [verify(random_program(rng, num_ops=14, max_width=16, without=[Opcode.MUL])) for _ in range(2)]
    for place, program in enumerate(programs):
        bundle = emit_verilog(schedule(program, max_levels), 'kernel', clock_enable=place == 1)
        assert proof(program, bundle, tmp_path / str(place)).verdict.outcome == 'proved'


def test_vhdl_is_proved(need, tmp_path):
    need('ghdl')
    program = verify(parse_program(EVERYTHING))
    outcome = stage(program, emit_rtl(schedule(program, 1), 'kernel', 'vhdl'), tmp_path)
    assert outcome.message.startswith('proved: ')


@pytest.mark.slow
@pytest.mark.parametrize('max_levels', [None, 3])
def test_a_jet_tagger_is_proved(max_levels, shared, tmp_path):
    program = dc.load_model(shared / 'models' / 'hgq2' / 'jsc_openml_acc73.3.keras')
    outcome = stage(program, emit_verilog(schedule(program, max_levels), 'kernel'), tmp_path)
    assert (outcome.ok, outcome.metrics[0].value) == (True, 1)


@pytest.mark.parametrize('language', ['verilog', 'vhdl'])
@pytest.mark.parametrize('max_levels', [None, 1])
def test_a_wrong_design_is_refuted_by_a_sample(max_levels, language, need, tmp_path):
    """In fixed point, and one on which the mutant does differ: RND_CONV and RND do so on ties alone."""
    if language == 'vhdl':
        need('ghdl')
    program = verify(parse_program(EVERYTHING))
    bundle = emit_rtl(schedule(program, max_levels), 'kernel', language)
    ((name, text),) = bundle.files.items()
    mutant = re.sub(r'ROUNDING(\(| => )6', r'ROUNDING\g<1>2', text)
    assert mutant != text
    outcome = stage(program, replace(bundle, files={name: mutant}), tmp_path)
    assert (outcome.ok, outcome.metrics[0].value) == (False, 0)
    first, *lines = outcome.artifacts['proof_report'].read_text().splitlines()
    assert first == 'refuted: the design is not the program on this sample'
    inputs = {}
    for line in lines:
        if match := re.fullmatch(r'input (\d) = (\S+) \(code (-?\d+)\) \((u?fixed<\d,\d>)\)', line):
            inputs[int(match[1]), match[4]] = float(match[2])
    assert len(inputs) == 5
    a, b, c = (inputs[key] for key in ((2, 'fixed<3,2>'), (0, 'ufixed<3,0>'), (0, 'fixed<1,2>')))
    rounded = a - 2 * b + c + 10  # %7
    assert (4 * rounded) % 4 == 2
    expected = round(rounded)  # Python rounds half to even, too
    expected = max(-3, min(3, expected))
    assert any(line.startswith(f'output 1: expected {-expected} (code {-expected}), got ') for line in lines), lines


def test_what_is_too_large_is_said(tmp_path):
    program = verify(parse_program(EVERYTHING))
    outcome = stage(program, emit_verilog(schedule(program, None), 'kernel'), tmp_path, max_ops=11)
    assert (outcome.ok, outcome.metrics[0].value) == (True, 0)
    assert outcome.message.startswith('not proved: 12 operations are more than verify.max_ops, 11')


PRODUCTS = """
program products
inputs (3,)
outputs (1,)
%0 = input x[0] fixed<15,0> TRN WRAP : [-32768, 32767]
%1 = input x[1] fixed<15,0> TRN WRAP : [-32768, 32767]
%2 = input x[2] fixed<15,0> TRN WRAP : [-32768, 32767]
%3 = mul %0, %1 : [-1073709056, 1073741824]
%4 = mul %1, %2 : [-1073709056, 1073741824]
%5 = add %3, -%4 : [-2147450880, 2147450880]
return %5
"""
# the same number, which SAT does not see soon
FACTORED = """
module kernel (input wire [47:0] x, output wire [32:0] y);
    wire signed [16:0] difference = $signed(x[15:0]) - $signed(x[47:32]);
    wire signed [15:0] factor = x[31:16];
    wire signed [32:0] product = difference * factor;
    assign y = product;
endmodule
"""


def test_what_takes_too_long_is_said(tmp_path):
    program = verify(parse_program(PRODUCTS))
    bundle = emit_verilog(schedule(program, None), 'kernel')
    outcome = stage(program, replace(bundle, files={'kernel.v': FACTORED}, ip_cores=()), tmp_path, timeout_s=1)
    assert (outcome.ok, outcome.metrics[0].value) == (True, 0)
    assert outcome.message == 'not proved: neither a proof nor a failing input within 1 s'


def test_a_build_that_asks_for_it(tmp_path, capsys):
    from da4ml_flow.cli.main import run

    save_program(verify(parse_program(EVERYTHING)), tmp_path / 'program.json.gz')
    # as a top module, `all` would be a keyword of VHDL
    config = 'name: all\nmodel: {source: program.json.gz}\nverify: formal\nresults: {database: null}\n'
    (tmp_path / 'all.yaml').write_text(config)
    assert run(['build', str(tmp_path / 'all.yaml'), '--build-root', str(tmp_path / 'build')]) == 0
    assert 'proved: equal to the program for every input (12 operations)' in capsys.readouterr().err
