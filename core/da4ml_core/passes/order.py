"""Live-range order: values are made shortly before they are used, so that few are alive at a time."""

from __future__ import annotations

from dataclasses import replace

from da4ml_core.ir.opcode import Opcode
from da4ml_core.ir.program import Operand, Program


def order(program: Program) -> Program:
    """The same operations, depth first from the outputs, if that keeps fewer values alive; inputs come first."""
    ordered = _depth_first(program)
    return ordered if peak_live(ordered) < peak_live(program) else program


def peak_live(program: Program) -> int:
    """The most values that are made and still needed at one point of the program."""
    last = list(range(program.num_ops))
    for index, op in enumerate(program.ops):
        for edge in op.operands:
            last[edge.index] = index
    for edge in program.outputs:
        last[edge.index] = program.num_ops
    ends = [0] * (program.num_ops + 1)
    for index in last:
        ends[index] += 1
    alive = peak = 0
    for index in range(program.num_ops):
        alive += 1
        peak = max(peak, alive)
        alive -= ends[index]
    return peak


def _depth_first(program: Program) -> Program:
    need = _needs(program)
    number: dict[int, int] = {}
    for index, op in enumerate(program.ops):
        if op.opcode is Opcode.INPUT:
            number[index] = len(number)
    roots = [edge.index for edge in program.outputs] + list(range(program.num_ops))
    for root in roots:
        pending = [root]
        while pending:
            index = pending[-1]
            missing = [edge.index for edge in program.ops[index].operands if edge.index not in number]
            if index in number or not missing:
                number.setdefault(index, len(number))
                pending.pop()
            else:
                pending.extend(sorted(set(missing), key=lambda value: (need[value], value)))  # the neediest first

    def moved(edge: Operand) -> Operand:
        return edge._replace(index=number[edge.index])

    places = sorted(number, key=number.__getitem__)
    ops = tuple(program.ops[index].renumbered(number) for index in places)
    return replace(program, ops=ops, outputs=tuple(moved(edge) for edge in program.outputs))


def _needs(program: Program) -> list[int]:
    """How many values each op keeps alive, as if it were a tree (the labels of Sethi and Ullman, J. ACM 17, 1970)."""
    needs: list[int] = []
    for op in program.ops:
        below = sorted((needs[edge.index] for edge in op.operands), reverse=True)
        needs.append(max((need + place for place, need in enumerate(below)), default=1))
    return needs
