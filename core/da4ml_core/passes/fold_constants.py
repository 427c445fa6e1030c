"""Constant folding: an operation that has one possible result is that constant."""

from __future__ import annotations

from da4ml_core.fixed import quantize_code
from da4ml_core.ir.opcode import Opcode, Quantization
from da4ml_core.ir.program import Op, Operand, Program
from da4ml_core.passes.rewriting import Rewriting, rewrite


def fold_constants(program: Program) -> Program:
    """The same program with every constant value a ``const``; input ports stay, for they are the interface."""
    return rewrite(program, _folded)


def _folded(new: Rewriting, op: Op) -> Operand:
    if op.opcode in (Opcode.INPUT, Opcode.CONST):
        return new.append(op)
    if op.interval.is_constant:
        return new.constant(op.interval.lo, op.interval.exp, op.origin)
    if isinstance(op.attribute, Quantization) and new.interval(op.operands[0]).is_constant:
        # a type that wraps is wider than its one result
        code, _, exp = new.interval(op.operands[0])
        code = max(code, 0) if op.opcode is Opcode.RELU else code
        return new.constant(quantize_code(code, exp, *op.attribute), -op.attribute.type.frac_bits, op.origin)
    return new.append(op)
