"""The verifier: every law of the intermediate representation, checked on a whole program."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from da4ml_core.errors import VerificationError
from da4ml_core.fixed import Overflow, Rounding
from da4ml_core.ir.affine import derived_intervals
from da4ml_core.ir.opcode import SPECS, InputPort, Opcode, Quantization
from da4ml_core.ir.program import Op, Operand, Program
from da4ml_core.ir.table import MAX_ENTRIES, Lookup

MAX_SCALE = 1 << 16  # of an exponent or a shift: codes of any size take as many digits in a file, scales few


def verify(program: Program) -> Program:
    """The program itself; raises VerificationError with all violations: structure first, ranges if that is sound."""
    violations = list(_scale_violations(program))
    if not violations:
        violations = [*_shape_violations(program), *_structure_violations(program)]
    if not violations:
        violations = list(_range_violations(program))
    if violations:
        raise VerificationError(violations)
    return program


def _scale_violations(program: Program) -> Iterator[str]:
    for index, op in enumerate(program.ops):
        scales = [op.interval.exp, *(edge.shift for edge in op.operands)]
        attribute = op.attribute.quantization if isinstance(op.attribute, InputPort) else op.attribute
        if isinstance(attribute, Quantization):
            scales += attribute.type[1:]
        elif isinstance(attribute, Lookup):
            scales += (attribute.exp, attribute.table.exp)
        if max(scales) > MAX_SCALE or min(scales) < -MAX_SCALE:
            yield f'%{index} ({op.opcode}): an exponent or a shift beyond {MAX_SCALE}'
    for position, edge in enumerate(program.outputs):
        if abs(edge.shift) > MAX_SCALE:
            yield f'output {position}: a shift beyond {MAX_SCALE}'


def _shape_violations(program: Program) -> Iterator[str]:
    for kind, shapes in (('input', program.input_shapes), ('output', program.output_shapes)):
        for shape in shapes:
            if any(extent < 1 for extent in shape):
                yield f'{kind} shape {shape} has an empty axis'
    elements = sum(prod(shape) for shape in program.output_shapes)
    if elements != len(program.outputs):
        yield f'the output shapes hold {elements} elements, but there are {len(program.outputs)} outputs'
    for position, edge in enumerate(program.outputs):
        where = f'output {position}'
        yield from _edge_violations(edge, program.num_ops, negatable=False, where=where)


def _structure_violations(program: Program) -> Iterator[str]:
    elements = program.num_inputs
    for index, op in enumerate(program.ops):
        spec = SPECS.get(op.opcode)
        where = f'%{index} ({op.opcode})'
        if spec is None:
            yield f'{where}: unknown operation'
            continue
        if not spec.min_operands <= len(op.operands) <= spec.max_operands:
            yield f'{where}: {len(op.operands)} operands, not {spec.min_operands} to {spec.max_operands}'
            continue
        for place, edge in enumerate(op.operands):
            negatable = spec.negatable or (op.opcode is Opcode.MUX and place == 0)
            yield from _edge_violations(edge, index, negatable=negatable, where=where)
        expected = spec.attribute
        given = None if op.attribute is None else type(op.attribute)
        if given is not expected and not (given is None and spec.attribute_optional):
            yield f'{where}: the attribute {op.attribute} is not of the kind that the operation takes'
            continue
        yield from _opcode_violations(program, op, where, elements)


def _edge_violations(edge: Operand, before: int, *, negatable: bool, where: str) -> Iterator[str]:
    if not 0 <= edge.index < before:
        yield f'{where}: the edge {edge} does not come from an earlier value'
    if edge.negated and not negatable:
        yield f'{where}: the edge {edge} is negated, which only an adder or a condition absorbs'


def _opcode_violations(program: Program, op: Op, where: str, elements: int) -> Iterator[str]:
    if op.interval.lo > op.interval.hi:
        yield f'{where}: the interval {op.interval} is reversed'
    if op.opcode is Opcode.ADD and op.operands and all(edge.negated for edge in op.operands):
        yield f'{where}: all operands are negated'
    if op.opcode is Opcode.CONST and not op.interval.is_constant:
        yield f'{where}: the interval {op.interval} is not a single value'
    if isinstance(op.attribute, InputPort) and not 0 <= op.attribute.position < elements:
        yield f'{where}: position {op.attribute.position} is not one of the {elements} input elements'
    if op.opcode is Opcode.MUX and op.operands[0].negated and 0 <= op.operands[0].index < program.num_ops:
        bit = program.ops[op.operands[0].index].interval
        if bit.lo < 0 or bit.hi > 1:
            yield f'{where}: the negated condition {op.operands[0]} has more than one bit: {bit}'
    if op.opcode is Opcode.RELU and isinstance(op.attribute, Quantization):
        kind, rounding, overflow = op.attribute
        if kind.signed or rounding is not Rounding.TRN or overflow is not Overflow.WRAP:
            yield f'{where}: {op.attribute} is not an unsigned type with TRN and WRAP'
    if isinstance(op.attribute, Lookup):
        yield from _lookup_violations(program, op, op.attribute, where)


def _lookup_violations(program: Program, op: Op, lookup: Lookup, where: str) -> Iterator[str]:
    size = len(lookup.table)
    if not 1 <= size <= MAX_ENTRIES:
        yield f'{where}: a table has 1 to {MAX_ENTRIES} entries, not {size}'
    elif op.operands and 0 <= op.operands[0].index < program.num_ops:
        operand = program.edge_interval(op.operands[0])
        if not lookup.domain.contains(operand):
            yield f'{where}: the table is for {lookup.domain}, which does not hold the operand {operand}'


def _range_violations(program: Program) -> Iterator[str]:
    for index, (op, derived) in enumerate(zip(program.ops, derived_intervals(program), strict=True)):
        if not op.interval.contains(derived):
            yield f'%{index} ({op.opcode}): the interval {op.interval} does not hold the exact result {derived}'
