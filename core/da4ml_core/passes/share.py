"""Common subexpressions: the same operation on the same values is made once, whichever matrix product asked for it."""

from __future__ import annotations

from da4ml_core.ir.affine import intersect
from da4ml_core.ir.opcode import Attribute, Opcode
from da4ml_core.ir.program import Op, Operand, Program
from da4ml_core.passes.rewriting import Rewriting, rewrite

Key = tuple[Opcode, tuple[Operand, ...], Attribute, tuple[int, int] | None]


def share(program: Program) -> Program:
    """The same program without repeated operations; a difference is also its opposite, where adders absorb the sign.

    Input ports stay, for they are the interface. Best in canonical form.
    """
    return rewrite(program, _Sharing(program))


class _Sharing:
    def __init__(self, program: Program) -> None:
        self.known: dict[Key, Operand] = {}
        self.absorbed = _absorbed(program)

    def __call__(self, new: Rewriting, op: Op) -> Operand:
        if op.opcode is Opcode.INPUT:
            return new.append(op)
        key = _key(op, op.operands)
        found = self.known.get(key)
        if found is not None:
            twin = new.ops[found.index]
            new.ops[found.index] = twin._replace(interval=intersect(twin.interval, op.interval))
            return found
        if op.opcode is Opcode.MUX:
            swapped = self._swapped(new, op)
            if swapped is not None:
                return swapped
        if op.opcode is Opcode.ADD and self.absorbed[len(new.edges)]:
            opposite = self.known.get(_key(op, tuple(edge._replace(negated=not edge.negated) for edge in op.operands)))
            if opposite is not None:
                return new.append(Op(Opcode.NEG, (opposite,), op.interval, None, op.origin))
        self.known[key] = new.append(op)
        return self.known[key]

    def _swapped(self, new: Rewriting, op: Op) -> Operand | None:
        """The same extremum of two values with both operands swapped: that by the sign of b - a for that of a - b.

        Where the difference is zero, the values are the same.
        """
        condition, negative, otherwise = op.operands
        difference = new.ops[condition.index]
        if difference.opcode is not Opcode.ADD or condition.negated or len(difference.operands) != 2:
            return None
        plus, minus = sorted(difference.operands, key=lambda edge: edge.negated)
        shift = negative.shift - (plus if plus.index == negative.index else minus).shift
        if not minus.negated or {negative, otherwise} != {_moved(plus, shift), _moved(minus, shift)}:
            return None
        opposite = tuple(edge._replace(negated=not edge.negated) for edge in difference.operands)
        for scale in (0, minus.shift - plus.shift, plus.shift - minus.shift):  # canonical form has one of them
            terms = tuple(edge._replace(shift=edge.shift + scale) for edge in opposite)
            against = self.known.get(_key(difference, terms))
            if against is not None:
                branches = (_moved(otherwise, -otherwise.shift), _moved(negative, -otherwise.shift))
                found = self.known.get(_key(op, (against, *branches)))
                if found is not None:
                    return found._replace(shift=found.shift + otherwise.shift)
        return None


def _moved(edge: Operand, shift: int) -> Operand:
    return Operand(edge.index, edge.shift + shift)


def _key(op: Op, operands: tuple[Operand, ...]) -> Key:
    if op.opcode is Opcode.ADD:
        operands = tuple(sorted(operands))
    constant = (op.interval.lo, op.interval.exp) if op.opcode is Opcode.CONST else None
    return op.opcode, operands, op.attribute, constant


def _absorbed(program: Program) -> list[bool]:
    """Whether all that reads a value is sums that would still have a positive term if its sign changed."""
    absorbed = [True] * program.num_ops
    for op in program.ops:
        positive = sum(not edge.negated for edge in op.operands)
        for edge in op.operands:
            if op.opcode is not Opcode.ADD or (not edge.negated and positive == 1):
                absorbed[edge.index] = False
    for edge in program.outputs:
        absorbed[edge.index] = False
    return absorbed
