"""Input that tools of this kind accept, crash on or guard by assertions alone: a typed error here."""

import json
import os
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from small_programs import samples, traced

import da4ml_core as dc
from da4ml_core.cmvm import solve
from da4ml_core.errors import Da4mlError, FormatError, InterpError, UnsupportedOperation
from da4ml_flow.cli.main import cli

ROOT = Path(__file__).parents[3]
BAD_CALLS = """
from da4ml_core.errors import Da4mlError
import da4ml_core as dc
from da4ml_core.fixed import FixedType, Interval, Overflow, Rounding, quantize_code
tracer = dc.Tracer('optimized')
x = tracer.input((2,)).quantize(True, 3, 2)
for call in (
    lambda: x.quantize(True, 1, 0, 'ROUND'), lambda: x.quantize(True, 1, 0, 'RND', 'CLIP'),
    lambda: Interval.check(1, 0), lambda: Interval.check(0, 1, 0.3), lambda: x + float('nan'),
    lambda: x @ [[1], [2], [3]], lambda: dc.Program.of(tracer.finish(x)).luts_on('none'),
):
    try:
        call()
    except Da4mlError:
        continue
    raise SystemExit('accepted')
codes = [quantize_code(n, -1, FixedType(True, 3, 0), Rounding.RND_CONV, Overflow.WRAP) for n in (1, 3, -1)]
print(codes)
"""

weak_spot = pytest.mark.weak_spot


@weak_spot('9.2', 'python -O')
def test_optimized_python_accepts_nothing_else_and_rounds_alike():
    result = subprocess.run(
        [sys.executable, '-O', '-c', BAD_CALLS],
        env={**os.environ, 'PYTHONPATH': str(ROOT / 'core')},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == '[0, 2, 0]\n'


@weak_spot('9.2', '128 assert statements')
def test_no_assertion_guards_what_users_give():
    sources = [*(ROOT / 'core').rglob('*.py'), *(ROOT / 'flow').rglob('*.py')]
    assert len(sources) > 200
    for path in sources:
        assert not re.search(r'^\s*assert\b', path.read_text(), re.MULTILINE), path


@weak_spot('9.2', 'JSON loader')
@pytest.mark.parametrize('suffix', ['.json', '.alir.json', '.dais.json'])
def test_json_that_is_no_program(suffix, tmp_path):
    path = tmp_path / f'junk{suffix}'
    for text in ('', '[]', '{}', '[1, 2, 3]', '{"meta": "ALIRModel", "spec_version": 4, "model": [[1]]}', '"x"', 'nan'):
        path.write_text(text)
        with pytest.raises(Da4mlError):
            dc.load(path)


@weak_spot('9.2', 'metadata dict')
def test_what_the_caller_gives_is_not_changed_and_the_facts_of_rtl_and_hls_are_the_same(tmp_path):
    options = dc.SolverOptions()
    with pytest.raises(FrozenInstanceError):
        options.effort = 'max'
    kernel = np.arange(12.0).reshape(4, 3)
    before = kernel.copy()
    program = traced(lambda x: x @ kernel)
    assert np.array_equal(kernel, before)
    program.save(tmp_path / 'p.json')
    found = {}
    for language in ('verilog', 'vitis'):
        arguments = ['convert', str(tmp_path / 'p.json'), str(tmp_path / language), '--language', language, '--json']
        result = CliRunner().invoke(cli, arguments)
        assert result.exit_code == 0, result.output
        found[language] = json.loads(result.stdout)
    common = (found['verilog'].keys() & found['vitis'].keys()) - {'language', 'files'}
    assert {'adders', 'lut_estimate', 'depth', 'top'} <= common
    assert {key: found['verilog'][key] for key in common} == {key: found['vitis'][key] for key in common}


@weak_spot('9.3', 'n_threads<0')
def test_a_negative_number_of_threads():
    with pytest.raises(InterpError, match='threads'):
        traced(lambda x: x).predict(samples(), threads=-1)


@weak_spot('more.2', 'Garbage bytecode')
def test_garbage_and_damaged_files(tmp_path):
    path = tmp_path / 'program.json'
    program = traced(lambda x: np.maximum(x @ [[1, 3], [2, -5], [7, 0], [1, 1]], 0))
    program.save(path)
    text = path.read_text()
    path.write_text(text[: len(text) // 2])
    with pytest.raises(Da4mlError):
        dc.load(path)
    document = json.loads(text)
    document['outputs'][0][0] = 999
    path.write_text(json.dumps(document))
    with pytest.raises(Da4mlError):
        dc.load(path)
    binary = tmp_path / 'program.dais'
    program.save(binary)
    rng = np.random.default_rng(1)
    words = np.fromfile(binary, dtype='<i4')
    binary.write_bytes(rng.bytes(400))
    with pytest.raises(Da4mlError):
        dc.load(binary)
    refused = 0
    for _ in range(300):
        changed = words.copy()
        changed[rng.integers(len(words))] = rng.integers(-(2**31), 2**31)
        changed.tofile(binary)
        try:
            dc.load(binary).predict(samples())  # what is a program of the format is one
        except Da4mlError:
            refused += 1
    assert refused > 100


@weak_spot('more.2', 'wrong number of features')
def test_a_prediction_with_the_wrong_number_of_features():
    with pytest.raises(InterpError, match='shape'):
        traced(lambda x: x).predict(np.zeros((2, 3)))


@weak_spot('more.3', 'x/255')
@weak_spot('more.3', 'mean of 3')
@pytest.mark.parametrize(
    ('function', 'message'),
    [
        (lambda x: x / 255, 'power of two'),
        (lambda x: x[:3].mean(), 'the mean of 3 values'),
        (lambda x: x.mean(), 'the mean of 10 values'),
    ],
)
def test_divisions_without_an_exact_result(function, message):
    with pytest.raises(UnsupportedOperation, match=message):
        traced(function, (10,))


@weak_spot('more.3', 'Signed 1-bit inputs')
def test_signed_inputs_of_one_bit():
    kernel = np.array([[3, -5], [7, 1], [-2, 4], [1, 1]])
    program = traced(lambda x: np.maximum(x @ kernel, -4), int_bits=0, frac_bits=0)
    x = -np.array([[n >> k & 1 for k in range(4)] for n in range(16)])
    assert np.array_equal(program.predict(x), np.maximum(x @ kernel, -4))


@weak_spot('9.4', '25-bit table')
@weak_spot('more.3', '32-bit value')
@pytest.mark.parametrize('bits', [(20, 4), (16, 15)], ids=str)
def test_tables_of_more_entries_than_hardware_has(bits):
    with pytest.raises(UnsupportedOperation, match='limit of 1048576 entries'):
        traced(lambda x: np.exp(x).quantize(0, 4, 4), int_bits=bits[0], frac_bits=bits[1])


@weak_spot('more.4', "don't-care mask")
@pytest.mark.parametrize('suffix', ['.json', '.json.gz', '.dais', '.dais.json', '.alir.json', '.alir.json.gz'])
def test_tables_and_what_of_them_matters_survive_saving(suffix, tmp_path):
    program = traced(lambda x: np.tanh(np.maximum(x, 0)).quantize(True, 0, 7))
    path = tmp_path / f'table{suffix}'
    program.save(path)
    again = dc.load(path)
    assert [len(table) for table in program.tables] == [32]
    assert [table.digest for table in again.optimize().tables] == [table.digest for table in program.optimize().tables]
    assert again.optimize().lut_estimate == program.optimize().lut_estimate
    assert np.array_equal(again.predict(samples()), program.predict(samples()))


@weak_spot('more.5', 'Unknown solver options')
def test_unknown_solver_options():
    with pytest.raises(TypeError, match="unexpected keyword argument 'n_beams'"):
        dc.SolverOptions(n_beams=3)


@weak_spot('more.7', 'Intervals with step')
@pytest.mark.parametrize('arguments', [(1, 0), (0, 1, 0.3), (0.5, 1), (0, float('nan')), (0, 1, None)], ids=str)
def test_intervals_that_are_none(arguments):
    with pytest.raises(FormatError):
        dc.Interval.check(*arguments)
    with pytest.raises(Da4mlError):
        solve([[1]], inputs=[dc.Interval(*arguments)])
