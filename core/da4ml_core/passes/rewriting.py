"""Rebuild a program op by op: what the passes share that replace values by others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from da4ml_core.fixed import Interval
from da4ml_core.ir.opcode import Opcode
from da4ml_core.ir.program import Op, Operand, Program


class Rewriting:
    """The new program in the making: its ops, and for each old value so far the edge that now carries it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.ops: list[Op] = []
        self.edges: list[Operand] = []
        self.changed: list[bool] = []  # whether such an edge is not just the value of the same number

    def append(self, op: Op) -> Operand:
        self.ops.append(op)
        return Operand(len(self.ops) - 1)

    def constant(self, code: int, exp: int, origin: str = '') -> Operand:
        """The constant ``code * 2**exp``, its trailing zeros on the edge."""
        zeros = (code & -code).bit_length() - 1 if code else 0
        code >>= zeros
        edge = self.append(Op(Opcode.CONST, (), Interval(code, code), None, origin))
        return edge._replace(shift=exp + zeros if code else 0)

    def interval(self, edge: Operand) -> Interval:
        """What an edge of the new program carries."""
        return self.ops[edge.index].interval.shifted(edge.shift, edge.negated)

    def moved(self, edge: Operand) -> Operand:
        """An edge of the old program, in the new one."""
        return through(edge, self.edges[edge.index]) if self.changed[edge.index] else edge

    def record(self, edge: Operand) -> None:
        """What carries the next value of the old program."""
        self.changed.append(edge != (len(self.edges), 0, False))
        self.edges.append(edge)


Rule = Callable[[Rewriting, Op], Operand]


def rewrite(program: Program, rule: Rule) -> Program:
    """The program in which each op, its operands already those of the new program, is the unsigned edge of a rule."""
    new = Rewriting(program)
    changed = new.changed
    for op in program.ops:
        for edge in op.operands:
            if changed[edge[0]]:  # else it stays as it is, which most do
                operands = tuple([new.moved(edge) for edge in op.operands])
                op = Op(op.opcode, operands, op.interval, op.attribute, op.origin)
                break
        new.record(rule(new, op))
    outputs = tuple(new.moved(edge) for edge in program.outputs)
    return replace(program, ops=tuple(new.ops), outputs=outputs)


def through(edge: Operand, source: Operand) -> Operand:
    """An edge from a value that is itself carried by the edge ``source``."""
    return Operand(source.index, source.shift + edge.shift, source.negated != edge.negated)


def use_counts(program: Program) -> list[int]:
    """How many edges leave each value, those to the outputs included."""
    counts = [0] * program.num_ops
    for op in program.ops:
        for edge in op.operands:
            counts[edge.index] += 1
    for edge in program.outputs:
        counts[edge.index] += 1
    return counts
