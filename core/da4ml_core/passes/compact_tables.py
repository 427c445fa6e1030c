"""Compact tables: no entries that no operand reaches, one table for two in a row, none for what wiring gives."""

from __future__ import annotations

from itertools import pairwise

from da4ml_core.fixed import Interval
from da4ml_core.ir.opcode import Opcode
from da4ml_core.ir.program import Op, Operand, Program
from da4ml_core.ir.table import Lookup, Table
from da4ml_core.passes.rewriting import Rewriting, rewrite, use_counts


def compact_tables(program: Program) -> Program:
    """The same lookups in smaller tables, of which more are the same; a table of multiples is its operand, shifted."""
    uses = use_counts(program)

    def rule(new: Rewriting, op: Op) -> Operand:
        reads_alone = op.opcode is Opcode.LOOKUP and uses[program.ops[len(new.edges)].operands[0].index] == 1
        return _compact(new, _composed(new, op) if reads_alone else op)

    return rewrite(program, rule)


def _composed(new: Rewriting, op: Op) -> Op:
    """One lookup for two, if the results of the second have no more bits than those of the first that it goes by."""
    operand, lookup, inner = op.operands[0], op.attribute, new.ops[op.operands[0].index]
    if not isinstance(lookup, Lookup) or not isinstance(inner.attribute, Lookup):
        return op
    first, source = inner.attribute, new.interval(inner.operands[0])
    held = first.domain.contains(source) and lookup.domain.contains(new.interval(operand))
    if not held or inner.interval.width_bits < op.interval.width_bits:
        return op
    codes = Interval(0, 0, first.table.exp + operand.shift)
    entries = [lookup.reachable(codes._replace(lo=code, hi=code))[0] for code in first.reachable(source)]
    composed = Lookup(Table.of(entries, lookup.table.exp), source.lo, source.exp)
    return op._replace(operands=inner.operands, attribute=composed)


def _compact(new: Rewriting, op: Op) -> Operand:
    lookup = op.attribute
    if not isinstance(lookup, Lookup):
        return new.append(op)
    operand = op.operands[0]
    source = new.interval(operand)
    if not lookup.domain.contains(source):  # hardware, too, gives such a program no meaning
        return new.append(op)
    entries = lookup.reachable(source)
    table = Table.of(entries, lookup.table.exp)
    codes = table.entries
    if len(codes) > 1 and codes[0] == source.lo and all(b - a == 1 for a, b in pairwise(codes)):
        return operand._replace(shift=operand.shift + table.exp - source.exp)
    compact = Lookup(table, source.lo, source.exp)
    return new.append(op._replace(opcode=Opcode.LOOKUP, attribute=compact))
