"""Simplify sums, products and functions of bits: terms that cancel, zeros, signs that an adder can absorb."""

from __future__ import annotations

from da4ml_core.fixed import Interval, sum_intervals
from da4ml_core.ir.affine import bit_code
from da4ml_core.ir.opcode import BitFunction, Opcode
from da4ml_core.ir.program import Op, Operand, Program
from da4ml_core.passes.rewriting import Rewriting, rewrite, through


def simplify_arithmetic(program: Program) -> Program:
    """The same values by fewer or smaller operations; the level of none of them rises."""
    return rewrite(program, _simplified)


def _simplified(new: Rewriting, op: Op) -> Operand:
    if op.opcode is Opcode.ADD:
        return _sum(new, op)
    if op.opcode is Opcode.NEG:
        return _negation(new, op, op.operands[0])
    if op.opcode is Opcode.MUL:
        return _product(new, op)
    if op.opcode is Opcode.BITWISE:
        return _bits(new, op)
    return new.append(op)


def _sum(new: Rewriting, op: Op) -> Operand:
    terms = _collected(new, _absorbed(new, op.operands))
    if terms == list(op.operands):
        return new.append(op)
    if not terms:
        return new.constant(0, 0, op.origin)
    if all(edge.negated for edge in terms):
        terms = [edge._replace(negated=False) for edge in terms]
        positive = terms[0]
        if len(terms) > 1:
            interval = sum_intervals([new.interval(edge) for edge in terms])
            positive = new.append(Op(Opcode.ADD, tuple(terms), interval, None, op.origin))
        return new.append(Op(Opcode.NEG, (positive,), op.interval, None, op.origin))
    return terms[0] if len(terms) == 1 else new.append(op._replace(operands=tuple(terms)))


def _absorbed(new: Rewriting, operands: tuple[Operand, ...]) -> list[Operand]:
    """The terms with the negations among them taken into their signs, as far as a positive one is left."""
    terms = list(operands)
    for place, edge in enumerate(terms):
        source = new.ops[edge.index]
        if source.opcode is not Opcode.NEG:
            continue
        flipped = through(edge._replace(negated=not edge.negated), source.operands[0])
        if not flipped.negated or any(not other.negated for n, other in enumerate(terms) if n != place):
            terms[place] = flipped
    return terms


def _collected(new: Rewriting, terms: list[Operand]) -> list[Operand]:
    """The terms without zeros and opposites, equal ones joined, constants as one positive term."""
    if len({edge.index for edge in terms}) == len(terms) and not any(
        new.ops[edge.index].interval.is_constant for edge in terms
    ):
        return terms
    left: list[Operand] = []
    constants: list[Operand] = []
    for edge in terms:
        while edge._replace(negated=not edge.negated) not in left and edge in left:
            left.remove(edge)
            edge = edge._replace(shift=edge.shift + 1)
        if new.ops[edge.index].interval.is_constant:
            constants.append(edge)
        elif edge._replace(negated=not edge.negated) in left:
            left.remove(edge._replace(negated=not edge.negated))
        else:
            left.append(edge)
    total = sum_intervals([new.interval(edge) for edge in constants])
    if not total.lo:
        return left
    if len(constants) == 1 and not constants[0].negated:
        # where it was, so that a sum that is simple already stays as it is
        kept = [edge for edge in terms if edge in left or edge == constants[0]]
        return kept if len(kept) == len(left) + 1 else [*left, constants[0]]
    return [*left, new.constant(total.lo, total.exp)]


def _negation(new: Rewriting, op: Op, operand: Operand) -> Operand:
    source = new.ops[operand.index]
    if source.opcode is Opcode.NEG:
        return through(operand, source.operands[0])
    if source.opcode is Opcode.ADD and any(edge.negated for edge in source.operands):
        flipped = tuple(through(operand._replace(negated=True), edge) for edge in source.operands)
        return new.append(op._replace(opcode=Opcode.ADD, operands=flipped))
    return new.append(op)


def _product(new: Rewriting, op: Op) -> Operand:
    for constant, factor in (op.operands, op.operands[::-1]):
        code, high, exp = new.interval(constant)
        if code != high or abs(code) & (abs(code) - 1):
            continue
        if code == 0:
            return new.constant(0, 0, op.origin)
        scaled = factor._replace(shift=factor.shift + exp + abs(code).bit_length() - 1)
        return scaled if code > 0 else new.append(Op(Opcode.NEG, (scaled,), op.interval, None, op.origin))
    return new.append(op)


def _bits(new: Rewriting, op: Op) -> Operand:
    a, b = op.operands
    if a == b:
        return new.constant(0, 0, op.origin) if op.attribute is BitFunction.XOR else a
    for zero, other in ((a, b), (b, a)):
        if new.interval(zero)[:2] == (0, 0):
            return zero if op.attribute is BitFunction.AND else other
    for mask, other in ((a, b), (b, a)):
        if op.attribute is BitFunction.AND and _keeps_all(new.interval(mask), new.interval(other)):
            return other
        if op.attribute is BitFunction.OR and _has_all(new.interval(mask), new.interval(other)):
            return mask
    return new.append(_joined_masks(new, op))


def _keeps_all(mask: Interval, other: Interval) -> bool:
    """Whether a mask is a constant of ones wherever the other operand has bits."""
    if _has_all(mask, other):
        return True
    if not mask.is_constant or other.lo < 0 or mask.exp > other.exp:
        return False
    ones = (1 << other.width_bits) - 1
    return (mask.lo >> (other.exp - mask.exp)) & ones == ones


def _has_all(mask: Interval, other: Interval) -> bool:
    """Whether a mask is a constant of nothing but ones, from the lowest bit of the other operand on."""
    zeros = (mask.lo & -mask.lo).bit_length() - 1
    return mask.is_constant and mask.lo == -1 << max(zeros, 0) and mask.exp + zeros <= other.exp


def _joined_masks(new: Rewriting, op: Op) -> Op:
    """A function of a constant and of the same function of another constant takes both at once."""
    function = op.attribute
    for mask, other in (op.operands, op.operands[::-1]):
        inner = new.ops[other.index]
        if not isinstance(function, BitFunction) or inner.attribute is not function:
            continue
        for first, value in (inner.operands, inner.operands[::-1]):
            a, b = new.interval(mask), new.interval(through(other, first))
            if a.is_constant and b.is_constant:
                exp = min(a.exp, b.exp)
                both = new.constant(bit_code(function, a.at(exp).lo, b.at(exp).lo), exp, op.origin)
                return op._replace(operands=(through(other, value), both))
    return op
