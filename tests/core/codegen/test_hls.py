"""Emitted C++: its text, the designs that cannot be, and bit-exact runs with the open fixed-point types."""

import random
import subprocess
from pathlib import Path

import numpy as np
import pytest
from example_programs import EVERYTHING
from hls_tools import WARNINGS, cases, compiler, run, types_folder

import da4ml_core as dc
from da4ml_core.codegen import HLS_LANGUAGES, emit_hls
from da4ml_core.codegen.hls_types import literal
from da4ml_core.errors import CodegenError
from da4ml_core.interp import encode
from da4ml_core.ir.text import parse_program
from da4ml_core.ir.verify import verify

GOLDEN = Path(__file__).parents[2] / 'golden' / 'hls'
# The headers of sycl that the kernel around a function needs, as far as it needs them.
SYCL = """\
#pragma once
namespace sycl {
struct queue {
    template <class K> void single_task(K kernel) { if (false) kernel(); }
};
namespace ext::intel {
template <class Id, class T, int N> struct pipe {
    static T read() { return T(); }
    static void write(const T &) {}
};
}  // namespace ext::intel
}  // namespace sycl
"""


def program(text: str = EVERYTHING):
    return verify(parse_program(text))


@pytest.mark.parametrize('language', HLS_LANGUAGES)
def test_the_text_is_the_golden_one(language, update_golden):
    bundle = emit_hls(program(), 'everything', language, clock_ns=4.0)
    text = ''.join(f'// ==== {name}\n{body}' for name, body in bundle.files.items())
    path = GOLDEN / f'everything.{language}.txt'
    if update_golden:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()
    assert (bundle.input_bits, bundle.output_bits) == (15, 29)


@pytest.mark.parametrize(
    ('language', 'top', 'message'),
    [
        ('chisel', 'kernel', "no emitter for 'chisel'"),
        ('vitis', 'while', "the top function 'while' is reserved"),
    ],
)
def test_refusals(language, top, message):
    with pytest.raises(CodegenError, match=message):
        emit_hls(program(), top, language)


def test_too_wide_and_too_far():
    wide = 'program p\ninputs (1,)\noutputs (1,)\n%0 = input x[0] fixed<600,0> TRN WRAP : {0}\n%1 = mul %0, %0 : {1}\n'
    text = wide.format(f'[-{2**600}, {2**600 - 1}]', f'[0, {2**1200}]') + 'return %1\n'
    with pytest.raises(CodegenError, match='1201 bits is more than 1024'):
        emit_hls(program(text), 'kernel', 'vitis')
    with pytest.raises(CodegenError, match='beyond the range'):
        literal(1, -2000, 'T')


def test_literals_are_exact():
    assert literal(5, -1, 'T') == '2.5'
    assert literal(0, 7, 'T') == '0.0'
    assert literal(-(2**60) - 1, -3, 'T') == f'T(-0.125) + T({float(-(2**57))!r})'


def test_a_comment_does_not_swallow_the_next_line():
    text = EVERYTHING.replace('; out', '; out \\')
    assert '// == out /\n' in emit_hls(program(text), 'kernel', 'ac').files['kernel.cpp']


@pytest.mark.weak_spot('9.3', 'hlslib/oneapi HLSModel broken')
@pytest.mark.parametrize(('language', 'count'), [('vitis', 2), ('ac', 12)])
def test_random_programs_are_bit_exact(language, count, tmp_path):
    rng = random.Random(5)
    samples = [[-32, 0, -8, 0, 0], [31, 7, 7, 0, 3], [0, 0, 0, 0, 0], [-1, 3, -1, 0, 1], [17, 5, 2, 0, 2]]
    printed = run([(program(), samples), *cases(rng, count)], language, tmp_path)
    assert printed == ['5 samples, 0 mismatches'] + ['64 samples, 0 mismatches'] * count


def test_the_test_bench_notices_a_wrong_bit(tmp_path):
    (tmp_path / 'good').mkdir()
    run([(program(), [[1, 2, 3, 0, 1]])], 'ac', tmp_path / 'good')
    source = tmp_path / 'good' / 'kernel0.cpp'
    text = source.read_text()
    assert 'v6 + v2' in text
    source.write_text(text.replace('v6 + v2', 'v6 - v2'))
    command = [compiler(), '-isystem', str(types_folder('ac')), 'all.cpp', '-o', 'all']
    subprocess.run(command, cwd=tmp_path / 'good', check=True)
    ran = subprocess.run(['./all'], cwd=tmp_path / 'good', capture_output=True, text=True, check=False)
    assert '1 samples, 1 mismatches' in ran.stdout


@pytest.mark.parametrize('language', ['vitis', 'ac'])
def test_a_value_without_bits_is_zero(language, tmp_path):
    """The open types have no type of no bits; an interval may be wider than what its type holds."""
    text = """
program nothing
inputs (1,)
outputs (2,)
%0 = input x[0] fixed<3,0> TRN WRAP : [-8, 7]
%1 = add %0, %0<<2 : [-40, 35]
%2 = relu %1 to ufixed<0,-4> TRN WRAP : [-1, 0]*2^4
%3 = add %2, %0 : [-24, 7]
return %3, %2
"""
    samples = [[code] for code in range(-8, 8)]
    assert run([(program(text), samples)], language, tmp_path) == ['16 samples, 0 mismatches']


@pytest.mark.weak_spot('9.3', 'hlslib/oneapi HLSModel broken')
def test_the_sycl_kernel_compiles_against_stand_ins(tmp_path):
    for name, text in emit_hls(program(), 'kernel', 'oneapi').files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / 'sycl' / 'ext' / 'intel').mkdir(parents=True)
    (tmp_path / 'sycl' / 'sycl.hpp').write_text(SYCL)
    (tmp_path / 'sycl' / 'ext' / 'intel' / 'fpga_extensions.hpp').write_text('#pragma once\n')
    flags = ['-std=c++17', *WARNINGS, '-Wno-attributes', '-fsyntax-only', '-I.', '-isystem', str(types_folder('ac'))]
    subprocess.run([compiler(), *flags, 'kernel_kernel.cpp'], cwd=tmp_path, check=True)


@pytest.mark.slow
@pytest.mark.parametrize('language', ['vitis', 'ac'])
def test_many_random_programs_are_bit_exact(language, tmp_path):
    printed = run(cases(random.Random(6), 60), language, tmp_path)
    assert printed == ['64 samples, 0 mismatches'] * 60


@pytest.mark.slow
@pytest.mark.parametrize('language', ['vitis', 'ac'])
@pytest.mark.parametrize(
    'name', ['jsc_openml_acc73.3.keras', 'jsc_openml_acc77.1.keras', 'jsc_openml_da4ml_acc76.86.h5']
)
def test_jet_taggers_are_bit_exact(shared, name, language, tmp_path):
    path = shared / 'models' / 'hgq2' / name
    model = dc.load_model(path)
    x = np.load(path.with_suffix('.io.npz'))['x'][:500]
    assert run([(model, encode(model, x).tolist())], language, tmp_path) == ['500 samples, 0 mismatches']
