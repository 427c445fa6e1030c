"""Remove the operations that no output depends on; input ports stay, for they are the interface."""

from __future__ import annotations

from dataclasses import replace

from da4ml_core.ir.opcode import Opcode
from da4ml_core.ir.program import Operand, Program


def eliminate_dead_code(program: Program) -> Program:
    """The same program with only the live operations, in the same order."""
    live = [op.opcode is Opcode.INPUT for op in program.ops]
    for edge in program.outputs:
        live[edge.index] = True
    for index in range(program.num_ops - 1, -1, -1):
        if live[index]:
            for edge in program.ops[index].operands:
                live[edge.index] = True
    if all(live):
        return program
    number = {old: new for new, old in enumerate(index for index, alive in enumerate(live) if alive)}

    def moved(edge: Operand) -> Operand:
        return edge._replace(index=number[edge.index])

    ops = tuple(op.renumbered(number) for op, alive in zip(program.ops, live, strict=True) if alive)
    return replace(program, ops=ops, outputs=tuple(moved(edge) for edge in program.outputs))
