"""The batch interpreter is the reference one, and both conversions are exact, on random programs and numbers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from math import floor
from unittest.mock import patch

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from random_programs import MAX_OPERANDS, random_codes, random_lookup, random_program

from da4ml_core.fixed import FixedType, Interval, Overflow, Rounding, quantize_interval, sum_intervals
from da4ml_core.interp import Executable, _kernel, batch, decode, encode, evaluate
from da4ml_core.ir import BitFunction, InputPort, Op, Opcode, Operand, Program, Quantization
from da4ml_core.ir.affine import op_interval

MODES = (tuple(Rounding), tuple(Overflow))
INSTRUCTION_SETS = range(_kernel.BEST_INSTRUCTION_SET + 1)


def random_quantization(rng: random.Random, widths: tuple[int, int]) -> Quantization:
    signed = rng.random() < 0.7
    width = rng.randint(*widths)
    frac = rng.randint(-4, 12)
    kind = FixedType(signed, width - signed - frac, frac)
    wiring = rng.random() < 0.4
    return Quantization(kind) if wiring else Quantization(kind, rng.choice(MODES[0]), rng.choice(MODES[1]))


def quantized_op(operand: Operand, source: Interval, quantization: Quantization) -> Op:
    return Op(Opcode.QUANTIZE, (operand,), quantize_interval(source, *quantization), quantization)


def random_op(rng: random.Random, ops: list[Op], widths: tuple[int, int]) -> Op:
    def edge(negatable: bool = False) -> Operand:
        near = rng.randrange(max(0, len(ops) - 12), len(ops))
        return Operand(near, rng.choice((0, 0, 0, 1, 2, 5, -1, -3)), negatable and rng.random() < 0.4)

    def carried(operand: Operand) -> Interval:
        return ops[operand.index].interval.shifted(operand.shift, operand.negated)

    choice = rng.random()
    if choice < 0.04:
        number = rng.randint(-1000, 1000)
        return Op(Opcode.CONST, (), Interval(number, number, rng.randint(-6, 3)))
    if choice < 0.1:
        operand = edge()
        return Op(Opcode.NEG, (operand,), carried(operand).shifted(0, True))
    if choice < 0.65:
        operands = [edge(), *(edge(True) for _ in range(rng.choice((1, 1, 2))))]
        if rng.random() < 0.05:  # twice the same: the exact step of the sum is coarser than that of its terms
            operands = [operands[0], operands[0]]
            interval = carried(operands[0]).shifted(1)
        else:
            rng.shuffle(operands)
            interval = sum_intervals(map(carried, operands))
        if rng.random() < 0.1:  # an interval may be looser and its step finer than need be
            interval = interval.at(interval.exp - 2)
        return Op(Opcode.ADD, tuple(operands), interval)
    if choice < 0.72:
        branches = [edge(), edge()]
        if choice < 0.67:
            op = Op(Opcode.BITWISE, tuple(branches), Interval(0, 0), rng.choice(tuple(BitFunction)))
        elif choice < 0.69:
            op = Op(Opcode.MUL, tuple(branches), Interval(0, 0))
        else:
            condition = edge()
            bit = ops[condition.index].interval
            negated = bit.lo >= 0 and bit.hi <= 1
            op = Op(Opcode.MUX, (condition._replace(negated=negated), *branches), Interval(0, 0))
        return op._replace(interval=op_interval(op, [carried(operand) for operand in op.operands]))
    operand = edge()
    source = carried(operand)
    if choice < 0.76 and source.hi - source.lo < MAX_OPERANDS:
        lookup = random_lookup(rng, source, max(1, widths[1]))
        return Op(Opcode.LOOKUP, (operand,), lookup.bounds(source), lookup)
    if choice < 0.84:
        positive = Interval(max(source.lo, 0), max(source.hi, 0), source.exp)
        if rng.random() < 0.4:
            return Op(Opcode.RELU, (operand,), positive)
        width, frac = rng.randint(*widths), rng.randint(-2, 10)
        quantization = Quantization(FixedType(False, width - frac, frac))
        return Op(Opcode.RELU, (operand,), quantize_interval(positive, *quantization), quantization)
    return quantized_op(operand, source, random_quantization(rng, widths))


def wide_program(seed: int, widest: int = 60, length: int = 40) -> Program:
    """A lawful program whose values have at most ``widest`` bits."""
    rng = random.Random(seed)
    inputs = rng.randint(1, 5)
    typical = rng.choice(((0, 4), (1, 8), (4, 12), (10, 20), (20, 40)))
    typical = (min(typical[0], widest), min(typical[1], widest))
    ops: list[Op] = []
    for position in range(inputs):
        quantization = random_quantization(rng, typical)
        external = Interval(-(1 << 400), 1 << 400, -200)
        interval = quantize_interval(external, *quantization)
        ops.append(Op(Opcode.INPUT, (), interval, InputPort(position, quantization)))
    while len(ops) < length:
        op = random_op(rng, ops, typical)
        if op.interval.width_bits <= widest:
            ops.append(op)
        elif rng.random() < 0.3:
            operand = Operand(len(ops) - 1)
            ops.append(quantized_op(operand, ops[-1].interval, random_quantization(rng, typical)))
    outputs = tuple(Operand(rng.randrange(len(ops)), rng.randint(-2, 2)) for _ in range(rng.randint(1, 6)))
    return Program(f'wide{seed}', tuple(ops), outputs, ((inputs,),), ((len(outputs),),))


def codes_with_corners(rng: random.Random, program: Program, samples: int) -> list[list[int]]:
    intervals = [program.ops[index].interval for index, _ in program.input_ops()]
    corners = [[pick(i.lo, i.hi) for i in intervals] for pick in (min, max)]
    inner = [
        [rng.choice((i.lo, i.hi, rng.randint(i.lo, i.hi), rng.randint(i.lo, i.hi))) for i in intervals]
        for _ in range(samples)
    ]
    return corners + inner


@contextmanager
def on(instruction_set: int) -> Iterator[None]:
    with patch.object(_kernel, 'BEST_INSTRUCTION_SET', instruction_set):
        yield


@given(st.integers(0, 2**32), st.sampled_from((12, 30, 60, 90)), st.sampled_from(INSTRUCTION_SETS))
@settings(max_examples=200, deadline=None)
def test_batch_equals_reference(seed: int, widest: int, instruction_set: int) -> None:
    program = wide_program(seed, widest)
    codes = codes_with_corners(random.Random(seed), program, 70)
    expected = [evaluate(program, sample) for sample in codes]
    with on(instruction_set):
        assert Executable(program).run_codes(np.array(codes)).tolist() == expected


@given(st.integers(0, 2**32), st.booleans(), st.sampled_from(INSTRUCTION_SETS))
@settings(max_examples=100, deadline=None)
def test_batch_equals_reference_with_affine_intervals(seed: int, narrow: bool, instruction_set: int) -> None:
    rng = random.Random(seed)
    program = random_program(rng, num_ops=30, max_width=rng.choice((16, 32, 60)), narrow=narrow)
    codes = [random_codes(rng, program) for _ in range(40)]
    expected = [evaluate(program, sample) for sample in codes]
    with on(instruction_set):
        assert Executable(program).run_codes(np.array(codes)).tolist() == expected


def by_fractions(number: float | int, quantization: Quantization) -> int:
    """A number quantized by the definitions of the modes, in rational arithmetic."""
    (signed, int_bits, frac_bits), rounding, overflow = quantization
    exact = Fraction(number) * Fraction(2) ** frac_bits
    low = floor(exact)
    distance = exact - low
    if rounding in (Rounding.TRN, Rounding.TRN_ZERO):
        up = rounding is Rounding.TRN_ZERO and exact < 0 and distance > 0
    elif distance != Fraction(1, 2):
        up = distance > Fraction(1, 2)
    else:
        up = {
            Rounding.RND: True,
            Rounding.RND_MIN_INF: False,
            Rounding.RND_ZERO: exact < 0,
            Rounding.RND_INF: exact > 0,
            Rounding.RND_CONV: low % 2 == 1,
        }[rounding]
    code = low + up
    bits = signed + int_bits + frac_bits
    if bits == 0:
        return 0
    lowest, highest = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if overflow is Overflow.WRAP:
        code %= 2**bits
        return code - 2**bits if code > highest else code
    if overflow is Overflow.SAT_SYM and signed:
        lowest += 1
    if overflow is Overflow.SAT_ZERO:
        return code if lowest <= code <= highest else 0
    return min(max(code, lowest), highest)


@st.composite
def quantizations(draw: st.DrawFn) -> Quantization:
    signed, width, frac = draw(st.booleans()), draw(st.integers(0, 70)), draw(st.integers(-70, 80))
    if width == 0:
        signed = False
    kind = FixedType(signed, width - signed - frac, frac)
    return Quantization(kind, draw(st.sampled_from(Rounding)), draw(st.sampled_from(Overflow)))


@st.composite
def numbers_near(draw: st.DrawFn, frac: int) -> float:
    """Any float64, or one at, just below or just above a multiple of half a step."""
    if draw(st.booleans()):
        return draw(st.floats(allow_nan=False, allow_infinity=False))
    tie = float(np.ldexp(float(draw(st.integers(-(2**12), 2**12))), -frac - 1))
    return draw(st.sampled_from((tie, float(np.nextafter(tie, np.inf)), float(np.nextafter(tie, -np.inf)))))


@given(st.data(), quantizations(), st.sampled_from(INSTRUCTION_SETS))
@settings(max_examples=300, deadline=None)
def test_inputs_are_quantized_as_rationals_are(
    data: st.DataObject, quantization: Quantization, instruction_set: int
) -> None:
    frac = quantization.type.frac_bits
    element = st.one_of(numbers_near(frac), st.integers(-(2**63), 2**63 - 1))
    numbers = data.draw(st.lists(element, min_size=1, max_size=12))
    op = Op(Opcode.INPUT, (), quantization.type.interval, InputPort(0, quantization))
    program = Program('p', (op,), (Operand(0),), ((1,),), ((1,),))
    floats, integers = [n for n in numbers if isinstance(n, float)], [n for n in numbers if isinstance(n, int)]
    for x, dtype in ((floats, np.float64), (integers, np.int64), (numbers, object)):
        expected = [[by_fractions(number, quantization)] for number in x]
        column = np.array(x, dtype=dtype)[:, None]
        assert encode(program, column).tolist() == expected
        with on(instruction_set):
            assert Executable(program).run(column, codes=True).tolist() == expected


@given(st.integers(0, 2**32), st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_results_do_not_depend_on_threads_and_floats_are_the_codes(seed: int, threads: int) -> None:
    program = wide_program(seed, widest=40)
    x = np.random.default_rng(seed).uniform(-100, 100, (700, program.num_inputs))
    codes = Executable(program).run(x, threads=1, codes=True)
    with patch.object(batch, 'CHUNK_OPERATIONS', 1):
        assert np.array_equal(Executable(program).run(x, threads=threads, codes=True), codes)
        numbers = Executable(program).run(x, threads=threads)
    assert np.array_equal(numbers, decode(program, codes))
    assert not np.signbit(numbers[codes == 0]).any()
