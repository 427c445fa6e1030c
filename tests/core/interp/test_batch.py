"""The batch interpreter's edges: layouts, types, threads, instruction sets, wide programs and errors."""

import numpy as np
import pytest

from da4ml_core.errors import InterpError
from da4ml_core.fixed import FixedType, Interval, Overflow, Rounding
from da4ml_core.interp import Executable, _kernel, evaluate, predict
from da4ml_core.interp.batch import executable
from da4ml_core.ir import InputPort, Op, Opcode, Operand, Program, Quantization

INSTRUCTION_SETS = range(_kernel.BEST_INSTRUCTION_SET + 1)


def port(position: int, width: int = 8, frac: int = 4, *modes) -> Op:
    quantization = Quantization(FixedType(True, width - 1 - frac, frac), *modes)
    return Op(Opcode.INPUT, (), quantization.type.interval, InputPort(position, quantization))


def add(*edges: Operand, interval: Interval) -> Op:
    return Op(Opcode.ADD, edges, interval)


def butterfly(width: int = 8) -> Program:
    """a + b and a - b/2 of two inputs, and the constant 3."""
    top = 1 << width
    ops = (
        port(0, width),
        port(1, width),
        add(Operand(0), Operand(1), interval=Interval(-top, top, -4)),
        add(Operand(0), Operand(1, -1, True), interval=Interval(-2 * top, 2 * top, -5)),
        Op(Opcode.CONST, (), Interval(3, 3)),
    )
    return Program('butterfly', ops, (Operand(2), Operand(3), Operand(4)), ((2,),), ((3,),))


def expected(x: np.ndarray) -> np.ndarray:
    x = np.floor(x * 16) / 16
    return np.stack([x[:, 0] + x[:, 1], x[:, 0] - x[:, 1] / 2, np.full(len(x), 3.0)], axis=1)


X = np.random.default_rng(0).uniform(-7.9, 7.9, (3000, 2))


def test_predict_gives_float64_and_codes():
    y = predict(butterfly(), X)
    assert y.dtype == np.float64
    assert np.array_equal(y, expected(X))
    codes = predict(butterfly(), X, codes=True)
    assert codes.dtype == np.int64
    assert np.array_equal(codes * [1 / 16, 1 / 32, 1], y)


@pytest.mark.parametrize('samples', [0, 1, 2, 63, 64, 65, 1023, 1024, 1025])
def test_any_number_of_samples(samples):
    y = predict(butterfly(), X[:samples])
    assert y.shape == (samples, 3)
    assert np.array_equal(y, expected(X[:samples]))


@pytest.mark.parametrize(
    'layout',
    [
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=0)[::2],
        lambda x: np.repeat(x, 3, axis=1)[:, ::3],
        lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
        lambda x: x.astype('>f8'),
        lambda x: x.tolist(),
        lambda x: np.frombuffer(b'0' + x.tobytes(), dtype=np.uint8)[1:].view(np.float64).reshape(x.shape),
    ],
    ids=['fortran', 'rows', 'columns', 'reversed', 'big-endian', 'list', 'unaligned'],
)
def test_any_layout(layout):
    x = X[:200]
    assert np.array_equal(predict(butterfly(), layout(x)), expected(x))


def test_inputs_are_not_written_and_may_be_read_only():
    x = X[:100].copy()
    x.flags.writeable = False
    assert np.array_equal(predict(butterfly(), x), expected(x))


def test_shapes_of_inputs_and_outputs():
    program = butterfly()
    shaped = Program('p', program.ops, program.outputs, ((1,), ()), ((2,), (1, 1)))
    first, second = predict(shaped, [X[:5, :1], X[:5, 1]])
    assert (first.shape, second.shape) == ((5, 2), (5, 1, 1))
    assert np.array_equal(np.concatenate([first, second[:, 0]], axis=1), expected(X[:5]))
    with pytest.raises(InterpError, match=r'the input has shape \(3, 4\), but the program takes \(n, 2\)'):
        predict(program, np.zeros((3, 4)))


def test_nan_names_the_sample_and_the_element():
    x = X.copy()
    x[2345, 1] = np.nan
    for threads in (1, 2):
        with pytest.raises(InterpError) as caught:
            predict(butterfly(), x, threads=threads)
        assert str(caught.value) == 'error[DA1400]: sample 2345, element 1 is nan, not a finite real number'


def test_numbers_beyond_the_fast_path_are_exact():
    x = X.copy()
    x[::100] = [[2.0**70 + 2.0**20, -5e-324]]
    x[50] = [1.5, -(2.0**60)]
    y = predict(butterfly(), x)
    regular = np.ones(len(x), dtype=bool)
    regular[::100] = regular[50] = False
    assert np.array_equal(y[regular], expected(x[regular]))
    assert y[50].tolist() == [1.5, 1.5, 3.0]
    assert y[100].tolist() == [-1 / 16, 1 / 32, 3.0]


def test_no_negative_zero():
    assert not np.signbit(predict(butterfly(), np.zeros((70, 2)))).any()


@pytest.mark.parametrize('threads', [1, 2, 3, None])
def test_threads_do_not_change_the_result(threads, monkeypatch):
    monkeypatch.setattr('da4ml_core.interp.batch.CHUNK_OPERATIONS', 1)
    assert np.array_equal(predict(butterfly(), X, threads=threads), expected(X))


@pytest.mark.parametrize('threads', [0, -1, 1.5, True, 'all'])
def test_threads_that_make_no_sense(threads):
    with pytest.raises(InterpError, match='threads must be a positive integer or None'):
        predict(butterfly(), X, threads=threads)


@pytest.mark.parametrize('instruction_set', INSTRUCTION_SETS)
@pytest.mark.parametrize('width', [8, 15, 16, 24, 31, 32, 48, 60])
def test_every_lane_on_every_instruction_set(instruction_set, width, monkeypatch):
    monkeypatch.setattr(_kernel, 'BEST_INSTRUCTION_SET', instruction_set)
    program = butterfly(width)
    top = 1 << (width - 1)
    codes = np.random.default_rng(width).integers(-top, top, (300, 2))
    codes[:4] = [[-top, -top], [-top, top - 1], [top - 1, -top], [top - 1, top - 1]]
    a, b = codes.T
    assert np.array_equal(Executable(program).run_codes(codes), np.stack([a + b, 2 * a - b, np.full(300, 3)], axis=1))


@pytest.mark.parametrize('instruction_set', INSTRUCTION_SETS)
@pytest.mark.parametrize('mode', Rounding)
@pytest.mark.parametrize('dtype', [np.float64, np.float32, np.int64])
def test_inputs_are_rounded_alike_on_every_instruction_set(instruction_set, mode, dtype, monkeypatch):
    monkeypatch.setattr(_kernel, 'BEST_INSTRUCTION_SET', instruction_set)
    program = Program('p', (port(0, 8, -1, mode, Overflow.SAT),), (Operand(0),), ((1,),), ((1,),))
    x = (np.arange(-600, 600)[:, None] / (1 if dtype is np.int64 else 4)).astype(dtype)
    by_hand = [evaluate(program, sample) for sample in encode_by_hand(program, x)]
    assert Executable(program).run(x, codes=True).tolist() == by_hand


def encode_by_hand(program: Program, x: np.ndarray) -> list[list[int]]:
    from da4ml_core.fixed import quantize_code

    (_, only), *_ = program.input_ops()
    return [[quantize_code(int(value * 4), -2, *only.quantization)] for value in x[:, 0]]


def test_wide_programs_fall_back_to_exact_integers():
    program = butterfly(64)
    wide = Executable(program)
    assert wide.exact_fallback
    assert not Executable(butterfly(60)).exact_fallback
    codes = [[2**63 - 1, -(2**63)], [-(2**63), 2**63 - 1]]
    out = wide.run_codes(np.array(codes, dtype=object))
    assert out.dtype == object
    assert out.tolist() == [[-1, 3 * 2**63 - 2, 3], [-1, -3 * 2**63 + 1, 3]]
    with pytest.raises(InterpError, match=r'output 0 has the type .* which float64 does not hold exactly'):
        predict(program, X)
    assert predict(program, X[:3], codes=True).tolist() == [
        evaluate(program, sample) for sample in (np.floor(X[:3] * 16)).astype(int).tolist()
    ]


def test_a_wide_middle_needs_no_wide_output():
    # (a << 70) >> 70, wrapped to the four low bits of a
    kind = Quantization(FixedType(True, 73, -70))
    up = Op(Opcode.NEG, (Operand(0, 70),), Interval(-(127 << 66), 128 << 66, 0))
    back = Op(Opcode.QUANTIZE, (Operand(1),), kind.type.interval, kind)
    program = Program('p', (port(0), up, back), (Operand(2, -70),), ((1,),), ((1,),))
    assert Executable(program).exact_fallback
    assert predict(program, [[3.0], [-2.0]]).tolist() == [[-3.0], [2.0]]


@pytest.mark.parametrize(
    ('codes', 'message'),
    [
        (np.zeros((3, 1), dtype=int), 'the codes have shape (3, 1), but the program takes (n, 2)'),
        (np.zeros((3, 2)), 'codes are integers, not float64'),
        (np.array([[0, 0], [0, 128]]), 'sample 1: %1 (input) is 128, outside its interval [-128, 127]*2^-4'),
        (
            np.array([[0, 0], [2**63, 0]], dtype=np.uint64),
            f'sample 1: %0 (input) is {2**63}, outside its interval [-128, 127]*2^-4',
        ),
    ],
)
def test_codes_are_checked(codes, message):
    with pytest.raises(InterpError) as caught:
        Executable(butterfly()).run_codes(codes)
    assert str(caught.value) == f'error[DA1400]: {message}'


def test_an_unused_input_is_checked_like_any_other():
    program = Program('p', (port(0), port(1)), (Operand(1),), ((2,),), ((1,),))
    with pytest.raises(InterpError, match='sample 0, element 0 is inf'):
        predict(program, [[np.inf, 1.0]])


def test_programs_without_inputs_or_outputs():
    constant = Program('p', (Op(Opcode.CONST, (), Interval(5, 5, -1)),), (Operand(0),), ((0,),), ((1,),))
    assert predict(constant, np.zeros((3, 0))).tolist() == [[2.5]] * 3
    silent = Program('p', (port(0),), (), ((1,),), ((0,),))
    assert predict(silent, [[1.0], [2.0]]).shape == (2, 0)


def test_scales_beyond_float64_are_exact_too():
    far = Quantization(FixedType(True, -1993, 2000))
    ops = (
        Op(Opcode.INPUT, (), far.type.interval, InputPort(0, far)),
        Op(Opcode.NEG, (Operand(0, 2000),), Interval(-63, 64)),
    )
    program = Program('p', ops, (Operand(1),), ((1,),), ((1,),))
    assert predict(program, [[1.0], [-0.75]]).tolist() == [[0.0], [0.0]]
    assert predict(program, [[5e-324]], codes=True).tolist() == [[0]]


def test_an_executable_is_kept_for_the_program_it_was_made_of():
    program = butterfly()
    assert executable(program) is executable(program)
    assert executable(butterfly()) is not executable(program)
