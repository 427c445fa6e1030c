"""Designs proved equal, by SAT over all inputs, to plain Verilog written from the definitions of the operations."""

import random
import re
from dataclasses import replace

import pytest
from example_programs import EVERYTHING
from hdl_tools import IP_SOURCES, simulate, yosys
from kernel_simulation import Kernel, packed_input, packed_output
from random_programs import random_codes, random_program
from reference_verilog import reference_verilog

import da4ml_core as dc
from da4ml_core.codegen import RtlBundle, emit_verilog
from da4ml_core.interp.reference import evaluate
from da4ml_core.ir import Opcode, Program
from da4ml_core.ir.text import parse_program
from da4ml_core.ir.verify import verify
from da4ml_core.passes.schedule import schedule

pytestmark = pytest.mark.eda


def reference(program: Program, bundle: RtlBundle, top: str = 'reference') -> str:
    return reference_verilog(program, top, bundle.inputs, bundle.outputs, bundle.latency_cycles)


def proof(program: Program, bundle: RtlBundle, directory, options: str = '-verify') -> str:
    """The log of Yosys: of a pipeline only what comes out of the last cycle counts, whatever was in it before.

    A pipeline without feedback forgets all that is older than its latency, so one such window stands for every time.
    """
    (directory / 'kernel.v').write_text('\n'.join(bundle.files.values()))
    (directory / 'reference.v').write_text(reference(program, bundle))
    window = f'-seq {bundle.latency_cycles + 1} -prove-skip {bundle.latency_cycles}' if bundle.clocked else ''
    script = [
        f'read_verilog {" ".join(map(str, IP_SOURCES))} kernel.v reference.v',
        f'hierarchy -top {bundle.top}',
        'proc',
        'memory',
        'flatten',
        'opt_clean',
        'design -stash gate',
        'read_verilog reference.v',
        'hierarchy -top reference',
        'proc',
        'memory',
        'opt -full',
        'wreduce',
        'opt_clean',
        'design -stash gold',
        'design -copy-from gold -as gold reference',
        f'design -copy-from gate -as gate {bundle.top}',
        'miter -equiv -flatten -make_outputs gold gate miter',
        'hierarchy -top miter',
        'opt -full',
        f'sat {options} -prove trigger 0 {window} -show-inputs -timeout 120 miter',
    ]
    return yosys('\n'.join(script), directory)


def counterexample(log: str) -> int:
    """The packed input that a failed proof found: of a pipeline, the first of its window."""
    found = re.findall(r'^ *(?:1 )?\\in_x +\S+ +\S+ +([01x]+) *$', log, re.MULTILINE)
    return int(found[0].replace('x', '0'), 2)


def test_the_reference_is_the_interpreter(tmp_path):
    """In simulation, since the proofs below are worth what it is worth."""
    rng = random.Random(40)
    sources, instances, cases, x_bits, y_bits = [], [], [], 0, 0
    for place in range(8):
        program = verify(random_program(rng, num_ops=16, max_width=rng.choice((8, 20)), narrow=place % 2 == 0))
        bundle = emit_verilog(schedule(program, None), f'kernel{place}')
        (tmp_path / f'reference{place}.v').write_text(reference(program, bundle, f'reference{place}'))
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
    programs += [verify(random_program(rng, num_ops=14, max_width=16, without=[Opcode.MUL])) for _ in range(4)]
    for program in programs:
        assert 'SUCCESS!' in proof(program, emit_verilog(schedule(program, max_levels), 'kernel'), tmp_path)


@pytest.mark.parametrize('max_levels', [None, pytest.param(3, marks=pytest.mark.slow)])
def test_a_jet_tagger_is_proved(max_levels, shared, tmp_path):
    program = dc.load_model(shared / 'models' / 'hgq2' / 'jsc_openml_acc73.3.keras')
    assert 'SUCCESS!' in proof(program, emit_verilog(schedule(program, max_levels), 'kernel'), tmp_path)


@pytest.mark.parametrize('max_levels', [None, 1])
def test_a_wrong_design_is_refuted_by_a_sample(max_levels, tmp_path):
    """The sample that Yosys finds, run through the interpreter, is one on which the mutant differs."""
    program = verify(parse_program(EVERYTHING))
    bundle = emit_verilog(schedule(program, max_levels), 'kernel')
    (text,) = bundle.files.values()
    mutant = text.replace('.ROUNDING(6)', '.ROUNDING(2)')
    assert mutant != text
    log = proof(program, replace(bundle, files={'kernel.v': mutant}), tmp_path, '-max 1')
    assert 'proof did fail' in log or 'model found: FAIL!' in log
    word = counterexample(log)
    order = sorted(range(5), key=lambda i: (list(program.input_ops())[i][1].position, i))
    codes = [0] * 5
    for field, index in zip(bundle.inputs, order, strict=True):
        code = word >> field.offset & ((1 << field.width_bits) - 1)
        signed = field.type.signed and code >> (field.width_bits - 1)
        codes[index] = code - (1 << field.width_bits) if signed else code
    rounded = codes[0] - 8 * codes[1] + codes[2] + 40  # %7, in quarters
    assert rounded % 4 == 2, f'RND_CONV and RND differ on ties alone, not on {codes}'
