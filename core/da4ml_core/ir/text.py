"""The text form of a program: printed for people, parsed back exactly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from da4ml_core.errors import Location, ParseError
from da4ml_core.fixed import FixedType, Interval, Overflow, Rounding
from da4ml_core.ir.opcode import Attribute, BitFunction, InputPort, Opcode, Quantization
from da4ml_core.ir.program import Op, Operand, Program, Shape
from da4ml_core.ir.table import Lookup, Table

_EDGE = re.compile(r'(-?)%(\d+)(?:(<<|>>)(\d+))?\Z')
_INTERVAL = re.compile(r'\[(-?\d+), (-?\d+)\](?:\*2\^(-?\d+))?\Z')
_QUANTIZATION = re.compile(r'(u?)fixed<(-?\d+),(-?\d+)> (\w+) (\w+)\Z')
_TABLE = re.compile(r't(\d+) \{(-?\d+(?:, -?\d+)*)\}(?:\*2\^(-?\d+))?\Z')
_LOOKUP = re.compile(r't(\d+) from (-?\d+)(?:\*2\^(-?\d+))?\Z')
_OP = re.compile(r'%(\d+) = (\w+)(?: (.*?))? : (\[[^\]]*\](?:\*2\^-?\d+)?)(?: +; (.*))?\Z')


def print_program(program: Program) -> str:
    """The program as text, one op a line::

    program sum
    inputs (2,)
    outputs (1,)
    %0 = input x[0] fixed<3,4> RND WRAP : [-128, 127]*2^-4
    %1 = input x[1] fixed<3,4> RND WRAP : [-128, 127]*2^-4
    %2 = add %0, -%1<<1 : [-382, 383]*2^-4  ; dense
    return %2

    Tables stand before the ops, as in ``table t0 {1, 3, 7}*2^-3``, and are looked up by ``lookup %0 in t0 from -1``.
    """
    lines = [
        f'program {program.name}',
        f'inputs {_shapes_text(program.input_shapes)}',
        f'outputs {_shapes_text(program.output_shapes)}',
    ]
    tables = table_numbers(program)
    for table, number in tables.items():
        lines.append(f'table t{number} {{{", ".join(map(str, table.entries))}}}{_scale_text(table.exp)}')
    for index, op in enumerate(program.ops):
        lines.append(op_text(index, op, tables) + (f'  ; {op.origin}' if op.origin else ''))
    lines.append(f'return {", ".join(str(edge) for edge in program.outputs)}')
    return '\n'.join(lines) + '\n'


def table_numbers(program: Program) -> dict[Table, int]:
    """The number by which the text of a program calls each table."""
    return {table: number for number, table in enumerate(program.tables)}


def op_text(index: int, op: Op, tables: Mapping[Table, int]) -> str:
    """One op as :func:`print_program` writes it, without its origin."""
    body = ', '.join(str(edge) for edge in op.operands)
    if isinstance(op.attribute, Lookup):
        lookup = op.attribute
        body = f'{body} in t{tables[lookup.table]} from {lookup.first}{_scale_text(lookup.exp)}'
    elif isinstance(op.attribute, BitFunction):
        body = f'{op.attribute} {body}'
    elif op.attribute is not None:
        body = f'{body} to {op.attribute}' if body else str(op.attribute)
    return f'%{index} = {op.opcode}{" " if body else ""}{body} : {op.interval}'


def _scale_text(exp: int) -> str:
    return f'*2^{exp}' if exp else ''


def parse_program(text: str, path: str = '<text>') -> Program:
    """The program of a text; raises ParseError with the line. Its laws are for ``verify`` to check."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if len(lines) < 4:
        raise ParseError('a program has a name, inputs, outputs, ops and a return', location=Location(path))
    name = _after(lines[0], 'program', path)
    input_shapes = _shapes(lines[1], 'inputs', path)
    output_shapes = _shapes(lines[2], 'outputs', path)
    tables = [_table(line, path) for line in lines[3:-1] if line[1].startswith('table ')]
    ops = tuple(_op(line, index, tables, path) for index, line in enumerate(lines[3 + len(tables) : -1]))
    returned = _after(lines[-1], 'return', path)
    outputs = tuple(_edge(part, lines[-1], path) for part in returned.split(', ') if part)
    return Program(name, ops, outputs, input_shapes, output_shapes)


Line = tuple[int, str]


def _fail(message: str, line: Line, path: str) -> ParseError:
    return ParseError(message, location=Location(path, line[0], 1, line[1], len(line[1])))


def _after(line: Line, keyword: str, path: str) -> str:
    head, _, rest = line[1].partition(' ')
    if head != keyword:
        raise _fail(f'expected {keyword!r}', line, path)
    return rest


def _shapes_text(shapes: Iterable[Shape]) -> str:
    return ' '.join('(' + ''.join(f'{extent},' for extent in shape) + ')' for shape in shapes)


def _shapes(line: Line, keyword: str, path: str) -> tuple[Shape, ...]:
    rest = _after(line, keyword, path)
    if not re.fullmatch(r'(\((\d+,)*\) ?)*', rest):
        raise _fail('a shape is written (3,4,)', line, path)
    return tuple(
        tuple(int(extent) for extent in shape.split(',') if extent) for shape in re.findall(r'\((.*?)\)', rest)
    )


def _op(line: Line, index: int, tables: Sequence[Table], path: str) -> Op:
    match = _OP.match(line[1])
    if match is None:
        raise _fail('an op is written %n = opcode operands : [lo, hi]*2^exp', line, path)
    number, name, body, interval, origin = match.groups()
    if int(number) != index:
        raise _fail(f'expected %{index}', line, path)
    try:
        opcode = Opcode(name)
    except ValueError:
        raise _fail(f'unknown operation {name!r}', line, path) from None
    operands, attribute = _body(opcode, body or '', tables, line, path)
    return Op(opcode, operands, _interval(interval, line, path), attribute, origin or '')


def _table(line: Line, path: str) -> Table:
    match = _TABLE.match(_after(line, 'table', path))
    if match is None:
        raise _fail('a table is written table t0 {1, 3, 7}*2^-3', line, path)
    return Table(tuple(int(code) for code in match[2].split(', ')), int(match[3] or 0))


def _lookup(text: str, tables: Sequence[Table], line: Line, path: str) -> Lookup:
    match = _LOOKUP.match(text)
    if match is None or int(match[1]) >= len(tables):
        raise _fail(f'{text!r} is not a table and the first operand it is for, like t0 from -8*2^-2', line, path)
    return Lookup(tables[int(match[1])], int(match[2]), int(match[3] or 0))


def _body(
    opcode: Opcode, body: str, tables: Sequence[Table], line: Line, path: str
) -> tuple[tuple[Operand, ...], Attribute]:
    if opcode is Opcode.INPUT:
        match = re.match(r'x\[(\d+)\] (.*)\Z', body)
        if match is None:
            raise _fail('an input is written x[n] type rounding overflow', line, path)
        return (), InputPort(int(match[1]), _quantization(match[2], line, path))
    if opcode is Opcode.LOOKUP:
        edge, _, table = body.partition(' in ')
        return (_edge(edge, line, path),), _lookup(table, tables, line, path)
    if opcode is Opcode.BITWISE:
        name, _, body = body.partition(' ')
        if name not in tuple(BitFunction):
            raise _fail(f'{name!r} is not one of {", ".join(BitFunction)}', line, path)
        return tuple(_edge(part, line, path) for part in body.split(', ')), BitFunction(name)
    edges, _, attribute = body.partition(' to ')
    operands = tuple(_edge(part, line, path) for part in edges.split(', ') if part)
    return operands, _quantization(attribute, line, path) if attribute else None


def _edge(text: str, line: Line, path: str) -> Operand:
    match = _EDGE.match(text)
    if match is None:
        raise _fail(f'{text!r} is not an edge like -%3<<2', line, path)
    sign, index, direction, amount = match.groups()
    shift = int(amount or 0)
    return Operand(int(index), -shift if direction == '>>' else shift, sign == '-')


def _interval(text: str, line: Line, path: str) -> Interval:
    match = _INTERVAL.match(text)
    if match is None:
        raise _fail(f'{text!r} is not an interval like [-8, 7]*2^-2', line, path)
    return Interval.check(int(match[1]), int(match[2]), int(match[3] or 0))


def _quantization(text: str, line: Line, path: str) -> Quantization:
    match = _QUANTIZATION.match(text)
    if match is None:
        raise _fail(f'{text!r} is not a quantization like fixed<3,4> RND WRAP', line, path)
    unsigned, int_bits, frac_bits, rounding, overflow = match.groups()
    try:
        modes = Rounding(rounding), Overflow(overflow)
    except ValueError:
        raise _fail(f'unknown mode in {text!r}', line, path) from None
    return Quantization(FixedType(not unsigned, int(int_bits), int(frac_bits)), *modes)
