"""Demanded bits, and the trimmed operands from which they are built."""

from da4ml_core.ir.text import parse_program
from da4ml_core.passes.datapath import (
    Conversion,
    Rectification,
    Sum,
    Trimmed,
    Window,
    Wiring,
    build,
    demanded_windows,
    value_intervals,
)

HEADER = 'program p\ninputs (2,)\noutputs (1,)\n'
A = '%0 = input x[0] fixed<7,0> TRN WRAP : [-128, 127]\n'
B = '%1 = input x[1] ufixed<4,0> TRN WRAP : [0, 15]\n'


def windows(text):
    program = parse_program(HEADER + A + B + text)
    return demanded_windows(program, value_intervals(program))


def built(text, window=None):
    """How the last value is built: all its bits, or those of a window."""
    program = parse_program(HEADER + A + B + text + 'return %2\n')
    intervals = value_intervals(program)
    window = window or Window(0, intervals[2].width_bits)
    return build(program.ops[2], window, intervals, 2)


def test_a_truncation_narrows_what_is_before_it():
    text = '%2 = add %0, %1<<2 : [-128, 187]\n%3 = quantize %2 to fixed<3,-1> TRN WRAP : [-4, 3]*2^1\nreturn %3\n'
    assert windows(text) == (Window(1, 4), Window(0, 2), Window(1, 4), Window(0, 3))


def test_windows_of_all_uses_are_joined():
    text = (
        '%2 = quantize %0 to ufixed<2,0> TRN WRAP : [0, 3]\n'
        '%3 = quantize %0 to ufixed<6,-5> TRN WRAP : [0, 1]*2^5\n'
        '%4 = add %2, %3 : [0, 35]\n'
        'return %4\n'
    )
    assert windows(text)[0] == Window(0, 6)


def test_bits_below_the_carry_chain_belong_to_one_operand():
    text = '%2 = add %0, %1<<3 : [-128, 247]\n'
    full = built(text)
    assert isinstance(full, Sum)
    assert [operand.exp for operand in full.operands] == [0, 3]
    high = built(text, Window(5, 9))  # the chain starts at bit 3: lower bits of %0 carry nothing
    assert high.operands[0] == Trimmed(0, Window(3, 8), True, 3)
    assert (high.exp, high.drop, high.width_bits) == (3, 2, 4)
    low = built(text, Window(0, 3))
    assert low == Wiring((Trimmed(0, Window(0, 3), False, 0),))


def test_a_subtracted_operand_is_wanted_from_its_lowest_bit():
    plan = built('%2 = add %0<<2, -%1 : [-527, 508]\n', Window(4, 11))
    assert plan.operands[1] == Trimmed(1, Window(0, 4), False, 0)
    assert plan.negated == (False, True)


def test_an_operand_out_of_reach_leaves_its_sign_or_nothing():
    signed = built('%2 = add %1<<9, %0 : [-128, 7807]\n', Window(9, 13))
    assert signed.operands == (Trimmed(0, Window(7, 8), True, 9), Trimmed(1, Window(0, 4), False, 9))
    unsigned = built('%2 = add %0<<9, %1 : [-65536, 65039]\n', Window(9, 17))
    assert unsigned == Wiring((Trimmed(0, Window(0, 8), True, 9),))


def test_constants_take_their_sign_and_lose_their_zeros():
    program = parse_program(HEADER + A + '%1 = const : [12, 12]\n%2 = add %0, -%1 : [-140, 115]\nreturn %2\n')
    intervals = value_intervals(program)
    plan = build(program.ops[2], Window(0, 9), intervals, 2)
    assert plan.operands[1] == Trimmed(None, Window(0, 3), True, 2, code=-3)
    assert plan.negated == (False, False)


def test_modes_that_cannot_matter_are_dropped():
    fits = '%2 = quantize %0 to fixed<9,0> RND SAT : [-128, 127]\n'
    assert isinstance(built(fits), Wiring)
    towards_zero = '%2 = quantize %1 to ufixed<4,-1> TRN_ZERO SAT_ZERO : [0, 7]*2^1\n'
    assert isinstance(built(towards_zero), Wiring)
    rounds = '%2 = quantize %0 to fixed<9,-1> RND SAT : [-64, 64]*2^1\n'
    plan = built(rounds)
    assert isinstance(plan, Conversion)
    assert (plan.rounding, plan.overflow, plan.shift, plan.width_bits) == ('RND', 'WRAP', 1, 8)


def test_a_rectifier_takes_the_sign_and_the_kept_bits():
    plan = built('%2 = relu %0 to ufixed<3,0> TRN WRAP : [0, 7]\n', Window(1, 3))
    assert plan == Rectification((Trimmed(0, Window(1, 8), True, 1),), 2)
    assert isinstance(built('%2 = relu %1 : [0, 15]\n'), Wiring)


def test_an_interval_looser_than_the_type_is_not_believed():
    program = parse_program(HEADER + A + B + '%2 = relu %0 to ufixed<3,0> TRN WRAP : [-8, 900]*2^-1\nreturn %2\n')
    assert value_intervals(program)[2] == (0, 7, 0)
