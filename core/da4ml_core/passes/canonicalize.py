"""Canonical form: operations that differ by a shift or by the order of operands look the same."""

from __future__ import annotations

from operator import itemgetter

from da4ml_core.fixed import FixedType
from da4ml_core.ir.opcode import Opcode, Quantization
from da4ml_core.ir.program import Op, Operand, Program
from da4ml_core.ir.table import Lookup
from da4ml_core.passes.rewriting import Rewriting, rewrite


def canonicalize(program: Program) -> Program:
    """The same program with shifts moved from operands to results, and the operands of commutative ops in order."""
    return rewrite(program, _canonical)


def _canonical(new: Rewriting, op: Op) -> Operand:
    operands = op.operands
    if op.opcode is Opcode.INPUT:
        return new.append(op)
    if op.opcode is Opcode.CONST:
        return new.constant(op.interval.lo, op.interval.exp, op.origin)
    if op.opcode in (Opcode.ADD, Opcode.BITWISE):
        operands = tuple(sorted(operands, key=_RANK))
        return _scaled(new, op, operands, operands[0].shift)
    if op.opcode is Opcode.MUX:
        condition, negative, otherwise = operands
        shift = otherwise.shift if new.interval(negative) == (0, 0, negative.shift) else negative.shift
        return _scaled(new, op, (condition._replace(shift=shift), negative, otherwise), shift)
    if op.opcode is Opcode.MUL:
        shift = sum(edge.shift for edge in operands)
        unscaled = tuple(sorted(edge._replace(shift=0) for edge in operands))
        return _appended(new, op, unscaled, shift)
    return _scaled(new, op, operands, operands[0].shift)


_RANK = itemgetter(2, 0, 1)  # of edges: positive ones first, then by value and shift


def _scaled(new: Rewriting, op: Op, operands: tuple[Operand, ...], shift: int) -> Operand:
    if not shift:
        return new.append(op if operands == op.operands else op._replace(operands=operands))
    return _appended(new, op, tuple(edge._replace(shift=edge.shift - shift) for edge in operands), shift)


def _appended(new: Rewriting, op: Op, operands: tuple[Operand, ...], shift: int) -> Operand:
    """The op of operands that are smaller by a shift, and the edge that makes up for it."""
    attribute = op.attribute
    if isinstance(attribute, Quantization):
        kind = attribute.type
        moved = FixedType(kind.signed, kind.int_bits - shift, kind.frac_bits + shift)
        attribute = attribute._replace(type=moved)
    elif isinstance(attribute, Lookup):
        # the entries keep their size: only the operand is smaller
        edge = new.append(op._replace(operands=operands, attribute=attribute._replace(exp=attribute.exp - shift)))
        return edge
    edge = new.append(op._replace(operands=operands, attribute=attribute, interval=op.interval.shifted(-shift)))
    return edge._replace(shift=shift)
