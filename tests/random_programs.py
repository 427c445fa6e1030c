"""Random legal programs over every operation, and random codes for their inputs."""

from __future__ import annotations

import random
from collections.abc import Collection

from da4ml_core.fixed import FixedType, Interval, Overflow, Rounding
from da4ml_core.ir import BitFunction, InputPort, Lookup, Op, Opcode, Operand, Program, Quantization, Table
from da4ml_core.ir.affine import narrowed_intervals, op_interval

MAX_OPERANDS = 300  # that a random table has entries for


def random_lookup(rng: random.Random, operand: Interval, max_bits: int = 12) -> Lookup:
    """A table for an operand, perhaps with entries for a finer step or a wider range than it has."""
    lo, hi, exp = operand.at(operand.exp - rng.choice((0, 0, 1)))
    lo, hi = lo - rng.choice((0, 0, 3)), hi + rng.choice((0, 0, 5))
    bits = rng.randint(1, max_bits)
    low = rng.choice((0, -(1 << (bits - 1)), 1 << bits))
    entries = tuple(low + rng.getrandbits(bits) for _ in range(hi - lo + 1))
    return Lookup(Table(entries, rng.randint(-6, 3)), lo, exp)


def random_program(
    rng: random.Random,
    num_inputs: int = 4,
    num_ops: int = 12,
    num_outputs: int = 4,
    max_width: int = 20,
    name: str = 'random',
    narrow: bool = True,
    without: Collection[Opcode] = (),
) -> Program:
    """A program that the verifier accepts, with at least one input bit and one output bit.

    No value is wider than about ``max_width`` bits. With ``narrow`` the intervals are those that affine analysis
    proves, otherwise now and then looser ones, which are as legal. Inputs may share a position or have no bits at all.
    """
    while True:
        ops = [_input(rng, num_inputs, max_width) for _ in range(num_inputs)]
        while len(ops) < num_inputs + num_ops:
            op = _operation(rng, ops, without)
            if op.interval.width_bits <= max_width and op.interval.exp > -2 * max_width:
                ops.append(op if narrow else _loosened(rng, op))
        outputs = tuple(
            Operand(rng.randrange(len(ops)) if rng.random() < 0.3 else len(ops) - 1 - min(place, num_ops), _shift(rng))
            for place in range(num_outputs)
        )
        program = Program(name, tuple(ops), outputs, ((num_inputs,),), ((num_outputs,),))
        if narrow:
            program = _narrowed(program)
        input_bits = sum(port.quantization.type.width_bits for _, port in program.input_ops())
        if input_bits and any(kind.width_bits for kind in program.output_types):
            return program


def random_codes(rng: random.Random, program: Program) -> list[int]:
    """A legal code for each input op in program order; corners are likelier than chance."""
    codes = []
    for _, port in program.input_ops():
        lo, hi, _ = port.quantization.type.interval
        codes.append(rng.choice((lo, hi, 0, rng.randint(lo, hi), rng.randint(lo, hi), rng.randint(lo, hi))))
    return codes


def _input(rng: random.Random, num_inputs: int, max_width: int) -> Op:
    kind = _type(rng, max(1, max_width // 2))
    port = InputPort(rng.randrange(num_inputs), Quantization(kind, *_modes(rng)))
    return Op(Opcode.INPUT, (), kind.interval, port)


def _operation(rng: random.Random, ops: list[Op], without: Collection[Opcode]) -> Op:
    others = [opcode for opcode in Opcode if opcode is not Opcode.INPUT and opcode not in without]
    opcode = rng.choice((Opcode.ADD, Opcode.ADD, *others))
    attribute: Quantization | BitFunction | None = None
    count = 1
    if opcode is Opcode.CONST:
        code = rng.randint(-40, 40)
        return Op(opcode, (), Interval(code, code, rng.randint(-4, 4)))
    if opcode is Opcode.ADD:
        count = rng.choice((2, 2, 3))
    elif opcode is Opcode.MUX:
        count = 3
    elif opcode in (Opcode.MUL, Opcode.BITWISE):
        count = 2
        attribute = rng.choice(tuple(BitFunction)) if opcode is Opcode.BITWISE else None
    elif opcode is Opcode.QUANTIZE:
        attribute = Quantization(_type(rng, 8), *_modes(rng))
    elif opcode is Opcode.LOOKUP:
        narrow = [index for index, op in enumerate(ops) if op.interval.hi - op.interval.lo < MAX_OPERANDS]
        if not narrow:
            return _operation(rng, ops, without)
        operand = Operand(rng.choice(narrow), _shift(rng))
        source = ops[operand.index].interval.shifted(operand.shift)
        lookup = random_lookup(rng, source)
        return Op(opcode, (operand,), lookup.bounds(source), lookup, 'table')
    elif opcode is Opcode.RELU and rng.random() < 0.6:
        attribute = Quantization(_type(rng, 8)._replace(signed=False))
    recent = max(0, len(ops) - 8)
    operands = [
        Operand(
            rng.randrange(recent if rng.random() < 0.7 else 0, len(ops)),
            _shift(rng),
            opcode is Opcode.ADD and rng.random() < 0.5,
        )
        for _ in range(count)
    ]
    if opcode is Opcode.ADD and all(edge.negated for edge in operands):
        operands[rng.randrange(count)] = operands[0]._replace(negated=False)
    if opcode is Opcode.MUX:
        condition = ops[operands[0].index].interval
        operands[0] = operands[0]._replace(negated=condition.lo >= 0 and condition.hi <= 1 and rng.random() < 0.8)
    edges = [ops[edge.index].interval.shifted(edge.shift, edge.negated) for edge in operands]
    op = Op(opcode, tuple(operands), Interval(0, 0), attribute, rng.choice(('', 'dense', 'layer "2" (Ω)')))
    return op._replace(interval=op_interval(op, edges))


def _type(rng: random.Random, max_bits: int) -> FixedType:
    """Mostly one of 1 to ``max_bits`` bits near the binary point, now and then one without bits."""
    width = rng.randint(1, max_bits) if rng.random() < 0.95 else rng.randint(-2, 0)
    frac_bits = rng.randint(-3, 6)
    signed = rng.random() < 0.6
    return FixedType(signed, width - signed - frac_bits, frac_bits)


def _modes(rng: random.Random) -> tuple[Rounding, Overflow]:
    return rng.choice(tuple(Rounding)), rng.choice(tuple(Overflow))


def _shift(rng: random.Random) -> int:
    return rng.choice((0, 0, 0, rng.randint(-4, 4)))


def _loosened(rng: random.Random, op: Op) -> Op:
    """The same op with an interval that may be wider, or finer in its step, than need be."""
    if rng.random() < 0.7 or op.opcode is Opcode.CONST:
        return op
    lo, hi, exp = op.interval.at(op.interval.exp - rng.randint(0, 2))
    return op._replace(interval=Interval(lo - rng.choice((0, 1, 5)), hi + rng.choice((0, 1, 9)), exp))


def _narrowed(program: Program) -> Program:
    """The program with the intervals that affine analysis proves."""
    ops = zip(program.ops, narrowed_intervals(program), strict=True)
    narrowed = tuple(op._replace(interval=interval) for op, interval in ops)
    return Program(program.name, narrowed, program.outputs, program.input_shapes, program.output_shapes)
