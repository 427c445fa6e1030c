"""Emitted Verilog: its text, its ports, the designs that cannot be, and what tools say about it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from example_programs import EVERYTHING
from hdl_tools import IP_SOURCES, ROOT, lint, yosys
from kernel_simulation import Kernel, mismatches

from da4ml_core.codegen import RtlBundle, emit_verilog
from da4ml_core.device import device
from da4ml_core.errors import CodegenError
from da4ml_core.fixed import FixedType
from da4ml_core.ir.text import parse_program
from da4ml_core.ir.verify import verify
from da4ml_core.passes.schedule import schedule

GOLDEN = Path(__file__).parents[2] / 'golden' / 'rtl'


def emitted(text: str, max_levels: int | None = None, top: str = 'kernel') -> RtlBundle:
    return emit_verilog(schedule(verify(parse_program(text)), max_levels), top)


@pytest.mark.parametrize(('name', 'max_levels'), [('everything', None), ('everything_pipelined', 1)])
def test_the_text_is_the_golden_one(name, max_levels, update_golden):
    bundle = emitted(EVERYTHING, max_levels, name)
    (text,) = bundle.files.values()
    path = GOLDEN / f'{name}.v'
    if update_golden:
        path.write_text(text)
    assert text == path.read_text()


def test_the_text_is_the_same_every_time():
    assert emitted(EVERYTHING, 2) == emitted(EVERYTHING, 2)


def test_the_text_is_the_same_in_every_process():
    """Of hardware and of C++, whatever the order in which a process keeps its sets."""
    code = """
import hashlib, random, sys
from random_programs import random_program
from da4ml_core.codegen import emit_hls, emit_rtl
from da4ml_core.passes.schedule import schedule
program = random_program(random.Random(1), 6, 60)
texts = [emit_rtl(schedule(program, 1), 'kernel', language).files for language in ('verilog', 'vhdl')]
texts += [emit_hls(program, 'kernel', language).files for language in ('vitis', 'ac', 'oneapi')]
print(hashlib.sha256(repr([list(text.items()) for text in texts]).encode()).hexdigest())
"""
    search = os.pathsep.join([str(ROOT / 'core'), str(ROOT / 'tests')])
    digests = {
        subprocess.run(
            [sys.executable, '-c', code],
            env={**os.environ, 'PYTHONPATH': search, 'PYTHONHASHSEED': seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ('0', '1', '4242')
    }
    assert len(digests) == 1


def test_ports_and_timing():
    bundle = emitted(EVERYTHING, 1)
    assert [(field.position, field.offset, str(field.type)) for field in bundle.inputs] == [
        (0, 0, 'ufixed<3,0>'),
        (0, 3, 'fixed<1,2>'),
        (1, 7, 'ufixed<0,0>'),
        (2, 7, 'fixed<3,2>'),
        (3, 13, 'ufixed<2,0>'),
    ]
    assert [field.position for field in bundle.outputs] == list(range(7))
    assert [field.offset for field in bundle.outputs] == [0, 6, 9, 12, 12, 15, 21]
    assert bundle.outputs[2].type == FixedType(True, 5, -3)
    assert (bundle.input_bits, bundle.output_bits) == (15, 29)
    assert (bundle.clocked, bundle.latency_cycles) == (True, 6)
    assert bundle.ip_cores == (
        'da4ml:ip:delay_line',
        'da4ml:ip:negate',
        'da4ml:ip:quantize',
        'da4ml:ip:relu',
        'da4ml:ip:shift_adder',
        'da4ml:ip:ternary_adder',
    )
    assert RtlBundle.from_interface(bundle.interface(), bundle.files) == bundle


@pytest.mark.eda
def test_tools_accept_and_simulate_it(tmp_path):
    program = parse_program(EVERYTHING)
    corners = [(-32, 0, -8, 0, 0), (31, 7, 7, 0, 3), (0, 0, 0, 0, 0), (-1, 3, -1, 0, 1), (17, 5, 2, 0, 2)]
    kernels = []
    for max_levels in (None, 1, 2, 3):
        bundle = emit_verilog(schedule(program, max_levels), f'kernel_{max_levels or 0}')
        kernels.append(Kernel(bundle, program, corners))
    balanced = schedule(program, stages=5, device=device('ecp5'))
    assert balanced.latency_cycles == 6
    kernels.append(Kernel(emit_verilog(balanced, 'kernel_kept', shift_registers=False), program, corners))
    assert mismatches(kernels, tmp_path) == []
    sources = ' '.join(str(source) for source in IP_SOURCES)
    for kernel in kernels:
        top = kernel.bundle.top
        assert lint([tmp_path / f'{top}.v', *IP_SOURCES], top) == ''
        yosys(f'read_verilog {sources} {top}.v\nhierarchy -check -top {top}\nproc\ncheck -assert', tmp_path)


def test_no_input_bits():
    text = 'program none\ninputs (1,)\noutputs (1,)\n%0 = const : [3, 3]\nreturn %0\n'
    with pytest.raises(CodegenError, match="program 'none' has no input bits: its input has no elements"):
        emitted(text)


def test_no_output_bits():
    text = """
    program none
    inputs (1,)
    outputs (1,)
    %0 = input x[0] fixed<2,0> TRN WRAP : [-4, 3]
    %1 = const : [0, 0]
    return %1
    """
    with pytest.raises(
        CodegenError, match="program 'none' has no output bits: its output has only elements of zero width"
    ):
        emitted(text)


def test_an_illegal_top():
    with pytest.raises(CodegenError, match="the top module 'module' is reserved"):
        emitted(EVERYTHING, top='module')


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
    for name, content in bundle.files.items():
        (tmp_path / name).write_text(content)
    assert lint([tmp_path / 'kernel.v'], 'kernel') == ''
    assert bundle.ip_cores == ()


def test_comments_stay_on_their_line():
    text = EVERYTHING.replace('Everything (at once)', 'Ω model').replace('; dense', '; synopsys translate_off')
    (content,) = emitted(text).files.values()
    assert content.isascii()
    assert '    // == synopsys translate_off' in content


def test_shift_registers_can_be_forbidden():
    plan = schedule(verify(parse_program(EVERYTHING)), 1)
    allowed, forbidden = (emit_verilog(plan, 'kernel', shift).files['kernel.v'] for shift in (True, False))
    assert 'shreg' not in allowed.lower()
    assert forbidden.count('(* shreg_extract = "no" *) reg ') == allowed.count('\n    reg ')
    assert forbidden.count('.SHREG_EXTRACT(0)') == allowed.count('da4ml_delay_line #(') > 0
