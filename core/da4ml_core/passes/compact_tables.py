"""Compact tables: no entries that no operand reaches, no table for what wiring or one adder gives."""

from __future__ import annotations

from itertools import pairwise

from da4ml_core.ir.opcode import Opcode
from da4ml_core.ir.program import Op, Operand, Program
from da4ml_core.ir.table import Lookup, Table
from da4ml_core.passes.rewriting import Rewriting, rewrite


def compact_tables(program: Program) -> Program:
    """The same lookups in smaller tables, of which more are the same; a table of multiples is its operand, shifted."""
    return rewrite(program, _compact)


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
