"""What programs become on the block machine: lanes as narrow as the intervals prove, and few instructions."""

import pytest

from da4ml_core.fixed import FixedType, Interval, Overflow, Rounding
from da4ml_core.interp.assembler import LANE_BITS, TooWide, lane_of
from da4ml_core.interp.lowering import lower
from da4ml_core.interp.microcode import assemble
from da4ml_core.ir import InputPort, Op, Opcode, Operand, Program, Quantization


def port(position: int, kind: FixedType) -> Op:
    return Op(Opcode.INPUT, (), kind.interval, InputPort(position, Quantization(kind)))


def program(*ops: Op) -> Program:
    inputs = sum(op.opcode is Opcode.INPUT for op in ops)
    return Program('p', ops, (Operand(len(ops) - 1),), ((inputs,),), ((1,),))


def listing(of: Program) -> list[str]:
    """Kind and lane of each instruction between loading and storing."""
    steps = [
        f'{instruction.kind.name} {LANE_BITS[instruction.lane]}' for instruction in lower(of, reals=False, floats=False)
    ]
    return [step for step in steps if not step.startswith(('LOAD', 'STORE'))]


@pytest.mark.parametrize(
    ('lo', 'hi', 'bits'),
    [
        (0, 0, 16),
        (-(1 << 15), (1 << 15) - 1, 16),
        (0, 1 << 15, 32),
        (-(1 << 15) - 1, 0, 32),
        (-(1 << 31), (1 << 31) - 1, 32),
        (0, 1 << 31, 64),
        (-(1 << 63), (1 << 63) - 1, 64),
    ],
)
def test_the_narrowest_lane(lo, hi, bits):
    assert LANE_BITS[lane_of(lo, hi)] == bits


def test_no_lane_is_wider_than_64_bits():
    with pytest.raises(TooWide):
        lane_of(0, 1 << 63)


def test_a_sum_is_one_instruction_in_the_lane_of_its_result():
    narrow, wide = FixedType(True, 7, 0), FixedType(True, 15, 0)
    total = Op(Opcode.ADD, (Operand(0), Operand(1, 3)), Interval(-2000, 2000))
    assert listing(program(port(0, narrow), port(1, narrow), total)) == ['FROM_64 16', 'FROM_64 16', 'ADD 16']
    total = Op(Opcode.ADD, (Operand(0), Operand(1)), Interval(-66000, 66000))
    assert listing(program(port(0, wide), port(1, wide), total)) == ['FROM_64 32', 'FROM_64 32', 'ADD 32']


def test_a_narrow_result_of_wide_operands_needs_only_narrow_lanes():
    # the affine analysis may prove that the difference of two wide values is small
    wide = FixedType(True, 40, 0)
    difference = Op(Opcode.ADD, (Operand(0), Operand(1, 0, True)), Interval(-9, 9))
    assert listing(program(port(0, wide), port(1, wide), difference)) == ['FROM_64 16', 'FROM_64 16', 'SUB 16']


@pytest.mark.parametrize(
    ('shifts', 'steps'),
    [
        ((0, 2, 1), ['ADD_PPM 16']),
        ((20, 1, 0), ['RSUB 16']),  # the first is a multiple of 2^16, the lane
        ((20, 20, 0), ['NEGATE 16']),
    ],
)
def test_three_operands(shifts, steps):
    edges = tuple(Operand(index, shift, index == 2) for index, shift in enumerate(shifts))
    total = Op(Opcode.ADD, edges, Interval(-999, 999))
    made = program(*(port(index, FixedType(True, 3, 0)) for index in range(3)), total)
    assert [step for step in listing(made) if not step.startswith('FROM')] == steps


def test_constants_are_immediates():
    bias = Op(Opcode.CONST, (), Interval(5, 5, -1))
    total = Op(Opcode.ADD, (Operand(0), Operand(1)), Interval(-300, 300, -1))
    assert listing(program(port(0, FixedType(True, 7, 0)), bias, total)) == ['FROM_64 16', 'OFFSET 16']


@pytest.mark.parametrize(
    ('modes', 'frac', 'steps'),
    [
        ((Rounding.TRN, Overflow.WRAP), 0, ['SLICE_SIGNED 16']),
        ((Rounding.RND, Overflow.WRAP), 0, ['SLICE_SIGNED 16', 'SLICE_SIGNED 16']),
        ((Rounding.RND_CONV, Overflow.SAT), 0, ['NUDGE_EVEN 16', 'SLICE_SIGNED 16', 'CLAMP 16']),
        ((Rounding.TRN_ZERO, Overflow.SAT_ZERO), 0, ['NUDGE_SIGN 16', 'SLICE_SIGNED 16', 'ZERO_OUTSIDE 16']),
        ((Rounding.TRN, Overflow.SAT), 4, ['CLAMP 16']),
    ],
)
def test_quantize(modes, frac, steps):
    kind = FixedType(True, 2, frac)
    quantize = Op(Opcode.QUANTIZE, (Operand(0),), kind.interval, Quantization(kind, *modes))
    assert listing(program(port(0, FixedType(True, 7, 4)), quantize)) == ['FROM_64 16', *steps]


def test_a_quantization_that_changes_nothing_is_no_instruction():
    kind = FixedType(True, 7, 4)
    quantize = Op(Opcode.QUANTIZE, (Operand(0),), kind.interval, Quantization(kind, Rounding.RND, Overflow.SAT))
    assert listing(program(port(0, kind), quantize)) == ['FROM_64 16']


def test_what_no_output_needs_is_not_computed():
    kind = FixedType(True, 7, 0)
    dead = Op(Opcode.NEG, (Operand(0),), Interval(-127, 128))
    live = Op(Opcode.RELU, (Operand(0),), Interval(0, 127))
    assert listing(program(port(0, kind), dead, live)) == ['FROM_64 16', 'RELU_SLICE 16']


def test_values_that_are_never_alive_together_share_a_buffer():
    kind = FixedType(True, 7, 0)
    chain = [port(0, kind)]
    for _ in range(50):
        chain.append(Op(Opcode.RELU, (Operand(len(chain) - 1),), Interval(0, 127)))
    microcode = assemble(lower(program(*chain), reals=True, floats=True))
    assert microcode.bytes_per_sample == 8 + 2  # one 64 bit lane to load into, and one of 16
