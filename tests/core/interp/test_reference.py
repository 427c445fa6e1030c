"""The reference interpreter, op by op, against arithmetic done by hand."""

import pytest

from da4ml_core.errors import InterpError
from da4ml_core.fixed import FixedType, Interval, Overflow, Rounding
from da4ml_core.interp import evaluate
from da4ml_core.ir import InputPort, Op, Opcode, Operand, Program, Quantization

SIGNED_8 = FixedType(True, 3, 4)  # eight bits, steps of 1/16


def port(position: int, kind: FixedType = SIGNED_8) -> Op:
    return Op(Opcode.INPUT, (), kind.interval, InputPort(position, Quantization(kind)))


def program(*ops: Op, outputs: tuple[Operand, ...] | None = None) -> Program:
    outputs = outputs or (Operand(len(ops) - 1),)
    inputs = sum(op.opcode is Opcode.INPUT for op in ops)
    return Program('p', ops, outputs, ((inputs,),), ((len(outputs),),))


def test_an_input_is_its_code_and_an_output_edge_only_scales():
    assert evaluate(program(port(0), outputs=(Operand(0), Operand(0, 3))), [-5]) == [-5, -5]


def test_a_sum_aligns_steps():
    # a/16 + b/16 * 4 - c/16 / 2, in steps of 1/32
    total = Op(Opcode.ADD, (Operand(0), Operand(1, 2), Operand(2, -1, True)), Interval(-5000, 5000, -5))
    assert evaluate(program(port(0), port(1), port(2), total), [3, -7, 11]) == [2 * 3 - 8 * 7 - 11]


def test_a_sum_in_a_coarser_step_than_its_terms():
    twice = Op(Opcode.ADD, (Operand(0), Operand(0)), Interval(-128, 127, -3))
    assert evaluate(program(port(0), twice), [-77]) == [-77]


def test_a_constant_is_its_interval():
    three = Op(Opcode.CONST, (), Interval(3, 3, -1))
    total = Op(Opcode.ADD, (Operand(0), Operand(1)), Interval(-200, 200, -4))
    assert evaluate(program(port(0), three, total), [5]) == [5 + 24]


def test_neg():
    assert evaluate(program(port(0), Op(Opcode.NEG, (Operand(0, 1),), Interval(-254, 256, -4))), [-128]) == [256]


@pytest.mark.parametrize(('code', 'result'), [(-1, 0), (0, 0), (7, 7), (127, 127)])
def test_relu(code, result):
    assert evaluate(program(port(0), Op(Opcode.RELU, (Operand(0),), Interval(0, 127, -4))), [code]) == [result]


@pytest.mark.parametrize(('code', 'result'), [(-128, 0), (7, 1), (8, 2), (67, 0), (127, 15)])
def test_relu_drops_to_a_type(code, result):
    kind = Quantization(FixedType(False, 2, 2))  # four bits, steps of 1/4
    assert evaluate(program(port(0), Op(Opcode.RELU, (Operand(0),), Interval(0, 15, -2), kind)), [code]) == [result]


@pytest.mark.parametrize(
    ('rounding', 'results'),
    [  # of -2.5, -1.5, -0.75, -0.5, -0.25, 0.25, 0.5, 0.75, 1.5, 2.5 in whole steps
        (Rounding.TRN, [-3, -2, -1, -1, -1, 0, 0, 0, 1, 2]),
        (Rounding.TRN_ZERO, [-2, -1, 0, 0, 0, 0, 0, 0, 1, 2]),
        (Rounding.RND, [-2, -1, -1, 0, 0, 0, 1, 1, 2, 3]),
        (Rounding.RND_ZERO, [-2, -1, -1, 0, 0, 0, 0, 1, 1, 2]),
        (Rounding.RND_INF, [-3, -2, -1, -1, 0, 0, 1, 1, 2, 3]),
        (Rounding.RND_MIN_INF, [-3, -2, -1, -1, 0, 0, 0, 1, 1, 2]),
        (Rounding.RND_CONV, [-2, -2, -1, 0, 0, 0, 0, 1, 2, 2]),
    ],
)
def test_the_seven_rounding_modes(rounding, results):
    quantize = Op(Opcode.QUANTIZE, (Operand(0),), Interval(-4, 3), Quantization(FixedType(True, 2, 0), rounding))
    codes = [-40, -24, -12, -8, -4, 4, 8, 12, 24, 40]
    assert [evaluate(program(port(0), quantize), [code])[0] for code in codes] == results


@pytest.mark.parametrize(
    ('overflow', 'results'),
    [  # of -128, -6, -4, -3, 3, 4, 127
        (Overflow.WRAP, [0, 2, -4, -3, 3, -4, -1]),
        (Overflow.SAT, [-4, -4, -4, -3, 3, 3, 3]),
        (Overflow.SAT_SYM, [-3, -3, -3, -3, 3, 3, 3]),
        (Overflow.SAT_ZERO, [0, 0, -4, -3, 3, 0, 0]),
    ],
)
def test_the_four_overflow_modes(overflow, results):
    kind = Quantization(FixedType(True, -2, 4), Rounding.TRN, overflow)
    quantize = Op(Opcode.QUANTIZE, (Operand(0),), Interval(-4, 3, -4), kind)
    assert [evaluate(program(port(0), quantize), [code])[0] for code in (-128, -6, -4, -3, 3, 4, 127)] == results


def test_integers_have_no_limit():
    wide = FixedType(True, 199, 0)
    total = Op(Opcode.ADD, (Operand(0, 100), Operand(1)), Interval(-(1 << 300), 1 << 300))
    assert evaluate(program(port(0, wide), port(1, wide), total), [(1 << 199) - 1, -1]) == [(1 << 299) - (1 << 100) - 1]


@pytest.mark.parametrize(
    ('codes', 'message'),
    [
        ([1], "error[DA1400]: 1 codes given, but 'p' has 2 input ops"),
        ([1, 200], 'error[DA1400]: %1 (input) is 200, outside its interval [-128, 127]*2^-4'),
    ],
)
def test_codes_that_do_not_fit(codes, message):
    with pytest.raises(InterpError) as caught:
        evaluate(program(port(0), port(1)), codes)
    assert str(caught.value) == message


def test_a_program_that_breaks_its_laws_is_caught():
    narrow = Op(Opcode.ADD, (Operand(0), Operand(0)), Interval(-10, 10, -4))
    with pytest.raises(InterpError, match=r'%1 \(add\) is 100, outside its interval'):
        evaluate(program(port(0), narrow), [50])
    coarse = Op(Opcode.NEG, (Operand(0),), Interval(-128, 128))
    with pytest.raises(InterpError, match=r'the neg result -5\*2\^-4 is finer than the steps of its interval'):
        evaluate(program(port(0), coarse), [5])
