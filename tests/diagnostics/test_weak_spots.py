"""The known weak spots of tools like this one, each in the words of the field: done right here, or refused."""

import json
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import da4ml_core as dc
from da4ml_core import trace
from da4ml_core.cmvm import Solution, solve
from da4ml_core.codegen import emit_verilog
from da4ml_core.errors import (
    CodegenError,
    Da4mlError,
    FormatError,
    InterpError,
    InvalidMatrix,
    SelfCheckFailed,
    SymbolicBool,
    UnsupportedOperation,
)
from da4ml_core.fixed import FixedType, Overflow, Rounding, quantize_code
from da4ml_core.passes.schedule import schedule

ROOT = Path(__file__).parents[2]


def traced(function, shape=(4,), signed=True, int_bits=3, frac_bits=2):
    tracer = dc.Tracer('spot', dc.SolverOptions(effort='fast'))
    return dc.Program.of(tracer.finish(function(tracer.input(shape).quantize(signed, int_bits, frac_bits))))


def samples(shape=(4,), seed=0):
    return np.random.default_rng(seed).integers(-32, 32, (50, *shape)) / 4


def emitted(program, name='spot'):
    return emit_verilog(schedule(program, None), name)


def exact(program, x):
    """The outputs as Fractions, however many bits they have."""
    codes = program.predict(np.asarray(x, dtype=object), codes=True)
    return [
        [Fraction(int(code)) * Fraction(2) ** interval.exp for code, interval in zip(row, intervals, strict=True)]
        for row in codes.reshape(len(codes), -1)
        for intervals in [program.output_intervals]
    ]


def matrix_is(kernel):
    """Whether the product by a kernel is that by its exact numbers."""
    kernel = np.asarray(kernel)
    x = samples((kernel.shape[0],))
    weights = [[Fraction(weight) for weight in row] for row in kernel.tolist()]
    columns = list(zip(*weights, strict=True))
    wanted = [[sum(Fraction(v) * w for v, w in zip(row, column, strict=True)) for column in columns] for row in x]
    return exact(traced(lambda a: a @ kernel, (kernel.shape[0],)), x) == wanted


def same_as_numpy(function, shape=(4,)):
    x = samples(shape)
    return np.array_equal(traced(function, shape).predict(x), np.array([function(row) for row in x]))


SPOTS = {}


def spot(words):
    def register(test):
        assert words not in SPOTS
        SPOTS[words] = test
        return test

    return register


def refused(words, error, message, act):
    @spot(words)
    def test():
        with pytest.raises(error, match=message):
            act()


# Silent wrong results
refused('a table function without its quantizer: np.sin(x) + 1', UnsupportedOperation, 'before it is quantized',
        lambda: traced(lambda x: np.sin(x) + 1))  # fmt: skip


@spot('quantize, relu, mux and inputs of 33 to 62 bits, negative ones too')
def wide_values():
    program = traced(
        lambda x: np.concatenate([np.maximum(x, 0), np.where(x < 0, x, 1), x.quantize(True, 45, 0, 'RND')]),
        (1,), int_bits=50, frac_bits=4,
    )  # fmt: skip
    for n in (-(2**54), -(2**40) - 1, -1, 0, 2**53 + 3):
        x = Fraction(n, 16)
        rounded = (n + 8) // 16
        wrapped = (rounded + 2**45) % 2**46 - 2**45
        assert exact(program, [[x]]) == [[max(x, 0), x if x < 0 else 1, wrapped]]


@spot('x * 0.1 for x = 1')
def tenth():
    assert exact(traced(lambda x: x * 0.1, (1,)), [[1]]) == [[Fraction(0.1)]]


@spot('inputs of 65 bits')
def inputs_of_65_bits():
    program = traced(lambda x: x + 1, (1,), int_bits=32, frac_bits=32)
    x = -Fraction(2**64 - 1, 2**32)
    assert exact(program, [[x]]) == [[x + 1]]


@spot('the top bit of an unsigned key of 3 bits')
def unsigned_key():
    program = traced(lambda x: np.where(x >= 4, 5, np.where(x > 1, x, 7)), (1,), signed=False, frac_bits=0)
    x = np.arange(8)
    assert np.array_equal(program.predict(x[:, None])[:, 0], np.where(x >= 4, 5, np.where(x > 1, x, 7)))


@spot('kernels in Fortran order')
def fortran():
    assert matrix_is(np.asfortranarray(np.arange(16.0).reshape(4, 4)))


@spot('strided kernels')
def strided():
    assert matrix_is(np.arange(64.0).reshape(8, 8)[::2, 1::2])


refused('NaN in a kernel', InvalidMatrix, 'nan', lambda: solve([[1.0, np.nan]]))
refused('infinity in a kernel', InvalidMatrix, 'inf', lambda: solve([[1.0, np.inf]]))


@spot('a dynamic range of a column of 2^31 and more')
def dynamic_range():
    assert matrix_is([[2.0**40 + 1], [1.0], [-3.0], [2.0**-30]])


@spot('float64 weights rounded to float32')
def float64_weights():
    assert matrix_is([[1 / 3, 0.1], [np.pi, -np.e], [1 + 2.0**-52, 7.0]])


@spot('a solver that does not verify itself')
def self_check():
    right, wrong = solve([[3, 5]]), solve([[3, 7]])
    Solution.proved(right.problem, right.graph, right.device, None, right.minimal_depth, {})
    with pytest.raises(SelfCheckFailed):
        Solution.proved(right.problem, wrong.graph, right.device, None, right.minimal_depth, {})


refused(
    'fewer input intervals than inputs',
    InvalidMatrix,
    '1 input intervals for a matrix with 2 rows',
    lambda: solve([[1], [2]], inputs=[dc.Interval(0, 1)]),
)
refused('fewer latencies than inputs', InvalidMatrix, 'latencies', lambda: solve([[1], [2]], latencies=[1]))
refused('a kernel without rows', InvalidMatrix, 'shape|row|empty', lambda: solve(np.zeros((0, 2))))


@spot("matmul of more than two axes is numpy's")
def matmul():
    stack = np.arange(24.0).reshape(3, 2, 4)
    assert same_as_numpy(lambda x: np.matmul(x.reshape(2, 2), stack))


refused('np.unique', UnsupportedOperation, 'numpy.unique', lambda: traced(np.unique))
refused('bool of a symbolic value', SymbolicBool, 'truth', lambda: traced(lambda x: x if x[0] > 0 else -x))


@spot('constants with an LSB below 2^-32')
def fine_constants():
    assert exact(traced(lambda x: x + 2.0**-40, (1,)), [[1]]) == [[1 + Fraction(1, 2**40)]]


@spot('tables of more than 31 bits')
def wide_tables():
    program = traced(lambda x: trace.table(x, lambda v: v * 2.0**40 + 0.25, True, 44, 2), (1,))
    assert exact(program, [[-8], [1.25]]) == [
        [Fraction(-8 * 2**40) + Fraction(1, 4)],
        [Fraction(5 * 2**38) + Fraction(1, 4)],
    ]


refused(
    'NaN as an input of predict', InterpError, 'nan|NaN', lambda: traced(lambda x: x).predict(np.full((1, 4), np.nan))
)
refused(
    'infinity as an input of predict', InterpError, 'inf', lambda: traced(lambda x: x).predict(np.full((1, 4), np.inf))
)


@spot('1e30 as an input of predict')
def huge_input():
    tracer = dc.Tracer('spot')
    x = tracer.input((2,))
    program = dc.Program.of(tracer.finish(x.quantize(True, 3, 0, 'TRN', 'SAT')))
    assert program.predict([[1e30, -1e30]]).tolist() == [[7, -8]]
    wrapping = traced(lambda x: x, (1,), frac_bits=0)
    assert wrapping.predict([[1e30 + 3 * 2.0**60]]).tolist() == [[(int(1e30 + 3 * 2.0**60) + 8) % 16 - 8]]


@spot('outputs without bits')
def no_bits():
    text = ''.join(emitted(traced(lambda x: np.stack([x[0] * 0, x[1]]))).files.values())
    assert not re.search(r'\[\s*-1\s*:', text)


refused('a module called module', CodegenError, 'module', lambda: emitted(traced(lambda x: x), 'module'))
refused("a module called 'my model-1'", CodegenError, 'my model-1', lambda: emitted(traced(lambda x: x), 'my model-1'))

# Validation by assertions
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


@spot('python -O accepts nothing else, and RND_CONV stays RND_CONV')
def optimized_python():
    result = subprocess.run(
        [sys.executable, '-O', '-c', BAD_CALLS],
        cwd=ROOT / 'core',
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == '[0, 2, 0]\n'


@spot('the source has no assertions that guard what users give')
def no_assertions():
    for path in [*(ROOT / 'core').rglob('*.py'), *(ROOT / 'flow').rglob('*.py')]:
        assert not re.search(r'^\s*assert\b', path.read_text(), re.MULTILINE), path


@spot('JSON that is no program')
def junk():
    for text in ('', '[]', '{}', '[1, 2, 3]', '{"meta": "ALIRModel", "spec_version": 4, "model": [[1]]}', '"x"', 'nan'):
        for suffix in ('.json', '.alir.json', '.dais.json'):
            path = Path(f'junk{suffix}')
            path.write_text(text)
            with pytest.raises(Da4mlError):
                dc.load(path)


@spot('options that are mutated')
def frozen_options():
    with pytest.raises(FrozenInstanceError):
        dc.SolverOptions().effort = 'max'


# Limits
@spot('all rounding and overflow modes, not TRN and RND only')
def all_modes():
    for rounding in Rounding:
        for overflow in Overflow:
            program = traced(lambda x, modes=(rounding, overflow): x.quantize(True, 1, 0, *modes), (1,))
            for code in range(-32, 32):
                wanted = quantize_code(code, -2, FixedType(True, 1, 0), rounding, overflow)
                assert program.predict([[code / 4]]).tolist() == [[wanted]]


@spot('values beyond 64 bits')
def beyond_64_bits():
    program = traced(lambda x: x * x * x, (1,), int_bits=40, frac_bits=0)
    assert exact(program, [[2**40 - 1], [-(2**40)]]) == [[Fraction(2**40 - 1) ** 3], [Fraction(-(2**40)) ** 3]]


refused(
    'a negative number of threads', InterpError, 'threads', lambda: traced(lambda x: x).predict(samples(), threads=-1)
)


@spot('1500 chained operations, and more, without recursion')
def deep():
    def chain(x):
        y = x[:1]
        for _ in range(1500):
            y = (y + x[1:]).quantize(True, 3, 2)
        return y

    program = traced(chain, (2,))
    assert program.num_ops > 1500
    assert program.optimize().num_ops <= program.num_ops


@spot('division, modulo, floor, sign, argmax')
def more_functions():
    assert same_as_numpy(lambda x: x / 8)
    assert same_as_numpy(lambda x: x % 3)
    assert same_as_numpy(lambda x: x // 0.75)
    assert same_as_numpy(lambda x: np.floor(x) + np.sign(x))
    assert same_as_numpy(lambda x: np.argmax(x) + np.zeros(1))


@spot('equal work in two matrices is done once')
def shared_between_matrices():
    kernel = np.random.default_rng(2).integers(-8, 8, (4, 4))
    once = traced(lambda x: x @ kernel)
    assert traced(lambda x: np.concatenate([x @ kernel, 2 * (x @ kernel)])).num_adders == once.num_adders


@spot('ranges of correlated values: x - x, |x|')
def correlated():
    assert traced(lambda x: x - x).output_intervals[0][:2] == (0, 0)
    assert traced(abs).output_intervals[0].lo == 0
    assert traced(lambda x: (x[0] + x[1]) - x[1] - x[0] + x).output_intervals[0] == (-32, 31, -2)


@spot('a limit of depth is kept')
def depth():
    kernel = np.random.default_rng(3).integers(-128, 128, (8, 8))
    free = solve(kernel, extra_depth=None)
    assert solve(kernel, extra_depth=0).depth <= free.depth


# Slow
@spot('equal kernels are solved once')
def memoised():
    from da4ml_core.trace import linear

    solved, before = [], linear.solve
    kernel = np.random.default_rng(5).integers(-8, 8, (3, 2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linear, 'solve', lambda *args, **kwargs: solved.append(1) or before(*args, **kwargs))
        traced(lambda x: x @ kernel, (100, 3))
    assert len(solved) == 1


refused('a table of 2^25 entries', UnsupportedOperation, 'limit of 1048576 entries',
        lambda: traced(lambda x: np.tanh(x).quantize(1, 0, 4), int_bits=20, frac_bits=4))  # fmt: skip


# Bad and extreme input
@spot('weights of 24 bits and more')
def weights_of_25_bits():
    assert matrix_is(np.random.default_rng(3).integers(-(2**24), 2**24, (8, 8)) + 0.5)


refused('complex weights', InvalidMatrix, 'complex', lambda: solve(np.array([[1j]])))


@spot('an output index out of range in a loaded file, and one cut short')
def damaged():
    path = Path('program.json')
    traced(lambda x: x + 1).save(path)
    text = path.read_text()
    path.write_text(text[: len(text) // 2])
    with pytest.raises(Da4mlError):
        dc.load(path)
    document = json.loads(text)
    document['outputs'][0][0] = 999
    path.write_text(json.dumps(document))
    with pytest.raises(Da4mlError):
        dc.load(path)


refused(
    'a prediction with the wrong number of features',
    InterpError,
    'shape',
    lambda: traced(lambda x: x).predict(np.zeros((2, 3))),
)
refused('x / 255', UnsupportedOperation, 'power of two', lambda: traced(lambda x: x / 255))
refused('the mean of 3', UnsupportedOperation, 'the mean of 3 values', lambda: traced(lambda x: x.mean(), (3,)))
refused('the mean of 10', UnsupportedOperation, 'the mean of 10 values', lambda: traced(lambda x: x.mean(), (10,)))


@spot('x * 0.3, x * 0.7, x * 1.1 as raw floats')
def raw_floats():
    for number in (0.3, 0.7, 1.1):
        assert exact(traced(lambda x, number=number: x * number, (1,)), [[-1.25]]) == [
            [Fraction(-1.25) * Fraction(number)]
        ]


@spot('signed inputs of one bit')
def one_bit():
    kernel = np.array([[3, -5], [7, 1], [-2, 4], [1, 1]])
    program = traced(lambda x: np.maximum(x @ kernel, -4), int_bits=0, frac_bits=0)
    x = -np.array([[n >> k & 1 for k in range(4)] for n in range(16)])
    assert np.array_equal(program.predict(x), np.maximum(x @ kernel, -4))


refused('a lookup of a value of 32 bits', UnsupportedOperation, 'limit of 1048576 entries',
        lambda: traced(lambda x: np.exp(x).quantize(0, 4, 4), int_bits=16, frac_bits=15))  # fmt: skip


@spot('tables survive saving and loading')
def saved_tables():
    program = traced(lambda x: np.tanh(np.maximum(x, 0)).quantize(True, 0, 7))
    path = Path('table.json.gz')
    program.save(path)
    assert dc.load(path).tables == program.tables
    assert dc.load(path) == program


@spot('all of a value with a fractional step')
def all_of_fractions():
    assert same_as_numpy(lambda x: np.all(x) + np.zeros(1))
    assert same_as_numpy(lambda x: np.any(x[:1] * x[1]) + np.zeros(1))


@spot('a product of 62 bits keeps its low bits')
def product_of_62_bits():
    program = traced(lambda x: x[0] * x[1], (2,), int_bits=30, frac_bits=0)
    assert exact(program, [[2**30 - 1, -(2**30) + 3]]) == [[Fraction(2**30 - 1) * (-(2**30) + 3)]]


refused('unknown solver options', TypeError, 'unexpected keyword', lambda: dc.SolverOptions(n_beams=3))


@spot('an un-quantized float32 kernel of 16 x 16')
def float32_kernel():
    for seed in range(3):
        assert matrix_is(np.random.default_rng(seed).normal(0, 0.3, (16, 16)).astype(np.float32)[:, :3])


@spot('input latencies count when a program is traced')
def latencies():
    slow_first = solve([[1], [1], [1]], latencies=[5, 0, 0], extra_depth=0)
    assert slow_first.depth == 6


@spot('ranges are not widened to powers of two: a sum bounded by 72')
def tight_sums():
    program = traced(lambda x: x @ np.full((9, 1), 1), (9,), signed=False, frac_bits=0)
    assert traced(lambda x: np.minimum(x, 8 - 1) @ np.full((9, 1), 1), (9,), False, 4, 0).output_intervals[0].hi == 63
    assert program.output_intervals[0] == (0, 63, 0)


@spot('intervals that are reversed, or of steps 0, 0.3 and NaN')
def bad_intervals():
    for arguments in ((1, 0), (0, 1, 0.3), (0.5, 1), (0, float('nan')), (0, 1, None)):
        with pytest.raises(FormatError):
            dc.Interval.check(*arguments)


@spot('softmax and layer normalization can be written')
def layers():
    soft = traced(trace.softmax, (3,), int_bits=1).predict(samples((3,)) / 4 % 2)
    assert abs(soft.sum(axis=1) - 1).max() < 0.01

    def normalized(x):
        scale = (1 / np.sqrt(x.var() + 0.25)).quantize(False, 2, 8, 'RND')
        return (x - x.mean()) * scale

    x = np.floor(samples()) / 8
    wanted = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 0.25)
    assert abs(traced(normalized, int_bits=0, frac_bits=3).predict(x) - wanted).max() < 2**-7


@pytest.mark.parametrize('words', SPOTS)
def test_weak_spot(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    SPOTS[words]()
