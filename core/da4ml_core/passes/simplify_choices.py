"""Simplify conversions, rectifications and selections: modes that cannot matter, choices that are made already."""

from __future__ import annotations

from da4ml_core.fixed import Interval, Overflow, Rounding, overflows
from da4ml_core.ir.opcode import Opcode, Quantization
from da4ml_core.ir.program import Op, Operand, Program
from da4ml_core.passes.rewriting import Rewriting, rewrite, through


def simplify_choices(program: Program) -> Program:
    """The same values with simpler ``quantize``, ``relu`` and ``mux``; the level of none of them rises."""
    return rewrite(program, _simplified)


def _simplified(new: Rewriting, op: Op) -> Operand:
    if op.opcode is Opcode.QUANTIZE and isinstance(op.attribute, Quantization):
        return _conversion(new, op, op.attribute)
    if op.opcode is Opcode.RELU:
        return _rectification(new, op)
    if op.opcode is Opcode.MUX:
        return _selection(new, op)
    return new.append(op)


def _conversion(new: Rewriting, op: Op, quantization: Quantization) -> Operand:
    kind, rounding, overflow = quantization
    source = new.interval(op.operands[0])
    fits = not overflows(source, *quantization)
    exact = -kind.frac_bits <= source.exp
    if fits and exact:
        return op.operands[0]
    if exact or (rounding is Rounding.TRN_ZERO and source.lo >= 0):
        rounding = Rounding.TRN
    plain = Quantization(kind, rounding, Overflow.WRAP if fits else overflow)
    inner = new.ops[op.operands[0].index]
    if plain.is_wiring and inner.opcode is Opcode.QUANTIZE and isinstance(inner.attribute, Quantization):
        first, shift = inner.attribute, op.operands[0].shift
        low, high = -first.type.frac_bits + shift, first.type.signed + first.type.int_bits + shift
        if first.is_wiring and low <= -kind.frac_bits and kind.signed + kind.int_bits <= high:
            # all that this one keeps, the one before keeps too
            edge = through(op.operands[0], inner.operands[0])
            return new.append(op._replace(operands=(edge,), attribute=plain))
    return new.append(op._replace(attribute=plain))


def _rectification(new: Rewriting, op: Op) -> Operand:
    source = new.interval(op.operands[0])
    if source.hi <= 0:
        return new.constant(0, 0, op.origin)
    positive = Interval(max(source.lo, 0), source.hi, source.exp)
    quantization = op.attribute
    if isinstance(quantization, Quantization):
        if -quantization.type.frac_bits <= source.exp and not overflows(positive, *quantization):
            quantization = None
        elif source.lo >= 0:
            return _conversion(new, op._replace(opcode=Opcode.QUANTIZE), quantization)
    if quantization is None and source.lo >= 0:
        return op.operands[0]
    return new.append(op._replace(attribute=quantization))


def _selection(new: Rewriting, op: Op) -> Operand:
    condition, negative, otherwise = op.operands
    condition, negative, otherwise = _direct(new, condition, negative, otherwise)
    bounds = new.interval(condition)
    if bounds.hi < 0:
        return negative
    if bounds.lo >= 0 or _same(new, negative, otherwise):
        return otherwise
    negative, otherwise = (
        _branch(new, condition, negative, 1),
        _branch(new, condition, otherwise, 2),
    )
    if not condition.negated and condition.index == otherwise.index and new.interval(negative)[:2] == (0, 0):
        return new.append(op._replace(opcode=Opcode.RELU, operands=(otherwise,)))
    return new.append(op._replace(operands=(condition, negative, otherwise)))


def _direct(
    new: Rewriting, condition: Operand, negative: Operand, otherwise: Operand
) -> tuple[Operand, Operand, Operand]:
    """The selection by the condition itself, where it goes by a bit that was selected between 1 and 0."""
    bit = new.ops[condition.index]
    if condition.negated and bit.opcode is Opcode.MUX:
        first, then, other = bit.operands
        set_then, set_other = new.interval(then), new.interval(other)
        if set_then.is_constant and set_other.is_constant and bool(set_then.lo) != bool(set_other.lo):
            return (first, negative, otherwise) if set_then.lo else (first, otherwise, negative)
    return condition, negative, otherwise


def _branch(new: Rewriting, condition: Operand, branch: Operand, place: int) -> Operand:
    """The branch, or what it selects itself by the same condition."""
    op = new.ops[branch.index]
    if op.opcode is Opcode.MUX and (op.operands[0].index, op.operands[0].negated) == (
        condition.index,
        condition.negated,
    ):
        return through(branch, op.operands[place])
    return branch


def _same(new: Rewriting, a: Operand, b: Operand) -> bool:
    if a == b:
        return True
    x, y = new.interval(a), new.interval(b)
    return x.is_constant and y.is_constant and x.contains(y) and y.contains(x)
