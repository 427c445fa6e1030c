"""External numbers to codes and back: exact for every real number, refused for everything else."""

from fractions import Fraction

import numpy as np
import pytest

from da4ml_core.errors import InterpError
from da4ml_core.fixed import FixedType, Interval, Overflow, Rounding
from da4ml_core.interp import decode, encode
from da4ml_core.ir import InputPort, Op, Opcode, Operand, Program, Quantization


def ports(*quantizations: Quantization, shapes: tuple[tuple[int, ...], ...] | None = None) -> Program:
    """A program that passes its inputs on."""
    ops = [
        Op(Opcode.INPUT, (), quantization.type.interval, InputPort(position, quantization))
        for position, quantization in enumerate(quantizations)
    ]
    count = len(ops)
    outputs = tuple(Operand(index) for index in range(count))
    return Program('p', tuple(ops), outputs, shapes or ((count,),), ((count,),))


def port(signed: bool, width: int, frac: int, *modes) -> Quantization:
    return Quantization(FixedType(signed, width - signed - frac, frac), *modes)


BYTE = port(True, 8, 4)


@pytest.mark.parametrize('dtype', [np.float64, np.float32, np.float16, np.longdouble, '>f8', object])
def test_every_float_type(dtype):
    x = np.array([[1.5], [-1.03125], [0.0], [9.0]], dtype=dtype)
    assert encode(ports(BYTE), x).tolist() == [[24], [-17], [0], [-112]]


@pytest.mark.parametrize('dtype', [np.int64, np.int8, np.uint8, np.uint64, '>i4', bool, object])
def test_every_integer_type(dtype):
    x = np.array([[0], [1], [1]], dtype=dtype)
    assert encode(ports(BYTE), x).tolist() == [[0], [16], [16]]


def test_integers_beyond_float64_are_exact():
    wide = port(False, 60, 0)
    program = ports(wide)
    for number in (2**53 + 1, 2**62 + 3, -(2**62) - 3, 2**63 + 5, 2**200 + 7):
        assert encode(program, [[number]]).tolist() == [[number % 2**60]]
    assert encode(program, np.array([[2**62 + 3]])).tolist() == [[3]]
    assert encode(program, np.array([[2**64 - 1]], dtype=np.uint64)).tolist() == [[2**60 - 1]]
    assert encode(ports(wide, wide), [[2**53 + 1, 0.5]]).tolist() == [[2**53 + 1, 0]]


def test_fractions_need_not_be_dyadic():
    third = Fraction(1, 3)
    numbers = [[third], [-third], [Fraction(1, 2)], [Fraction(1, 2) + Fraction(1, 10**30)]]
    expected = {
        Rounding.TRN: [0, -1, 0, 0],
        Rounding.TRN_ZERO: [0, 0, 0, 0],
        Rounding.RND: [0, 0, 1, 1],
        Rounding.RND_ZERO: [0, 0, 0, 1],
        Rounding.RND_CONV: [0, 0, 0, 1],
    }
    for mode, codes in expected.items():
        assert encode(ports(port(True, 4, 0, mode)), numbers).ravel().tolist() == codes


@pytest.mark.parametrize(
    ('overflow', 'codes'),
    [
        (Overflow.WRAP, [3, -3, 0]),
        (Overflow.SAT, [127, -128, -128]),
        (Overflow.SAT_SYM, [127, -127, -127]),
        (Overflow.SAT_ZERO, [0, 0, 0]),
    ],
)
def test_huge_numbers(overflow, codes):
    x = np.array([[2.0**52 + 3], [-(2.0**52) - 3], [-1.7e308]])
    assert encode(ports(port(True, 8, 0, Rounding.TRN, overflow)), x).ravel().tolist() == codes


def test_the_smallest_numbers_round_like_any_other():
    x = np.array([[5e-324], [-5e-324], [np.nextafter(0.5, 0)], [0.5], [np.nextafter(0.5, 1)], [-0.0]])
    for frac in (0, -8, -1000):
        step = 2.0**-frac
        kind = port(True, 4, frac)
        assert encode(ports(kind), x).ravel().tolist()[:2] == [0, -1]
        rounded = encode(ports(port(True, 4, frac, Rounding.RND)), x[2:5] * step)
        assert rounded.ravel().tolist() == [0, 1, 1]


def test_types_without_bits_and_of_many():
    assert encode(ports(port(False, 0, 3)), [[7.5]]).tolist() == [[0]]
    wide = port(True, 200, 100)
    codes = encode(ports(wide), [[-0.5], [2.0**60]])
    assert codes.dtype == object
    assert codes.tolist() == [[-(2**99)], [2**160 - 0]]


def test_an_input_may_be_read_by_several_ports():
    ops = tuple(
        Op(Opcode.INPUT, (), kind.type.interval, InputPort(1, kind)) for kind in (BYTE, port(False, 3, 0, Rounding.RND))
    )
    program = Program('p', ops, (Operand(0),), ((2,),), ((1,),))
    assert encode(program, [[0, 1.5]]).tolist() == [[24, 2]]


@pytest.mark.parametrize(
    ('number', 'text'), [(np.nan, 'nan'), (np.inf, 'inf'), (-np.inf, '-inf'), ('1', '1'), (None, 'None'), (1j, '1j')]
)
def test_what_is_not_a_real_number(number, text):
    x = np.zeros((3, 2), dtype=np.float64 if isinstance(number, float) else object)
    x[2, 1] = number
    with pytest.raises(InterpError) as caught:
        encode(ports(BYTE, BYTE), x)
    assert str(caught.value) == f'error[DA1400]: sample 2, element 1 is {text}, not a finite real number'


@pytest.mark.parametrize(
    ('x', 'message'),
    [
        (np.zeros((3, 5)), 'the input has shape (3, 5), but the program takes (n, 2, 3)'),
        (np.zeros((3, 3, 2)), 'the input has shape (3, 3, 2), but the program takes (n, 2, 3)'),
        (np.zeros(6), 'the input has shape (6,), but the program takes (n, 2, 3)'),
        (1.0, 'the input has shape (), but the program takes (n, 2, 3)'),
        ([[1.0, 2.0], [3.0]], 'the input is not a rectangular array of numbers'),
        (np.zeros((1, 6), dtype=complex), 'the input holds complex128 elements, which are not real numbers'),
        ([['a'] * 6], 'the input holds <U1 elements, which are not real numbers'),
        (
            np.ma.masked_less(np.arange(6)[None], 2),
            'the input has masked elements, which are no numbers\n  help: fill them: x.filled(0)',
        ),
    ],
)
def test_shapes_are_checked_not_guessed(x, message):
    with pytest.raises(InterpError) as caught:
        encode(ports(*[BYTE] * 6, shapes=((2, 3),)), x)
    assert str(caught.value) == f'error[DA1400]: {message}'


def test_several_inputs():
    program = ports(BYTE, BYTE, BYTE, shapes=((2,), ()))
    expected = [[16, 32, 48], [64, 80, 96]]
    first, second = np.array([[1, 2], [4, 5]]), np.array([3.0, 6.0])
    assert encode(program, [first, second]).tolist() == expected
    assert encode(program, (first.astype(np.float32), second[:, None])).tolist() == expected
    assert encode(program, np.array([[1, 2, 3], [4, 5, 6]])).tolist() == expected
    with pytest.raises(InterpError, match='the inputs have different numbers of samples: 1, 2'):
        encode(program, [first, second[:1]])
    with pytest.raises(InterpError, match="1 input arrays given, but 'p' has 2 inputs"):
        encode(program, [first])


def test_integers_beside_floats_stay_exact():
    program = ports(port(True, 63, 0), BYTE, shapes=((1,), (1,)))
    assert encode(program, [np.array([[2**61 + 1]]), np.array([[0.5]])]).tolist() == [[2**61 + 1, 8]]


def test_decode_scales_by_the_step_of_each_output():
    program = ports(BYTE, port(True, 8, -3))
    assert decode(program, [[-3, 5]]).tolist() == [[-3 / 16, 40.0]]
    with pytest.raises(InterpError, match=r'the codes have shape \(1, 3\), but the program makes \(n, 2\)'):
        decode(program, [[1, 2, 3]])


def test_decode_refuses_what_float64_does_not_hold():
    for kind, exact in ((port(True, 54, 0), True), (port(True, 55, 0), False), (port(True, 8, 1075), False)):
        program = ports(kind)
        if exact:
            assert decode(program, [[-(2**53)]]).tolist() == [[-(2.0**53)]]
            continue
        with pytest.raises(InterpError) as caught:
            decode(program, [[1]])
        assert str(caught.value) == (
            f'error[DA1400]: output 0 has the type {kind.type}, which float64 does not hold exactly\n'
            '  help: ask for integer codes: predict(..., codes=True)'
        )


def test_decode_down_to_the_smallest_float():
    program = Program('p', (Op(Opcode.CONST, (), Interval(3, 3, -1074)),), (Operand(0),), ((0,),), ((1,),))
    assert decode(program, [[3]]).tolist() == [[3 * 5e-324]]
