"""Fuse two adders of two operands into one of three, where the device has that for no more LUTs."""

from __future__ import annotations

from da4ml_core.device import Device
from da4ml_core.ir.cost import adder_luts
from da4ml_core.ir.opcode import Opcode
from da4ml_core.ir.program import Op, Operand, Program
from da4ml_core.passes.rewriting import Rewriting, rewrite, through, use_counts


def fuse_sums(program: Program, device: Device) -> Program:
    """The same sums; an adder that one other adder alone reads joins it. What is left behind is dead code."""
    if device.max_operands < 3:
        return program
    uses = use_counts(program)
    once: set[int] = set()  # new values that stand for old ones of one use

    def fused(new: Rewriting, op: Op) -> Operand:
        best = op
        if op.opcode is Opcode.ADD and len(op.operands) == 2:
            luts = _luts(new, op, device)
            for place, edge in enumerate(op.operands):
                inner = new.ops[edge.index]
                if edge.index not in once or inner.opcode is not Opcode.ADD or len(inner.operands) != 2:
                    continue
                terms = (*(through(edge, term) for term in inner.operands), op.operands[1 - place])
                joined = op._replace(operands=terms)
                if _luts(new, joined, device) <= luts + _luts(new, inner, device) and best is op:
                    best = joined
        result = new.append(best)
        if uses[len(new.edges)] == 1:
            once.add(result.index)
        return result

    return rewrite(program, fused)


def _luts(new: Rewriting, op: Op, device: Device) -> float:
    return adder_luts(op, [new.ops[edge.index].interval.shifted(edge.shift) for edge in op.operands], device)
