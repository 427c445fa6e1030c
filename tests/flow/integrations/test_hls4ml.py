"""The provider for hls4ml: the functions that it writes, and whole models through hls4ml where it is installed."""

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from da4ml_core.codegen.hls_function import emit_hls_function
from da4ml_core.errors import CodegenError, FormatError
from da4ml_core.interp import predict
from da4ml_flow.integrations.hls4ml_products import cost, product_program, written_weights

ROOT = Path(__file__).parents[3]


def kif(signed, whole, fraction):
    return np.array(signed), np.array(whole), np.array(fraction)


def random_kif(rng, count):
    return kif(rng.integers(0, 2, count), rng.integers(0, 4, count), rng.integers(0, 5, count))


def test_the_program_is_the_product():
    rng = np.random.default_rng(1)
    formats = random_kif(rng, 6)
    kernel, bias = rng.integers(-9, 10, (6, 4)) / 8, rng.integers(-9, 10, 4) / 4
    program = product_program(formats, kernel, bias)
    codes = rng.integers(-(1 << 9), 1 << 9, (100, 6)) / 16
    signed, whole, fraction = formats
    low, high = -np.exp2(whole) * signed, np.exp2(whole)
    x = np.floor(codes * np.exp2(fraction)) / np.exp2(fraction)
    x = (x - low) % (high - low) + low  # what ap_fixed makes of them
    x = np.where(signed + whole + fraction > 0, x, 0)
    np.testing.assert_array_equal(np.asarray(predict(program, codes)), x @ kernel + bias)
    assert cost(program) > 0


def test_the_text_is_what_hls4ml_edits():
    """Its pass that fuses quantizers looks for the pragma once, and for each input at the end of a statement."""
    text = emit_hls_function(product_program(kif([1, 0, 1], [2, 2, 0], [3, 3, 0]), np.eye(3) * 3), 'dense_da_7')
    assert text.startswith('template <typename inp_t, typename out_t>\nvoid dense_da_7(inp_t model_inp[3], out_t model')
    assert text.count('#pragma HLS INLINE') == 1
    assert [text.count(f'model_inp[{place}];') for place in range(3)] == [1, 1, 1]
    assert [text.count(f'model_out[{place}] = ') for place in range(3)] == [1, 1, 1]
    assert 'scaled<' not in text
    with pytest.raises(CodegenError):
        emit_hls_function(product_program(kif([1], [2], [3]), np.eye(1)), 'no name')


def test_the_function_compiles_and_equals_the_program(tmp_path: Path):
    headers = os.environ.get('DA4ML_AP_TYPES')
    if not headers:
        pytest.skip('DA4ML_AP_TYPES names no folder with ap_fixed.h')
    rng = np.random.default_rng(2)
    program = product_program(random_kif(rng, 5), rng.integers(-20, 20, (5, 3)) / 4, rng.integers(-9, 10, 3) / 8)
    source = tmp_path / 'function.cpp'
    source.write_text(
        '#include <ap_fixed.h>\n'
        'template <int s, int b, int i, ap_q_mode Q, ap_o_mode O, int N>'
        ' ap_fixed<b, i + s> bit_shift(ap_fixed<b, i, Q, O, N> x)'
        ' { ap_fixed<b, i + s> r; r.range() = x.range(); return r; }\n'
        'template <int s, int b, int i, ap_q_mode Q, ap_o_mode O, int N>'
        ' ap_ufixed<b, i + s> bit_shift(ap_ufixed<b, i, Q, O, N> x)'
        ' { ap_ufixed<b, i + s> r; r.range() = x.range(); return r; }\n'
        + emit_hls_function(program, 'dense_da_1')
        + 'extern "C" void run(const double *x, double *y, int n) {\n'
        '  for (int s = 0; s < n; s++) {\n'
        '    ap_fixed<16, 8> a[5]; ap_fixed<32, 16> b[3];\n'
        '    for (int i = 0; i < 5; i++) a[i] = x[5 * s + i];\n'
        '    dense_da_1<ap_fixed<16, 8>, ap_fixed<32, 16>>(a, b);\n'
        '    for (int j = 0; j < 3; j++) y[3 * s + j] = b[j].to_double();\n'
        '  }\n}\n'
    )
    library = tmp_path / 'function.so'
    subprocess.run(
        ['g++', '-std=c++17', '-O0', '-shared', '-fPIC', '-w', f'-I{headers}', str(source), '-o', str(library)],
        check=True,
    )
    x = rng.integers(-(1 << 10), 1 << 10, (300, 5)) / 64.0
    y = np.zeros((300, 3))
    pointer = ctypes.POINTER(ctypes.c_double)
    ctypes.CDLL(str(library)).run(x.ctypes.data_as(pointer), y.ctypes.data_as(pointer), 300)
    np.testing.assert_array_equal(y, np.asarray(predict(program, x)))


class Weight:
    """A weight as hls4ml has it: iterated, it gives its numbers in decimals."""

    def __init__(self, data, width, integer, signed=True, **modes):
        self.name, self.data = 'w2', np.asarray(data)
        self.type = SimpleNamespace(precision=SimpleNamespace(width=width, integer=integer, signed=signed, **modes))

    def __iter__(self):
        return (f'{number:.4f}' for number in self.data.ravel())


def test_weights_are_those_of_the_text():
    data = [[0.3, -0.3], [1.99, 2.5]]
    np.testing.assert_array_equal(written_weights(Weight(data, 6, 2)), [[0.25, -0.3125], [1.9375, -1.5]])
    rounded = Weight(data, 6, 2, rounding_mode='RND', saturation_mode='SAT')
    np.testing.assert_array_equal(written_weights(rounded), [[0.3125, -0.3125], [1.9375, 1.9375]])
    np.testing.assert_array_equal(written_weights(Weight([0.3, 2.7], 4, 4, signed=False)), [0.0, 2.0])
    with pytest.raises(FormatError, match="weights 'w2'"):
        written_weights(Weight([1.0], None, None))


def test_the_depth_is_that_of_the_environment(monkeypatch):
    rng = np.random.default_rng(3)
    kernel = rng.integers(-60, 60, (8, 8)).astype(float)
    formats = kif([1] * 8, [3] * 8, [2] * 8)
    monkeypatch.setenv('DA_HARD_DC', '0')
    flat = cost(product_program(formats, kernel))
    monkeypatch.setenv('DA_HARD_DC', '-1')
    assert cost(product_program(formats, kernel)) <= flat
    monkeypatch.setenv('DA_HARD_DC', 'deep')
    with pytest.raises(FormatError, match='DA_HARD_DC'):
        product_program(formats, kernel)


def environment_of(python: str) -> dict[str, str]:
    """Where the provider is found by its entry point, or else by hls4ml's variable."""
    environment = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
    found = subprocess.run([python, '-c', 'import da4ml_flow'], env=environment, capture_output=True, cwd='/')
    if found.returncode != 0:
        environment['PYTHONPATH'] = f'{ROOT / "core"}{os.pathsep}{ROOT / "flow"}'
        environment['HLS4ML_BACKEND_PLUGINS'] = 'da4ml_flow.integrations.hls4ml'
    return environment


def run(python: str, *arguments: str) -> dict:
    """What a script prints behind RESULT."""
    script = ROOT / 'tests' / 'flow' / 'integrations' / 'hls4ml_models.py'
    found = subprocess.run(
        [python, '-W', 'ignore', str(script), *arguments],
        env=environment_of(python),
        capture_output=True,
        text=True,
    )
    lines = [line for line in found.stdout.splitlines() if line.startswith('RESULT ')]
    assert lines, found.stderr[-2000:] + found.stdout[-2000:]
    return json.loads(lines[0].removeprefix('RESULT '))


@pytest.mark.slow
@pytest.mark.parametrize(
    ('backend', 'kinds'),
    [
        ('Vitis', ['dense', 'conv1d', 'conv2d', 'einsum', 'einsum shared', 'unknown', 'unknown weights']),
        ('Vivado', ['dense', 'conv2d', 'einsum']),
        ('Vitis-stream', ['dense', 'conv2d']),
    ],
)
def test_models_equal_the_latency_strategy(backend: str, kinds: list[str], hls4ml_python: str):
    result = run(hls4ml_python, backend, *kinds)
    assert result.pop('modules') == ['da4ml_core']
    for kind, found in result.items():
        assert found['mismatches'] == 0, kind
        assert found['largest'] > 0, kind
        assert any(found['costs'].values()), kind


def test_nothing_of_hls4ml_is_imported_without_it():
    names = 'da4ml_flow.integrations.hls4ml, da4ml_flow.integrations.hls4ml_products'
    code = f'import sys, {names}; print("hls4ml" in sys.modules)'
    found = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == 'False'


@pytest.mark.slow
def test_the_page_runs(hls4ml_python: str, tmp_path: Path):
    page = (ROOT / 'docs' / 'hls4ml.md').read_text()
    code = page.split('```python\n')[1].split('```')[0]
    environment = {**environment_of(hls4ml_python), 'KERAS_BACKEND': 'jax'}
    found = subprocess.run(
        [hls4ml_python, '-W', 'ignore', '-c', code], env=environment, capture_output=True, text=True, cwd=tmp_path
    )
    assert found.returncode == 0, found.stderr[-2000:]
    assert found.stdout.splitlines()[-2:] == ['(12,)', "['first', 'second']"]
