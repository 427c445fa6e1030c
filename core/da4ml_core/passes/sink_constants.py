"""Move the addition of a constant from the end of a sum to an early and narrow term of it: a bias costs no level."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from da4ml_core.fixed import Interval, sum_intervals
from da4ml_core.ir.cost import adder_chain_bits, op_levels
from da4ml_core.ir.opcode import Opcode
from da4ml_core.ir.program import Op, Operand, Program

_CANDIDATES = 64  # places tried for one constant: sums are trees, and good places are near their early leaves


class Placement(NamedTuple):
    """The adders, from the leaf to the root, that add a constant to a leaf of a sum instead of to its root."""

    level: int
    luts: int
    steps: tuple[Op, ...]  # each after the first takes the one before as its first operand, whose index is -1


def sink_constants(program: Program) -> Program:
    """The same outputs, where ``(a + b) + constant`` is ``(a + constant) + b`` if that is ready earlier or smaller.

    Only sums that nothing else uses are taken apart, so the number of adders stays the same; what they leave behind is
    dead code.
    """
    return _Sinking(program).run()


class _Sinking:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.ops: list[Op] = []
        self.levels: list[int] = []
        self.number: list[int] = []  # of each old value, its number among the new
        self.uses = [0] * program.num_ops
        for op in program.ops:
            for edge in op.operands:
                self.uses[edge.index] += 1
        for edge in program.outputs:
            self.uses[edge.index] += 1

    def run(self) -> Program:
        for op in self.program.ops:
            best = self._placement(op)
            if best is None:
                self.number.append(self._append(op.renumbered(self.number)))
                continue
            last = -1
            for step in best.steps:
                first, *others = step.operands
                operands = (first if first.index >= 0 else first._replace(index=last), *others)
                last = self._append(step._replace(operands=operands))
            self.number.append(last)
        outputs = tuple(self._moved(edge) for edge in self.program.outputs)
        return replace(self.program, ops=tuple(self.ops), outputs=outputs)

    def _append(self, op: Op) -> int:
        ready = max((self.levels[edge.index] for edge in op.operands), default=0)
        self.ops.append(op)
        edges = [self.ops[edge.index].interval.shifted(edge.shift, edge.negated) for edge in op.operands]
        levels = 1 if op.opcode is Opcode.ADD else op_levels(op, edges)  # as the places are counted
        self.levels.append(ready + levels)
        return len(self.ops) - 1

    def _moved(self, edge: Operand) -> Operand:
        return edge._replace(index=self.number[edge.index])

    def _placement(self, op: Op) -> Placement | None:
        """The best place for the constant of an op, None if that is where it is."""
        split = self._constant_and_sum(op)
        if split is None:
            return None
        constant, total = split
        here = self._steps(op, constant, [total])
        places = [here]
        for path in self._paths(total):
            places.append(self._steps(op, constant, path))
            if len(places) > _CANDIDATES:
                break
        best = min(places, key=lambda place: (place.level, place.luts))
        return None if best is here else best

    def _constant_and_sum(self, op: Op) -> tuple[Operand, Operand] | None:
        if op.opcode is not Opcode.ADD or len(op.operands) != 2:
            return None
        a, b = op.operands
        if self.program.ops[b.index].opcode is Opcode.CONST:
            a, b = b, a
        if self.program.ops[a.index].opcode is not Opcode.CONST or a.negated:
            return None
        return a, b

    def _paths(self, total: Operand) -> Iterator[list[Operand]]:
        """Every way down from a sum to a term of it, as the edges passed, scaled and signed as in the whole."""
        pending = [[total]]
        while pending:
            path = pending.pop()
            edge = path[-1]
            op = self.program.ops[edge.index]
            if op.opcode is not Opcode.ADD or len(op.operands) != 2 or self.uses[edge.index] != 1:
                continue
            for operand in op.operands:
                below = [*path, _within(operand, edge)]
                if self.program.ops[operand.index].opcode is not Opcode.CONST:
                    yield below
                    pending.append(below)

    def _steps(self, op: Op, constant: Operand, path: list[Operand]) -> Placement:
        """The adders of a placement: the constant meets the end of the path, then what branches off on the way up."""
        offset = self.program.edge_interval(constant)
        terms = [constant, path[-1]]
        steps: list[Op] = []
        luts, level = 0, 0
        for depth in range(len(path) - 1, -1, -1):
            interval = sum_intervals([self.program.edge_interval(path[depth]), offset])
            luts += self._chain_bits(terms, steps, interval)
            level = 1 + max([level, *(self.levels[self.number[edge.index]] for edge in terms if edge.index >= 0)])
            moved = tuple(edge if edge.index < 0 else self._moved(edge) for edge in terms)
            steps.append(Op(Opcode.ADD, moved, interval, None, op.origin))
            if depth:
                terms = [Operand(-1), _sibling(self.program, path[depth - 1], path[depth])]
        return Placement(level, luts, tuple(steps))

    def _chain_bits(self, terms: list[Operand], steps: list[Op], result: Interval) -> int:
        intervals = [
            steps[-1].interval if edge.index < 0 else self.program.ops[edge.index].interval.shifted(edge.shift)
            for edge in terms
        ]
        return adder_chain_bits(list(zip(intervals, [edge.negated for edge in terms], strict=True)), result)


def _within(operand: Operand, edge: Operand) -> Operand:
    """An operand of a value, scaled and signed as the edge from that value is."""
    return Operand(operand.index, operand.shift + edge.shift, operand.negated != edge.negated)


def _sibling(program: Program, edge: Operand, child: Operand) -> Operand:
    """The other operand of the sum that an edge comes from, scaled and signed as the edge is."""
    a, b = (_within(operand, edge) for operand in program.ops[edge.index].operands)
    return b if a == child else a
